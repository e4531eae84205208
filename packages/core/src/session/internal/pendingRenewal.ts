/** One renewal, from the look into the store to the session that is stored, and all who wait for it. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as AuthError from "../../login/AuthError.ts"
import type * as Session from "../../login/Session.ts"
import type { Lease } from "../SessionLock.ts"
import * as SessionMetrics from "../SessionMetrics.ts"
import * as Exchange from "./exchange.ts"
import * as Cached from "./cachedSession.ts"
import {
  cacheSession,
  keepsChanging,
  readStore,
  loggedOut,
  publish,
  type Self,
  writesBeforeGivingUp
} from "./managerState.ts"
import * as Record from "./record.ts"
import { withSpanWhenTraced } from "../../broker/internal/spans.ts"
import * as Suspicion from "./suspicion.ts"

type Failure = Cached.Failure

/** What a renewal is for: another session than `dead`, and whether a person has asked for it. */
interface Wish {
  readonly dead: Session.Session | undefined
  readonly byPerson: boolean
}

/** Somebody logged out while we asked: what we got is ended, too. */
const dropFor = (self: Self, session: Session.Session) =>
  Effect.andThen(
    Effect.ignore(self.revoke(session)),
    Effect.suspend(() => loggedOut(self))
  )

/** Stores what the broker gave, and hands it out only then. */
const save = Effect.fnUntraced(function* (
  self: Self,
  got: Exchange.Got,
  expected: number,
  logouts: number
): Effect.fn.Return<Session.Session, Failure> {
  let version = expected
  self.state.unsaved = got.session
  for (let writes = 0; writes < writesBeforeGivingUp; writes++) {
    if (yield* self.store.put(self.account, "session", Record.ofSession(got.session), version)) {
      return yield* cacheSession(self, got.session, { tag: got.by, version: version + 1, logouts })
    }
    const record = yield* Record.read(self.store, self.account)
    const now = yield* Clock.currentTimeMillis
    if (record._tag === "LoggedOut") {
      // A logout by this program has forgotten everything already, and somebody may have asked for a session since.
      if (self.state.logouts === logouts) {
        self.state.version = record.version
        self.state.unsaved = undefined
        Cached.forget(self.state, "logged-out")
        yield* publish(self, { _tag: "LoggedOut", account: self.account })
      }
      return yield* dropFor(self, got.session)
    }
    // Our lease was lost, and the next holder was faster.
    if (
      record._tag === "Live" &&
      Cached.isLive(record.session, now) &&
      record.session.issuedAt >= got.session.issuedAt
    ) {
      return yield* cacheSession(self, record.session, { tag: "PickedUp", version: record.version, logouts })
    }
    version = record.version
  }
  return yield* keepsChanging
})

/** Nobody has logged out since there had been so many logouts, and the lock is still ours. */
const wantedSince = (self: Self, lease: Lease, dead: Session.Session | undefined, logouts: number): Exchange.Wanted => {
  const here = Effect.suspend((): Effect.Effect<void, Failure> =>
    self.state.logouts === logouts ? lease.check : loggedOut(self)
  )
  return { here, anywhere: Effect.andThen(here, Effect.asVoid(readStore(self, dead))) }
}

/**
 * The broker refused the refresh token of this session: no program that shares the store sends it again. Gives the
 * version that is stored then.
 */
const dropRefreshToken = (self: Self, session: Session.Session | undefined, record: Record.Record) =>
  Effect.suspend(() => {
    if (session === undefined) return Effect.succeed(record.version)
    const without = Cached.dropRefreshToken(self.state, session)
    if (record._tag !== "Live" || !Cached.sameToken(session, record.session)) return Effect.succeed(record.version)
    // If this cannot be written, at least this program remembers it.
    return Effect.match(self.store.put(self.account, "session", Record.ofSession(without), record.version), {
      onFailure: () => record.version,
      onSuccess: (written) => (written ? record.version + 1 : record.version)
    })
  })

