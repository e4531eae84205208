/**
 * The typed calls of a broker, made from its table of endpoints.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
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
 * The call of an endpoint. It takes the request, if the endpoint has one, and the session, if the endpoint needs one.
 *
 * @category models
 * @since 0.1.0
 */
export type Call<E> =
  E extends Endpoint<infer Request, infer Response, infer Token>
    ? "none" extends Token
      ? (...args: RequestArgs<Request>) => Effect.Effect<Response, AuthError>
      : (...args: [...RequestArgs<Request>, session: Session.Authorized]) => Effect.Effect<Response, AuthError>
    : never

type RequestArgs<Request> = [Request] extends [void] ? [] : [request: Request]

/**
 * What every broker's calls have beside them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Common {
  /** Hosts by purpose, such as `api` and `login`. */
  readonly origins: Readonly<Record<string, string>>
  /** Headers of a call that is not in the table, such as an order. */
  readonly headers: (session: Session.Authorized) => BrokerClient.Headers
  /** The failure that an answer to such a call means, if it is a refusal. */
  readonly refusal: Authorize["Service"]["refusal"]
}

/**
 * The calls of a table.
 *
 * @category models
 * @since 0.1.0
 */
export type BrokerApi<T> = { readonly [Name in keyof T]: Call<T[Name]> } & Common

/**
 * The request of a call: `RequestOf<AngelApi, "loginByPassword">`.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestOf<
  Api extends { readonly Service: object },
  Name extends keyof Api["Service"]
> = Api["Service"][Name] extends (request: infer Request, ...rest: never) => unknown ? Request : never

/**
 * What a call answers: `ResponseOf<AngelApi, "getProfile">`.
 *
 * @category models
 * @since 0.1.0
 */
export type ResponseOf<
  Api extends { readonly Service: object },
  Name extends keyof Api["Service"]
> = Api["Service"][Name] extends (...args: never) => Effect.Effect<infer Response, AuthError> ? Response : never

const fieldsOf = (request: unknown): Readonly<Record<string, unknown>> => ({ ...(request as object) })

const accountOf = ({ account }: Endpoint, request: unknown, broker: string): string =>
  account === undefined ? broker : String(fieldsOf(request)[account])

/**
 * Makes the calls of a table.
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
    const send = (request: unknown, sent: { readonly account: string; readonly tokens?: Session.Tokens }) =>
      client.call(endpoint, { ...sent, request })
    if (endpoint.token === "none") {
      return (request?: unknown) =>
        Effect.suspend(() => send(request, { account: accountOf(endpoint, request, protocol.broker) }))
    }
    return endpoint.request === undefined
      ? (session: Session.Authorized) => Effect.suspend(() => send(undefined, Session.authorizedBy(session)))
      : (request: unknown, session: Session.Authorized) =>
          Effect.suspend(() => send(request, Session.authorizedBy(session)))
  }
  const calls = Object.fromEntries(Object.entries(table).map(([name, endpoint]) => [name, toCall(endpoint)]))
  const headers: Common["headers"] = ({ account, tokens }) => protocol.headers({ account: account.id, tokens })
  const common: Common = {
    origins: client.origins,
    headers,
    refusal: (answer, session) => client.refusal(answer, { tokens: session.tokens, headers: headers(session) })
  }
  return { ...calls, ...common } as BrokerApi<T>
})

/**
 * The constructor and the layer of a broker's calls. What the calls need of the app, such as its key, is checked as
 * `credentials` says, before anything is made.
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <Tag, T extends Table, F extends Credentials.Fields, More extends object = object>(
  tag: Context.Key<Tag, BrokerApi<T>>,
  spec: {
    readonly broker: Broker.Broker
    /** The rows, where options may change them. */
    readonly table: T | ((options: BrokerClient.Options & More) => T)
    readonly credentials: F
    readonly protocol: (
      credentials: Credentials.Values<F>,
      options: BrokerClient.Options & More
    ) => Omit<BrokerClient.Protocol, "broker" | "purposes">
  }
) => {
  type Options = BrokerClient.Options & Credentials.Input<F> & More
  const { broker } = spec
  const makeApi = (options: Options): Effect.Effect<BrokerApi<T>, AuthError, HttpClient.HttpClient> =>
    Effect.flatMap(Credentials.check(broker.id, spec.credentials, { ...options }), (credentials) => {
      const protocol = {
        ...spec.protocol(credentials, options),
        broker: broker.id,
        purposes: Broker.purposesOf(broker)
      }
      const table = Predicate.isFunction(spec.table) ? spec.table(options) : spec.table
      return make(table, protocol, broker.environments["production"] ?? {}, options)
    })
  const layer = (options: Options): Layer.Layer<Tag, AuthError, HttpClient.HttpClient> =>
    Layer.effect(tag, makeApi(options))
  return { make: makeApi, layer }
}
