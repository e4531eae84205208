/** The state of a session manager, and the rules for its cached session. This file does no I/O. */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Session from "../../login/Session.ts"
import * as Ready from "./readyEffect.ts"
import type * as Record from "./record.ts"
import type { Failure } from "./sessionChange.ts"
import type { SharedWait } from "./sharedWait.ts"

export interface Cached {
  readonly session: Session.Session | undefined
  readonly ready: Ready.Ready<Session.Session> | undefined
  /** If the current time is before `freshFrom`, the clock was set back. Then the session is not fresh. */
  readonly freshFrom: number
  /** From this time on, `SessionManager.session` checks whether to renew the session or to read the store. */
  readonly freshUntil: number
  readonly renewAt: number
}

/**
 * The pause after a failed renewal. During the pause, only a call of `renew` without the argument `rejected` starts a
 * renewal.
 */
export interface Pause {
  readonly error: Failure
  /**
   * Whether the token was live when the renewal failed. If it was live, the pause ends early when the token expires or
   * is refused.
   */
  readonly live: boolean
  readonly since: number
  readonly until: number
}

export interface PendingRenewal extends SharedWait<Session.Session, Failure> {
  /** `true` after a caller has found no live session in the cache. Further callers then wait until the renewal ends. */
  isOnlyWay: boolean
  /** Waits for the renewal, but not longer than `renewalTimeout`. Callers use this wait while the token is live. */
  boundedWait: Effect.Effect<Session.Session, Failure> | undefined
}

export interface State {
  cached: Cached
  /**
   * The session that the broker refused, that a refresh replaced, or that a logout ended. It is not returned, even
   * before its expiry.
   */
  rejected: Session.Session | undefined
  /** A session from the broker that is not stored yet, for example because the store failed. */
  unsaved: Session.Session | undefined
  unsavedBy: "LoggedIn" | "Refreshed" | "Adopted"
  /**
   * The latest refresh tokens that were refused, used up, or logged out. They must not be sent again. After a failed
   * write, the store may still contain one of them.
   */
  spent: ReadonlyArray<Redacted.Redacted<string>>
  /**
   * The last session that the broker accepted for an order, or for another call that must not be sent twice. If the
   * broker refuses this session later, the session may be replaced at once: see `replacementPause.ts`.
   */
  proven: Session.Session | undefined
  pendingRenewal: PendingRenewal | undefined
  pause: Pause | undefined
  failures: number
  /**
   * Number of failed refreshes since a session was last cached, and the time of the first failure. A refresh whose
   * token was refused does not count.
   */
  failingRefresh: { readonly count: number; readonly since: number } | undefined
  /** The stored version after the last read or write by this program. `undefined` before the first read. */
  version: number | undefined
  loggedOut: boolean
  /**
   * Whether the next read of the store ignores a logout by another program. A call of `renew` without the argument
   * `rejected` sets this property to `true`.
   */
  ignoresLogout: boolean
  /** Number of logouts by this session manager. If this number changes during a renewal, the renewal fails. */
  logouts: number
}

const nothing: Cached = {
  session: undefined,
  ready: undefined,
  freshFrom: Infinity,
  freshUntil: -Infinity,
  renewAt: -Infinity
}

/** All new states share this array. */
const noTokens: ReadonlyArray<Redacted.Redacted<string>> = []

export const makeState = (): State => ({
  cached: nothing,
  rejected: undefined,
  unsaved: undefined,
  unsavedBy: "LoggedIn",
  spent: noTokens,
  proven: undefined,
  pendingRenewal: undefined,
  pause: undefined,
  failures: 0,
  failingRefresh: undefined,
  version: undefined,
  loggedOut: false,
  ignoresLogout: false,
  logouts: 0
})

/** If the issue time of a session is more than this many milliseconds in the future, the clock was set back. */
const clockTolerance = 60_000

export const sameToken = (one: Session.Session, other: Session.Session | undefined): boolean =>
  other !== undefined && Redacted.value(one.tokens.access) === Redacted.value(other.tokens.access)

export const isLive = (session: Session.Session, now: number): boolean =>
  !Session.isExpired(session, now) && now >= session.issuedAt - clockTolerance

export const fresh = ({ cached }: State, now: number): Ready.Ready<Session.Session> | undefined =>
  now < cached.freshUntil && now >= cached.freshFrom ? cached.ready : undefined

export const liveSession = ({ rejected, cached: { session } }: State, now: number): Session.Session | undefined =>
  session !== undefined && isLive(session, now) && !sameToken(session, rejected) ? session : undefined

