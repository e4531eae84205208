/**
 * The ledger of an account is the state of its login guard. Times are in milliseconds since the epoch. Lengths are in
 * milliseconds.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Account from "../../login/Account.ts"
import type { LoginProgress } from "../../broker/LoginProgress.ts"

/**
 * A login that was sent. After a refused one-time code, the next code of the same login is another attempt. The values
 * of `outcome`:
 *
 * - `open`: the broker has not answered yet.
 * - `awaits-code`: the broker has sent a code by SMS or email, and the program has not sent the code back yet.
 * - `refused`: the broker refused the login or a code.
 */
export interface Attempt {
  readonly id: string
  readonly at: number
  readonly credentials?: string | undefined
  readonly outcome: "open" | "awaits-code" | "refused"
}

/** During a pause or a lock, a login fails with an error made from these parts. */
export interface Said {
  readonly tag: string
  readonly why?: string | undefined
  readonly what?: string | undefined
  readonly code?: string | undefined
  readonly brokerMessage?: string | undefined
  readonly message: string
  readonly remedy: string
  /** Whether a person must enter a code that the broker sends by SMS or email. */
  readonly needsPerson?: boolean | undefined
}

export interface Pause {
  readonly since: number
  readonly length: number
  /** Number of pauses in a row, including this pause. */
  readonly count: number
  readonly said: Said
}

export interface Lock {
  readonly since: number
  readonly said: Said
}

/** The latest replacement of a refused session by a new session. */
export interface Replacement {
  readonly since: number
  /** Number of replacements in a row, including this replacement. */
  readonly count: number
  /** When the broker issued the new session. */
  readonly issuedAt: number
  /** Whether the new session is live, according to the broker's profile call. `undefined` if unknown. */
  readonly lives?: boolean | undefined
}

/** Only a login with the same app and the same credentials may continue from this progress. */
export interface StoredProgress extends LoginProgress {
  readonly app?: string | undefined
  /** Fingerprint of the credentials. `undefined` if the store has no encryption key. */
  readonly credentials?: string | undefined
}

export interface Ledger {
  readonly format: 2
  /** When a login was last sent, accepted or refused. */
  readonly attemptedAt?: number | undefined
  readonly attempts: ReadonlyArray<Attempt>
  /** When a login was last accepted, or the ledger was last reset. */
  readonly settledAt?: number | undefined
  readonly accepted: ReadonlyArray<string>
  readonly refused: ReadonlyArray<string>
  readonly pause?: Pause | undefined
  readonly locked?: Lock | undefined
  /** The pause after a new token that had already expired when it arrived. */
  readonly overOnArrival?: Pause | undefined
  readonly replacement?: Replacement | undefined
  /** The progress of a login that has no session yet. */
  readonly progress?: StoredProgress | undefined
}

export const empty: Ledger = { format: 2, attempts: [], accepted: [], refused: [] }

const Said = Schema.Struct({
  tag: Schema.String,
  why: Schema.optional(Schema.String),
  what: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String),
  brokerMessage: Schema.optional(Schema.String),
  message: Schema.String,
  remedy: Schema.String,
  needsPerson: Schema.optional(Schema.Boolean)
})

const LedgerFromJson = Schema.fromJsonString(
  Schema.Struct({
    format: Schema.Literal(2),
    attemptedAt: Schema.optional(Schema.Finite),
    attempts: Schema.Array(
      Schema.Struct({
        id: Schema.String,
        at: Schema.Finite,
        credentials: Schema.optional(Schema.String),
        outcome: Schema.Literals(["open", "awaits-code", "refused"])
      })
    ),
    settledAt: Schema.optional(Schema.Finite),
    accepted: Schema.Array(Schema.String),
    refused: Schema.Array(Schema.String),
    pause: Schema.optional(
      Schema.Struct({ since: Schema.Finite, length: Schema.Finite, count: Schema.Finite, said: Said })
    ),
    locked: Schema.optional(Schema.Struct({ since: Schema.Finite, said: Said })),
    replacement: Schema.optional(
      Schema.Struct({
        since: Schema.Finite,
        count: Schema.Finite,
        issuedAt: Schema.Finite,
        lives: Schema.optional(Schema.Boolean)
      })
    ),
    progress: Schema.optional(
      Schema.Struct({
        token: Schema.RedactedFromValue(Schema.String),
        issuedAt: Schema.Finite,
        endsAt: Schema.UndefinedOr(Schema.Finite).pipe(Schema.optional),
        app: Schema.UndefinedOr(Schema.String).pipe(Schema.optional),
        credentials: Schema.UndefinedOr(Schema.String).pipe(Schema.optional)
      })
    ),
    overOnArrival: Schema.optional(
      Schema.Struct({ since: Schema.Finite, length: Schema.Finite, count: Schema.Finite, said: Said })
    )
  })
)

