import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Profile } from "../../login/Profile.ts"
import type { Logout } from "../../login/Logout.ts"
import type { Renewal } from "../../broker/Renewal.ts"
import type * as Session from "../../login/Session.ts"
import type { SessionLock } from "../SessionLock.ts"
import type { Failure, SessionChange } from "./sessionChange.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"
import * as Cached from "./cachedSession.ts"
import * as Record from "./record.ts"
import type { ManagerOwner } from "./managerOwner.ts"

export interface Origin {
  readonly tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
  readonly version: number
  /** The number of logouts when the session was requested. */
  readonly logouts: number
}

/** Maximum number of tries to write an entry. A try fails if another program has written the entry in the meantime. */
export const maxWrites = 5

export const keepsChanging = Effect.fail(
  VaultError.make("put", new VaultError.Io({ what: "write the session, because another program keeps changing it" }))
)

const fail = (account: Account, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(account.broker, "session", reason))

const loggedOutReason = new AuthError.SessionExpired({
  why: "logged-out",
  advice: "To log in again, call SessionManager.renew or restart the program."
})

const endedAlreadyReason = new AuthError.SessionExpired({
  why: "expired",
  advice: "The broker's new token has already expired according to this machine's clock. Set the clock by NTP."
})

/**
 * `session` replaced a session that the broker had refused. If an effect in `withSession` sends a request with
 * `session` and succeeds, the kind of the effect is added to `accepted`. The kind is `order` if the effect sent a
 * request that must not be sent twice. Otherwise, the kind is `read`.
 */
export interface Trial {
  readonly session: Session.Session
  readonly accepted: Set<"read" | "order">
}

export interface LastRead {
  readonly mark: string | number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * After this many milliseconds, the store is read even if no change was reported. Another program may have no
 * permission to report its changes.
 */
const maxUnread = 3_600_000

/** Whether the cached session can be used without a read of the store. */
export const isUpToDate = ({ lastRead, store: { changes } }: Self, now: number): Effect.Effect<boolean> =>
  changes === undefined || lastRead === undefined || now < lastRead.at || now - lastRead.at >= maxUnread
    ? Effect.succeed(false)
    : Effect.map(changes.mark, (mark) => mark === lastRead.mark)

/** The functions of a session manager take this object. Closures for each account would need more memory. */
export interface Self {
  readonly account: Account
  readonly renewal: Renewal["Service"]
  readonly revoke: Logout["Service"]["logout"]
  readonly store: SessionStore["Service"]
  readonly lock: SessionLock["Service"]
  /** `undefined` if the broker has no profile call. */
  readonly profile: Profile["Service"]["profile"] | undefined
  readonly early: Duration.Duration
  readonly renewalTimeout: Duration.Duration
  /** In milliseconds. */
  readonly pollInterval: number
  readonly state: Cached.State
  isClosed: boolean
  /**
   * Time of the last call, in milliseconds since the epoch. Calls that returned the cached session at once do not
   * count.
   */
  usedAt: number
  owner: ManagerOwner | undefined
  /** The scope of the background fibers. */
  scope: Scope.Closeable | undefined
  unwatch: Effect.Effect<void>
  /** `undefined` if the store must be read at the next poll. */
  lastRead: LastRead | undefined
  /** `undefined` until `withSession` has replaced a session that the broker refused. */
  trial: Trial | undefined
  /** Sends events to the readers of the stream `changes`. It is created for the first reader, to save memory. */
  hub: PubSub.PubSub<SessionChange> | undefined
}

export const publish = (self: Self, change: SessionChange) =>
  Effect.suspend(() => (self.hub === undefined ? Effect.void : Effect.asVoid(PubSub.publish(self.hub, change))))

const readChanges = (self: Self): Stream.Stream<SessionChange> =>
  Stream.unwrap(
    Effect.map(PubSub.sliding<SessionChange>(256), (made) =>
      self.isClosed ? Stream.empty : Stream.fromPubSub((self.hub ??= made))
    )
  )

interface Changes extends Stream.Stream<SessionChange> {
  readonly self: Self
}

/** To save memory, the streams `changes` of all managers share this prototype. */
const changesPrototype: object = Object.create(Object.getPrototypeOf(Stream.empty) as object, {
  channel: {
    get(this: Changes) {
      return readChanges(this.self).channel
    }
  }
})

export const changes = (self: Self): Stream.Stream<SessionChange> =>
  Object.assign(Object.create(changesPrototype), { self }) as Changes

const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "SessionManager", problem: "is closed: its scope has ended" }],
  advice:
    "Keep the scope open as long as sessions are needed, for example with ManagedRuntime, or build the layer again."
})

export const closed = (self: Self, operation: string): Effect.Effect<never, AuthError.AuthError> =>
  Effect.fail(AuthError.make(self.account.broker, operation, self.owner?.closedBecause ?? closedReason))

