/**
 * Describes the calls of a broker's API as a table. Each row is an endpoint.
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
 * Each account's layer has its own `BrokerClient`, which counts only its own calls. If several clients share a limit
 * with the scope `app` or `address`, provide a layer of `SharedLimits`.
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
   * The name of the request's field that identifies the account, for a call without a session. A rate limit with the
   * scope `account` counts separately for each value of this field. Default: counts all calls of the endpoint together.
   */
  readonly account: string | undefined
  /**
   * If `query` is set, the call has no body. Each entry adds a parameter to the URL. The key is the parameter's name.
   * The value is the name of the request's field. The fields that `app` and `session` name also become parameters.
   */
  readonly query: Readonly<Record<string, string>> | undefined
  /**
   * Names of fields in `app` of `BrokerClient.Protocol`, such as the API key. These fields are added to each call, in
   * this order.
   */
  readonly app: ReadonlyArray<string>
  /** Names of fields in the session's `extras`, such as the user id. These fields are added to each call. */
  readonly session: ReadonlyArray<string>
  /**
   * The name of the body's field for the session's token. If `tokenField` is set, the token is not in the headers,
   * unless `tokenToo` is set.
   */
  readonly tokenField: string | undefined
  /** `"headers"`: the token is in the headers and in the field `tokenField`. */
  readonly tokenToo: "headers" | undefined
  /**
   * How the body is written. If the encoding cannot carry a value, the call sends nothing and fails with
   * `InvalidRequest`.
   */
  readonly encoding: Encoding.Encoding
  /** `"sent"`: this GET is sent with a body. `node:http` can send such a request, but `fetch` cannot. */
  readonly getBody: "sent" | undefined
  /**
   * Makes the body from the request and from the fields that `app` and `session` name. Default: the fields of the app,
   * then of the session, then of the request.
   */
  readonly body: ((request: unknown, app: AppFields) => unknown) | undefined
  /**
   * Whether the call may be sent twice. `BrokerClient` can repeat a safe call after the connection failed.
   * `SessionManager.withSession` can repeat a safe call after the broker refused the token. Set `safe` to `true` only
   * if a second call does no harm, and never for a login.
   */
  readonly safe: boolean
  readonly limits: ReadonlyArray<Limit>
  readonly request: Shape.Shape<Schema.Decoder<Request>> | undefined
  /** The shape of the data inside the envelope. The envelope is the rest of the answer, such as a status. */
  readonly response: Shape.Shape<Schema.Decoder<Response>>
  /**
   * Names of the fields that contain a token or identify the token's account. If `essential` is set, any other optional
   * field of the wrong type counts as absent. If `essential` is `undefined`, every field of the wrong type is an error.
   */
  readonly essential: ReadonlyArray<string> | undefined
}

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
 * Makes an endpoint. `request` and `response` are shapes or Effect schemas. Use `Shape.Secret` for a secret in the
 * request. The data may have fields that `response` does not name.
 *
 * If the answer contains a token, set `essential` (see `Endpoint`). Without `essential`, any field of the wrong type
 * makes the call fail, and the token is lost. With `essential`, a number in quotes is accepted as a number.
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
 * Makes a constructor for endpoints that share some properties, such as the HTTP method and the limits.
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
