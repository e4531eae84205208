/**
 * Describes a fake broker as data, for programs that serve the fake over HTTP, such as the simulator. The simulator
 * reads accounts and switches (options of the fake) from a seed file. The description contains the rules for the values
 * in the seed file.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Totp from "../login/Totp.ts"
import type { FakeAccount, FakeBroker } from "./FakeBroker.ts"

/**
 * A rule for a value in a seed file. `expected` is the rule in words, and `schema` checks the value. The error of the
 * schema never contains the value, because the value may be a secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly expected: string
  readonly schema: Schema.Codec<unknown>
}

/**
 * A place where a request or an answer contains a field of an account.
 *
 * @category models
 * @since 0.1.0
 */
export interface Place {
  readonly where: "body" | "header" | "query" | "form" | "answer"
  readonly name: string
  /** The name of the endpoint, as in the fake's journal. Absent if the place is in every call. */
  readonly of?: string
  /**
   * `code`: the place contains a TOTP code instead of the TOTP secret. `hash`: the place contains a hash of the value.
   */
  readonly as?: "code" | "hash"
}

/**
 * The places where a field of an account appears. For a field that is never sent: a text that describes its effect.
 *
 * @category models
 * @since 0.1.0
 */
export type WireName = ReadonlyArray<Place> | string

/**
 * The login page of a browser login: its origin at the real broker, its path and its query.
 *
 * @category models
 * @since 0.1.0
 */
export type Page = readonly [origin: string, path: string, query: Readonly<Record<string, string | undefined>>]

/**
 * The addresses of a running simulator. `control` is the address of the control port. `origins` maps each origin of a
 * real broker to the simulator's address for that origin.
 *
 * @category models
 * @since 0.1.0
 */
export interface Served {
  readonly control: string
  readonly origins: Readonly<Record<string, string>>
}

interface Common {
  /** The default accounts. A field that is missing in a seed file gets its value from the first default account. */
  readonly accounts: readonly [FakeAccount, ...ReadonlyArray<FakeAccount>]
  /** The address of the login page. Absent if the broker has no browser login. */
  readonly page?: (account: FakeAccount) => Page
  /**
   * The paths of all login pages, keyed by origin. Other websites may link or redirect to these pages. Absent if there
   * are no login pages.
   */
  readonly loginPages?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Lines of a shell script that logs in with one request to the broker. Absent if there is no script. */
  readonly curl?: (account: FakeAccount, served: Served) => ReadonlyArray<string>
}

/**
 * The description of a fake, with a row for each field of an account and for each switch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spec<Account extends object, Switches extends object> extends Common {
  /** Name of the field that identifies an account. */
  readonly accountField: keyof Account & string
  readonly make: (
    options: { readonly accounts?: ReadonlyArray<Account> } & Partial<Switches>
  ) => Effect.Effect<FakeBroker>
  readonly fields: { readonly [Field in keyof Account]: readonly [rule: Rule, wire: WireName] }
  readonly switches: { readonly [Switch in keyof Switches]: Rule }
}

/**
 * The description of a fake, without the types of its accounts and switches.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeDescriptor extends Common {
  readonly accountField: string
  readonly make: (options: object) => Effect.Effect<FakeBroker>
  readonly fields: Readonly<Record<string, readonly [rule: Rule, wire: WireName]>>
  readonly switches: Readonly<Record<string, Rule>>
}

/**
 * Makes a description. If a switch or a field of an account has no row, the program does not compile.
 *
 * @example
 * ```ts
 * import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
 * import { descriptor } from "@auth/zerodha/FakeZerodhaDescriptor"
 *
 * descriptor.accountField // => "userId"
 * descriptor.fields["totpSecret"]?.[1] // => [FakeDescriptor.form("loginPage", "totp", "code")]
 * descriptor.page?.(descriptor.accounts[0])[1] // => "/connect/login"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Account extends object, Switches extends object>(
  spec: Spec<Account, Switches>
): FakeDescriptor => ({ ...spec, make: (options) => spec.make(options) })

/**
 * Makes a rule. `fits` returns whether a value follows the rule.
 *
 * @category rules
 * @since 0.1.0
 */
export const is = (expected: string, fits: (value: unknown) => boolean): Rule => ({
  expected,
  schema: Schema.Unknown.check(Schema.makeFilter((value: unknown) => fits(value) || `must be ${expected}`))
})