export const whileOpen = <A, E>(self: Self, operation: string, run: () => Effect.Effect<A, E>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | AuthError.AuthError> => {
    self.usedAt = now
    return self.isClosed ? closed(self, operation) : run()
  })

/**
 * Returns the latest time at which the manager may have been used. Until `freshUntil`, calls return the cached session
 * at once and do not change `usedAt`.
 */
export const lastUsed = ({ usedAt, state }: Self, now: number): number =>
  state.pendingRenewal === undefined ? Math.min(now, Math.max(usedAt, state.cached.freshUntil)) : now

/** To save memory, the scope of the fibers is removed when no fiber runs. */
export const forkBackground = <A, E>(self: Self, effect: Effect.Effect<A, E>): Effect.Effect<Fiber.Fiber<A, E>> =>
  Effect.suspend(() => {
    const scope = (self.scope ??= Scope.makeUnsafe())
    return Effect.map(Effect.forkIn(effect, scope), (fiber) => {
      fiber.addObserver(() => {
        if (scope.state._tag === "Empty") self.scope = undefined
      })
      return fiber
    })
  })

/**
 * Ends the pending renewal before the background fibers are interrupted. Otherwise, the callers that wait for the
 * renewal would get no error.
 */
export const close = (self: Self, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { pendingRenewal } = self.state
    const { unwatch } = self
    self.isClosed = true
    self.unwatch = Effect.void
    self.state.pendingRenewal = undefined
    Cached.clear(self.state, "kept")
    if (pendingRenewal !== undefined) pendingRenewal.end(closed(self, "session"))
    const scope = (self.scope ??= Scope.makeUnsafe())
    return (self.hub === undefined ? Effect.void : PubSub.shutdown(self.hub)).pipe(
      Effect.andThen(unwatch),
      Effect.andThen(Scope.close(scope, exit))
    )
  })

export const loggedOut = (self: Self): Effect.Effect<never, AuthError.AuthError> => fail(self.account, loggedOutReason)

export const cacheSession = Effect.fnUntraced(function* (
  self: Self,
  session: Session.Session,
  { logouts, tag, version }: Origin
): Effect.fn.Return<Session.Session, Failure> {
  const now = yield* Clock.currentTimeMillis
  const jitter = yield* Random.next
  // If the numbers differ, a logout began after the session was requested. The logout revokes the stored session.
  if (self.state.logouts !== logouts) return yield* loggedOut(self)
  self.state.version = version
  self.state.unsaved = undefined
  // The session of a closed manager is stored, but not cached.
  if (self.isClosed) return session
  if (!Cached.isLive(session, now)) return yield* fail(self.account, endedAlreadyReason)
  Cached.setCached(self.state, session, { early: self.early, jitter, now, pollInterval: self.pollInterval })
  yield* publish(self, { _tag: tag, account: self.account, session })
  return session
})

export const readStore = Effect.fnUntraced(function* (self: Self, rejected: Session.Session | undefined) {
  const { version } = self.state
  const began = yield* Clock.currentTimeMillis
  // The mark is taken before the read, so that a change during the read is noticed.
  const mark = self.store.changes === undefined ? undefined : yield* self.store.changes.mark
  self.lastRead = undefined
  const record = yield* Record.read(self.store, self.account)
  const now = yield* Clock.currentTimeMillis
  if (mark !== undefined) self.lastRead = { mark, at: began }
  // If this program wrote the entry during the read, the written version is newer than the version that was read.
  const isNewest = self.state.version === version
  const isNewLogout = isNewest && Cached.isNewLogout(self.state, record)
  const { ignoresLogout, unsaved } = self.state
  if (isNewest) {
    self.state.version = record.version
    self.state.ignoresLogout = false
  }
  if (isNewLogout) {
    Cached.clearLoggedOut(self.state, ignoresLogout ? "kept" : "logged-out")
    yield* publish(self, { _tag: "LoggedOut", account: self.account })
    // The unsaved session was never stored, so only this program can revoke it.
    const revoked = unsaved === undefined ? Effect.void : Effect.ignore(self.revoke(unsaved))
    if (!ignoresLogout) return yield* Effect.andThen(forkBackground(self, revoked), loggedOut(self))
    // The program has called `renew`, and the renewal logs in next. At some brokers, a logout after that login would
    // also end the new session. So the unsaved session is revoked before the login.
    yield* revoked
  }
  return { isNewest, record, now, session: Cached.usable(self.state, record, rejected, now) }
})

export const overwrite = Effect.fnUntraced(function* <E = never>(
  self: Self,
  value: Redacted.Redacted<Uint8Array>,
  isWanted: Effect.Effect<void, E> = Effect.void
) {
  for (let writes = 0; writes < maxWrites; writes++) {
    const record = yield* Record.read(self.store, self.account)
    yield* isWanted
    if (yield* self.store.put(self.account, "session", value, record.version)) return record
  }
  return yield* keepsChanging
})
