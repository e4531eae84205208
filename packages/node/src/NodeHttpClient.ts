/**
 * An HTTP client for the calls of brokers: a request is sent once, and its answer is read completely. It needs much less
 * time per call than clients that read the answer as a stream.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import { AnswerLimit } from "@auth/broker-core/broker/AnswerLimit"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { bodyOf } from "./internal/http/requestBody.ts"
import { BufferedResponse } from "./internal/http/bufferedResponse.ts"
import type * as dispatchers from "./internal/http/dispatcher.ts"
import type { Limits, Transport, WireRequest } from "./internal/http/exchange.ts"
import * as faults from "./internal/http/faults.ts"
import { transportOf } from "./internal/http/transports.ts"

export type {
  /**
   * A dispatcher of undici, such as its `Agent` or `ProxyAgent`. Versions 6 to 8 of undici fit.
   *
   * @category models
   * @since 0.1.0
   */
  Dispatcher
} from "./internal/http/dispatcher.ts"

/**
 * Options of the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Maximum number of connections to each origin. Further requests wait for a connection. Default: 64. A dispatcher that
   * the program has set, for example a proxy, has its own maximum.
   */
  readonly connections?: number | undefined
  /**
   * Maximum size of an answer, in bytes. The calls of a broker's layer have a maximum of their own, the option
   * `maxBodyBytes` of the layer. Default: 1,048,576.
   */
  readonly maxBodyBytes?: number | undefined
  /** Maximum time between sending a request and the headers of its answer. Default: 30 seconds. */
  readonly headersTimeout?: Duration.Input | undefined
  /** Maximum time between two pieces of an answer's body. Default: 30 seconds. */
  readonly bodyTimeout?: Duration.Input | undefined
  /**
   * A dispatcher of undici that sends the requests. The program closes it. Default: the dispatcher that Node contains.
   * Example: `new ProxyAgent("http://proxy.example:8080")` of the package `undici`.
   */
  readonly dispatcher?: dispatchers.Dispatcher | undefined
  /**
   * `"effect"`: each request has a span, and its headers contain the ids of the span, as with Effect's own clients. The
   * references of `HttpClient`, such as `TracerPropagationEnabled`, apply. Default: no span and no such headers.
   */
  readonly tracing?: "effect" | undefined
}

type Run = (
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  fiber: Fiber.Fiber<unknown, unknown>
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const problemOf = ({ password, protocol, username }: URL): string | undefined => {
  if (protocol !== "https:" && protocol !== "http:") return "the URL must begin with https: or http:"
  return username === "" && password === "" ? undefined : "the URL must not contain a user name or a password"
}

/** Firewalls refuse requests without these headers. `fetch` of Node sends the same values. */
const defaultHeaders = { accept: "*/*", "user-agent": "node" }

const wireOf = (
  { headers, method }: HttpClientRequest.HttpClientRequest,
  { origin, pathname, search }: URL,
  body: WireRequest["body"]
): WireRequest => ({ origin, path: pathname + search, method, headers: { ...defaultHeaders, ...headers }, body })

const exchange = (
  transport: Transport,
  limits: Limits,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  wire: WireRequest
) =>
  Effect.callback<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
    const sent = transport.send(wire, limits, {
      onAnswer: (answer) => resume(Effect.succeed(new BufferedResponse(request, url, answer, limits.maxBodyBytes))),
      onError: (error) => resume(Effect.fail(faults.transportError(request, error)))
    })
    return Effect.sync(() => sent.cancel())
  })

/** Sends a request whose URL is known. The fiber is suspended once, until the whole answer is here. */
const runWith =
  (transport: Transport, limits: Limits): Run =>
  (request, url, fiber) => {
    const problem = problemOf(url)
    if (problem !== undefined) return Effect.fail(faults.invalidUrl(request, problem))
    const maxBodyBytes = fiber.getRef(AnswerLimit) ?? limits.maxBodyBytes
    const own = maxBodyBytes === limits.maxBodyBytes ? limits : { ...limits, maxBodyBytes }
    const body = bodyOf(request)
    if (body !== undefined) return exchange(transport, own, request, url, wireOf(request, url, body))
    return Effect.fail(
      faults.encodeError(request, "the body is a form with files or a stream, which this client does not send")
    )
  }

/**
 * Like `HttpClient.make`, but without a span, an abort signal and a watch on unread answers, which an answer in memory
 * does not need.
 */