/** Format 1 of the ledger. It was stored separately for each app and each spelling of the account id. */
const FormatOneFromJson = Schema.fromJsonString(
  Schema.Struct({ attemptedAt: Schema.optional(Schema.Finite), refusedAt: Schema.Array(Schema.Finite) })
)
const FormatFromJson = Schema.fromJsonString(Schema.Struct({ format: Schema.Finite }))

const decode = Schema.decodeUnknownOption(LedgerFromJson)
const decodeFormat = Schema.decodeUnknownOption(FormatFromJson)
const decodeFormatOne = Schema.decodeUnknownOption(FormatOneFromJson)

export const encode: (ledger: Ledger) => string = Schema.encodeSync(LedgerFromJson)

/** Returns the ledger. Returns a number if the ledger has a newer format. Returns `undefined` for any other text. */
export const parse = (text: string): Ledger | number | undefined => {
  const ledger = decode(text)
  if (Option.isSome(ledger)) return ledger.value
  const format = decodeFormat(text)
  return Option.isSome(format) && format.value.format > empty.format ? format.value.format : undefined
}

export const parseFormatOne = (text: string): Ledger | undefined =>
  Option.getOrUndefined(
    Option.map(decodeFormatOne(text), ({ attemptedAt, refusedAt }) => ({
      ...empty,
      attemptedAt,
      attempts: refusedAt.map((at, index) => ({ id: `before-${index}`, at, outcome: "refused" as const }))
    }))
  )

/** All apps and all spellings of an id share one ledger, because a broker locks the account for all of them. */
export const placeOf = ({ broker, environment, id }: Account.Account): Account.Account =>
  Account.make({ broker, environment, app: "*", id: id.toLowerCase() })

/** In milliseconds. A time further in the future is ignored, because it shows that the clock was set back. */
const tolerance = 60_000

export const isWithin = (since: number, length: number, now: number): boolean =>
  since <= now + tolerance && now < since + length

const minutes = (count: number) => count * 60_000

const pauses = [1, 2, 5, 10].map(minutes)
/** Used if a firewall blocks logins, or if the broker allows no more sessions. Each login can prolong the refusal. */
const longPauses = [5, 15, 60].map(minutes)

export const pauseLength = ({ tag, why }: Said, count: number): number => {
  const lengths = tag === "SessionLimitReached" || (tag === "PermissionDenied" && why === "waf") ? longPauses : pauses
  return lengths[Math.min(count, lengths.length) - 1] ?? minutes(10)
}

/** After this many logins without an answer in an hour, further logins are at least `throttleInterval` apart. */
const maxOpen = 10
const hour = 3_600_000
const throttleInterval = minutes(2)

const isAccepted = ({ accepted }: Ledger, credentials: string | undefined): boolean =>
  credentials !== undefined && accepted.includes(credentials)

/** An unanswered login counts as failed, unless the broker has accepted the same credentials before. */
const isFailure = (ledger: Ledger, { credentials, outcome }: Attempt): boolean =>
  outcome === "refused" || (outcome === "open" && !isAccepted(ledger, credentials))

/** Returns the failed logins, which can make the broker lock the account. */
export const counted = (ledger: Ledger, within: number, now: number): ReadonlyArray<Attempt> =>
  ledger.attempts.filter((attempt) => Math.abs(now - attempt.at) < within && isFailure(ledger, attempt))

