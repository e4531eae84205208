/**
 * What the login guard keeps of an account: the logins that were sent, the pause after one that cannot work, and which
 * credentials the broker has accepted or refused. Nothing here waits or asks.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Account from "../../login/Account.ts"
import type { LoginProgress } from "../../broker/LoginProgress.ts"

/** A login that was sent. It is `open` until an answer comes, and stays so if none does. */
export interface Attempt {
  readonly id: string
  readonly at: number
  readonly credentials?: string | undefined
  readonly outcome: "open" | "refused"
}

/** The broker's last word, by which a program that comes later is told why it has to wait. */
export interface Said {
  readonly tag: string
  readonly why?: string | undefined
  readonly what?: string | undefined
  readonly code?: string | undefined
  readonly brokerMessage?: string | undefined
  readonly message: string
  readonly remedy: string
}

/** A span is stored as a start and a length: a start in the future is void, since the clock was set back. */
export interface Pause {
  readonly since: number
  readonly length: number
  /** How many pauses in a row. */
  readonly count: number
  readonly said: Said
}

export interface Lock {
  readonly since: number
  readonly said: Said
}

/** A session that was got because the broker refused the one before it. */
export interface Replacement {
  readonly since: number
  /** How many in a row. */
  readonly count: number
  /** When the broker issued it: by that it is known again. */
  readonly issuedAt: number
  /** What the broker's profile call said of it after it was refused, in this pause. */
  readonly lives?: boolean | undefined
}

export interface Ledger {
  readonly format: 2
  /** When the last login was sent, or may still have been under way. */
  readonly attemptedAt?: number | undefined
  readonly attempts: ReadonlyArray<Attempt>
  /** Fingerprints of credentials. */
  readonly accepted: ReadonlyArray<string>
  readonly refused: ReadonlyArray<string>
  readonly pause?: Pause | undefined
  readonly locked?: Lock | undefined
  /** New tokens were over when they came: the pause before another is asked for. */
  readonly overOnArrival?: Pause | undefined
  readonly replacement?: Replacement | undefined
  /** A login that was accepted, and that is not a session yet. */
  readonly progress?: LoginProgress | undefined
}

export const empty: Ledger = { format: 2, attempts: [], accepted: [], refused: [] }

const Said = Schema.Struct({
  tag: Schema.String,
  why: Schema.optional(Schema.String),
  what: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String),
  brokerMessage: Schema.optional(Schema.String),
  message: Schema.String,
  remedy: Schema.String
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
        outcome: Schema.Literals(["open", "refused"])
      })
    ),
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
        endsAt: Schema.UndefinedOr(Schema.Finite).pipe(Schema.optional)
      })
    ),
    overOnArrival: Schema.optional(
      Schema.Struct({ since: Schema.Finite, length: Schema.Finite, count: Schema.Finite, said: Said })
    )
  })
)

/** The format before, kept for each app and spelling of an account. */
const FormatOneFromJson = Schema.fromJsonString(
  Schema.Struct({ attemptedAt: Schema.optional(Schema.Finite), refusedAt: Schema.Array(Schema.Finite) })
)
const FormatFromJson = Schema.fromJsonString(Schema.Struct({ format: Schema.Finite }))

const decode = Schema.decodeUnknownOption(LedgerFromJson)
const decodeFormat = Schema.decodeUnknownOption(FormatFromJson)
const decodeFormatOne = Schema.decodeUnknownOption(FormatOneFromJson)

export const encode: (ledger: Ledger) => string = Schema.encodeSync(LedgerFromJson)

/** A number is the format of a newer program; `undefined`: the text is not of this library. */
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

/** The broker locks the account, whichever app it is used by and however its id is spelled. */
export const placeOf = ({ broker, environment, id }: Account.Account): Account.Account =>
  Account.make({ broker, environment, app: "*", id: id.toLowerCase() })

/** A start that lies further ahead than this comes from a clock that was set back. */
const tolerance = 60_000

export const isWithin = (since: number, length: number, now: number): boolean =>
  since <= now + tolerance && now < since + length

const minutes = (count: number) => count * 60_000

const pauses = [1, 2, 5, 10].map(minutes)
/** A firewall blocks an address, and a broker counts sessions: each try makes it worse. */
const longPauses = [5, 15, 60].map(minutes)

export const pauseLength = ({ tag, why }: Said, count: number): number => {
  const lengths = tag === "SessionLimitReached" || (tag === "PermissionDenied" && why === "waf") ? longPauses : pauses
  return lengths[Math.min(count, lengths.length) - 1] ?? minutes(10)
}

/** How many logins with accepted credentials may be without an answer in an hour before they are sent more seldom. */
const manyOpen = 10
const hour = 3_600_000
const seldom = minutes(2)

const isAccepted = ({ accepted }: Ledger, credentials: string | undefined): boolean =>
  credentials !== undefined && accepted.includes(credentials)

/** Those that count towards the broker's own limit: refused, or unanswered with credentials that it never accepted. */
export const counted = (ledger: Ledger, within: number, now: number): ReadonlyArray<Attempt> =>
  ledger.attempts.filter(
    ({ at, credentials, outcome }) =>
      Math.abs(now - at) < within && (outcome === "refused" || !isAccepted(ledger, credentials))
  )

