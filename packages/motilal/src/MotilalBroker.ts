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

const yearFirst = /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})$/
const dayFirst = /^(?<day>\d{1,2})(?<mark>[/-])(?<month>\d{1,2})\k<mark>(?<year>\d{4})$/

/** Returns a date in the format `yyyy-mm-dd`. */
const readDay = (text: string): string | undefined => {
  const { day = "", month = "", year } = (yearFirst.exec(text) ?? dayFirst.exec(text))?.groups ?? {}
  return year && `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`
}

/** `DateTime.make` can turn 30 February into a day in March, so the result is compared with `day`. */
const exists = (day: string): boolean =>
  day >= "1900" && Option.exists(DateTime.make(day), (date) => DateTime.formatIso(date).startsWith(day))

const indianOffset = 19_800_000

const todayInIndia = (now: number): string => DateTime.formatIso(DateTime.makeUnsafe(now + indianOffset)).slice(0, 10)

const pan = /^[A-Z]{5}\d{4}[A-Z]$/i

const secondFactorProblem = (value: string, now: number): string | undefined => {
  if (pan.test(value)) return undefined
  const day = readDay(value)
  if (day !== undefined) {
    if (!exists(day)) return "is a day that does not exist: write the date of birth as dd/mm/yyyy"
    return day > todayInIndia(now) ? "is a day in the future: write the date of birth as dd/mm/yyyy" : undefined
  }
  if (/\dT\d\d:/.test(value)) return "is an instant, not a day: use a Date at midnight UTC or India time, or dd/mm/yyyy"
  if (/^[A-Za-z0-9]{10}$/.test(value)) return "is not a PAN: a PAN has five letters, four digits and a letter"
  return "must be a date of birth as dd/mm/yyyy, or a PAN of five letters, four digits and a letter"
}

const toSecondFactor = (value: string): string =>
  readDay(value)?.split("-").toReversed().join("/") ?? value.toUpperCase()

/**
 * If `date` is midnight in UTC or in India, returns the day that begins then. `secondFactorProblem` rejects the text of
 * any other `date`.
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

const apiKey = Credentials.key("MOTILAL_API_KEY", "API key of your app, from the OpenAPI portal (not the API secret)")
const apiSecret = Credentials.key(
  "MOTILAL_API_SECRET",
  "API secret of your app; not needed if you set the option generation to v4 or v3"
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
  password: Credentials.secret("MOTILAL_PASSWORD", "Login password; it is sent only as a hash", { freeText: true }),
  apiKey,
  apiSecret,
  secondFactor,
  totp: Credentials.secret(
    "MOTILAL_TOTP_SECRET",
    "The TOTP secret of 32 characters that the portal shows. Without it, each login needs a code by SMS and email",
    { optional: true, codes: true }
  )
}

/**
 * Like `credentials`, but the API secret and the second factor are optional. Generations v4 and v3 of the API need no
 * API secret. A dealer needs no second factor.
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
  redirectUrl: Credentials.redirectUrl("MOTILAL_REDIRECT_URL")
}

/**
 * Like `portalCredentials`, but the API secret is optional, because generations v4 and v3 of the API do not need it.
 *
 * @category credentials
 * @since 0.1.0
 */
export const lenientPortalCredentials = { ...portalCredentials, apiSecret: { ...apiSecret, optional: true as const } }

const budget = Broker.twoPerDay(
  "The broker limits the number of wrong one-time codes (MO1096), but does not document how many it permits. It documents no limit for wrong passwords"
)
const expiry = "The next 06:00 IST, so at most 24 hours after the login"

/**
 * The description of Motilal Oswal.
 *
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
      title: "Password, date of birth (or PAN), and a one-time code (TOTP or SMS)",
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
    // `login` is missing, because the only known portal of this environment uses http. To use this portal, set the
    // options `origins.login` and `insecureHttp`.
    "uat-old": { api: "https://uatopenapi.motilaloswal.com" }
  },
  secretHeaders: ["authorization", "accesstoken", "apikey", "apisecretkey"],
  documentation: [
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/Introduction",
    "https://invest.motilaloswal.com/moAPI/APIDocumentation/FAQ"
  ],
  staticIp: {
    text: "Required for orders. According to the FAQ, every other call requires it too: from an unregistered address, any call can fail with MO2035. Each app can have two addresses",
    source: "Motilal OpenAPI FAQ, questions 55 to 64 and 78",
    confidence: "medium",
    asOf: "2026-11-27"
  },
  orderRate: {
    text: "10 orders in a second for each segment of a stock exchange",
    source: "Motilal OpenAPI FAQ",
    confidence: "medium",
    asOf: "2026-11-27"
  },
  assumptions: Broker.assumptions(asOf, [
    [
      "identity-headers",
      "medium",
      "the options of Identity",
      "The broker checks only the format of the headers about the machine, such as macaddress, not whether their values are true."
    ],
    [
      "api-secret",
      "medium",
      "generation",
      "Generation v7 of the API requires the API secret for every call, including the login."
    ],
    [
      "empty-body",
      "medium",
      "emptyBody",
      "Calls without parameters need no body. The official SDKs for Java and Node.js send the body {}."
    ],
    [
      "otp-type",
      "medium",
      "otpType",
      "In verifyotp, the one-time code is sent as a JSON string, as in the SDKs. The documentation says number."
    ],
    ["access-token-end", "low", "expiry", "The token of getaccesstoken expires together with the login token."],
    ["version-4-paths", "medium", "generation", "In generation v4, only the path of the login differs from v3."],
    [
      "unverified-token",
      "low",
      "none",
      "Until the one-time code is verified, every call except verifyotp and resendotp fails with MO1097, MO8003 or MO1100."
    ],
    [
      "token-in-data",
      "low",
      "none",
      "The token of a login can be in the field data, instead of at the top level of the answer."
    ],
    ["odd-json", "low", "none", "Answers can have typographic quotes, or stray bytes after their end."],
    [
      "portal-state",
      "medium",
      "state",
      "The broker can omit the state from a callback, so this package accepts a callback without a state. It rejects a wrong state."
    ],
    ["lock-out", "low", "renewal", "Two wrong passwords or codes in 24 hours do not lock the account."],
    ["two-a-second", "medium", "requestsPerSecond", "The broker allows two calls to the same endpoint in a second."],
    [
      "resend-pause",
      "low",
      "resendAfter",
      "The broker sends a new code if at least 30 seconds have passed since the last one. The number of codes has no limit."
    ],
    [
      "trade-socket-host",
      "medium",
      "origins",
      "The trade socket (a WebSocket) has the same host as the HTTP API, and the path /ws."
    ]
  ]),
  verifiedOn: asOf
}
