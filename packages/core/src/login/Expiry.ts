/**
 * Rules that compute when a session expires. Several rules can be combined.
 *
 * Indian Standard Time (IST) has the fixed offset +05:30 from UTC. All points in time are in milliseconds since the
 * epoch.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as durations from "./internal/durations.ts"

export {
  /**
   * Formats a duration in its one or two largest units, such as `1 hour 5 minutes` or `9 days`. A duration from one
   * second to less than two minutes is formatted in seconds, such as `90 seconds`.
   *
   * @category converting
   * @since 0.1.0
   */
  timeText
} from "./internal/timeText.ts"

/**
 * Where an expiry comes from:
 *
 * - `jwt`: the `exp` in the token.
 * - `expires-in`: the broker's answer.
 * - `daily-cut-off`: the time at which the broker ends all sessions each day.
 * - `lifetime`: a fixed lifetime.
 * - `unknown`: the expiry is not known.
 *
 * @category models
 * @since 0.1.0
 */
export type ExpirySource = "jwt" | "expires-in" | "daily-cut-off" | "lifetime" | "unknown"

/**
 * The facts about a token that was just issued.
 *
 * @category models
 * @since 0.1.0
 */
export interface Issued {
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly accessToken: Redacted.Redacted<string>
  /** The broker's `expires_in`, if it sends one. */
  readonly expiresIn?: Duration.Duration | undefined
  /** The expiry, if the broker sends it as a point in time. Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined
}

/**
 * The expiry of a session, in milliseconds since the epoch, and its source.
 *
 * @category models
 * @since 0.1.0
 */
export interface End {
  readonly at: number
  readonly source: ExpirySource
}

/**
 * A rule that computes the expiry of a session. Returns `undefined` if the rule does not apply.
 *
 * @category models
 * @since 0.1.0
 */
export type Expiry = (issued: Issued) => End | undefined

const millisPerDay = 86_400_000
const istOffset = 19_800_000
/** One day before the latest time that `Date` supports, because `toIst` adds the offset of IST. */
const maxInstant = 8.64e15 - millisPerDay

const endAt = (at: number, source: ExpirySource): End | undefined =>
  at > 0 && at < maxInstant ? { at, source } : undefined

/** An `exp` below this number is in seconds. 1e11 seconds after the epoch is the year 5138. */
const firstMillis = 1e11
/** An `exp` of at least this number is ignored. 1e14 milliseconds after the epoch is the year 5138. */
const lastMillis = 1e14

/** Converts an `exp` to milliseconds. */
const fromNumericDate = (exp: unknown): number | undefined => {
  const number = Predicate.isString(exp) && /^\s*\d+(?:\.\d+)?\s*$/.test(exp) ? Number(exp) : exp
  if (!Predicate.isNumber(number) || number >= lastMillis) return undefined
  return number < firstMillis ? number * 1000 : number
}

const claimsOf = (token: string): unknown => {
  const start = token.indexOf(".") + 1
  const end = token.indexOf(".", start)
  if (start === 0) return undefined
  const payload = token.slice(start, end === -1 ? token.length : end)
  // `atob` is ten times as fast as a decoder in JavaScript. It decodes only ASCII correctly, which is enough for `exp`.
  const parse = () => JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as unknown
  return Result.getOrUndefined(Result.try(parse))
}

/**
 * Reads the expiry from the `exp` claim of the access token. The claim may be in seconds or milliseconds, and may be a
 * number or text. The signature of the token is not checked.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Base64Url from "effect/encoding/Base64Url"
 * import * as Redacted from "effect/Redacted"
 *
 * const accessToken = Redacted.make(`e30.${Base64Url.encode(`{"exp":1767292200}`)}.c2ln`)
 * Expiry.jwt({ issuedAt: 0, accessToken })
 * // => { at: Date.UTC(2026, 0, 1, 18, 30), source: "jwt" }
 * ```
 *
 * @category rules
 * @since 0.1.0
 */
export const jwt: Expiry = ({ accessToken }) => {
  const claims = claimsOf(Redacted.value(accessToken))
  const end = Predicate.hasProperty(claims, "exp") ? fromNumericDate(claims.exp) : undefined
  return end === undefined ? undefined : endAt(end, "jwt")
}

/**
 * Computes the expiry from the broker's answer: `issuedAt` plus `expiresIn`. Without `expiresIn`, the expiry is
 * `expiresAt`.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Duration from "effect/Duration"
 * import * as Redacted from "effect/Redacted"
 *
 * const accessToken = Redacted.make("…")
 * Expiry.expiresIn({ issuedAt: 0, accessToken, expiresIn: Duration.hours(1) })
 * // => { at: 3_600_000, source: "expires-in" }
 * ```
 *
 * @category rules
 * @since 0.1.0
 */
export const expiresIn: Expiry = ({ expiresAt, expiresIn, issuedAt }) => {
  const at = expiresIn === undefined ? expiresAt : issuedAt + Duration.toMillis(expiresIn)
  return at === undefined ? undefined : endAt(at, "expires-in")
}

/**
 * Reads the expiry from a field of an answer. The field may be a number or text. A value of at most 94,608,000 (three
 * years in seconds) is a lifetime in seconds. A larger value is a point in time, in seconds or milliseconds since the
 * epoch. If the value cannot be read, the result has no fields.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 *
 * Expiry.fromAnswer("1795426200") // => { expiresAt: 1795426200000 }
 * Expiry.fromAnswer("later") // => {}
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const fromAnswer = (value: unknown): Pick<Issued, "expiresIn" | "expiresAt"> => {
  const text = Predicate.isNumber(value) ? String(value) : Predicate.isString(value) ? value.trim() : ""
  if (!/^\d{1,13}(?:\.\d+)?$/.test(text)) return {}
  const seconds = Number(text)
  if (seconds <= 94_608_000) return { expiresIn: Duration.seconds(seconds) }
  const expiresAt = fromNumericDate(seconds)
  return expiresAt === undefined ? {} : { expiresAt }
}

/**
 * Makes a rule for a fixed lifetime, which starts when the token is issued. Throws an `IllegalArgumentError` if
 * `lifetime` is not a duration of zero or more.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Redacted from "effect/Redacted"
 *
 * Expiry.after("8 hours")({ issuedAt: 0, accessToken: Redacted.make("…") })
 * // => { at: 28_800_000, source: "lifetime" }
 * ```
 *
 * @category rules
 * @since 0.1.0
 */
export const after = (lifetime: Duration.Input): Expiry => {
  const millis = Duration.toMillis(
    Option.getOrThrowWith(
      durations.parse(lifetime),
      () => new Cause.IllegalArgumentError('A lifetime must be a duration such as "8 hours"')
    )
  )
  return ({ issuedAt }) => endAt(issuedAt + millis, "lifetime")
}

/**
 * Makes a rule for a daily cut-off. The session ends at the next `time` in IST. If the token is issued exactly at
 * `time`, the session ends one day later. Throws an `IllegalArgumentError` if `time` is not a time of day.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Redacted from "effect/Redacted"
 *
 * // 23:59 IST on the first of January 2026 is 18:29 UTC.
 * const end = Expiry.dailyAt("00:00")({ issuedAt: Date.UTC(2026, 0, 1, 18, 29), accessToken: Redacted.make("…") })
 * end?.at // => Date.UTC(2026, 0, 1, 18, 30)
 * ```
 *
 * @category rules
 * @since 0.1.0
 */
export const dailyAt = (time: `${number}:${number}`): Expiry => {
  const [, hours, minutes] = (/^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time) ?? []).map(Number)
  if (hours === undefined || minutes === undefined) {
    throw new Cause.IllegalArgumentError('A cut-off must be a time from "00:00" to "23:59"')
  }
  const cutOff = (hours * 60 + minutes) * 60_000
  return ({ issuedAt }) => {
    const sinceMidnight = (((issuedAt + istOffset) % millisPerDay) + millisPerDay) % millisPerDay
    const midnight = issuedAt - sinceMidnight
    const today = midnight + cutOff
    return { at: today > issuedAt ? today : today + millisPerDay, source: "daily-cut-off" }
  }
}

/**
 * Makes a rule that returns the earliest expiry of several rules.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Redacted from "effect/Redacted"
 *
 * const rule = Expiry.earliest(Expiry.dailyAt("00:00"), Expiry.after("1 hour"), Expiry.jwt)
 * const end = rule({ issuedAt: Date.UTC(2026, 0, 1), accessToken: Redacted.make("…") })
 * end?.source // => "lifetime"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const earliest =
  (...rules: ReadonlyArray<Expiry>): Expiry =>
  (issued) => {
    let first: End | undefined
    for (const rule of rules) {
      const end = rule(issued)
      if (end !== undefined && (first === undefined || end.at < first.at)) first = end
    }
    return first
  }

/**
 * Formats a point in time in Indian Standard Time, such as `2026-11-21 15:30:00 IST`.
 *
 * @example
 * ```ts
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 *
 * Expiry.toIst(Date.UTC(2026, 10, 21, 10)) // => "2026-11-21 15:30:00 IST"
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const toIst = (at: number): string =>
  `${DateTime.formatIso(DateTime.makeUnsafe(at + istOffset))
    .slice(0, 19)
    .replace("T", " ")} IST`