const untraced = (run: Run): HttpClient.HttpClient =>
  HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiber((fiber) => {
        const url = Url.make(request.url, request.urlParams, undefined)
        if (Result.isFailure(url)) return Effect.fail(faults.invalidUrl(request, "the URL cannot be parsed"))
        // `HttpClient.make` calls this function before each request. The check of redirects in `@auth/broker-core`
        // depends on the call: the function throws if the request goes to another origin.
        if (!fiber.getRef(Tracer.DisablePropagation)) fiber.getRef(HttpClient.TracerDisabledWhen)(request)
        return run(request, url.success, fiber)
      })
    ),
    Effect.succeed
  )

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0

/** Longest time-out in milliseconds. Timers of Node take no longer time. */
const longestTime = 2_147_483_647

const millisOf = (input: Duration.Input): number =>
  Option.match(Duration.fromInput(input), { onNone: () => Number.NaN, onSome: Duration.toMillis })

const isTime = (millis: number): boolean => millis >= 1 && millis <= longestTime

const refusal = (fields: ReadonlyArray<readonly [field: string, isValid: boolean, problem: string]>) => {
  const problems = fields.flatMap(([field, isValid, problem]) => (isValid ? [] : [{ field, problem }]))
  const [first, ...others] = problems
  if (first === undefined) return Effect.void
  const reason = new AuthError.InvalidRequest({ problems: [first, ...others] })
  return Effect.fail(AuthError.make("http client", "configuration", reason))
}

/**
 * Makes the client. Its connections are closed at the end of the scope. Fails with `InvalidRequest` if an option is
 * invalid.
 *
 * The client sends each request once: it follows no redirect and repeats nothing. If the fiber is interrupted before the
 * request got a connection, the request is never sent. If it is interrupted later, the connection is closed.
 *
 * Requests use HTTP/1.1. A request body is text or bytes: the client does not send streams and forms with files. An
 * answer is decompressed if its header `content-encoding` says so, but the client does not ask for compression. If a body
 * is larger than the maximum, reading it fails. To download larger files or to read an endless answer, use
 * `FetchHttpClient.layer` of Effect.
 *
 * Without the option `dispatcher`, the client uses what the global `fetch` of this Node uses, so it has the same proxy and
 * certificates. If the global dispatcher was replaced, the new one is used. A runtime without such a dispatcher uses
 * `node:http`.
 *
 * An error of the client contains the method and the URL of the request without the query, and neither its headers nor
 * its body.
 *
 * @example
 * ```ts
 * import * as NodeHttpClient from "@auth/node/NodeHttpClient"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* NodeHttpClient.make({ connections: 16 })
 *   const error = yield* Effect.flip(client.get("ftp://127.0.0.1/"))
 *   error.message // => "InvalidUrl: the URL must begin with https: or http: (GET ftp://127.0.0.1/)"
 * }).pipe(Effect.scoped)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* ({
  bodyTimeout = "30 seconds",
  connections = 64,
  dispatcher,
  headersTimeout = "30 seconds",
  maxBodyBytes = 1_048_576,
  tracing
}: Options = {}): Effect.fn.Return<HttpClient.HttpClient, AuthError.AuthError, Scope.Scope> {
  const limits: Limits = {
    maxBodyBytes,
    headersTimeout: millisOf(headersTimeout),
    bodyTimeout: millisOf(bodyTimeout)
  }
  const count = "must be a whole number of at least 1"
  const time = "must be a duration of at least 1 millisecond and at most 24 days"
  yield* refusal([
    ["connections", isCount(connections), count],
    ["maxBodyBytes", isCount(maxBodyBytes), count],
    ["headersTimeout", isTime(limits.headersTimeout), time],
    ["bodyTimeout", isTime(limits.bodyTimeout), time]
  ])
  const transport = yield* Effect.acquireRelease(
    Effect.sync(() => transportOf(dispatcher, connections)),
    ({ close }) => Effect.promise(close)
  )
  const run = runWith(transport, limits)
  return tracing === "effect" ? HttpClient.make((request, url, _, fiber) => run(request, url, fiber)) : untraced(run)
})

/**
 * Provides the client of `make` to a broker's layer.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as NodeHttpClient from "@auth/node/NodeHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(NodeHttpClient.layer({ connections: 16 })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<HttpClient.HttpClient, AuthError.AuthError> =>
  Layer.effect(HttpClient.HttpClient, make(options))
