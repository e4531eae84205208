import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Session from "../../login/Session.ts"
import * as Cached from "./cachedSession.ts"
import {
  closed,
  cacheSession,
  forkBackground,
  isUpToDate,
  loggedOut,
  type Origin,
  readStore,
  type Self,
  whileOpen
} from "./managerState.ts"
import { delegating, readyOr } from "./readyEffect.ts"
import * as Record from "./record.ts"
import * as SharedWait from "./sharedWait.ts"
import { unnoted } from "../../login/internal/requestsSent.ts"
import { awaitRenewal, startRenewal } from "./pendingRenewal.ts"
import type { Failure } from "./sessionChange.ts"

const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): number => fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

const awaitWhileOpen = (
  self: Self,
  rejected: Session.Session | undefined,
  byPerson = false
): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "session", () => self.state.pendingRenewal?.wait ?? unnoted(awaitRenewal(self, rejected, byPerson)))

const afterTimeout = (self: Self): Effect.Effect<Session.Session, Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Cached.liveSession(self.state, now)
    return live === undefined ? obtain(self, now) : Effect.succeed(live)
  })

/** All callers share one timer, because a timer for each caller would cost much CPU time. */
const startBoundedWait = (self: Self): Effect.Effect<Effect.Effect<Session.Session, Failure>> =>
  Effect.uninterruptible(
    Effect.flatMap(unnoted(startRenewal(self, { rejected: undefined, byPerson: false })), (pendingRenewal) => {
      if (pendingRenewal.boundedWait !== undefined) return Effect.succeed(pendingRenewal.boundedWait)
      const { end, wait } = SharedWait.make<Session.Session, Failure>()
      pendingRenewal.boundedWait = wait
      const resultOf = (exit: Exit.Exit<Option.Option<Session.Session>, Failure>) =>
        Exit.match(exit, {
          onFailure: Exit.failCause,
          onSuccess: Option.match({ onSome: Exit.succeed, onNone: () => afterTimeout(self) })
        })
      return Effect.map(
        forkBackground(self, Effect.timeoutOption(pendingRenewal.wait, self.renewalTimeout)),
        (fiber) => {
          fiber.addObserver((exit) => end(self.isClosed ? closed(self, "session") : resultOf(exit)))
          return wait
        }
      )
    })
  )

const awaitRenewalBounded = (self: Self): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "session", () => self.state.pendingRenewal?.boundedWait ?? Effect.flatten(startBoundedWait(self)))

/**
 * Reads the store, to find a newer session or a logout by another program. `logouts` is the value of `state.logouts`
 * when the read was requested. If this session manager has logged out since then, the store is not read.
 */
const syncFromStore = (self: Self, logouts: number): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    if (self.state.logouts !== logouts) return Effect.void
    const { version = 0 } = self.state
    return Effect.flatMap(readStore(self, undefined), ({ isNewest, record, session }) =>
      session === undefined ||
      !isNewest ||
      self.state.pendingRenewal !== undefined ||
      (record.version <= version && !Cached.isNewer(self.state, session))
        ? Effect.void
        : cacheSession(self, session, { tag: "PickedUp", version: record.version, logouts })
    )
  })

/** While the token is live, a store that fails or does not answer must not block callers. */
const syncInBackground = (self: Self, live: Session.Session, now: number) => {
  Cached.postponeSync(self.state, live, { now, pollInterval: self.pollInterval })
  const { logouts } = self.state
  if (self.lastRead === undefined) return startSync(self, live, logouts)
  return Effect.flatMap(isUpToDate(self, now), (isKnown) =>
    isKnown
      ? Effect.map(Random.next, (jitter) => postponeRandomly(self, live, now, jitter))
      : startSync(self, live, logouts)
  )
}

const startSync = (self: Self, live: Session.Session, logouts: number) =>
  Effect.as(forkBackground(self, Effect.ignore(syncFromStore(self, logouts))), live)

/**
 * Sets a random time for the next check whether the store must be read. With a fixed time, all session managers could
 * read the store at once when the store stops reporting changes.
 */
const postponeRandomly = (self: Self, live: Session.Session, now: number, jitter: number) => {
  // While `isUpToDate` ran, the cached session may have been replaced or removed.
  if (self.state.cached.session === live)
    Cached.postponeSync(self.state, live, { now, pollInterval: self.pollInterval * (1 - jitter / 2) })
  return live
}

export const onStoreChange = (self: Self, version: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { cached, pendingRenewal, version: known } = self.state
    if (self.isClosed || cached.session === undefined || known === version || pendingRenewal !== undefined) {
      self.lastRead = known === version ? self.lastRead : undefined
      return Effect.void
    }
    self.lastRead = undefined
    return Effect.asVoid(forkBackground(self, Effect.ignore(syncFromStore(self, self.state.logouts))))
  })

