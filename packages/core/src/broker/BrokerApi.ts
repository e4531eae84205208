/**
 * Makes one typed function for each endpoint in a broker's table.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { Redacted } from "effect/Redacted"
import type { AuthError } from "../login/AuthError.ts"
import type { Authorize } from "../login/Authorize.ts"
import * as Broker from "./Broker.ts"
import * as BrokerClient from "./BrokerClient.ts"
import * as Credentials from "./Credentials.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Session from "../login/Session.ts"

/**
 * A broker's endpoints by name.
 *
 * @category models
 * @since 0.1.0
 */
export type Table = Readonly<Record<string, Endpoint>>

/**
 * The function that calls an endpoint. Its arguments are:
 *
 * - the request, if the endpoint has a request
 * - the session, if the endpoint's `token` is `"required"`
 * - the token from the previous step of a login or an account recovery, if the endpoint's `token` is `"step"`
 *
 * @category models
 * @since 0.1.0
 */
export type Call<E> =
  E extends Endpoint<infer Request, infer Response, infer Token>
    ? (...args: [...RequestArgs<Request>, ...TokenArgs<Token>]) => Effect.Effect<Response, AuthError>
    : never

type TokenArgs<Token> = "none" extends Token
  ? []
  : Token extends "step"
    ? [token: Redacted<string>]
    : [session: Session.Authorized]

type RequestArgs<Request> = [Request] extends [void] ? [] : [request: Request]

/**
 * The members that the API of every broker has in addition to the calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface Common {
  /** The origins, keyed by purpose, such as `api` and `login`. */
  readonly origins: Readonly<Record<string, string>>
  /** Returns the headers for a call that is not in the table, such as an order. */
  readonly headers: (session: Session.Authorized) => BrokerClient.Headers
  /**
   * Returns the origin that the broker sent at login for the session's calls. Returns `undefined` if the origin is
   * absent or not allowed.
   */
  readonly toldOrigin: (session: Session.Authorized) => string | undefined
  /**
   * Reads the answer to a call that is not in the table. Returns an `AuthError` if the answer is a refusal, otherwise
   * `undefined`.
   */
  readonly refusal: Authorize["Service"]["refusal"]
}

/**
 * The calls of a table of endpoints, and the members of `Common`.
 *
 * @category models
 * @since 0.1.0
 */
export type BrokerApi<T> = { readonly [Name in keyof T]: Call<T[Name]> } & Common

/**
 * The type of a call's request. Example: `RequestOf<AngelApi, "loginByPassword">`.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestOf<
  Api extends { readonly Service: object },
  Name extends keyof Api["Service"]
> = Api["Service"][Name] extends (request: infer Request, ...rest: never) => unknown ? Request : never

/**
 * The type of a call's response. Example: `ResponseOf<AngelApi, "getProfile">`.
 *
 * @category models
 * @since 0.1.0
 */
export type ResponseOf<
  Api extends { readonly Service: object },
  Name extends keyof Api["Service"]
> = Api["Service"][Name] extends (...args: never) => Effect.Effect<infer Response, AuthError> ? Response : never

const accountOf = ({ account = "" }: Endpoint, request: unknown, broker: string): string => {
  const field = Predicate.hasProperty(request, account) ? request[account] : undefined
  return Predicate.isString(field) ? field : broker
}

/**
 * Makes the API of a broker: the calls of a table, and the members of `Common`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* <T extends Table>(
  table: T,
  protocol: BrokerClient.Protocol,
  environment: Readonly<Record<string, string>>,
  options: BrokerClient.Options
): Effect.fn.Return<BrokerApi<T>, AuthError, HttpClient.HttpClient> {
  const client = yield* BrokerClient.make(protocol, environment, options)
  const toCall = (endpoint: Endpoint) => {
    const send = (request: unknown, carried: unknown) =>
      Effect.suspend(() => {
        if (endpoint.token === "required") {
          return client.call(endpoint, { ...Session.authorizedBy(carried as Session.Authorized), request })
        }
        const account = accountOf(endpoint, request, protocol.broker)
        return client.call(endpoint, { account, request, step: carried as Redacted<string> | undefined })
      })
    if (endpoint.request === undefined) return (carried?: unknown) => send(undefined, carried)
    return (request: unknown, carried?: unknown) => send(request, carried)
  }
  const calls = Object.fromEntries(Object.entries(table).map(([name, endpoint]) => [name, toCall(endpoint)]))
  const headers: Common["headers"] = ({ account, extras, tokens }) =>
    protocol.headers({ account: account.id, tokens, extras })
  const common: Common = {
    origins: client.origins,
    headers,
    toldOrigin: ({ extras }) => client.toldOrigin(extras),
    refusal: (answer, session) => client.refusal(answer, { tokens: session.tokens, headers: headers(session) })
  }
  return { ...calls, ...common } as BrokerApi<T>
})

/**
 * Makes the constructor and the layer of a broker's API. Both first check the options that `spec.credentials`
 * describes, such as the API key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <Tag, T extends Table, F extends Credentials.Fields, More extends object = object>(
  tag: Context.Key<Tag, BrokerApi<T>>,
  spec: {
    readonly broker: Broker.Broker
    /** The table, or a function that returns the table for the given options. */
    readonly table: T | ((options: BrokerClient.Options & More) => T)
    readonly credentials: F
    /** The texts that each option accepts, keyed by the name of the option. */
    readonly choices?: BrokerClient.Choices
    readonly protocol: (
      credentials: Credentials.Values<F>,
      options: BrokerClient.Options & More
    ) => Omit<BrokerClient.Protocol, "broker" | "choices" | "purposes">
  }
) => {
  type Options = BrokerClient.Options & Credentials.Input<F> & More
  const { broker } = spec
  const makeApi = (options: Options): Effect.Effect<BrokerApi<T>, AuthError, HttpClient.HttpClient> =>
    Effect.flatMap(Credentials.check(broker.id, spec.credentials, { ...options }), (credentials) => {
      const protocol = {
        ...spec.protocol(credentials, options),
        broker: broker.id,
        choices: spec.choices ?? {},
        purposes: Broker.purposesOf(broker)
      }
      const table = Predicate.isFunction(spec.table) ? spec.table(options) : spec.table
      return make(table, protocol, broker.environments["production"] ?? {}, options)
    })
  const layer = (options: Options): Layer.Layer<Tag, AuthError, HttpClient.HttpClient> =>
    Layer.effect(tag, makeApi(options))
  return { make: makeApi, layer }
}
