/** Makes a function like the standard `fetch` that sends its requests with an `HttpClient`. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { connectionFault } from "../../broker/internal/connectionFault.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { AuthorizedClient } from "../AuthorizedClient.ts"
import type { Failure } from "../SessionManager.ts"

/** The types of the arguments of `fetch` on this platform (Node, browser and so on). */
export type FetchInput = Parameters<typeof globalThis.fetch>[0]
export type FetchInit = NonNullable<Parameters<typeof globalThis.fetch>[1]>

const invalid = (broker: string, problem: string) =>
  AuthError.make(
    broker,
    "fetch",
    new AuthError.InvalidRequest({
      problems: [{ field: "request", problem }],
      advice: "Nothing was sent. Pass an absolute URL, and options that the standard fetch accepts."
    })
  )

/** Reads the request and its whole body, because a stream could not be sent a second time. */
const readRequest = (broker: string, input: FetchInput, init: FetchInit | undefined) =>
  Effect.gen(function* () {
    const request = yield* Effect.try({
      try: () => new Request(input, init),
      // The failure is not kept, because its text may contain the URL, and the query of the URL may contain a secret.
      catch: () => invalid(broker, "is not a request that fetch accepts")
    })
    const wire = HttpClientRequest.fromWeb(request)
    const body = request.body === null ? undefined : yield* Effect.promise(() => request.arrayBuffer())
    if (body === undefined) return { url: request.url, wire }
    const contentType = request.headers.get("content-type") ?? undefined
    const withBody = HttpClientRequest.setBody(wire, HttpBody.uint8Array(new Uint8Array(body), contentType))
    return { url: request.url, wire: withBody }
  })

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "the host")

/** Converts the HTTP client's error to an error that does not contain the request. */
const toAuthError =
  (broker: string) =>
  (error: Failure | HttpClientError.HttpClientError): Failure => {
    if (!HttpClientError.isHttpClientError(error)) return error
    const { url } = error.request
    const { systemCode, why } = connectionFault(error, url)
    const { reason } = error
    const description = "description" in reason ? reason.description : undefined
    const isTimeout = description?.startsWith("no answer came within") === true
    return AuthError.make(
      broker,
      "fetch",
      new AuthError.BrokerUnavailable({
        why: isTimeout ? "time-out" : why === "get-body" ? "network" : why,
        systemCode,
        advice: `The request to ${hostOf(url)} failed. Check the network, then send it again if it is safe to send twice.`
      })
    )
  }

/** Makes a body that ends with an error when the signal is aborted, as with the standard `fetch`. */
const abortable = (body: ReadableStream<Uint8Array> | null, signal: AbortSignal | undefined) =>
  body === null || signal === undefined
    ? body
    : body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal })

const toResponse = (
  url: string,
  response: HttpClientResponse.HttpClientResponse,
  signal: AbortSignal | undefined
): Response => {
  const web = Option.getOrElse(
    HttpClientResponse.toWeb(response),
    () => new Response(Stream.toReadableStream(response.stream), { status: response.status, headers: response.headers })
  )
  const { headers, status, statusText } = web
  const made = signal === undefined ? web : new Response(abortable(web.body, signal), { headers, status, statusText })
  return made.url === "" ? Object.defineProperty(made, "url", { value: url }) : made
}

/** Returns the options that are passed to `fetch` unchanged, such as `dispatcher` of Node. */
const extrasOf = ({ body: _b, headers: _h, method: _m, signal: _s, ...extras }: FetchInit): FetchInit => extras

/** Makes the function `fetch` of a connection. `run` runs an effect, and fails if the connection is closed. */
export const make =
  (
    broker: string,
    client: AuthorizedClient["Service"],
    run: <A>(effect: Effect.Effect<A, Failure>, signal: AbortSignal | undefined) => Promise<Exit.Exit<A, Failure>>
  ) =>
  (input: FetchInput, init?: FetchInit): Promise<Response> => {
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
    const extras = init === undefined ? {} : extrasOf(init)
    const send = Effect.flatMap(readRequest(broker, input, init), ({ url, wire }) =>
      Effect.map(client.execute(wire), (response) => toResponse(url, response, signal ?? undefined))
    ).pipe(Effect.mapError(toAuthError(broker)))
    const sent =
      Object.keys(extras).length === 0 ? send : Effect.provideService(send, FetchHttpClient.RequestInit, extras)
    return run(sent, signal ?? undefined).then((exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      // If the signal was aborted, the standard `fetch` rejects with the reason of the signal.
      throw signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)
    })
  }
