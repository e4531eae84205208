/**
 * Motilal Oswal, described as data.
 *
 * @since 0.1.0
 */
import type { Assumption, Broker, Renewal } from "@auth/broker-core/broker/Broker"
import * as Result from "effect/Result"

const asOf = "2026-11-21"

const toUpperCase = (value: string): string => value.toUpperCase()
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** A key travels as a header, which can carry no more than this. */
const keyProblem = (value: string): string | undefined =>
  /^[\x21-\x7e]+$/.test(value) ? undefined : "has spaces or other characters that no key has"

const daysIn = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

const exists = (year: number, month: number, day: number): boolean =>
  year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)

/** Day, month and year of a date as people write it: `yyyy-mm-dd`, `dd-mm-yyyy` or `dd/mm/yyyy`. */
const readDay = (text: string): readonly [day: string, month: string, year: string] | undefined => {
  const [, year, month, day] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? []
  if (year !== undefined && month !== undefined && day !== undefined) return [day, month, year]
  const [, first, , second, third] = /^(\d{1,2})([/-])(\d{1,2})\2(\d{4})$/.exec(text) ?? []
  return first === undefined || second === undefined || third === undefined ? undefined : [first, second, third]
}

const pan = /^[A-Z]{5}\d{4}[A-Z]$/i

const secondFactorProblem = (value: string): string | undefined => {
  if (pan.test(value)) return undefined
  const date = readDay(value)
  if (date !== undefined) {
    const [day, month, year] = date
    return exists(Number(year), Number(month), Number(day))
      ? undefined
      : "is a day that does not exist: give the date of birth as dd/mm/yyyy"
  }
  if (/\dT\d\d:/.test(value))
    return "is an instant, not a day: give a Date at midnight UTC or India time, or dd/mm/yyyy"
  if (/^[A-Za-z0-9]{10}$/.test(value)) return "is not a PAN: it has five letters, four digits and a letter"
  return "is neither a date of birth as dd/mm/yyyy nor a PAN: five letters, four digits and a letter"
}

const toSecondFactor = (value: string): string => {
  const [day = "", month = "", year] = readDay(value) ?? []
  return year === undefined ? value.toUpperCase() : `${day.padStart(2, "0")}/${month.padStart(2, "0")}/${year}`
}

const redirectUrlProblem = (value: string): string | undefined =>
  Result.isSuccess(Result.try(() => new URL(value))) ? undefined : "is not an address"

const userId = {
  env: "MOTILAL_USER_ID",
  description: "Login id (client code) of the account, such as AA017",
  secret: false,
  normalize: toUpperCase,
  problem: (value: string) =>
    /^[A-Za-z0-9]{1,15}$/.test(value) ? undefined : "is not a login id: up to 15 letters and digits"
} as const

const apiKey = {
  env: "MOTILAL_API_KEY",
  description: "API key of your app, from the OpenAPI portal (not the API secret)",
  secret: true,
  problem: keyProblem
} as const

const apiSecret = {
  env: "MOTILAL_API_SECRET",
  description: "API secret of your app; not needed for generations v4 and v3",
  secret: true,
  problem: keyProblem
} as const

const indianOffset = 19_800_000

/** The day of a `Date`: people make them at midnight in UTC or at home. Any other instant is shown as one. */
const textOfDate = (date: Date): string => {
  const instant = Option.getOrUndefined(DateTime.make(date))
  if (instant === undefined) return "not a date"
  const millis = DateTime.toEpochMillis(instant)
  const offset = [0, indianOffset].find((candidate) => (millis + candidate) % 86_400_000 === 0)
  return offset === undefined
    ? DateTime.formatIso(instant)
    : DateTime.formatIso(DateTime.makeUnsafe(millis + offset)).slice(0, 10)
}

const withoutDates = (given: Redacted.Redacted<Date>): unknown => {
  const inner = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return Predicate.isDate(inner) ? Redacted.make(textOfDate(inner)) : given
}

const secondFactor = {
  env: "MOTILAL_SECOND_FACTOR",
  description: "Date of birth (dd/mm/yyyy, dd-mm-yyyy or yyyy-mm-dd) or PAN; not needed for a dealer",
  secret: true,
  problem: secondFactorProblem,
  normalize: toSecondFactor,
  convert: withoutDates
} as const

