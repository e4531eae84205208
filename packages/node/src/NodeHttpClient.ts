/**
 * An HTTP client for calls to brokers. It needs much less time per call than clients that read an answer as a stream.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported version of Node
import "./internal/nodeVersion.ts"
import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { fromTransport } from "./internal/http/client.ts"
import type * as dispatchers from "./internal/http/dispatcher.ts"
import type { Limits } from "./internal/http/exchange.ts"
import { transportOf } from "./internal/http/transports.ts"

export type {
  /**
   * A dispatcher of undici, such as its `Agent` or `ProxyAgent`. Versions 6 to 8 of undici are supported.
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
   * Maximum number of connections to each origin. Further requests wait for a connection. Default: 64. Ignored if you
   * set `dispatcher`, or if the program has replaced the dispatcher of the global `fetch`, for example with a proxy.
   */
  readonly connections?: number | undefined
  /**
   * Maximum size of an answer, in bytes. Default: 1,048,576. The calls of a broker's layer use the layer's
   * option `maxBodyBytes` instead.
   */
  readonly maxBodyBytes?: number | undefined
  /** Maximum time between sending a request and receiving the headers of its answer. Default: 30 seconds. */
  readonly headersTimeout?: Duration.Input | undefined
  /** Maximum time between two pieces of an answer's body. Default: 30 seconds. */
  readonly bodyTimeout?: Duration.Input | undefined
  /**
   * A dispatcher of undici that sends the requests, such as `new ProxyAgent("http://proxy.example:8080")` from the
   * package `undici`. Your program must close this dispatcher. Default: if the program has replaced the dispatcher of
   * the global `fetch`, the client uses that dispatcher. Otherwise, the client makes its own connections.
   */
  readonly dispatcher?: dispatchers.Dispatcher | undefined
  /**
   * `"effect"`: each request has a span, and its headers contain the ids of the span. The references of `HttpClient`,
   * such as `TracerPropagationEnabled`, apply. Default: no spans.
   */
  readonly tracing?: "effect" | undefined
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0

/** Longest time of Node's timers, in milliseconds. */
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
 * The client sends each request once, and follows no redirect. A request that is interrupted before it has a connection
 * is never sent. A later interruption closes the connection.
 *
 * Requests use HTTP/1.1, unless your program sets a dispatcher that uses HTTP/2. A request body is text or bytes. If an
 * answer is larger than `maxBodyBytes`, reading its body fails. For streams, forms with files, larger answers and
 * endless answers, use Effect's `FetchHttpClient.layer`.
 *
 * Without the option `dispatcher`, the client uses the proxy and the certificates of the global `fetch`.
 *
 * An error contains the request's method and its URL without the query, but neither the headers nor the body.
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
  return fromTransport(transport, limits, tracing)
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
  PlainHttp.layer(make(options))
