/** Runs one renewal for all callers. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as AuthError from "../../login/AuthError.ts"
import * as Session from "../../login/Session.ts"
import type { Lease } from "../SessionLock.ts"
import * as SessionMetrics from "../SessionMetrics.ts"
import * as Exchange from "./exchange.ts"
import * as Cached from "./cachedSession.ts"
import {
  cacheSession,
  forkBackground,
  keepsChanging,
  readStore,
  loggedOut,
  publish,
  type Self,
  maxWrites
} from "./managerState.ts"
import { withRecentEntries } from "./recentEntries.ts"
import * as Record from "./record.ts"
import { withSpanWhenTraced } from "../../broker/internal/spans.ts"
import * as ReplacementPause from "./replacementPause.ts"
import * as SharedWait from "./sharedWait.ts"
import type { Failure } from "./sessionChange.ts"

/** A request for a session other than `rejected`. */
interface RenewalRequest {
  readonly rejected: Session.Session | undefined
  readonly byPerson: boolean
}

/** With these values, a renewal notices a logout that happens after the renewal was requested. */
interface Began {
  readonly logouts: number
  /** A logout ends the wait early. */
  readonly wait: Effect.Effect<Session.Session, Failure>
}

const revokeAfterLogout = (self: Self, session: Session.Session) =>
  Effect.andThen(
    Effect.ignore(self.revoke(session)),
    Effect.suspend(() => loggedOut(self))
  )

const storeSession = Effect.fnUntraced(function* (
  self: Self,
  got: { readonly session: Session.Session; readonly by: Cached.State["unsavedBy"] },
  expected: number,
  logouts: number
): Effect.fn.Return<Session.Session, Failure> {
  let version = expected
  // If the store fails, a later renewal must store the new session, because the previous session may have ended.
  Cached.keepUnsaved(self.state, got.session, got.by)
  for (let writes = 0; writes < maxWrites; writes++) {
    if (yield* self.store.put(self.account, "session", Record.ofSession(got.session), version)) {
      return yield* cacheSession(self, got.session, { tag: got.by, version: version + 1, logouts })
    }
    const record = yield* Record.read(self.store, self.account)
    const now = yield* Clock.currentTimeMillis
    if (record._tag === "LoggedOut") {
      // If this program has logged out, the logout has already cleared the state. A second clear could make a newer
      // request fail.
      if (self.state.logouts === logouts) {
        self.state.version = record.version
        Cached.clearLoggedOut(self.state, "logged-out")
        yield* publish(self, { _tag: "LoggedOut", account: self.account })
      }
      return yield* revokeAfterLogout(self, got.session)
    }
    // If this program has lost its lease, the next holder may have stored a session.
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

const checksSince = (
  self: Self,
  lease: Lease,
  rejected: Session.Session | undefined,
  { logouts, wait }: Began
): Exchange.Checks => {
  const here = Effect.suspend((): Effect.Effect<void, Failure> =>
    // A read of the store outside of this renewal may have found a logout by another program.
    self.state.logouts === logouts && !self.state.loggedOut ? lease.check : loggedOut(self)
  )
  return {
    here,
    anywhere: Effect.andThen(here, Effect.asVoid(readStore(self, rejected))),
    // While the renewal runs, `wait` ends only if there is a logout or if the manager is closed.
    loggedOut: Effect.catch(Effect.andThen(wait, Effect.never), () => loggedOut(self))
  }
}

/** Removes a spent refresh token from the store, so that other programs do not send the token. */
const dropStoredToken = (self: Self, record: Record.Record): Effect.Effect<Record.Record> =>
  Effect.suspend(() => {
    if (record._tag !== "Live" || !Cached.isSpent(self.state, record.session)) return Effect.succeed(record)
    const session = Session.withoutRefreshToken(record.session)
    // If the store fails, this program does not send the token, but other programs may.
    return Effect.match(self.store.put(self.account, "session", Record.ofSession(session), record.version), {
      onFailure: () => record,
      onSuccess: (written) => (written ? { ...record, session, version: record.version + 1 } : record)
    })
  })

const renewHolding = Effect.fnUntraced(function* (
  self: Self,
  lease: Lease,
  { byPerson, rejected }: RenewalRequest,
  began: Began
): Effect.fn.Return<Session.Session, Failure> {
  const { logouts } = began
  const { now, record, session } = yield* readStore(self, rejected)
  if (session !== undefined)
    return yield* cacheSession(self, session, { tag: "PickedUp", version: record.version, logouts })
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { unsaved, unsavedBy } = self.state
      if (unsaved !== undefined && Cached.isLive(unsaved, now) && !Cached.sameToken(unsaved, rejected)) {
        return yield* storeSession(self, { session: unsaved, by: unsavedBy }, record.version, logouts)
      }
      const previous = Cached.toRefresh(self.state, record)
      const checks = checksSince(self, lease, rejected, began)
      yield* restore(checks.here)
      const refused = rejected ?? self.state.rejected
      if (refused !== undefined && !byPerson) yield* restore(ReplacementPause.check(self, refused))
      const exchange = Exchange.make(self.renewal, withRecentEntries(self.store), self.profile)
      const live = Cached.liveSession(self.state, now)
      let stored = yield* dropStoredToken(self, record)
      const dropRefreshToken = Effect.suspend(() => {
        if (previous !== undefined) Cached.dropRefreshToken(self.state, previous)
        return Effect.map(dropStoredToken(self, stored), (record) => void (stored = record))
      })
      const got = yield* restore(
        exchange(
          {
            previous,
            now,
            byPerson,
            countFailure: () => Cached.countFailedRefresh(self.state, now),
            isLive: live !== undefined && !Cached.sameToken(live, rejected),
            dropRefreshToken
          },
          checks
        )
      )
      Cached.recordIssue(self.state, got.session, previous)
      if (self.state.logouts !== logouts) return yield* revokeAfterLogout(self, got.session)
      if (refused !== undefined && !byPerson)
        yield* Effect.ignore(ReplacementPause.noteReplacement(self, refused, got.session))
      // A refresh may end the previous access token.
      if (got.by === "Refreshed") self.state.rejected = previous
      const { over } = got
      const saved = storeSession(self, got, stored.version, logouts)
      return yield* over === undefined ? saved : Effect.mapError(saved, (error) => (isOver(error) ? over : error))
    })
  )
})

