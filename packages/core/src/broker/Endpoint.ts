/**
 * Describes the calls of a broker's API as a table. Each row of the table is an endpoint and describes one call.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Redacted } from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Encoding from "./Encoding.ts"
import * as Shape from "./Shape.ts"

/**
 * A rate limit. At most `requests` calls to the endpoint are sent in any period of the length `per`.
 *
 * `scope` says which calls the broker counts together:
 * - `account`, the default: the calls for one account.
 * - `app`: the calls of one app, for all its accounts.
 * - `address`: the calls from one IP address.
 *
 * Each account has its own layer with its own `BrokerClient`. Each client counts only its own calls. If several clients
 * share a limit with the scope `app` or `address`, provide a layer of `SharedLimits`.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 *
 * const limits: ReadonlyArray<Endpoint.Limit> = [
 *   { requests: 1, per: "1 second" },
 *   { requests: 500, per: "1 hour", scope: "app" }
 * ]
 * limits.length // => 2
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Limit {
  readonly requests: number
  readonly per: Duration.Input
  readonly scope?: "account" | "app" | "address" | undefined
}

/**
 * The kind of token that is added to a call:
 * - `none`: no token, or the caller passes the token as a field of the request.
 * - `step`: the token that the previous step of the login returned.
 * - `required`: the token of the session.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenKind = "none" | "step" | "required"

/**
 * Describes one call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoint<Request = unknown, Response = unknown, Token extends TokenKind = TokenKind> {
  readonly name: string
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** The purpose of the call, such as `api`. The broker's environment has an origin for each purpose. */
  readonly origin: string
  readonly path: string
  readonly token: Token
  /**
   * For a call without a session: the name of the request's field that identifies the account. Rate limits with the
   * scope `account` count the calls with the same value of this field together. Default: they count all calls of the
   * endpoint together.
   */
  readonly account: string | undefined
  /**
   * If `query` is set, the call has no body. The URL's query contains the values that `app` and `session` name, and one
   * parameter for each entry of `query`. The entry's key is the name of the parameter. The entry's value is the name of
   * the request's field that contains the parameter's value.
   */
  readonly query: Readonly<Record<string, string>> | undefined
  /**
   * Names of the app's values, such as the API key. The values are added to each call in the order of the names. They
   * come from the field `app` of `BrokerClient.Protocol`.
   */
  readonly app: ReadonlyArray<string>
  /** Names of fields in the session's `extras`, such as the user id. These fields are added to each call. */
  readonly session: ReadonlyArray<string>
  /**
   * The name of the body's field that contains the session's token. If `tokenField` is set and `tokenToo` is not set,
   * the headers do not contain the token.
   */
  readonly tokenField: string | undefined
  /** `"headers"`: both the headers and the field that `tokenField` names contain the token. */
  readonly tokenToo: "headers" | undefined
  /**
   * How the body is written. If the encoding cannot carry a value, the call fails with `InvalidRequest`, and nothing is
   * sent.
   */
  readonly encoding: Encoding.Encoding
  /** `"sent"`: this GET is sent with a body. `node:http` can send such a request, but `fetch` cannot. */
  readonly getBody: "sent" | undefined
  /**
   * Makes the body from the request and from the fields that `app` and `session` name. Default: the body contains the
   * fields of the app, then the fields of the session, then the fields of the request.
   */
  readonly body: ((request: unknown, app: AppFields) => unknown) | undefined
  /**
   * Whether the call may be sent a second time. If `safe` is `true`, `BrokerClient` can send the call again after the
   * connection failed, and `SessionManager.withSession` can send it again after the broker refused the token. Set
   * `safe` to `true` only if a second call does no harm, and never for a login.
   */
  readonly safe: boolean
  readonly limits: ReadonlyArray<Limit>
  readonly request: Shape.Shape<Schema.Decoder<Request>> | undefined
  /**
   * The shape of the data inside the envelope. The envelope is the part of the answer around the data. It contains, for
   * example, a status.
   */
  readonly response: Shape.Shape<Schema.Decoder<Response>>
  /**
   * Names of the fields that contain a token or identify the token's account. If `essential` is set, any other optional
   * field of the wrong type counts as absent. If `essential` is `undefined`, every field of the wrong type is an error.
   */
  readonly essential: ReadonlyArray<string> | undefined
}

