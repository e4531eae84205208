/**
 * Describes credentials as a table of fields. The values are checked before anything is sent.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "../login/AuthError.ts"
import * as CodeSource from "../login/CodeSource.ts"
import * as Session from "../login/Session.ts"
import {
  additionProblem,
  invisibleProblem,
  placeholderProblem,
  quoteProblem,
  withoutQuotes
} from "../login/internal/pasted.ts"

/**
 * One field of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface Field {
  /** Name of the environment variable of the field. */
  readonly env: string
  readonly description: string
  readonly secret: boolean
  readonly optional?: true
  /** Set this if the field is a source of one-time codes: a `CodeSource` or a TOTP secret. */
  readonly codes?: true
  /**
   * Set this if a quotation mark can be part of the value, as in a password. Without `freeText`, a pair of quotation
   * marks around the value is removed. With `freeText`, a value that begins or ends with a quotation mark is rejected,
   * unless the function `verbatim` marked the value as verbatim.
   */
  readonly freeText?: true
  /**
   * Describes the problem with a value, or returns `undefined` if the value is valid. The description must not contain
   * the value. `now` is in milliseconds since the epoch. Blanks around the value are removed before this check, except
   * in a `verbatim` value. If a field has no `problem`:
   *
   * - a `verbatim` value, or a value of a field with `freeText`, passes this check
   * - any other value must have only ASCII characters, and a secret must not have spaces
   */
  readonly problem?: (value: string, now: number) => string | undefined
  /** Converts a value of another type, such as a `Date`, to text. */
  readonly convert?: (given: never) => unknown
  /** Converts a valid value to the form that the broker expects, such as capital letters. */
  readonly normalize?: (value: string) => string
  /**
   * Set this if the field is an option of the layer and not a credential. The function returns the value from
   * `options`. If `options` has no value for the field, the function returns `configured`, which is:
   *
   * - the value of the field's environment variable
   * - `null` if the variable is not set
   * - absent if the configuration is not read
   */
  readonly option?: (options: never, configured?: unknown) => unknown
}

/**
 * A table of fields by name. In the options of a login method's layer, the fields with `option` are at the top level.
 * All other fields are in the object `credentials`.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = Readonly<Record<string, Field>>

/**
 * The checked values of a table of fields. The value of a field with `codes` is a `CodeSource`. Any other secret is
 * `Redacted`.
 *
 * @category models
 * @since 0.1.0
 */
export type Values<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly optional: true } ? never : K]: Value<F[K]>
} & { readonly [K in keyof F as F[K] extends { readonly optional: true } ? K : never]?: Value<F[K]> | undefined }

/**
 * The values that a program passes for a table of fields:
 *
 * - for a source of codes: a `CodeSource`, or a TOTP secret as `Redacted` text
 * - for any other secret: `Redacted` text
 * - for a field that is not secret: text
 * - for a field with `convert`: also a value that `convert` accepts
 *
 * @category models
 * @since 0.1.0
 */
export type Input<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly optional: true } | OfOptions ? never : K]: InputValue<F[K]>
} & { readonly [K in keyof F as OptionalInput<F[K], K>]?: InputValue<F[K]> | undefined }

type OptionalInput<T extends Field, K> = T extends OfOptions ? never : T extends { readonly optional: true } ? K : never

type OfOptions = { readonly option: (...args: never) => unknown }

type InputValue<F extends Field> = F extends { readonly codes: true }
  ? Redacted.Redacted<string> | CodeSource.CodeSource
  : Value<F> | (F extends { readonly convert: (given: infer Given) => unknown } ? Given : never)

type Value<F extends Field> = F extends { readonly codes: true }
  ? CodeSource.CodeSource
  : F["secret"] extends true
    ? Redacted.Redacted<string>
    : string

/**
 * A field that is not secret.
 *
 * @example
 * ```ts
 * import * as Credentials from "@auth/broker-core/broker/Credentials"
 *
 * const credentials = {
 *   userId: Credentials.plain("TINY_USER_ID", "Client id, such as AB1234", Credentials.clientCode("client id")),
 *   password: Credentials.secret("TINY_PASSWORD", "Password of the account", { freeText: true }),
 *   totp: Credentials.totp("TINY_TOTP_SECRET")
 * }
 *
 * credentials.userId.normalize("ab1234") // => "AB1234"
 * ```
 *
 * @category fields
 * @since 0.1.0
 */
export const plain = <const More extends Partial<Field> = object>(env: string, description: string, more?: More) =>
  ({ env, description, secret: false, ...more }) as FieldOf<false, More>

/**
 * A secret field.
 *
 * @category fields
 * @since 0.1.0
 */