export const throttledUntil = (ledger: Ledger, now: number): number | undefined => {
  const open = ledger.attempts.filter(({ at, outcome }) => outcome === "open" && isWithin(at, hour, now))
  const last = Math.max(...open.map(({ at }) => at))
  return open.length >= maxOpen && now < last + throttleInterval ? last + throttleInterval : undefined
}

/** A pause that begins in the future is void, because it shows that the clock was set back. */
export const pauseEnd = ({ pause }: Ledger, now: number): number | undefined =>
  pause !== undefined && pause.since <= now + tolerance ? pause.since + pause.length : undefined

/** Two or more `awaits-code` logins within an hour delay the next login. Returns the end of the delay. */
export const nextCodeAt = (ledger: Ledger, now: number): number | undefined => {
  const waiting = ledger.attempts.filter(({ at, outcome }) => outcome === "awaits-code" && isWithin(at, hour, now))
  const length = pauses[Math.min(waiting.length - 1, pauses.length) - 1]
  if (length === undefined) return undefined
  const until = Math.max(...waiting.map(({ at }) => at)) + length
  return now < until ? until : undefined
}

const maxAttempts = 200
/** Failed logins are kept at least this long, because another program may count them over a longer time. */
const longestWindow = 31 * 24 * hour
const maxFingerprints = 16

const addTo = (fingerprints: ReadonlyArray<string>, one: string | undefined): ReadonlyArray<string> =>
  one === undefined ? fingerprints : [...fingerprints.filter((other) => other !== one), one].slice(-maxFingerprints)

/**
 * If the list is full, attempts that do not count as failed are removed first. On a bad network, hundreds of logins
 * with accepted credentials can remain unanswered. These logins must not displace failed logins.
 */
const addAttempt = (ledger: Ledger, attempts: ReadonlyArray<Attempt>, attempt: Attempt): ReadonlyArray<Attempt> => {
  const all = [...attempts, attempt]
  if (all.length <= maxAttempts) return all
  const uncounted = attempts.filter((one) => !isFailure(ledger, one))
  const dropped = new Set(uncounted.slice(0, all.length - maxAttempts))
  return all.filter((one) => !dropped.has(one)).slice(-maxAttempts)
}

/** Records a login before it is sent. */
export const enter = (ledger: Ledger, attempt: Attempt, within: number): Ledger => {
  const isKept = (one: Attempt) => {
    const length = isFailure(ledger, one) ? Math.max(within, longestWindow) : hour
    return one.id !== attempt.id && Math.abs(attempt.at - one.at) < length
  }
  return {
    ...ledger,
    attemptedAt: attempt.at,
    attempts: addAttempt(ledger, ledger.attempts.filter(isKept), attempt)
  }
}

export const accept = (ledger: Ledger, credentials: string | undefined, now: number): Ledger => ({
  ...empty,
  attemptedAt: now,
  settledAt: now,
  accepted: addTo(ledger.accepted, credentials),
  refused: ledger.refused.filter((other) => other !== credentials),
  // `overOnArrival` and `replacement` are kept, because the new token has not been checked yet. `progress` is kept,
  // because the accepted login may not have a session yet.
  overOnArrival: ledger.overOnArrival,
  replacement: ledger.replacement,
  progress: ledger.progress
})

/** Like `accept`, for a login that was accepted at `then` and is recorded later. */
export const acceptLate = (ledger: Ledger, credentials: string | undefined, then: number): Ledger => {
  const isSince = (at: number | undefined) => at !== undefined && at > then
  const accepted = accept(ledger, credentials, then)
  return {
    ...accepted,
    attemptedAt: isSince(ledger.attemptedAt) ? ledger.attemptedAt : then,
    settledAt: isSince(ledger.settledAt) ? ledger.settledAt : then,
    attempts: ledger.attempts.filter(({ at }) => isSince(at)),
    pause: isSince(ledger.pause?.since) ? ledger.pause : undefined,
    locked: isSince(ledger.locked?.since) ? ledger.locked : undefined
  }
}

export const isSettledSince = ({ settledAt }: Ledger, then: number): boolean =>
  settledAt !== undefined && settledAt > then

