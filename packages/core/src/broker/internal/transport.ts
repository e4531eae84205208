import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as PlainHttp from "../PlainHttp.ts"
import { connectionFault, type ConnectionFault } from "./connectionFault.ts"
import * as RedirectGuard from "./redirectGuard.ts"
import { systemCode } from "./systemCode.ts"

/**
 * A request whose headers and body contain secrets as plain text. Use this type only in this module and in modules that
 * call this module.
 */
export interface WireRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly url: string
  /** The query parameters. They are not part of `url`, so that a client that shows the URL does not show secrets. */
  readonly query: Readonly<Record<string, string | Redacted.Redacted<string>>>
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

export interface WireResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * Why a call got no usable answer. The error of the HTTP client is not kept, because it contains the request with its
 * body.
 */
export class TransportFailure extends Data.TaggedError("TransportFailure")<{
  readonly why: ConnectionFault["why"] | "time-out" | "too-large"
  readonly status?: number
  readonly systemCode?: string | undefined
}> {}

export interface TransportOptions {
  readonly timeout: Duration.Duration
  readonly maxBodyBytes: number
}

const timedOut = Effect.fail(new TransportFailure({ why: "time-out" }))

const tooLarge = (status: number) => new TransportFailure({ why: "too-large", status })

const toFailure = (error: HttpClientError.HttpClientError) =>
  error.response !== undefined && systemCode(error) === "ERR_BODY_TOO_LARGE"
    ? tooLarge(error.response.status)
    : new TransportFailure(connectionFault(error, error.request.url))

const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  headers: WireResponse["headers"],
  limit: number
): Effect.Effect<string, TransportFailure> => {
  const announced = Number(headers["content-length"] ?? "unknown")
  if (announced > limit) return Effect.fail(tooLarge(response.status))
  // If the body is not compressed, `content-length` limits its size. If the body is compressed, `content-length` is
  // only the compressed size, so the size must be checked while the body is read.
  if (announced >= 0 && headers["content-encoding"] === undefined) {
    return Effect.mapError(response.text, toFailure)
  }
  return readStream(response, limit)
}

const readStream = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse, limit: number) {
  const decoder = new TextDecoder()
  let text = ""
  let size = 0
  yield* Stream.runForEach(response.stream, (chunk) => {
    size += chunk.byteLength
    if (size > limit) return Effect.fail(tooLarge(response.status))
    text += decoder.decode(chunk, { stream: true })
    return Effect.void
  }).pipe(
    Effect.catchTag("HttpClientError", (error) =>
      error.reason._tag === "EmptyBodyError" ? Effect.void : Effect.fail(toFailure(error))
    )
  )
  return text + decoder.decode()
})

/**
 * Adds the header `content-length` to a GET with a body. Without this header, `node:http` sends the body of a GET with
 * neither `content-length` nor chunked encoding, so a server cannot read the body.
 */
const withLength = ({ body, headers, method }: WireRequest): Record<string, string> =>
  method === "GET" && body !== undefined
    ? { ...headers, "content-length": String(new TextEncoder().encode(body).byteLength) }
    : headers

const toHttpRequest = (wire: WireRequest) => {
  const { body, headers, method, query, url } = wire
  return Object.entries(query).reduce(
    (request, [name, value]) => HttpClientRequest.setUrlParam(request, name, value),
    HttpClientRequest.makeWith(
      method,
      url,
      UrlParams.empty,
      Option.none(),
      Headers.fromInput(withLength(wire)),
      body === undefined ? HttpBody.empty : HttpBody.text(body, headers["content-type"] ?? "application/json")
    )
  )
}

/** The answer for a redirect that was not followed. A browser reports such a redirect with the same values. */
const redirected: WireResponse = { status: 0, headers: {}, text: "" }

const execute = (
  client: HttpClient.HttpClient,
  request: WireRequest,
  maxBodyBytes: number
): Effect.Effect<WireResponse, TransportFailure | RedirectGuard.RedirectFollowed> =>
  RedirectGuard.execute(client, toHttpRequest(request), maxBodyBytes).pipe(
    Effect.catchTag("HttpClientError", (error) => Effect.fail(toFailure(error))),
    Effect.flatMap((response) => {
      // The headers are read only once, because Effect's client for `fetch` builds them again at each access. For
      // twelve headers, each access costs 5 µs.
      const { headers, status } = response
      return Effect.map(readBody(response, headers, maxBodyBytes), (text): WireResponse => ({
        status,
        headers,
        text
      }))
    }),
    Effect.catchTag("RedirectStopped", () => Effect.succeed(redirected))
  )

/** Longest time of a timer, in milliseconds. */
const longestTimer = 2_147_483_647

const withQuery = ({ query, url }: WireRequest): string => {
  const parameters = Object.entries(query)
  if (parameters.length === 0) return url
  const address = new URL(url)
  for (const [name, value] of parameters) {
    address.searchParams.append(name, Redacted.isRedacted(value) ? Redacted.value(value) : value)
  }
  return address.href
}

const resultOf = (
  answer: PlainHttp.Answer,
  url: string
): Effect.Effect<WireResponse, TransportFailure | RedirectGuard.RedirectFollowed> => {
  const followed = answer.url === undefined ? undefined : RedirectGuard.followedTo(answer.url, url, answer.status)
  if (followed !== undefined) return Effect.fail(followed)
  return answer.isTooLarge ? Effect.fail(tooLarge(answer.status)) : Effect.succeed(answer)
}

/** Suspends the fiber once. Without `millis`, there is no time-out. */
const sendPlainly = (
  send: PlainHttp.Send,
  wire: WireRequest,
  maxBodyBytes: number,
  millis?: number
): Effect.Effect<WireResponse, TransportFailure | RedirectGuard.RedirectFollowed> =>
  Effect.callback<WireResponse, TransportFailure | RedirectGuard.RedirectFollowed>((resume) => {
    const { body, method, url } = wire
    const cancel = send(
      { method, url: withQuery(wire), headers: withLength(wire), body, maxBodyBytes },
      {
        onAnswer: (answer) => {
          clearTimeout(timer)
          resume(resultOf(answer, url))
        },
        onError: (error) => {
          clearTimeout(timer)
          resume(Effect.fail(new TransportFailure(connectionFault(error, url))))
        }
      }
    )
    const expire = () => {
      cancel()
      resume(timedOut)
    }
    // oxlint-disable-next-line no-restricted-globals -- `Effect.sleep` would need a second fiber for each call
    const timer = millis === undefined ? undefined : setTimeout(expire, millis)
    return Effect.sync(() => {
      clearTimeout(timer)
      cancel()
    })
  })

/** The clock of programs that do not set one. A test clock does not move timers of the runtime. */
const systemClock = Context.get(Context.empty(), Clock.Clock)

/** Sends a request of `fiber` once and reads the whole answer, within the time-out. */
export const send = (
  client: HttpClient.HttpClient,
  request: WireRequest,
  options: TransportOptions,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<WireResponse, TransportFailure | RedirectGuard.RedirectFollowed> => {
  const { maxBodyBytes, timeout } = options
  const plain = PlainHttp.sendOf(client, fiber)
  const millis = Duration.toMillis(timeout)
  if (plain !== undefined && fiber.getRef(Clock.Clock) === systemClock && millis <= longestTimer) {
    return sendPlainly(plain, request, maxBodyBytes, millis)
  }
  const exchange =
    plain === undefined ? execute(client, request, maxBodyBytes) : sendPlainly(plain, request, maxBodyBytes)
  return Effect.timeoutOrElse(exchange, { duration: timeout, orElse: () => timedOut })
}