export const secret = <const More extends Partial<Field> = object>(env: string, description: string, more?: More) =>
  ({ env, description, secret: true, ...more }) as FieldOf<true, More>

type FieldOf<Secret extends boolean, More> = {
  readonly env: string
  readonly description: string
  readonly secret: Secret
} & More

/**
 * The TOTP secret of the account, or another source of one-time codes.
 *
 * @category fields
 * @since 0.1.0
 */
export const totp = (env: string) =>
  secret(env, "The secret behind the QR code that is shown when TOTP is enabled: base32, or the otpauth:// address", {
    codes: true
  })

/**
 * A secret that is sent in a header, such as an API key. `visibleProblem` checks it.
 *
 * @category fields
 * @since 0.1.0
 */
export const key = (env: string, description: string) => secret(env, description, { problem: visibleProblem })

/**
 * An access token that another program obtained. It may begin with `Bearer `.
 *
 * @category fields
 * @since 0.1.0
 */
export const token = (env: string, description: string) =>
  secret(env, description, {
    problem: (value: string) => {
      const bare = Redacted.value(Session.bareToken(Redacted.make(value)))
      return /^bearer$/i.test(bare) ? "is only the prefix Bearer" : visibleProblem(bare)
    }
  })

/**
 * The redirect URL of the app. By default, a URL of any scheme is valid.
 *
 * @category fields
 * @since 0.1.0
 */
export const redirectUrl = (env: string, problem: NonNullable<Field["problem"]> = addressProblem) =>
  plain(env, "The app's registered redirect URL", { problem })

/**
 * The check and the conversion of a client code. A client code has only letters and digits, and is converted to capital
 * letters. `what` is the broker's name for a client code, such as `client id`. If the value is an email address, the
 * error is `is an email address: use the ${what}`.
 *
 * @category checks
 * @since 0.1.0
 */
export const clientCode = (what: string) => ({
  normalize: (value: string) => value.toUpperCase(),
  problem: (value: string): string | undefined => {
    if (value.includes("@")) return `is an email address: use the ${what}`
    if (/\s/.test(value)) return "has white space inside"
    return /^[A-Za-z0-9]+$/.test(value) ? undefined : "has characters other than letters and digits"
  }
})

/**
 * Checks a value that is sent in a header. The value must contain only visible ASCII characters, and no spaces.
 *
 * @category checks
 * @since 0.1.0
 */
export const visibleProblem = (value: string): string | undefined =>
  /^[\x21-\x7e]+$/.test(value) ? undefined : "has spaces or other characters that a key cannot have"

/**
 * Checks a URL of any scheme.
 *
 * @category checks
 * @since 0.1.0
 */
export const addressProblem = (value: string): string | undefined =>
  Result.isSuccess(Result.try(() => new URL(value))) ? undefined : "is not an address"

/**
 * Checks a redirect URL. The URL must be https, or http with one of the `loopback` hosts. The URL must not have a
 * fragment (`#…`).
 *
 * @example
 * ```ts
 * import * as Credentials from "@auth/broker-core/broker/Credentials"
 *
 * const problem = Credentials.redirectUrlProblem("127.0.0.1")
 * problem("https://app.example.com/callback") // => undefined
 * problem("http://localhost/callback") // => "must be https, or http with the host 127.0.0.1: the broker accepts no other URL"
 * ```
 *
 * @category checks
 * @since 0.1.0
 */
export const redirectUrlProblem =
  (...loopback: ReadonlyArray<string>) =>
  (value: string): string | undefined => {
    const url = Result.getOrUndefined(Result.try(() => new URL(value)))
    if (url === undefined) return "is not an address"
    if (url.hash !== "") return "must not have a fragment: the broker could not add its parameters"
    if (url.protocol === "https:" || (url.protocol === "http:" && loopback.includes(url.hostname))) return undefined
    const orHttp = loopback.length === 0 ? "" : `, or http with the host ${loopback.join(" or ")}`
    return `must be https${orHttp}: the broker accepts no other URL`
  }

const asciiProblem = (value: string): string | undefined =>
  /^[\x20-\x7e]+$/.test(value) ? undefined : "has characters other than ASCII: type the value again"

const unwrap = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

const Verbatim = "~@auth/broker-core/Credentials/Verbatim"

