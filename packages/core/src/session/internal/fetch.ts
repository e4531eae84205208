/** A function like the standard `fetch` that sends requests with an `AuthorizedClient`. */
import * as Effect from "effect/Effect"
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
import * as WebResponse from "./webResponse.ts"

/** Each platform's `fetch` has its own argument types. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0]
export type FetchInit = NonNullable<Parameters<typeof globalThis.fetch>[1]>

/** As with the standard `fetch`, the body fails when the signal is aborted. */
const abortable = (body: ReadableStream<Uint8Array>, signal: AbortSignal) =>
  body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal })

const validRequest = "Pass an absolute URL, and options that the standard fetch accepts."
const newBody = "Send the request again with a new body."

const invalid = (broker: string, problem: string, advice: string) =>
  AuthError.make(
    broker,
    "fetch",
    new AuthError.InvalidRequest({
      problems: [{ field: "request", problem }],
      advice: `Nothing was sent. ${advice}`
    })
  )

// `makeRequest` and `readBody` do not keep the original error, because its text may contain secrets.

const makeRequest = (broker: string, input: FetchInput, init: FetchInit | undefined) =>
  Effect.try({
    try: () => new Request(input, init),
    catch: () =>
      input instanceof Request && (input.bodyUsed || input.body?.locked === true)
        ? invalid(broker, "has a body that was already read", newBody)
        : invalid(broker, "is not a request that fetch accepts", validRequest)
  })

/** Reads the whole body, because the client may send the request twice. */
const readBody = (broker: string, body: ReadableStream<Uint8Array>) =>
  Effect.tryPromise({
    try: (signal) => new Response(abortable(body, signal)).arrayBuffer(),
    catch: () =>
      invalid(broker, "has a body that cannot be read", `Find out why the stream of the body failed. ${newBody}`)
  })

const readRequest = (broker: string, input: FetchInput, init: FetchInit | undefined) =>
  Effect.gen(function* () {
    const request = yield* makeRequest(broker, input, init)
    const wire = HttpClientRequest.fromWeb(request)
    const { body, headers, url } = request
    if (body === null) return { url, wire }
    const bytes = new Uint8Array(yield* readBody(broker, body))
    const contentType = headers.get("content-type")
    const withBody = HttpClientRequest.setBody(wire, HttpBody.uint8Array(bytes, contentType ?? undefined))
    // `HttpBody.uint8Array` always sets a content type. The standard `fetch` sets none if the request has none.
    return { url, wire: contentType === null ? HttpClientRequest.removeHeader(withBody, "content-type") : withBody }
  })

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "the host")

/** Returns an error that does not contain the request. */
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

const toResponse = (
  url: string,
  response: HttpClientResponse.HttpClientResponse,
  signal: AbortSignal | undefined
): Response => {
  const web = Option.getOrElse(HttpClientResponse.toWeb(response), () =>
    WebResponse.make(Stream.toReadableStream(response.stream), { status: response.status, headers: response.headers })
  )
  const { headers, status, statusText } = web
  const made =
    signal === undefined || web.body === null
      ? web
      : WebResponse.make(abortable(web.body, signal), { headers, status, statusText })
  return made.url === "" ? Object.defineProperty(made, "url", { value: url }) : made
}

const requestDefaults = {
  cache: "default",
  credentials: "same-origin",
  integrity: "",
  keepalive: false,
  redirect: "follow",
  referrerPolicy: ""
} as const

/** Leaves out each option that has its default value, because some platforms do not support every option. */
const optionsOf = (request: Request): FetchInit =>
  Object.fromEntries(
    Object.entries(requestDefaults).flatMap(([name, standard]) => {
      const value = request[name as keyof typeof requestDefaults]
      return value === undefined || value === standard ? [] : [[name, value]]
    })
  )

/**
 * Returns the options for the platform's `fetch`, such as Node's `dispatcher`. In requests to the broker, the option
 * `redirect` has no effect.
 */
const extrasOf = (input: FetchInput, init: FetchInit | undefined): FetchInit => {
  const { body: _b, headers: _h, method: _m, signal: _s, ...extras } = init ?? {}
  return input instanceof Request ? { ...optionsOf(input), ...extras } : extras
}

/** As with the standard `fetch`, `signal: null` removes the signal of a `Request`. */
const signalOf = (input: FetchInput, init: FetchInit | undefined): AbortSignal | undefined => {
  const given = init?.signal
  return (given === undefined && input instanceof Request ? input.signal : given) ?? undefined
}

export const make =
  (
    broker: string,
    client: AuthorizedClient["Service"],
    run: <A>(effect: Effect.Effect<A, Failure>, signal: AbortSignal | undefined) => Promise<A>
  ) =>
  (input: FetchInput, given?: FetchInit | null): Promise<Response> => {
    const init = given ?? undefined
    const signal = signalOf(input, init)
    const extras = extrasOf(input, init)
    const send = Effect.flatMap(readRequest(broker, input, init), ({ url, wire }) =>
      Effect.map(client.execute(wire), (response) => toResponse(url, response, signal))
    ).pipe(Effect.mapError(toAuthError(broker)))
    return run(
      Object.keys(extras).length === 0 ? send : Effect.provideService(send, FetchHttpClient.RequestInit, extras),
      signal
    )
  }
