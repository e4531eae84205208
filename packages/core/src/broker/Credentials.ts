/**
 * Credentials as a table: what a login needs, what each field is called in the environment, and what can be said
 * of it before it is sent.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "../login/AuthError.ts"
import * as CodeSource from "../login/CodeSource.ts"

/**
 * One field of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface Field {
  /** Name of its environment variable. */
  readonly env: string
  readonly description: string
  readonly secret: boolean
  readonly optional?: true
  /** The field is a source of one-time codes: a `CodeSource`, or the TOTP secret that one is made of. */
  readonly codes?: true
  /** What is wrong with a value, without the value: `undefined` if nothing is. It comes trimmed. */
  readonly problem?: (value: string) => string | undefined
  /** Turns another kind of value that a program may give, such as a `Date`, into text. */
  readonly convert?: (given: never) => unknown
  /** The form that the broker wants. */
  readonly normalize?: (value: string) => string
}

/**
 * @category models
 * @since 0.1.0
 */
export type Fields = Readonly<Record<string, Field>>

/**
 * The checked values of a table of fields: secrets are `Redacted`.
 *
 * @category models
 * @since 0.1.0
 */
export type Values<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly optional: true } ? never : K]: Value<F[K]>
} & { readonly [K in keyof F as F[K] extends { readonly optional: true } ? K : never]?: Value<F[K]> | undefined }

/**
 * What a program gives for such fields: text, or `Redacted` text for secrets. For a source of codes, it may give the TOTP
 * secret that the codes are made of.
 *
 * @category models
 * @since 0.1.0
 */
export type Input<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly optional: true } ? never : K]: InputValue<F[K]>
} & { readonly [K in keyof F as F[K] extends { readonly optional: true } ? K : never]?: InputValue<F[K]> | undefined }

type InputValue<F extends Field> = F extends { readonly codes: true }
  ? Redacted.Redacted<string> | CodeSource.CodeSource
  : Value<F> | (F extends { readonly convert: (given: infer Given) => unknown } ? Given : never)

type Value<F extends Field> = F extends { readonly codes: true }
  ? CodeSource.CodeSource
  : F["secret"] extends true
    ? Redacted.Redacted<string>
    : string

/**
 * A check of a redirect URL: https, or http with one of the `loopback` hosts, and no fragment, in which a broker could
 * not bring its answer back.
 *
 * @example
 * ```ts
 * import * as Credentials from "@auth/broker-core/broker/Credentials"
 *
 * const problem = Credentials.redirectUrlProblem("127.0.0.1")
 * problem("https://app.example.com/callback") // => undefined
 * problem("http://localhost/callback") // => "must be https, or http with the host 127.0.0.1: the broker takes no other"
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
    if (url.hash !== "") return "must not have a fragment: the broker could not bring its answer back"
    return url.protocol === "https:" || (url.protocol === "http:" && loopback.includes(url.hostname))
      ? undefined
      : `must be https, or http with the host ${loopback.join(" or ")}: the broker takes no other`
  }

const unwrap = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

/** Nothing was given: an empty variable of the environment and a blank form field mean the same as none. */
const isBlank = (value: unknown): boolean => {
  const inner = unwrap(value)
  return inner === undefined || inner === null || (Predicate.isString(inner) && inner.trim() === "")
}

/** The text of a field, or what is wrong with it. Programs without types give numbers, and `undefined`. */
const textOf = (value: unknown): { readonly text: string } | { readonly problem: string } => {
  const inner = unwrap(value)
  if (inner === undefined || inner === null) return { problem: "is missing" }
  if (!Predicate.isString(inner)) return { problem: "must be text" }
  const text = inner.trim()
  return text === "" ? { problem: "is empty" } : { text }
}

type Reading = { readonly value: unknown } | { readonly problem: string }

const readCodes = (given: unknown): Reading => {
  if (CodeSource.isCodeSource(given)) return { value: given }
  const read = textOf(given)
  return "problem" in read ? read : { value: CodeSource.totp(Redacted.make(read.text)) }
}

const readField = (field: Field, given: unknown): Reading => {
  if (field.codes) {
    const read = readCodes(given)
    const problem = "value" in read && CodeSource.isCodeSource(read.value) ? read.value.problem : undefined
    return problem === undefined ? read : { problem }
  }
  const read = textOf(field.convert === undefined ? given : field.convert(given as never))
  if ("problem" in read) return read
  const problem = field.problem?.(read.text)
  if (problem !== undefined) return { problem }
  const text = field.normalize === undefined ? read.text : field.normalize(read.text)
  return { value: field.secret ? Redacted.make(text) : text }
}

/**
 * Trims and checks all fields, and names everything that is wrong with them at once.
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
 *   error.reason.message // => "The request cannot be right: userId is empty; pin is missing"
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
): Effect.Effect<Values<F>, AuthError.AuthError> =>
  Effect.suspend(() => {
    const problems: Array<AuthError.Problem> = []
    const values: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (field.optional && isBlank(input[name])) continue
      const read = readField(field, input[name])
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
 * Reads all fields from the configuration, each under its `env` name. Everything that is missing or wrong is named
 * at once.
 *
 * @category configuration
 * @since 0.1.0
 */
export const fromConfig = <F extends Fields>(
  broker: string,
  fields: F
): Effect.Effect<Values<F>, AuthError.AuthError> =>
  Effect.flatMap(
    Effect.forEach(Object.entries(fields), ([name, field]) =>
      Effect.map(readVariable(broker, field.env), (value) => [name, value] as const)
    ),
    (entries) =>
      check(broker, fields, Object.fromEntries(entries) as { [K in keyof F]?: unknown }, (field) => {
        const variable = fields[field]?.env
        return variable === undefined ? field : `${field} (${variable})`
      })
  )

const readVariable = (broker: string, name: string) =>
  Effect.mapError(Effect.map(Config.option(Config.Redacted(name)), Option.getOrUndefined), () =>
    AuthError.invalidRequest(broker, "credentials", name, "could not be read from the configuration")
  )