/**
 * Marks a value as verbatim: its blanks, quotation marks and invisible characters are kept. Use this function for a
 * password that begins or ends with a quotation mark or a blank. The field's `problem` and `normalize` still apply.
 *
 * If the password is in an environment variable, set the variable `BROKER_AUTH_VERBATIM` to the name of the password's
 * variable. Separate several names by commas.
 *
 * @example
 * ```ts
 * import * as Credentials from "@auth/broker-core/broker/Credentials"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const fields = { password: { env: "TINY_PASSWORD", description: "Password", secret: true, freeText: true } } as const
 *
 * const program = Effect.gen(function* () {
 *   const password = Credentials.verbatim(Redacted.make("'tis a password'"))
 *   const values = yield* Credentials.check("tiny", fields, { password })
 *   Redacted.value(values.password) // => "'tis a password'"
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const verbatim = (value: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Object.assign(Redacted.make(Redacted.isRedacted(value) ? Redacted.value(value) : value), { [Verbatim]: true })

const isVerbatim = (value: unknown): boolean => Predicate.hasProperty(value, Verbatim)

type VerbatimAdvice = (field: string) => string

/** A blank value of an optional field, such as an empty environment variable, counts as absent. */
const isBlank = (value: unknown): boolean => {
  const inner = unwrap(value)
  if (inner === undefined || inner === null) return true
  return Predicate.isString(inner) && (isVerbatim(value) ? inner.trim() : withoutQuotes(inner)) === ""
}

/** In characters. Some values are sent in headers, and servers refuse long headers. */
const maxLength = 8192

type Text = { readonly text: string } | { readonly problem: string }

/** Programs in plain JavaScript may pass a number or `undefined`. */
const textOf = (value: unknown): Text => {
  const inner = unwrap(value)
  if (inner === undefined || inner === null) return { problem: "is missing" }
  if (!Predicate.isString(inner)) return { problem: "must be text" }
  if (inner.trim() === "") return { problem: "is empty" }
  return inner.length > maxLength ? { problem: "is too long: copy only the value" } : { text: inner }
}

type Reading = { readonly value: unknown } | { readonly problem: string }

const readCodes = (given: unknown): Reading => {
  if (CodeSource.isCodeSource(given)) return { value: given }
  const read = textOf(given)
  return "problem" in read ? read : { value: CodeSource.totp(Redacted.make(read.text)) }
}

const checkForm = (text: string, problem: string | undefined): Text => (problem === undefined ? { text } : { problem })

/** Removes only the blanks around a password. Removing anything else could change the password. */
const readFreeText = (given: string, field: Field, now: number, advice: string): Text => {
  const text = given.trim()
  const quote = quoteProblem(text)
  if (quote !== undefined) return { problem: `${quote}: remove it, or ${advice} if it belongs to the value` }
  const invisible = invisibleProblem(text)
  if (invisible !== undefined) {
    return { problem: `${invisible}: type the value again, or ${advice} if it belongs to the value` }
  }
  const placeholder = placeholderProblem(text, field.env)
  if (placeholder !== undefined) return { problem: `${placeholder}, or ${advice} if this is the value` }
  return checkForm(text, field.problem?.(text, now))
}

const readPlain = (given: string, field: Field, now: number): Text => {
  const text = withoutQuotes(given)
  if (text === "") return { problem: "is empty" }
  const quote = quoteProblem(text)
  if (quote !== undefined) return { problem: `${quote}: copy the whole value again` }
  const invisible = invisibleProblem(text)
  const { problem: own = field.secret ? visibleProblem : asciiProblem } = field
  if (invisible === undefined) {
    return checkForm(text, placeholderProblem(text, field.env) ?? additionProblem(text) ?? own(text, now))
  }
  // The field's own check may describe white space more clearly than `invisible` does.
  const clearer = /\s/.test(text) ? field.problem?.(text, now) : undefined
  return { problem: clearer ?? `${invisible}: type the value again, or copy it from another place` }
}

const readField = (field: Field, given: unknown, now: number, advice: string): Reading => {
  if (field.codes) {
    const read = readCodes(given)
    const problem = "value" in read && CodeSource.isCodeSource(read.value) ? read.value.problem : undefined
    return problem === undefined ? read : { problem }
  }
  const whole = textOf(field.convert === undefined ? given : field.convert(given as never))
  if ("problem" in whole) return whole
  const isAsItStands = isVerbatim(given)
  const readText = field.freeText ? readFreeText : readPlain
  const read = isAsItStands
    ? checkForm(whole.text, field.problem?.(whole.text, now))
    : readText(whole.text, field, now, advice)
  if ("problem" in read) return read
  const text = field.normalize === undefined ? read.text : field.normalize(read.text)
  if (!field.secret) return { value: text }
  // The verbatim mark is kept, because `BrokerApi` checks the credentials of a layer again.
  return { value: isAsItStands ? verbatim(Redacted.make(text)) : Redacted.make(text) }
}

const inCode: VerbatimAdvice = () => "use Credentials.verbatim(…)"