/**
 * Makes a rule for text that matches a pattern.
 *
 * @category rules
 * @since 0.1.0
 */
export const matches = (expected: string, pattern: RegExp): Rule =>
  is(expected, (value) => typeof value === "string" && pattern.test(value))

/**
 * Makes a rule that allows only the given values.
 *
 * @category rules
 * @since 0.1.0
 */
export const oneOf = (...values: ReadonlyArray<string | number>): Rule =>
  is(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.some((known) => known === value))

const isWebAddress = (value: unknown): boolean => {
  if (typeof value !== "string" || !URL.canParse(value)) return false
  const { hash, password, protocol, username } = new URL(value)
  return /^https?:$/.test(protocol) && username === "" && password === "" && hash === ""
}

const isDuration = (value: unknown): boolean =>
  (typeof value === "string" || typeof value === "number") &&
  Option.exists(
    Duration.fromInput(value as Duration.Input),
    (duration) => Duration.isFinite(duration) && Duration.toMillis(duration) > 0
  )

/**
 * Rules that several fakes use.
 *
 * @category rules
 * @since 0.1.0
 */
export const rules = {
  text: matches("text without spaces at the start or end", /^\S(?:.*\S)?$/),
  optionalText: matches("text, or empty", /^(?:\S(?:.*\S)?)?$/),
  id: matches("capital letters and digits", /^[A-Z0-9]+$/),
  hex: matches("hexadecimal digits", /^[0-9a-f]+$/i),
  pan: matches("five letters, four digits and a letter", /^[A-Z]{5}\d{4}[A-Z]$/),
  mobile: matches("ten digits", /^\d{10}$/),
  email: matches("an email address", /^[^\s@]+@[^\s@]+$/),
  count: is(
    "a whole number between 1 and 1000",
    (value) => Number.isInteger(value) && Math.abs(Number(value) - 500.5) < 500
  ),
  timeOfDay: matches("a time such as 06:00", /^(?:[01]\d|2[0-3]):[0-5]\d$/),
  duration: is('a duration above zero, such as "8 hours" or a number of milliseconds', isDuration),
  redirectUrl: is("an http or https URL without a user name or a fragment", isWebAddress),
  totpSecret: is(
    "a Base32 secret, or empty",
    (value) => value === "" || (typeof value === "string" && Result.isSuccess(Totp.parse(Redacted.make(value))))
  )
} as const

/**
 * Describes the effect of an account's field `redirectUrl`.
 *
 * @category places
 * @since 0.1.0
 */
export const redirected = "where the login page sends the browser"

const place =
  (where: Place["where"]) =>
  (of: string, name: string, as?: Place["as"]): Place => ({ where, name, of, ...(as === undefined ? {} : { as }) })

/**
 * A field in the body of a request to an endpoint.
 *
 * @category places
 * @since 0.1.0
 */
export const body = place("body")

/**
 * A parameter of an endpoint's query.
 *
 * @category places
 * @since 0.1.0
 */
export const query = place("query")

/**
 * A field of an endpoint's form.
 *
 * @category places
 * @since 0.1.0
 */
export const form = place("form")

/**
 * A field of an endpoint's answer.
 *
 * @category places
 * @since 0.1.0
 */
export const answer = place("answer")

/**
 * A header of every call.
 *
 * @category places
 * @since 0.1.0
 */
export const header = (name: string): Place => ({ where: "header", name })

/**
 * Makes a shell command that stores an account's TOTP code in the shell variable `code`. The command reads the TOTP
 * code from the control port of a simulator.
 *
 * @category shell
 * @since 0.1.0
 */
export const curlCode = ({ control }: Served, broker: string, account: string | undefined): string =>
  `code=$(curl -s "${control}/totp?broker=${broker}&account=${account}" | sed 's/[^0-9]*\\([0-9]*\\).*/\\1/')`

/**
 * Writes JSON as an argument of a shell command. If a value is `$code`, the shell replaces the value with the content
 * of the shell variable `code`. In a script, the shell replaces nothing else. At a prompt, the shell may also replace
 * `!`.
 *
 * @category shell
 * @since 0.1.0
 */
export const curlJson = (fields: Readonly<Record<string, string | undefined>>): string =>
  `"${JSON.stringify(fields)
    .replace(/["`\\$]/g, String.raw`\$&`)
    .replaceAll(String.raw`\"\$code\"`, () => String.raw`\"$code\"`)}"`