export const removeAttempt = (ledger: Ledger, id: string): Ledger => ({
  ...ledger,
  attempts: ledger.attempts.filter((attempt) => attempt.id !== id || attempt.outcome === "refused")
})

export const putAttempt = (ledger: Ledger, attempt: Attempt): Ledger => ({
  ...ledger,
  attempts: addAttempt(
    ledger,
    ledger.attempts.filter(({ id }) => id !== attempt.id),
    attempt
  )
})

export const refuse = (ledger: Ledger, attempt: Attempt, now: number): Ledger => ({
  ...putAttempt(ledger, { ...attempt, at: now, outcome: "refused" }),
  attemptedAt: now
})

export const refuseCredentials = (ledger: Ledger, credentials: string | undefined): Ledger =>
  isAccepted(ledger, credentials) ? ledger : { ...ledger, refused: addTo(ledger.refused, credentials) }

/**
 * `before` is the number of pauses in a row before this pause. A second call with the same `now` changes nothing,
 * because a store can write a pause and still report an error.
 */
export const startPause = (ledger: Ledger, said: Said, now: number, before = ledger.pause?.count ?? 0): Ledger => {
  if (ledger.pause?.since === now) return ledger
  const count = before + 1
  return { ...ledger, pause: { since: now, length: pauseLength(said, count), count, said } }
}

export const arriveOver = (ledger: Ledger, said: Said, now: number): Ledger => {
  const count = (ledger.overOnArrival?.count ?? 0) + 1
  return { ...ledger, overOnArrival: { since: now, length: count === 1 ? 1000 : minutes(15), count, said } }
}

export const arriveLive = (ledger: Ledger): Ledger => ({ ...ledger, overOnArrival: undefined })

/** In milliseconds. An older replacement is assumed to have worked. */
const trusted = minutes(30)

export const isRecentReplacement = ({ replacement }: Ledger, issuedAt: number, now: number): boolean =>
  replacement !== undefined && replacement.issuedAt === issuedAt && isWithin(replacement.since, trusted, now)

export const replaceableAt = ({ replacement }: Ledger, now: number): number | undefined => {
  if (replacement === undefined) return undefined
  const length = pauses[Math.min(replacement.count, pauses.length) - 1] ?? minutes(10)
  return isWithin(replacement.since, length, now) ? replacement.since + length : undefined
}

/**
 * `issuedAt` is when the new session was issued. `refused` is when the refused session was issued, or `undefined` if
 * the refused session is known to have worked.
 */
export const replace = (ledger: Ledger, refused: number | undefined, issuedAt: number, now: number): Ledger => ({
  ...ledger,
  replacement: {
    since: now,
    count:
      refused !== undefined && isRecentReplacement(ledger, refused, now) ? (ledger.replacement?.count ?? 0) + 1 : 1,
    issuedAt
  }
})

/** If the session lives, the pause between replacements starts again at `now`. */
export const probe = (ledger: Ledger, lives: boolean, now: number): Ledger => {
  const { replacement } = ledger
  if (replacement === undefined) return ledger
  return { ...ledger, replacement: { ...replacement, lives, since: lives ? now : replacement.since } }
}

export const setProgress = (ledger: Ledger, progress: StoredProgress): Ledger => ({ ...ledger, progress })

export const progressOf = (
  { progress }: Ledger,
  app: string,
  credentials: string | undefined
): LoginProgress | undefined => (progress?.app === app && progress.credentials === credentials ? progress : undefined)

export const clearProgress = (ledger: Ledger, app: string): Ledger =>
  ledger.progress?.app === app ? { ...ledger, progress: undefined } : ledger

/** Records that a login with stored progress has returned a session. */
export const finish = (ledger: Ledger, app: string): Ledger => ({ ...clearProgress(ledger, app), pause: undefined })

export const reset = (ledger: Ledger, credentials: string | undefined, now: number): Ledger => ({
  ...empty,
  attemptedAt: ledger.attemptedAt,
  settledAt: now,
  accepted: ledger.accepted,
  refused: ledger.refused.filter((other) => other !== credentials),
  progress: ledger.progress
})