/**
 * What `MotilalAuth` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId,
  password: {
    env: "MOTILAL_PASSWORD",
    description: "Login password of the account; it leaves this program as a hash only",
    secret: true,
    freeText: true
  },
  apiKey,
  apiSecret,
  secondFactor,
  totp: {
    env: "MOTILAL_TOTP_SECRET",
    description: "The 32 characters of the portal's TOTP set-up. Without it each login asks for a code by SMS and mail",
    secret: true,
    optional: true,
    codes: true
  }
} as const

/**
 * The same where less is needed: by a dealer, and by the generations before the API secret.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientCredentials = {
  ...credentials,
  apiSecret: { ...apiSecret, optional: true },
  secondFactor: { ...secondFactor, optional: true }
} as const

/**
 * What `MotilalPortal` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const portalCredentials = {
  userId,
  apiKey,
  apiSecret,
  redirectUrl: {
    env: "MOTILAL_REDIRECT_URL",
    description: "The redirect URL that is registered for the app",
    secret: false,
    problem: redirectUrlProblem
  }
} as const

/**
 * The same for the generations before the API secret.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientPortalCredentials = {
  ...portalCredentials,
  apiSecret: { ...apiSecret, optional: true }
} as const

/** Two, until more is known: no broker here locks an account before the third refusal. */
const budget = {
  maxFailures: 2,
  window: "24 hours",
  source: "MO1096 ends the tries with one-time codes, after a number that is not documented; no code tells of passwords"
} as const

/**
 * How the sessions of each method are renewed.
 *
 * @category renewals
 * @since 0.1.0
 */
export const renewals = {
  password: {
    by: ["login"],
    needs: "the TOTP secret",
    codes: "totp",
    when: "After 06:00 IST, the end of every session: the broker has no refresh",
    ...budget
  },
  portal: { by: [], when: "A person logs in by browser again", ...budget }
} as const satisfies Record<string, Renewal>

const assume = (id: string, confidence: Assumption["confidence"], option: string, text: string): Assumption => ({
  id,
  text,
  confidence,
  option,
  asOf
})

const assumptions: ReadonlyArray<Assumption> = [
  assume(
    "identity-headers",
    "medium",
    "clientLocalIp, clientPublicIp, macAddress, osName, … (one option a header)",
    "The headers about the machine are checked for their form at most, so placeholders are good enough."
  ),
  assume(
    "api-secret",
    "medium",
    "generation",
    "The current generation wants the API secret with every call; clients disagree whether a login works without."
  ),
  assume(
    "empty-body",
    "medium",
    "emptyBody",
    "Calls without parameters are sent without a body; some clients send {}."
  ),
  assume("otp-type", "medium", "otpType", "The one-time code is sent as text, as the SDKs do; the table says number."),
  assume(
    "access-token-end",
    "low",
    "expiry",
    "The access token of the second exchange ends with the login's own: after 24 hours, or at 06:00 IST."
  ),
  assume(
    "version-4-paths",
    "medium",
    "generation",
    "Generation v4 is the login alone: its other calls have the versions that the Python SDK 3.0 gives them."
  ),
  assume(
    "unverified-token",
    "low",
    "none needed: the broker's code is kept in the error",
    "A call with a login that waits for its one-time code is refused with MO1097; MO8003 and MO1100 are told of too."
  ),
  assume(
    "token-in-data",
    "low",
    "none needed: it is taken if it is there",
    "The login's token may stand inside data instead of beside status."
  ),
  assume(
    "odd-json",
    "low",
    "none needed: proper JSON is read first",
    "Answers may have typographic quotes or stray bytes after their end, as the documented samples do."
  ),
  assume(
    "portal-state",
    "medium",
    "state",
    "The portal brings the state parameter back, which is not documented: a callback without one is accepted."
  ),
  assume(
    "lock-out",
    "low",
    "renewal.maxFailures, renewal.window",
    "The account is not locked before the third wrong password or code: renewals stop after two in 24 hours."
  ),
  assume("two-a-second", "medium", "requestsPerSecond", "Two calls of a kind in a second are not too many."),
  assume(
    "resend-pause",
    "low",
    "resendAfter",
    "A one-time code may be sent again after 30 seconds, as often as one likes: neither is documented."
  ),
  assume(
    "trade-socket-host",
    "medium",
    "origins",
    "The trade socket is at the host of the calls, under /ws; the documents name the old test host for tests."
  )
]

const expiry = "06:00 IST, or 24 hours after the login if that is earlier"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker = {
  id: "motilal",
  title: "Motilal Oswal",
  methods: [
    {
      id: "password",
      layer: "MotilalAuth",
      title: "Password, date of birth or PAN, and TOTP or a code by SMS",
      capabilities: ["Login", "StepUp", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: renewals.password
    },
    {
      id: "portal",
      layer: "MotilalPortal",
      title: "Browser",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: portalCredentials,
      expiry,
      renewal: renewals.portal
    }
  ],
  environments: {
    production: { api: "https://openapi.motilaloswal.com", login: "https://invest.motilaloswal.com" },
    uat: { api: "https://openapi.motilaloswaluat.com", login: "https://uattrade.motilaloswaluat.com" },
    // Its portal is known with plain http alone, on a port of its own: give `origins.login` if you need it.
    "uat-old": { api: "https://uatopenapi.motilaloswal.com" }
  },
  secretHeaders: ["authorization", "accesstoken", "apikey", "apisecretkey"],
  documentation: [
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/Introduction",
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/FAQ"
  ],
  assumptions,
  verifiedOn: asOf
}