/** Returns the stored session if it can be used instead of a renewal. */
export const usable = (
  state: State,
  record: Record.Record,
  rejected: Session.Session | undefined,
  now: number
): Session.Session | undefined => {
  if (record._tag !== "Live" || !isLive(record.session, now)) return undefined
  const stored = record.session
  if (sameToken(stored, rejected) || sameToken(stored, state.rejected)) return undefined
  return sameToken(stored, state.cached.session) && now >= state.cached.renewAt ? undefined : stored
}

/**
 * A logout with a larger version than `state.version` is new. A smaller version means that the store was emptied or
 * restored from a backup. Then the logout is new only if it is not older than the cached session.
 */
export const isNewLogout = ({ cached, version }: State, record: Record.Record): boolean =>
  record._tag === "LoggedOut" &&
  version !== undefined &&
  (record.version > version || (record.version < version && record.at >= (cached.session?.issuedAt ?? Infinity)))

/** Compares issue times, because versions start at 1 again after the store was emptied. */
export const isNewer = ({ cached }: State, session: Session.Session): boolean =>
  !sameToken(session, cached.session) && session.issuedAt >= (cached.session?.issuedAt ?? 0)

/** Limit for each account. The limit is small, because a program may have many accounts. */
const maxSpent = 4

const isSame = (one: Redacted.Redacted<string>, other: Redacted.Redacted<string> | undefined): boolean =>
  other !== undefined && Redacted.value(one) === Redacted.value(other)

export const spendRefreshToken = (state: State, session: Session.Session | undefined): void => {
  const token = session?.tokens.refresh
  if (token === undefined) return
  state.spent = [...state.spent.filter((other) => !isSame(token, other)), token].slice(-maxSpent)
}

export const isSpent = ({ spent }: State, { tokens: { refresh } }: Session.Session): boolean =>
  spent.some((token) => isSame(token, refresh))

export const isRotated = (session: Session.Session, previous: Session.Session): boolean =>
  previous.tokens.refresh !== undefined && !isSame(previous.tokens.refresh, session.tokens.refresh)

export const recordIssue = (state: State, session: Session.Session, previous: Session.Session | undefined): void => {
  if (previous !== undefined && isRotated(session, previous)) spendRefreshToken(state, previous)
  if (isSpent(state, session)) state.spent = state.spent.filter((token) => !isSame(token, session.tokens.refresh))
}

export const withoutSpentToken = (state: State, session: Session.Session): Session.Session =>
  isSpent(state, session) ? Session.withoutRefreshToken(session) : session

/**
 * Chooses the session with the latest issue time, because only the newest refresh token is valid. Issue times can be
 * wrong after the clock was set back. So a session whose refresh token is not spent is preferred. If the store
 * contains a logout, only `unsaved` can be chosen.
 */
export const toRefresh = (state: State, record: Record.Record): Session.Session | undefined => {
  const { cached, unsaved } = state
  // A logout stores `LoggedOut`. So if the record is `Nothing`, the cached session can be used.
  const stored = record._tag === "Live" ? record.session : record._tag === "Nothing" ? cached.session : undefined
  const sessions = [unsaved, stored].filter((session) => session !== undefined)
  const sendable = sessions.filter((session) => !isSpent(state, session))
  const newest = (sendable.length === 0 ? sessions : sendable).reduce<Session.Session | undefined>(
    (one, other) => (one === undefined || other.issuedAt > one.issuedAt ? other : one),
    undefined
  )
  return newest === undefined ? undefined : withoutSpentToken(state, newest)
}

export const pauseOf = ({ pause }: State, live: Session.Session | undefined, now: number): Pause | undefined => {
  if (pause === undefined || now >= pause.until || now < pause.since) return undefined
  return pause.live && live === undefined ? undefined : pause
}

const firstPause = 1000
const longestPause = { live: 60_000, expired: 15_000 }

/** The pause after a failure, in milliseconds. `jitter` is a random number from 0 to 1. */
export const backoff = (failures: number, live: boolean, jitter: number): number =>
  Math.min(firstPause * 2 ** (failures - 1), longestPause[live ? "live" : "expired"]) * (1 + jitter / 2)

/**
 * A session that expires at the daily cut-off, or no later than the previous session (`before`), is renewed only after
 * its expiry.
 */