/**
 * Checks all fields. If several fields are wrong, one error names all of them. The first rule that fits
 * a value applies:
 *
 * 1. The field has `codes`: `CodeSource.totp` checks the TOTP secret.
 * 2. The value is `verbatim`: Nothing is removed. Quotation marks, invisible characters and placeholders are accepted.
 * 3. The field has `freeText`: Blanks around the value are removed. Invisible characters, quotation marks at either end
 *    and placeholders are rejected.
 * 4. Any other value: Blanks, invisible characters and pairs of quotation marks around the value are removed. Invisible
 *    characters inside the value, a quotation mark at only one end, and placeholders are rejected.
 *
 * Placeholders are texts such as `your_api_key`, `<A123456>` and `xxxx`.
 *
 * @example
 * ```ts
 * import * as Credentials from "@auth/broker-core/broker/Credentials"
 * import * as Effect from "effect/Effect"
 *
 * const fields = {
 *   userId: { env: "TINY_USER_ID", description: "User id", secret: false },
 *   pin: { env: "TINY_PIN", description: "PIN", secret: true }
 * } as const
 *
 * const program = Effect.gen(function* () {
 *   const error = yield* Effect.flip(Credentials.check("tiny", fields, { userId: " " }))
 *   error.reason.message // => "The request is invalid: userId is empty; pin is missing"
 * })
 * ```
 *
 * @category checks
 * @since 0.1.0
 */
export const check = <F extends Fields>(
  broker: string,
  fields: F,
  input: { readonly [K in keyof F]?: unknown },
  nameOf: (field: string) => string = (field) => field
): Effect.Effect<Values<F>, AuthError.AuthError> => checkWith(broker, fields, input, nameOf, inCode)

/** The beginning of 2026 in UTC. A clock that shows an earlier time was not set. */
const earliestNow = 1_767_225_600_000

const checkWith = <F extends Fields>(
  broker: string,
  fields: F,
  input: { readonly [K in keyof F]?: unknown },
  nameOf: (field: string) => string,
  advice: VerbatimAdvice
): Effect.Effect<Values<F>, AuthError.AuthError> =>
  Effect.flatMap(Clock.currentTimeMillis, (clock) => {
    const now = Math.max(clock, earliestNow)
    const problems: Array<AuthError.Problem> = []
    const values: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (field.optional && isBlank(input[name])) continue
      const read = readField(field, input[name], now, advice(field.env))
      if ("problem" in read) problems.push({ field: nameOf(name), problem: read.problem })
      else values[name] = read.value
    }
    const [first, ...others] = problems
    return first === undefined
      ? Effect.succeed(values as Values<F>)
      : Effect.fail(
          AuthError.make(broker, "credentials", new AuthError.InvalidRequest({ problems: [first, ...others] }))
        )
  })

/**
 * Returns the values of those fields that are options of the layer.
 *
 * @category options
 * @since 0.1.0
 */
export const fromOptions = (fields: Fields, options: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, { option }]) =>
      option === undefined ? [] : [[name, option(options as never)] as const]
    )
  )

/**
 * Reads all fields from the configuration. The `env` of a field is the name of its variable. If several fields are
 * missing or wrong, one error names all of them. The variable `BROKER_AUTH_VERBATIM` contains names of variables,
 * separated by commas. The values of these variables are `verbatim`. For a field with `option`, the value in `options`
 * takes precedence over the field's variable.
 *
 * @category configuration
 * @since 0.1.0
 */
export const fromConfig = Effect.fnUntraced(function* <F extends Fields>(
  broker: string,
  fields: F,
  options: object = {}
): Effect.fn.Return<Values<F>, AuthError.AuthError> {
  // The import is dynamic, because `configuration.ts` needs Schema, which is large.
  const { readVariable } = yield* Effect.promise(() => import("./internal/configuration.ts"))
  const input: Record<string, unknown> = {}
  for (const [name, { env, option }] of Object.entries(fields)) {
    const configured = yield* readVariable(broker, env)
    input[name] = option === undefined ? configured : option(options as never, configured ?? null)
  }
  const named = yield* readVariable(broker, verbatimVariable)
  const verbatimNames = new Set(named === undefined ? [] : Redacted.value(named).split(/[\s,;"']+/))
  for (const [name, { env }] of Object.entries(fields)) {
    const value = input[name]
    if (verbatimNames.has(env) && Redacted.isRedacted(value)) input[name] = verbatim(value as Redacted.Redacted<string>)
  }
  const nameOf = (field: string) => {
    const variable = fields[field]?.env
    return variable === undefined ? field : `${field} (${variable})`
  }
  return yield* checkWith(broker, fields, input as { [K in keyof F]?: unknown }, nameOf, inVariable)
})

const verbatimVariable = "BROKER_AUTH_VERBATIM"

const inVariable: VerbatimAdvice = (variable) => `set ${verbatimVariable}=${variable}`
