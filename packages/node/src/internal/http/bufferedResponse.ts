/** Web streams cost more CPU time than the rest of a request, so only `formData` uses them. */
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { bytesOf, textOf, writeHeaders } from "./answerParts.ts"
import type { WireAnswer } from "./exchange.ts"
import { bare, decodeError } from "./faults.ts"

export const tooLargeCode = "ERR_BODY_TOO_LARGE"

type Failure = HttpClientError.HttpClientError

const headerPrototype: object = Object.getPrototypeOf(Headers.empty)

const toHeaders = (given: WireAnswer["headers"]): Headers.Headers => {
  const headers: Record<string, string> = Object.create(headerPrototype)
  return writeHeaders(given, headers) as Headers.Headers
}

export class BufferedResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse, Pipeable {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  private readonly source: URL
  private readonly answer: WireAnswer
  private readonly limit: number
  private knownHeaders: Headers.Headers | undefined
  private knownCookies: Cookies.Cookies | undefined
  private knownBytes: Result.Result<Uint8Array, Failure> | undefined

  constructor(request: HttpClientRequest.HttpClientRequest, source: URL, answer: WireAnswer, limit: number) {
    super()
    this.request = request
    this.source = source
    this.answer = answer
    this.limit = limit
  }

  get url(): string {
    return this.source.href.replace(/#.*$/s, "")
  }

  get status(): number {
    return this.answer.status
  }

  get headers(): Headers.Headers {
    return (this.knownHeaders ??= toHeaders(this.answer.headers))
  }

  get cookies(): Cookies.Cookies {
    return (this.knownCookies ??= Cookies.fromSetCookie(this.answer.headers["set-cookie"] ?? []))
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  private get bytes(): Result.Result<Uint8Array, Failure> {
    return (this.knownBytes ??= this.decode())
  }

  private decode(): Result.Result<Uint8Array, Failure> {
    return Result.mapError(bytesOf(this.answer, this.limit), (problem) =>
      problem === "too-large"
        ? decodeError(this.bare, `the body is larger than ${this.limit} bytes, so it is not returned`, tooLargeCode)
        : decodeError(this.bare, "the body cannot be decompressed with the method in the header content-encoding")
    )
  }

  /** A copy of this response for errors. The copy and its request have no headers, no body and no query. */
  private get bare(): BufferedResponse {
    const { status } = this.answer
    const answer: WireAnswer = { status, headers: {}, body: new Uint8Array(0), isTooLarge: false }
    // `new URL(pathname, source)` would take a path that begins with `//` for a host.
    const url = new URL(this.source.href.replace(/[?#].*$/s, ""))
    return new BufferedResponse(bare(this.request), url, answer, this.limit)
  }

  private read<A>(use: (bytes: Uint8Array) => A, problem: string): Effect.Effect<A, Failure> {
    // A parser's error message is left out, because the message may quote a secret.
    return Effect.suspend(() =>
      Effect.fromResult(
        Result.flatMap(this.bytes, (bytes) =>
          Result.mapError(
            Result.try(() => use(bytes)),
            () => decodeError(this.bare, problem)
          )
        )
      )
    )
  }

  get text(): Effect.Effect<string, Failure> {
    const { bytes } = this
    return Result.isSuccess(bytes) ? Effect.succeed(textOf(bytes.success)) : Effect.fail(bytes.failure)
  }

  get json(): Effect.Effect<Schema.Json, Failure> {
    return this.read((bytes) => {
      const text = textOf(bytes)
      return text === "" ? null : (JSON.parse(text) as Schema.Json)
    }, "the body is not JSON")
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, Failure> {
    return this.read((bytes) => new Uint8Array(bytes).buffer, "the body cannot be copied")
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, Failure> {
    return this.read((bytes) => UrlParams.fromInput(new URLSearchParams(textOf(bytes))), "the body is not a form")
  }

  get formData(): Effect.Effect<FormData, Failure> {
    return Effect.flatMap(this.arrayBuffer, (body) =>
      Effect.tryPromise({
        try: () => new Response(body, { headers: { "content-type": this.headers["content-type"] ?? "" } }).formData(),
        catch: () => decodeError(this.bare, "the body is not a form")
      })
    )
  }

  get stream(): Stream.Stream<Uint8Array, Failure> {
    return Stream.suspend(() => {
      const { bytes } = this
      if (Result.isFailure(bytes)) return Stream.fail(bytes.failure)
      return bytes.success.byteLength === 0 ? Stream.empty : Stream.succeed(bytes.success)
    })
  }

  get upgrade(): Effect.Effect<never, Failure> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: bare(this.request),
          response: this.bare,
          description: "this client does not upgrade connections"
        })
      })
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}