const renewAtOf = (
  session: Session.Session,
  before: Session.Session | undefined,
  early: Duration.Duration,
  jitter: number
) => {
  const { expiresAt, expirySource, issuedAt } = session
  if (expiresAt === undefined) return Infinity
  const isExtended = before?.expiresAt === undefined || sameToken(session, before) || expiresAt > before.expiresAt
  if (expirySource === "daily-cut-off" || !isExtended) return expiresAt
  const window = Math.min(Duration.toMillis(early), (expiresAt - issuedAt) / 2)
  return expiresAt - window * (1 - jitter / 2)
}

/**
 * Keeps a session until it is stored. The cached session becomes due for renewal, and the next renewal stores the kept
 * session. While the store fails, callers get the cached session if that session is live.
 */
export const keepUnsaved = (state: State, session: Session.Session, by: State["unsavedBy"]): void => {
  state.unsaved = session
  state.unsavedBy = by
  state.cached = { ...state.cached, freshUntil: -Infinity, renewAt: -Infinity }
}

/** Lists all properties by name. If `...` were used, V8 would make larger objects. */
const cachedUntil = (
  session: Session.Session,
  ready: Ready.Ready<Session.Session> | undefined,
  renewAt: number,
  { pollInterval, now }: { readonly now: number; readonly pollInterval: number }
): Cached => ({
  session,
  ready,
  freshFrom: Math.max(session.issuedAt, now) - clockTolerance,
  freshUntil: Math.min(renewAt, now + pollInterval),
  renewAt
})

export const setCached = (
  state: State,
  session: Session.Session,
  options: {
    readonly early: Duration.Duration
    readonly jitter: number
    readonly now: number
    readonly pollInterval: number
  }
): void => {
  const renewAt = renewAtOf(session, state.cached.session, options.early, options.jitter)
  state.cached = cachedUntil(session, Ready.make(session), renewAt, options)
  state.rejected = undefined
  state.pause = undefined
  state.failures = 0
  state.failingRefresh = undefined
  if (state.pendingRenewal !== undefined) state.pendingRenewal.isOnlyWay = false
}

export const postponeSync = (
  state: State,
  session: Session.Session,
  options: { readonly now: number; readonly pollInterval: number }
): void => {
  state.cached = cachedUntil(session, state.cached.ready, state.cached.renewAt, options)
}

/** If `state.rejected` is set, it is replaced only by a session with the token of the cached session. */
export const markRejected = (state: State, rejected: Session.Session): void => {
  if (state.rejected === undefined || sameToken(rejected, state.cached.session)) state.rejected = rejected
  state.cached = { ...state.cached, freshUntil: -Infinity, renewAt: -Infinity }
}

/**
 * Lets callers use the session again. `freshUntil` stays in the past, so the next call of `SessionManager.session`
 * checks whether the store must be read.
 */
export const clearRejected = (state: State, session: Session.Session): void => {
  if (sameToken(session, state.rejected)) state.rejected = undefined
  if (state.pendingRenewal !== undefined) state.pendingRenewal.isOnlyWay = false
  if (sameToken(session, state.cached.session)) {
    state.cached = { ...state.cached, renewAt: session.expiresAt ?? Infinity }
  }
}

export const countFailedRefresh = (state: State, now: number): { readonly count: number; readonly since: number } => {
  const { count, since } = state.failingRefresh ?? { count: 0, since: now }
  state.failingRefresh = { count: count + 1, since }
  return state.failingRefresh
}

export const dropRefreshToken = (state: State, session: Session.Session): Session.Session => {
  spendRefreshToken(state, session)
  const without = Session.withoutRefreshToken(session)
  if (sameToken(session, state.cached.session)) {
    state.cached = { ...state.cached, session: without, ready: Ready.make(without) }
  }
  if (sameToken(session, state.unsaved)) state.unsaved = without
  return without
}

const ended = new WeakSet<Session.Session>()

/** A session that a logout has ended must not be stored again. */
export const isEnded = (session: Session.Session): boolean => ended.has(session)

export const clearLoggedOut = (state: State, mark: "logged-out" | "kept"): void => {
  for (const session of [state.cached.session, state.unsaved]) if (session !== undefined) ended.add(session)
  spendRefreshToken(state, state.cached.session)
  spendRefreshToken(state, state.unsaved)
  state.unsaved = undefined
  clear(state, mark)
}

export const clear = (state: State, mark: "logged-out" | "kept"): void => {
  state.cached = nothing
  state.rejected = undefined
  state.pause = undefined
  state.failures = 0
  state.failingRefresh = undefined
  state.loggedOut = mark === "logged-out"
}
