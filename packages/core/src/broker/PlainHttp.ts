/**
 * Sends requests faster than `HttpClient.execute` does. Bodies are whole texts, not streams. Calls to brokers use
 * `PlainHttp` if the HTTP client supports it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as EffectKeys from "../login/internal/effectKeys.ts"
import { lazyModule } from "../login/internal/lazyModule.ts"
import { lazyClient } from "./internal/lazyClient.ts"

/**
 * The key under which `addSend` stores a `Find` in an `HttpClient`.
 *
 * @category symbols
 * @since 0.1.0
 */
export const PlainSend: unique symbol = Symbol.for("@auth/broker-core/broker/PlainHttp/PlainSend")

/**
 * A request. Its URL, headers and body contain secrets: never log them, and never put them into an error.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  readonly method: string
  /** The whole address, with the query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Maximum size in bytes of the answer's body, both compressed and decompressed. */
  readonly maxBodyBytes: number
}

/**
 * The answer to a request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The decompressed body. Empty if the body is too large. */
  readonly text: string
  /** Whether the body is larger than `maxBodyBytes`. */
  readonly isTooLarge: boolean
  /** The address that has answered, if the client knows it. */
  readonly url?: string | undefined
}

/**
 * Receives the result of a request. Only one of the two functions is called, and only once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listener {
  readonly onAnswer: (answer: Answer) => void
  /** Called if there is no usable answer. Only codes and numbers are copied from `error` to an `AuthError`. */
  readonly onError: (error: unknown) => void
}

/**
 * Sends a request once, and follows no redirect. Returns a function that stops the request. A request that is stopped
 * before it has a connection is never sent. The listener is called only after `Send` has returned. After the request
 * was stopped, the listener must ignore calls.
 *
 * @category models
 * @since 0.1.0
 */
export type Send = (request: Request, listener: Listener) => () => void

/**
 * Returns the `Send` for a request of the fiber. If `Find` returns `undefined`, the request uses `HttpClient.execute`.
 *
 * @category models
 * @since 0.1.0
 */
export type Find = (fiber: Fiber.Fiber<unknown, unknown>) => Send | undefined

const hasFind = (client: object): client is { readonly [PlainSend]: Find } => PlainSend in client

/**
 * Returns the `Send` of `client` for a request of `fiber`. Returns `undefined` if the request must use
 * `HttpClient.execute`.
 *
 * Functions such as `HttpClient.mapRequest` return a changed client without `Send`: a `Send` would ignore the change.
 *
 * @example
 * ```ts
 * import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as HttpClient from "effect/http/HttpClient"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* HttpClient.HttpClient
 *   yield* Effect.withFiber((fiber) => Effect.succeed(PlainHttp.sendOf(client, fiber))) // => undefined
 * }).pipe(Effect.provide(FetchHttpClient.layer))
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const sendOf = (client: HttpClient, fiber: Fiber.Fiber<unknown, unknown>): Send | undefined =>
  hasFind(client) ? client[PlainSend](fiber) : undefined

/**
 * Adds `find` to a client, and returns the client. Each call to a broker runs `find` before it sends its request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const addSend = (client: HttpClient, find: Find): HttpClient =>
  Object.defineProperty(client, PlainSend, { value: find })

/**
 * The parts from which `makeClient` makes a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parts {
  readonly find: Find
  /**
   * Loads the client for requests that do not use `Send`. A request calls `load` if no client is loaded yet. If the
   * promise is rejected, the request is not sent, and its fiber dies.
   */
  readonly load: () => Promise<HttpClient>
}

/**
 * Makes a client from a `Find` and a client that is loaded only if a request needs it.
 *
 * @example
 * ```ts
 * import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
 * import * as Effect from "effect/Effect"
 *
 * const send: PlainHttp.Send = ({ url }, { onAnswer }) => {
 *   const answer = { status: 200, headers: {}, text: url, isTooLarge: false }
 *   const timer = setTimeout(onAnswer, 10, answer)
 *   return () => clearTimeout(timer)
 * }
 *
 * const client = PlainHttp.makeClient({
 *   find: () => send,
 *   load: async () => {
 *     const [{ layer }, { HttpClient }] = await Promise.all([
 *       import("effect/http/FetchHttpClient"),
 *       import("effect/http/HttpClient")
 *     ])
 *     return Effect.runPromise(Effect.provide(HttpClient, layer))
 *   }
 * })
 *
 * const layer = PlainHttp.layer(Effect.succeed(client))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeClient = ({ find, load }: Parts): HttpClient =>
  addSend(lazyClient(Effect.orDie(lazyModule(load))), find)

/**
 * Does the same as `Layer.effect(HttpClient, client)`, but does not load the module of `HttpClient`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E, R>(
  client: Effect.Effect<HttpClient, E, R>
): Layer.Layer<HttpClient, E, Exclude<R, Scope.Scope>> => Layer.effect(EffectKeys.HttpClient, client)