const renewHolding = Effect.fnUntraced(function* (
  self: Self,
  lease: Lease,
  { byPerson, dead }: Wish,
  logouts: number
): Effect.fn.Return<Session.Session, Failure> {
  const { now, record, session } = yield* readStore(self, dead)
  if (session !== undefined)
    return yield* cacheSession(self, session, { tag: "PickedUp", version: record.version, logouts })
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { unsaved } = self.state
      if (unsaved !== undefined && Cached.isLive(unsaved, now) && !Cached.sameToken(unsaved, dead)) {
        return yield* save(self, { session: unsaved, by: "LoggedIn" }, record.version, logouts)
      }
      // The newest has the refresh token that is still good.
      const stored = record._tag === "Live" ? record.session : self.state.cached.session
      const previous = Cached.newest(unsaved, stored)
      yield* restore(lease.check)
      const refused = dead ?? self.state.dead
      if (refused !== undefined && !byPerson) yield* restore(Suspicion.check(self, refused))
      const exchange = Exchange.make(self.renewal, self.store, self.profile)
      const live = Cached.liveSession(self.state, now)
      let { version } = record
      const got = yield* restore(
        exchange(
          {
            previous,
            now,
            byPerson,
            countFailure: () => Cached.countFailedRefresh(self.state, now),
            isLive: live !== undefined && !Cached.sameToken(live, dead),
            dropRefreshToken: Effect.map(dropRefreshToken(self, previous, record), (stored) => void (version = stored))
          },
          wantedSince(self, lease, dead, logouts)
        )
      )
      if (self.state.logouts !== logouts) return yield* dropFor(self, got.session)
      if (refused !== undefined && !byPerson) yield* Effect.ignore(Suspicion.note(self, refused, got.session))
      // A broker that refreshes may have ended the token before.
      if (got.by === "Refreshed") self.state.dead = previous
      const { over } = got
      const saved = save(self, got, version, logouts)
      return yield* over === undefined ? saved : Effect.mapError(saved, (error) => (isOver(error) ? over : error))
    })
  )
})

const isOver = ({ reason }: Failure): boolean => reason._tag === "SessionExpired" && reason.why === "expired"

const pauseAfter = Effect.fnUntraced(function* (self: Self, error: Failure) {
  const now = yield* Clock.currentTimeMillis
  const spread = yield* Random.next
  self.state.failures += 1
  const wished = AuthError.isAuthError(error) ? error.retryAfter : undefined
  const live = Cached.liveSession(self.state, now)
  const backoff = Cached.backoff(self.state.failures, live !== undefined, spread)
  const retryAt = now + Math.max(backoff, wished === undefined ? 0 : Duration.toMillis(wished))
  self.state.pause = { error, live: live !== undefined, since: now, until: retryAt }
  yield* Metric.update(
    Metric.withAttributes(SessionMetrics.failures, { broker: self.account.broker, reason: Exchange.reasonOf(error) }),
    1
  )
  yield* publish(self, { _tag: "RenewalFailed", account: self.account, error, live: live !== undefined, retryAt })
  return live === undefined ? yield* Effect.fail(error) : live
})

/** Nothing was sent: whoever has the lock now may have the session, too. */
const hasLostLock = ({ reason }: Failure): boolean => reason._tag === "LockUnavailable" && reason.why === "lost"

/** How often in a row a program may be stopped for so long that it loses the lock before it gives up. */
const lostLocks = 2

/** One renewal, for all who wait for it. */
const runRenewal = (self: Self, wish: Wish): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => {
    const { logouts } = self.state
    return readStore(self, wish.dead).pipe(
      Effect.flatMap(({ record, session }) =>
        session === undefined
          ? Effect.retry(
              self.lock.withLock(self.account, (lease) => renewHolding(self, lease, wish, logouts)),
              { while: hasLostLock, times: lostLocks }
            )
          : cacheSession(self, session, { tag: "PickedUp", version: record.version, logouts })
      ),
      Effect.catch((error) =>
        self.state.loggedOut || self.state.logouts !== logouts ? loggedOut(self) : pauseAfter(self, error)
      ),
      Effect.timed,
      Effect.flatMap(([took, session]) =>
        Effect.as(
          Metric.update(Metric.withAttributes(SessionMetrics.wait, { broker: self.account.broker }), took),
          session
        )
      ),
      withSpanWhenTraced("SessionManager.renew", { "broker.id": self.account.broker })
    )
  })

/** The renewal under way, or one that begins now, and goes on if those who wait for it are interrupted. */
export const startRenewal = (self: Self, wish: Wish): Effect.Effect<Cached.PendingRenewal> =>
  // Who is interrupted between the two steps would leave a renewal that nobody runs, and all others waiting for it.
  Effect.uninterruptible(
    Effect.suspend(() => {
      if (self.state.pendingRenewal !== undefined) return Effect.succeed(self.state.pendingRenewal)
      const end = Deferred.makeUnsafe<Session.Session, Failure>()
      const pendingRenewal: Cached.PendingRenewal = { end, wait: Deferred.await(end), boundedWait: undefined }
      self.state.pendingRenewal = pendingRenewal
      return Effect.map(Effect.forkIn(runRenewal(self, wish), self.scope), (fiber) => {
        fiber.addObserver((exit) => {
          if (self.state.pendingRenewal === pendingRenewal) self.state.pendingRenewal = undefined
          Deferred.doneUnsafe(end, exit)
        })
        return pendingRenewal
      })
    })
  )

export const awaitRenewal = (
  self: Self,
  dead: Session.Session | undefined,
  byPerson = false
): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(
    () => self.state.pendingRenewal?.wait ?? Effect.flatMap(startRenewal(self, { dead, byPerson }), ({ wait }) => wait)
  )