/** When accepted credentials may be sent again on a network that gives no answers; `undefined`: now. */
export const seldomUntil = (ledger: Ledger, now: number): number | undefined => {
  const open = ledger.attempts.filter(({ at, outcome }) => outcome === "open" && isWithin(at, hour, now))
  const last = Math.max(...open.map(({ at }) => at))
  return open.length >= manyOpen && now < last + seldom ? last + seldom : undefined
}

const mostAttempts = 200
const mostFingerprints = 16

const addTo = (fingerprints: ReadonlyArray<string>, one: string | undefined): ReadonlyArray<string> =>
  one === undefined ? fingerprints : [...fingerprints.filter((other) => other !== one), one].slice(-mostFingerprints)

/** Before the login is sent. */
export const enter = (ledger: Ledger, attempt: Attempt, within: number): Ledger => ({
  ...ledger,
  attemptedAt: attempt.at,
  attempts: [...ledger.attempts.filter(({ at }) => Math.abs(attempt.at - at) < Math.max(within, hour)), attempt].slice(
    -mostAttempts
  )
})

/** A login was accepted: everything before it is settled. */
export const accept = (ledger: Ledger, credentials: string | undefined, now: number): Ledger => ({
  ...empty,
  attemptedAt: now,
  accepted: addTo(ledger.accepted, credentials),
  refused: ledger.refused.filter((other) => other !== credentials),
  // Whether the token is of any use is known only afterwards.
  overOnArrival: ledger.overOnArrival,
  replacement: ledger.replacement,
  progress: ledger.progress
})

/** The broker answered something that does not count as a wrong login. */
export const strike = (ledger: Ledger, id: string): Ledger => ({
  ...ledger,
  attempts: ledger.attempts.filter((attempt) => attempt.id !== id)
})

export const refuse = (ledger: Ledger, id: string, now: number): Ledger => ({
  ...ledger,
  attemptedAt: now,
  attempts: ledger.attempts.map((attempt) =>
    attempt.id === id ? { ...attempt, at: now, outcome: "refused" } : attempt
  )
})

export const refuseCredentials = (ledger: Ledger, credentials: string | undefined): Ledger =>
  isAccepted(ledger, credentials) ? ledger : { ...ledger, refused: addTo(ledger.refused, credentials) }

export const startPause = (ledger: Ledger, said: Said, now: number): Ledger => {
  const count = (ledger.pause?.count ?? 0) + 1
  return { ...ledger, pause: { since: now, length: pauseLength(said, count), count, said } }
}

/** One more try at once, then one each 15 minutes. */
export const arriveOver = (ledger: Ledger, said: Said, now: number): Ledger => {
  const count = (ledger.overOnArrival?.count ?? 0) + 1
  return { ...ledger, overOnArrival: { since: now, length: count === 1 ? 1000 : minutes(15), count, said } }
}

export const arriveLive = (ledger: Ledger): Ledger => ({ ...ledger, overOnArrival: undefined })

/** A replacement that is refused after so long was fine until then. */
const trusted = minutes(30)

/** Whether the session that is refused is itself such a replacement, and not one that was good for a while. */
export const isSuspect = ({ replacement }: Ledger, issuedAt: number, now: number): boolean =>
  replacement !== undefined && replacement.issuedAt === issuedAt && isWithin(replacement.since, trusted, now)

/** When the next replacement may be asked for; `undefined`: now. */
export const replaceableAt = ({ replacement }: Ledger, now: number): number | undefined => {
  if (replacement === undefined) return undefined
  const length = pauses[Math.min(replacement.count, pauses.length) - 1] ?? minutes(10)
  return isWithin(replacement.since, length, now) ? replacement.since + length : undefined
}

/** `refused` is when the session was issued that was refused; `undefined` if that is known to have been good. */
export const replace = (ledger: Ledger, refused: number | undefined, issuedAt: number, now: number): Ledger => ({
  ...ledger,
  replacement: {
    since: now,
    count: refused !== undefined && isSuspect(ledger, refused, now) ? (ledger.replacement?.count ?? 0) + 1 : 1,
    issuedAt
  }
})

/** What the profile call said. It is asked again after the pause, which begins anew if the session lives. */
export const probe = (ledger: Ledger, lives: boolean, now: number): Ledger => {
  const { replacement } = ledger
  if (replacement === undefined) return ledger
  return { ...ledger, replacement: { ...replacement, lives, since: lives ? now : replacement.since } }
}

export const setProgress = (ledger: Ledger, progress: LoginProgress | undefined): Ledger => ({ ...ledger, progress })

/** Frees these credentials. A program that still has other refused ones stays silent. */
export const reset = (ledger: Ledger, credentials: string | undefined): Ledger => ({
  ...empty,
  attemptedAt: ledger.attemptedAt,
  accepted: ledger.accepted,
  refused: ledger.refused.filter((other) => other !== credentials),
  progress: ledger.progress
})