const isOver = ({ reason }: Failure): boolean => reason._tag === "SessionExpired" && reason.why === "expired"

const startBackoff = Effect.fnUntraced(function* (self: Self, error: Failure) {
  const now = yield* Clock.currentTimeMillis
  const jitter = yield* Random.next
  self.state.failures += 1
  const retryAfter = AuthError.isAuthError(error) ? error.retryAfter : undefined
  const live = Cached.liveSession(self.state, now)
  const backoff = Cached.backoff(self.state.failures, live !== undefined, jitter)
  const retryAt = now + Math.max(backoff, retryAfter === undefined ? 0 : Duration.toMillis(retryAfter))
  self.state.pause = { error, live: live !== undefined, since: now, until: retryAt }
  yield* Metric.update(
    Metric.withAttributes(SessionMetrics.failures, { broker: self.account.broker, reason: Exchange.reasonOf(error) }),
    1
  )
  yield* publish(self, { _tag: "RenewalFailed", account: self.account, error, live: live !== undefined, retryAt })
  return live === undefined ? yield* Effect.fail(error) : live
})

/** If the lock was lost, its next holder may have stored a session, which a retry can use. */
const hasLostLock = ({ reason }: Failure): boolean => reason._tag === "LockUnavailable" && reason.why === "lost"

const maxLostLocks = 2

/** The text of the defect is not kept, because it may contain a secret. */
const unexpected = ({ account }: Self, defect: unknown): AuthError.AuthError => {
  const name = Predicate.isError(defect) ? defect.name : typeof defect
  const what = `Find the fault in this program: the renewal of the session of ${account.id} ended with a defect (${name})`
  const advice = "Check the store, the lock, the HTTP client and the login method that the program provides."
  return AuthError.make(account.broker, "session", new AuthError.ActionRequired({ what, advice }))
}

const runRenewal = (self: Self, request: RenewalRequest, began: Began): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => {
    const { logouts } = began
    // There may have been a logout before the fiber started.
    if (self.state.logouts !== logouts) return loggedOut(self)
    return readStore(self, request.rejected).pipe(
      Effect.flatMap(({ record, session }) =>
        session === undefined
          ? Effect.retry(
              self.lock.withLock(self.account, (lease) => renewHolding(self, lease, request, began)),
              { while: hasLostLock, times: maxLostLocks }
            )
          : cacheSession(self, session, { tag: "PickedUp", version: record.version, logouts })
      ),
      Effect.catchDefect((defect) => Effect.fail(unexpected(self, defect))),
      Effect.catch((error) =>
        self.state.loggedOut || self.state.logouts !== logouts ? loggedOut(self) : startBackoff(self, error)
      ),
      Effect.timed,
      Effect.flatMap(([took, session]) =>
        Effect.as(
          Metric.update(Metric.withAttributes(SessionMetrics.wait, { broker: self.account.broker }), took),
          session
        )
      ),
      (renewal) =>
        withSpanWhenTraced(
          () => "SessionManager.renew",
          { "broker.id": self.account.broker },
          () => renewal
        )
    )
  })

/** The renewal continues even if its callers are interrupted. */
export const startRenewal = (self: Self, request: RenewalRequest): Effect.Effect<Cached.PendingRenewal> =>
  // If an interruption prevented the start of the fiber, all later callers would wait for a renewal that never runs.
  Effect.uninterruptible(
    Effect.suspend(() => {
      if (self.state.pendingRenewal !== undefined) return Effect.succeed(self.state.pendingRenewal)
      const pendingRenewal: Cached.PendingRenewal = {
        ...SharedWait.make<Session.Session, Failure>(),
        isOnlyWay: false,
        boundedWait: undefined
      }
      self.state.pendingRenewal = pendingRenewal
      const began: Began = { logouts: self.state.logouts, wait: pendingRenewal.wait }
      return Effect.map(forkBackground(self, runRenewal(self, request, began)), (fiber) => {
        fiber.addObserver((exit) => {
          if (self.state.pendingRenewal === pendingRenewal) self.state.pendingRenewal = undefined
          pendingRenewal.end(exit)
        })
        return pendingRenewal
      })
    })
  )

export const awaitRenewal = (
  self: Self,
  rejected: Session.Session | undefined,
  byPerson = false
): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(
    () =>
      self.state.pendingRenewal?.wait ?? Effect.flatMap(startRenewal(self, { rejected, byPerson }), ({ wait }) => wait)
  )
