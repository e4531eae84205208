/**
 * Motilal Oswal, described as data.
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

const loginIdProblem = (value: string) =>
  /^[A-Za-z0-9]{1,15}$/.test(value) ? undefined : "is not a login id: up to 15 letters and digits"

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
 * What `MotilalAuth` needs, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId,
  password: Credentials.secret(
    "MOTILAL_PASSWORD",
    "Login password of the account; it leaves this program as a hash only",
    { freeText: true }
  ),
  apiKey,
  apiSecret,
  secondFactor,
  totp: Credentials.secret(
    "MOTILAL_TOTP_SECRET",
    "The 32 characters of the portal's TOTP set-up. Without it each login asks for a code by SMS and mail",
    { optional: true, codes: true }
  )
}

/**
 * The same where less is needed: by a dealer, and by the generations before the API secret.
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
 * What `MotilalPortal` needs, with their environment variables.
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
 * The same for the generations before the API secret.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientPortalCredentials = { ...portalCredentials, apiSecret: { ...apiSecret, optional: true as const } }

const budget = Broker.twoPerDay(
  "MO1096 ends the tries with one-time codes, after a number that is not documented; no code tells of passwords"
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
        when: "After 06:00 IST, the end of every session: the broker has no refresh"
      }
    },
    {
      id: "portal",
      layer: "MotilalPortal",
      title: "Browser",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: portalCredentials,
      expiry,
      renewal: { ...budget, by: [], when: "A person logs in again in the browser" }
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
  assumptions: Broker.assumptions(asOf, [
    [
      "identity-headers",
      "medium",
      "clientLocalIp, macAddress, osName, …",
      "Of these headers only the form is checked."
    ],
    ["api-secret", "medium", "generation", "The generation v7 wants the API secret with every call, the login too."],
    ["empty-body", "medium", "emptyBody", "Calls without parameters are sent without a body; some clients send {}."],
    ["otp-type", "medium", "otpType", "The one-time code is sent as text, as the SDKs do; the table says number."],
    ["access-token-end", "low", "expiry", "The access token of the second exchange ends with the login's own."],
    ["version-4-paths", "medium", "generation", "Of generation v4 only the login has a version of its own."],
    ["unverified-token", "low", "none needed", "A call before the one-time code is refused: MO1097, MO8003 or MO1100."],
    ["token-in-data", "low", "none needed", "The login's token may stand inside data instead of beside status."],
    ["odd-json", "low", "none needed", "Answers may have typographic quotes or stray bytes after their end."],
    ["portal-state", "medium", "state", "A callback without state is accepted; where it is there, it is compared."],
    [
      "lock-out",
      "low",
      "renewal.maxFailures, renewal.window",
      "Two wrong passwords or codes in 24 hours lock nothing."
    ],
    ["two-a-second", "medium", "requestsPerSecond", "Two calls of a kind in a second are not too many."],
    ["resend-pause", "low", "resendAfter", "A code may be sent again after 30 seconds, any number of times."],
    ["trade-socket-host", "medium", "origins", "The trade socket is at the host of the calls, under /ws."]
  ]),
  verifiedOn: asOf
}
