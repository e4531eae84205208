/**
 * One call of a broker's API, as a row of its table.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Redacted } from "effect/Redacted"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Encoding from "./Encoding.ts"
import { type Mended, mend } from "./internal/tolerance.ts"

/**
 * At most `requests` in any span of `per`, for each account.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limit {
  readonly requests: number
  readonly per: Duration.Input
}

/**
 * Which token a call carries. `none`: no token. `step`: the token of the previous step, in a login of several steps.
 * `required`: the token of the session. If the caller passes a token as a field of the request, the kind is `none`.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenKind = "none" | "step" | "required"

/**
 * One call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoint<Request = unknown, Response = unknown, Token extends TokenKind = TokenKind> {
  readonly name: string
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** The key of the origin in the environment. */
  readonly origin: string
  readonly path: string
  readonly token: Token
  /**
   * For a call without a session, the field of its request by which limits are counted. Default: all calls are counted
   * together.
   */
  readonly account: string | undefined
  /**
   * Set if the request is sent in the query of the URL: maps the name of each parameter to a field of the request. Such
   * a call has no body. Absent fields are not sent.
   */
  readonly query: Readonly<Record<string, string>> | undefined
  /**
   * Names of the app's fields that are added to each call, such as its key. They are fields of `app` of the protocol.
   * They are sent in this order, before the fields of the request. If `body` is set, it decides their place.
   */
  readonly app: ReadonlyArray<string>
  /**
   * Names of the session's `extras` that are added to each call, such as its user id. They are sent after the fields of
   * `app`.
   */
  readonly session: ReadonlyArray<string>
  /**
   * The field of the body that carries the session's token. Headers then do not carry the token, except if `tokenToo`
   * is `"headers"`.
   */
  readonly tokenField: string | undefined
  readonly tokenToo: "headers" | undefined
  /** If the encoding cannot carry a value, the call fails with `InvalidRequest`, and nothing is sent. */
  readonly encoding: Encoding.Encoding
  /** Permits a GET with a body. `node:http` can send such a request, but `fetch` cannot. */
  readonly getBody: "sent" | undefined
  /**
   * Makes the body from the request and the fields of the app. Default: the fields of the app, then the fields of the
   * request.
   */
  readonly body: ((request: unknown, app: AppFields) => unknown) | undefined
  /**
   * Whether the call may be resent after the connection failed, because a second call does no harm. Never true for a
   * login.
   */
  readonly safe: boolean
  readonly limits: ReadonlyArray<Limit>
  readonly request: Schema.Decoder<Request> | undefined
  /**
   * Schema of the data inside the envelope, both in the form that the broker sends and in the form that a program gets.
   */
  readonly response: Schema.Decoder<Response>
  readonly accepts: (request: unknown) => boolean
  /**
   * Fields that carry a token or identify its account. If they are declared, any other optional field of the wrong type
   * counts as absent. If `undefined`, a wrong type in any field is an error.
   */
  readonly essential: ReadonlyArray<string> | undefined
  /**
   * Removes optional fields of the wrong type from data that failed to decode. Changes nothing if `essential` is
   * `undefined`.
   */
  readonly mend: (data: unknown) => Mended
  readonly decode: (data: unknown) => Result.Result<Response, Schema.SchemaError>
}

/** Fields that several rows may share. */
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

/** Fields that each row sets for itself. */
interface Own<S, R extends Schema.Decoder<unknown>> {
  readonly account?: string | undefined
  readonly query?: Readonly<Record<string, string>> | undefined
  readonly body?: ((request: R["Type"], app: AppFields) => unknown) | undefined
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
 * Values of the fields that a row names in `app`.
 *
 * @category models
 * @since 0.1.0
 */
export type AppFields = Readonly<Record<string, string | Redacted<string>>>

/**
 * Makes a row. `request` describes the body, in which secrets are `Endpoint.Secret`. The body is JSON by default.
 * `response` describes the data inside the envelope. Fields that `response` does not name are allowed. Wrong types are
 * errors.
 *
 * For an answer with a token, name its `essential` fields: the token, and the fields that identify its account. A wrong
 * type in any other optional field then does not lose the token. Such a field counts as absent. If a number is
 * expected, a number in quotes counts as a number.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Schema from "effect/Schema"
 *
 * const login = Endpoint.make({
 *   name: "login",
 *   method: "POST",
 *   path: "/v1/login",
 *   token: "none",
 *   limits: [{ requests: 1, per: "1 second" }],
 *   request: Schema.Struct({ id: Endpoint.Text, pin: Endpoint.Secret }),
 *   response: Schema.Struct({ token: Schema.NonEmptyString })
 * })
 *
 * login.safe // => false
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  S extends Schema.Decoder<unknown>,
  T extends TokenKind,
  R extends Schema.Decoder<unknown> = Schema.Decoder<void>
>(
  options: Shared<T> & Own<S, R> & { readonly name: string; readonly path: string }
): Endpoint<R["Type"], S["Type"], T> => ({
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
  body: options.body,
  safe: options.safe ?? false,
  limits: options.limits ?? [],
  request: options.request,
  response: options.response,
  accepts: options.request === undefined ? () => true : Schema.is(options.request),
  essential: options.essential,
  mend: (data) => mend(Schema.toEncoded(options.response), options.essential, data),
  decode: Schema.decodeUnknownResult(options.response)
})

/**
 * A constructor for rows that share some fields, such as the method, the kind of token and the limits.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Schema from "effect/Schema"
 *
 * const get = Endpoint.rows({ method: "GET", token: "required", safe: true })
 * const table = {
 *   getProfile: get("getProfile", "/user/profile", { response: Schema.Struct({ name: Schema.String }) }),
 *   getFunds: get("getFunds", "/user/funds", { response: Schema.Struct({ cash: Schema.Finite }) })
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
  <S extends Schema.Decoder<unknown>, R extends Schema.Decoder<unknown> = Schema.Decoder<void>>(
    name: string,
    path: string,
    row: Partial<Shared<T>> & Own<S, R>
  ): Endpoint<R["Type"], S["Type"], T> =>
    make({ ...shared, ...row, name, path })

const notBlank = Schema.isPattern(/\S/)

/**
 * Text that is not blank.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Text = Schema.String.check(notBlank)

/**
 * Secret text in an answer. OpenAPI descriptions mark it as a password. The broker's row must wrap it as `Redacted`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SecretText = Schema.String.annotate({ format: "password" }).check(notBlank)

/**
 * A secret that is not blank.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Secret = Schema.Redacted(SecretText)
