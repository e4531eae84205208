/** What a session manager has in memory, and the rules for when it may be handed out. Nothing here waits or asks. */
import type * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AuthError } from "../../login/AuthError.ts"
import * as Session from "../../login/Session.ts"
import type { VaultError } from "../VaultError.ts"
import * as Ready from "./readyEffect.ts"
import type * as Record from "./record.ts"

export type Failure = AuthError | VaultError

/** `freshFrom` is there for a clock that is set back: an instant reckoned by it cannot be trusted then. */
export interface Cached {
  readonly session: Session.Session | undefined
  readonly ready: Ready.Ready<Session.Session> | undefined
  readonly freshFrom: number
  /** When it is handed out no more without a second thought: to be renewed, or for a look at the store. */
  readonly freshUntil: number
  readonly renewAt: number
}

/** No exchange before `until`, since the last one failed. */
export interface Pause {
  readonly error: Failure
  /** Whether the token lived then: when it is dead, waiting is another matter. */
  readonly live: boolean
  readonly since: number
  readonly until: number
}

/** The renewal under way. */
export interface PendingRenewal {
  readonly end: Deferred.Deferred<Session.Session, Failure>
  readonly wait: Effect.Effect<Session.Session, Failure>
  /** For those who cacheSession a token that lives: waits until it comes or their renewalTimeout is over. */
  boundedWait: Effect.Effect<Session.Session, Failure> | undefined
}

export interface State {
  cached: Cached
  /** A token that the broker refused: it must not be handed out, though its end has not come. */
  dead: Session.Session | undefined
  /** Got from the broker, but not stored yet: the store failed. */
  unsaved: Session.Session | undefined
  /** The broker took an order with it: when it is refused later, it has ended. */
  proven: Session.Session | undefined
  pendingRenewal: PendingRenewal | undefined
  pause: Pause | undefined
  failures: number
  /** Refreshes that had no answer of the broker. */
  failingRefresh: { readonly count: number; readonly since: number } | undefined
  /** The stored version that was seen last; `undefined` before the first look. */
  version: number | undefined
  loggedOut: boolean
  /** One more for each logout: a renewal that began before must not end in a session. */
  logouts: number
}

const nothing: Cached = {
  session: undefined,
  ready: undefined,
  freshFrom: Infinity,
  freshUntil: -Infinity,
  renewAt: -Infinity
}

export const makeState = (): State => ({
  cached: nothing,
  dead: undefined,
  unsaved: undefined,
  proven: undefined,
  pendingRenewal: undefined,
  pause: undefined,
  failures: 0,
  failingRefresh: undefined,
  version: undefined,
  loggedOut: false,
  logouts: 0
})

/** How far behind the instant of issue the clock may be, in milliseconds, before it must have been set back. */
const backwards = 60_000

export const sameToken = (one: Session.Session, other: Session.Session | undefined): boolean =>
  other !== undefined && Redacted.value(one.tokens.access) === Redacted.value(other.tokens.access)

export const isLive = (session: Session.Session, now: number): boolean =>
  !Session.isExpired(session, now) && now >= session.issuedAt - backwards

/** The held session, if it may be handed out without a second thought. */
export const fresh = ({ cached }: State, now: number): Ready.Ready<Session.Session> | undefined =>
  now < cached.freshUntil && now >= cached.freshFrom ? cached.ready : undefined

/** The held session, if it may still be handed out. */
export const liveSession = ({ dead, cached: { session } }: State, now: number): Session.Session | undefined =>
  session !== undefined && isLive(session, now) && !sameToken(session, dead) ? session : undefined

/** The stored session, if it is another than `dead`, lives, and is not due: somebody else was faster. */
export const usable = (
  { dead: refused, cached }: State,
  record: Record.Record,
  dead: Session.Session | undefined,
  now: number
): Session.Session | undefined => {
  if (record._tag !== "Live" || !isLive(record.session, now)) return undefined
  const stored = record.session
  if (sameToken(stored, dead) || sameToken(stored, refused)) return undefined
  return sameToken(stored, cached.session) && now >= cached.renewAt ? undefined : stored
}

/**
 * Somebody has logged out since this program last looked. A store that was emptied counts from one again, and one that
 * was put back has an old mark.
 */
export const isNewLogout = ({ cached, version }: State, record: Record.Record): boolean =>
  record._tag === "LoggedOut" &&
  version !== undefined &&
  (record.version > version || (record.version < version && record.at >= (cached.session?.issuedAt ?? Infinity)))