/** The properties of an endpoint that several endpoints may share. */
interface Shared<T extends TokenKind> {
  readonly method: Endpoint["method"]
  readonly token: T
  readonly app?: ReadonlyArray<string> | undefined
  readonly session?: ReadonlyArray<string> | undefined
  readonly tokenField?: string | undefined
  readonly tokenToo?: Endpoint["tokenToo"]
  /** Default: JSON. */
  readonly encoding?: "json" | "form" | Encoding.Encoding | undefined
  readonly origin?: string
  readonly safe?: boolean
  readonly limits?: ReadonlyArray<Limit>
}

/** The properties of an endpoint that are set for each endpoint separately. */
interface Own<S, R> {
  readonly account?: string | undefined
  readonly query?: Readonly<Record<string, string>> | undefined
  readonly body?: ((request: Shape.TypeOf<R>, app: AppFields) => unknown) | undefined
  readonly request?: R
  readonly response: S
  readonly essential?: ReadonlyArray<string> | undefined
  readonly getBody?: Endpoint["getBody"]
}

const encodingOf = (given: "json" | "form" | Encoding.Encoding = "json"): Encoding.Encoding => {
  if (given === "json") return Encoding.json
  return given === "form" ? Encoding.form : given
}

/**
 * The values of the fields that an endpoint names in `app` and `session`.
 *
 * @category models
 * @since 0.1.0
 */
export type AppFields = Readonly<Record<string, string | Redacted<string>>>

/**
 * Makes an endpoint. `request` is the shape of the request, with `Shape.Secret` for secrets. `response` is the shape of
 * the data inside the envelope. The data may have fields that `response` does not name. `request` and `response` may be
 * Effect schemas.
 *
 * For an answer with a token, set `essential` to the names of the fields that contain the token or identify the token's
 * account. Without `essential`, a field of the wrong type makes the call fail, and the token is lost. With `essential`,
 * any other optional field of the wrong type counts as absent, and a number in quotes is accepted as a number.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const login = Endpoint.make({
 *   name: "login",
 *   method: "POST",
 *   path: "/v1/login",
 *   token: "none",
 *   limits: [{ requests: 1, per: "1 second" }],
 *   request: Shape.struct({ id: Shape.Text, pin: Shape.Secret }),
 *   response: Shape.struct({ token: Shape.requiredSecret })
 * })
 *
 * login.safe // => false
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Shape.Input, T extends TokenKind, R extends Shape.Input = Schema.Decoder<void>>(
  options: Shared<T> & Own<S, R> & { readonly name: string; readonly path: string }
): Endpoint<Shape.TypeOf<R>, Shape.TypeOf<S>, T> => ({
  name: options.name,
  method: options.method,
  origin: options.origin ?? "api",
  path: options.path,
  token: options.token,
  account: options.account,
  query: options.query,
  app: options.app ?? [],
  session: options.session ?? [],
  tokenField: options.tokenField,
  tokenToo: options.tokenToo,
  encoding: encodingOf(options.encoding),
  getBody: options.getBody,
  body: options.body as Endpoint["body"],
  safe: options.safe ?? false,
  limits: options.limits ?? [],
  request: options.request === undefined ? undefined : shapeOf(options.request),
  response: shapeOf(options.response),
  essential: options.essential
})

const shapeOf = <S extends Shape.Input>(input: S) =>
  Shape.fromInput(input) as Shape.Shape<Schema.Decoder<Shape.TypeOf<S>>>

/**
 * Makes a constructor for endpoints that share some properties, such as the HTTP method, the kind of token and the
 * limits.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const get = Endpoint.rows({ method: "GET", token: "required", safe: true })
 * const table = {
 *   getProfile: get("getProfile", "/user/profile", { response: Shape.struct({ name: Shape.string }) }),
 *   getFunds: get("getFunds", "/user/funds", { response: Shape.struct({ cash: Shape.finite }) })
 * }
 *
 * table.getFunds.path // => "/user/funds"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const rows =
  <T extends TokenKind>(shared: Shared<T>) =>
  <S extends Shape.Input, R extends Shape.Input = Schema.Decoder<void>>(
    name: string,
    path: string,
    row: Partial<Shared<T>> & Own<S, R>
  ): Endpoint<Shape.TypeOf<R>, Shape.TypeOf<S>, T> =>
    make({ ...shared, ...row, name, path })
