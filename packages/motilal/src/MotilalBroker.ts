/**
 * Describes Motilal Oswal as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

const asOf = "2026-11-21"

const daysIn = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

const exists = (year: number, month: number, day: number): boolean =>
  year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)

/** Returns day, month and year of a date in one of the formats `yyyy-mm-dd`, `dd-mm-yyyy` or `dd/mm/yyyy`. */
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
      : "is a day that does not exist: write the date of birth as dd/mm/yyyy"
  }
  if (/\dT\d\d:/.test(value)) return "is an instant, not a day: use a Date at midnight UTC or India time, or dd/mm/yyyy"
  if (/^[A-Za-z0-9]{10}$/.test(value)) return "is not a PAN: a PAN has five letters, four digits and a letter"
  return "must be a date of birth as dd/mm/yyyy, or a PAN of five letters, four digits and a letter"
}

const toSecondFactor = (value: string): string => {
  const [day = "", month = "", year] = readDay(value) ?? []
  return year === undefined ? value.toUpperCase() : `${day.padStart(2, "0")}/${month.padStart(2, "0")}/${year}`
}

const indianOffset = 19_800_000

/**
 * Returns the day of a `Date` at midnight in UTC or in India. For another time, returns the instant, which the check
 * rejects.
 */
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

const loginIdProblem = (value: string) =>
  /^[A-Za-z0-9]{1,15}$/.test(value) ? undefined : "is not a login id: a login id has up to 15 letters and digits"

const userId = Credentials.plain("MOTILAL_USER_ID", "Login id (client code) of the account, such as AA017", {
  normalize: (value: string) => value.toUpperCase(),
  problem: loginIdProblem
})

const apiKey = Credentials.secret(
  "MOTILAL_API_KEY",
  "API key of your app, from the OpenAPI portal (not the API secret)",
  { problem: Credentials.visibleProblem }
)

const apiSecret = Credentials.secret(
  "MOTILAL_API_SECRET",
  "API secret of your app; not needed for generations v4 and v3",
  { problem: Credentials.visibleProblem }
)

const secondFactor = Credentials.secret(
  "MOTILAL_SECOND_FACTOR",
  "Date of birth (dd/mm/yyyy, dd-mm-yyyy or yyyy-mm-dd) or PAN; not needed for a dealer",
  { problem: secondFactorProblem, normalize: toSecondFactor, convert: withoutDates }
)

/**
 * Credentials of `MotilalAuth`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId,
  password: Credentials.secret("MOTILAL_PASSWORD", "Login password of the account; it is sent only as a hash", {
    freeText: true
  }),
  apiKey,
  apiSecret,
  secondFactor,
  totp: Credentials.secret(
    "MOTILAL_TOTP_SECRET",
    "The TOTP secret of 32 characters that the portal shows. Without it, each login needs a code by SMS and mail",
    { optional: true, codes: true }
  )
}

/**
 * Like `credentials`, but API secret and second factor are optional. The generations v4 and v3 need no API secret, and
 * a dealer needs no second factor.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientCredentials = {
  ...credentials,
  apiSecret: { ...apiSecret, optional: true as const },
  secondFactor: { ...secondFactor, optional: true as const }
}

/**
 * Credentials of `MotilalPortal`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const portalCredentials = {
  userId,
  apiKey,
  apiSecret,
  redirectUrl: Credentials.plain("MOTILAL_REDIRECT_URL", "The app's registered redirect URL", {
    problem: Credentials.addressProblem
  })
}

/**
 * Like `portalCredentials`, but the API secret is optional, because the generations v4 and v3 do not need it.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientPortalCredentials = { ...portalCredentials, apiSecret: { ...apiSecret, optional: true as const } }

const budget = Broker.twoPerDay(
  "MO1096 limits wrong one-time codes to an undocumented number. No limit for wrong passwords is documented"
)
const expiry = "06:00 IST, or 24 hours after the login if that is earlier"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
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
      renewal: {
        ...budget,
        by: ["login"],
        needs: "the TOTP secret",
        codes: "totp",
        when: "After 06:00 IST, when every session has ended. The broker has no refresh"
      }
    },
    Broker.byBrowser({ id: "portal", layer: "MotilalPortal", credentials: portalCredentials, expiry }, budget)
  ],
  environments: {
    production: { api: "https://openapi.motilaloswal.com", login: "https://invest.motilaloswal.com" },
    uat: { api: "https://openapi.motilaloswaluat.com", login: "https://uattrade.motilaloswaluat.com" },
    // The only known address of the portal of this environment uses http and a separate port. To use the portal, set
    // `origins.login`.
    "uat-old": { api: "https://uatopenapi.motilaloswal.com" }
  },
  secretHeaders: ["authorization", "accesstoken", "apikey", "apisecretkey"],
  documentation: [
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/Introduction",
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/FAQ"
  ],
  assumptions: Broker.assumptions(asOf, [
    [
      "identity-headers",
      "medium",
      "identity options",
      "The broker checks only the format of the headers, not their values."
    ],
    [
      "api-secret",
      "medium",
      "generation",
      "Generation v7 requires the API secret for every call, including the login."
    ],
    ["empty-body", "medium", "emptyBody", "Calls without parameters are sent without a body. Some clients send {}."],
    [
      "otp-type",
      "medium",
      "otpType",
      "The one-time code is sent as text, as by the SDKs. The documentation says number."
    ],
    [
      "access-token-end",
      "low",
      "expiry",
      "The access token that getaccesstoken returns expires together with the login token."
    ],
    [
      "version-4-paths",
      "medium",
      "generation",
      "In generation v4, only the path of the login differs from generation v3."
    ],
    ["unverified-token", "low", "none needed", "A call before the one-time code fails with MO1097, MO8003 or MO1100."],
    ["token-in-data", "low", "none needed", "The token of a login can be inside data instead of beside status."],
    ["odd-json", "low", "none needed", "Answers can have typographic quotes, or stray bytes after their end."],
    [
      "portal-state",
      "medium",
      "state",
      "A callback without a state is accepted. If it has a state, the state is compared."
    ],
    ["lock-out", "low", "renewal", "Two wrong passwords or codes in 24 hours do not lock the account."],
    ["two-a-second", "medium", "requestsPerSecond", "The broker allows two calls to the same endpoint in a second."],
    ["resend-pause", "low", "resendAfter", "A code can be sent again after 30 seconds, any number of times."],
    ["trade-socket-host", "medium", "origins", "The trade socket has the host of the calls and the path /ws."]
  ]),
  verifiedOn: asOf
}