const obtain = (self: Self, now: number): Effect.Effect<Session.Session, Failure> => {
  self.usedAt = now
  if (self.isClosed) return closed(self, "session")
  if (self.state.loggedOut) return loggedOut(self)
  const live = Cached.liveSession(self.state, now)
  if (live !== undefined && now < self.state.cached.renewAt) return syncInBackground(self, live, now)
  const pause = Cached.pauseOf(self.state, live, now)
  if (pause !== undefined) return live === undefined ? Effect.fail(pause.error) : Effect.succeed(live)
  // Thousands of callers may wait for the same renewal, so they share one effect.
  const { pendingRenewal } = self.state
  if (live !== undefined) return pendingRenewal?.boundedWait ?? awaitRenewalBounded(self)
  if (pendingRenewal === undefined) return awaitWhileOpen(self, undefined)
  pendingRenewal.isOnlyWay = true
  return pendingRenewal.wait
}

export const sessionOf = readyOr(
  ({ state }: Self, fiber) => Cached.fresh(state, nowOf(fiber)),
  (self, fiber) => {
    const { pendingRenewal } = self.state
    return pendingRenewal?.isOnlyWay === true ? pendingRenewal.wait : obtain(self, nowOf(fiber))
  }
)

export const freshExit = (self: Self, now: number): Exit.Exit<Session.Session> | undefined =>
  Cached.fresh(self.state, now)?.exit

const sessionAt = (self: Self, now: number): Effect.Effect<Session.Session, Failure> =>
  freshExit(self, now) ?? obtain(self, now)

/** Returns the live session of this program or of the store. Runs `take` only if the stored session is the newest. */
const peekWith = (
  self: Self,
  take: (session: Session.Session, origin: Origin) => Effect.Effect<Session.Session, Failure>
): Effect.Effect<Option.Option<Session.Session>, Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<Option.Option<Session.Session>, Failure> => {
    self.usedAt = now
    if (self.isClosed) return closed(self, "peek")
    const live = Cached.liveSession(self.state, now)
    if (live !== undefined || self.state.loggedOut) return Effect.succeed(Option.fromUndefinedOr(live))
    const { logouts, version } = self.state
    return Effect.flatMap(Record.read(self.store, self.account), (record) => {
      const found = self.state.logouts === logouts ? Cached.usable(self.state, record, undefined, now) : undefined
      if (found === undefined) return Effect.succeedNone
      // A session that this program could not store yet is newer than the stored session.
      const isNewest =
        self.state.version === version && self.state.pendingRenewal === undefined && self.state.unsaved === undefined
      const origin: Origin = { tag: "PickedUp", version: record.version, logouts }
      return Effect.asSome(isNewest ? take(found, origin) : Effect.succeed(found))
    })
  })

/** Caching the session also ends the pause after a failed renewal. */
export const peekOf = delegating((self: Self) =>
  peekWith(self, (session, origin) => cacheSession(self, session, origin))
)

const replace = (self: Self, rejected: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Cached.liveSession(self.state, now)
    if (live !== undefined && !Cached.sameToken(live, rejected)) return sessionAt(self, now)
    Cached.markRejected(self.state, rejected)
    if (self.state.loggedOut) return loggedOut(self)
    const pause = Cached.pauseOf(self.state, undefined, now)
    if (pause !== undefined) return Effect.fail(pause.error)
    const { pendingRenewal } = self.state
    const another = Effect.suspend(() =>
      Effect.flatMap(awaitWhileOpen(self, rejected), (got) => requireOther(self, rejected, got))
    )
    if (pendingRenewal === undefined) return another
    // A renewal that began before the broker refused the token may still return this token.
    return Effect.flatMap(pendingRenewal.wait, (got) =>
      Cached.sameToken(got, rejected) ? another : Effect.succeed(got)
    )
  })

/**
 * A failed renewal returns the previous session if that session is live. A caller that needs a new session gets the
 * error instead.
 */
const requireOther = (self: Self, before: Session.Session | undefined, got: Session.Session) =>
  before !== undefined && self.state.pause !== undefined && Cached.sameToken(got, before)
    ? Effect.fail(self.state.pause.error)
    : Effect.succeed(got)

export const renew = (self: Self, rejected: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "renew", () => {
    if (rejected !== undefined) return replace(self, rejected)
    // The program has requested a new session explicitly, so an earlier logout is ignored.
    self.state.ignoresLogout = true
    self.state.loggedOut = false
    // A renewal that does not know the previous session could return that session from the store.
    const known = self.state.cached.session
    const found =
      known === undefined ? Effect.map(peekWith(self, Effect.succeed), Option.getOrUndefined) : Effect.succeed(known)
    return Effect.flatMap(found, (before) =>
      Effect.flatMap(awaitWhileOpen(self, before, true), (renewed) => requireOther(self, before, renewed))
    )
  })