/** Another token than the cached one, and not from before it: a store that was emptied counts its versions from one again. */
export const isNewer = ({ cached }: State, session: Session.Session): boolean =>
  !sameToken(session, cached.session) && session.issuedAt >= (cached.session?.issuedAt ?? 0)

/** The newest of these, by when the broker gave them. */
export const newest = (...sessions: ReadonlyArray<Session.Session | undefined>): Session.Session | undefined =>
  sessions.reduce(
    (one, other) => (one === undefined || (other && other.issuedAt > one.issuedAt) ? other : one),
    undefined
  )

/** The failure to wait after, if its time is not over. */
export const pauseOf = ({ pause }: State, live: Session.Session | undefined, now: number): Pause | undefined => {
  if (pause === undefined || now >= pause.until || now < pause.since) return undefined
  return pause.live && live === undefined ? undefined : pause
}

const firstPause = 1000
const longestPause = { live: 60_000, dead: 15_000 }

/** How long to wait after a failure, in milliseconds: longer each time. `spread` is chance, from 0 to 1. */
export const backoff = (failures: number, live: boolean, spread: number): number =>
  Math.min(firstPause * 2 ** (failures - 1), longestPause[live ? "live" : "dead"]) * (1 + spread / 2)

/** When a session is renewed. A token that its renewal did not lengthen is kept to its end. */
const renewAtOf = (
  session: Session.Session,
  before: Session.Session | undefined,
  early: Duration.Duration,
  spread: number
) => {
  const { expiresAt, expirySource, issuedAt } = session
  if (expiresAt === undefined) return Infinity
  const isLengthened = before?.expiresAt === undefined || sameToken(session, before) || expiresAt > before.expiresAt
  if (expirySource === "daily-cut-off" || !isLengthened) return expiresAt
  const window = Math.min(Duration.toMillis(early), (expiresAt - issuedAt) / 2)
  return expiresAt - window * (1 - spread / 2)
}

const freshness = (
  session: Session.Session,
  renewAt: number,
  { pollInterval, now }: { readonly now: number; readonly pollInterval: number }
) => ({ freshFrom: Math.max(session.issuedAt, now) - backwards, freshUntil: Math.min(renewAt, now + pollInterval) })

/** Takes a session into memory, with all that is known of the one before forgotten. */
export const take = (
  state: State,
  session: Session.Session,
  options: {
    readonly early: Duration.Duration
    readonly spread: number
    readonly now: number
    readonly pollInterval: number
  }
): void => {
  const renewAt = renewAtOf(session, state.cached.session, options.early, options.spread)
  state.cached = { session, ready: Ready.make(session), renewAt, ...freshness(session, renewAt, options) }
  state.dead = undefined
  state.pause = undefined
  state.failures = 0
  state.failingRefresh = undefined
}

/** The held session stays good, and the next look at the store is `pollInterval` after `now`. */
export const postponeSync = (
  state: State,
  session: Session.Session,
  options: { readonly now: number; readonly pollInterval: number }
): void => {
  state.cached = { ...state.cached, ...freshness(session, state.cached.renewAt, options) }
}

/** The broker refuses this token. An older one that is said to be dead, too, does not bring back the one after it. */
export const refuse = (state: State, dead: Session.Session): void => {
  if (state.dead === undefined || sameToken(dead, state.cached.session)) state.dead = dead
  state.cached = { ...state.cached, freshUntil: -Infinity, renewAt: -Infinity }
}

/** The refused token lives after all. It is looked at again before it is handed out. */
export const pardon = (state: State, session: Session.Session): void => {
  if (sameToken(session, state.dead)) state.dead = undefined
  if (sameToken(session, state.cached.session)) {
    state.cached = { ...state.cached, renewAt: session.expiresAt ?? Infinity }
  }
}

/** Counts a refresh that had no answer of the broker. */
export const countFailedRefresh = (state: State, now: number): { readonly count: number; readonly since: number } => {
  const { count, since } = state.failingRefresh ?? { count: 0, since: now }
  state.failingRefresh = { count: count + 1, since }
  return state.failingRefresh
}

/** The broker refused this refresh token: it is gone from memory. */
export const dropRefreshToken = (state: State, session: Session.Session): Session.Session => {
  const without = Session.withoutRefreshToken(session)
  if (sameToken(session, state.cached.session)) {
    state.cached = { ...state.cached, session: without, ready: Ready.make(without) }
  }
  if (sameToken(session, state.unsaved)) state.unsaved = without
  return without
}

export const forget = (state: State, mark: "logged-out" | "kept"): void => {
  state.cached = nothing
  state.dead = undefined
  state.pause = undefined
  state.failures = 0
  state.failingRefresh = undefined
  state.loggedOut = mark === "logged-out"
}
