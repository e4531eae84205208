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
 * Which token a call carries: none; that of the step before, in a login of several steps; or the session's. A token in
 * the body is a field of the request, and the call carries none.
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
  /** Of a call without a session: the field of its request that limits are counted by. Default: all calls together. */
  readonly account: string | undefined
  /**
   * Where the request travels in the address: the field of the request for each parameter. Then there is no body. A
   * field that is absent is left out.
   */
  readonly query: Readonly<Record<string, string>> | undefined
  /**
   * Fields that the app of the layer gives to each call, such as its key: names among `app` of the protocol, in the order
   * in which they are sent. They come before the fields of the request, unless `body` places them.
   */
  readonly app: ReadonlyArray<string>
  /** Extras of the session that go with each call, such as its user id: names among `extras`, sent after those of `app`. */
  readonly session: ReadonlyArray<string>
  /** The field of the body that carries the session's token. Then no header carries it, unless `tokenToo` says so. */
  readonly tokenField: string | undefined
  readonly tokenToo: "headers" | undefined
  /** A value that the encoding cannot carry fails with `InvalidRequest`, and nothing is sent. */
  readonly encoding: Encoding.Encoding
  /** Permits a body to a GET, which few clients can send: `fetch` cannot, `node:http` can. */
  readonly getBody: "sent" | undefined
  /** Makes the body of a request and the fields of the app, where it is not both as they are. */
  readonly body: ((request: unknown, app: AppFields) => unknown) | undefined
  /** May be sent again when the connection failed, since nothing happens twice. Never true for a login. */
  readonly safe: boolean
  readonly limits: ReadonlyArray<Limit>
  readonly request: Schema.Decoder<Request> | undefined
  /** The data inside the envelope, as the broker sends it and as a program gets it. */
  readonly response: Schema.Decoder<Response>
  readonly accepts: (request: unknown) => boolean
  /**
   * Fields that carry a token or say whose it is. Where they are declared, any other optional field of the wrong type
   * counts as absent. `undefined`: a wrong type is refused in every field.
   */
  readonly essential: ReadonlyArray<string> | undefined
  /** Removes what does not fit from data that failed to decode. Changes nothing without `essential`. */
  readonly mend: (data: unknown) => Mended
  readonly decode: (data: unknown) => Result.Result<Response, Schema.SchemaError>
}

/** What rows may have in common. */
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

/** What each row has of its own. */
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
 * Makes a row. `request` describes the body (secrets are `Endpoint.Secret`), JSON by default, `response` the data inside the
 * envelope: fields that it does not name pass, wrong types are refused.
 *
 * An answer that carries a token names its `essential` fields: the token, and what says whose it is. Then a wrong type
 * in any other optional field does not lose the token: the field counts as absent, or as a number if it is a number in
 * quotes where a number is expected.
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
 * A constructor for rows that share a method, the kind of token, limits and so on.
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
 * Text of an answer that is a secret: descriptions of the API mark it as a password. The broker's row wraps it.
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
