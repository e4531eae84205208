/** What a session manager is, and how a session gets into its memory and its store. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Profile } from "../../login/Profile.ts"
import type { Logout } from "../../login/Logout.ts"
import type { Renewal } from "../../broker/Renewal.ts"
import type * as Session from "../../login/Session.ts"
import type { SessionLock } from "../SessionLock.ts"
import type { SessionChange } from "./sessionChange.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"
import * as Cached from "./cachedSession.ts"
import * as Record from "./record.ts"
import type { Tenancy } from "./tenancy.ts"

/** Where a session that is taken into memory comes from. */
export interface From {
  readonly tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
  readonly version: number
  /** How many logouts there had been when it was asked for. */
  readonly logouts: number
}

/** Another version is written in between, each time, only if something else than this library writes. */
export const writesBeforeGivingUp = 5

export const keepsChanging = Effect.fail(
  VaultError.make("put", new VaultError.Io({ what: "write the session: something else keeps writing it" }))
)

const fail = (account: Account, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(account.broker, "session", reason))

const loggedOutReason = new AuthError.SessionExpired({
  why: "logged-out",
  advice: "Log in again on purpose with SessionManager.renew, or start the program anew."
})

const endedAlreadyReason = new AuthError.SessionExpired({
  why: "expired",
  advice: "The broker's new token has ended already by this machine's clock: set the clock by NTP."
})

/** A session that replaced a refused one, and the kinds of calls that the broker has accepted it for since. */
export interface Trial {
  readonly session: Session.Session
  readonly accepted: Set<"read" | "order">
}

/** An account's tools and its state. The code is one for all: closures of its own for each would be most of its memory. */
export interface Self {
  readonly account: Account
  readonly renewal: Renewal["Service"]
  readonly revoke: Logout["Service"]["logout"]
  readonly store: SessionStore["Service"]
  readonly lock: SessionLock["Service"]
  /** Asks the broker whether a token lives, if the method has that. */
  readonly profile: Profile["Service"]["profile"] | undefined
  readonly scope: Scope.Scope
  readonly early: Duration.Duration
  readonly renewalTimeout: Duration.Duration
  /** Milliseconds. */
  readonly pollInterval: number
  readonly state: Cached.State
  /** Set when the manager's scope closes. Nothing is handed out from then on. */
  isClosed: boolean
  /** When the manager was last asked for something, calls on the hot path excepted. Milliseconds since the epoch. */
  askedAt: number
  readonly tenancy: Tenancy | undefined
  /** The session that `withSession` got last in place of a refused one. */
  trial: Trial | undefined
  /** Made for the first who listens: most managers have nobody, and it takes more memory than all the rest. */
  hub: PubSub.PubSub<SessionChange> | undefined
}

export const publish = (self: Self, change: SessionChange) =>
  Effect.suspend(() => (self.hub === undefined ? Effect.void : Effect.asVoid(PubSub.publish(self.hub, change))))

export const changes = (self: Self): Stream.Stream<SessionChange> =>
  Stream.unwrap(
    Effect.map(PubSub.sliding<SessionChange>(256), (made) =>
      self.isClosed ? Stream.empty : Stream.fromPubSub((self.hub ??= made))
    )
  )

const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "SessionManager", problem: "is closed: its scope has ended" }],
  advice:
    "Keep the scope open as long as sessions are needed, for example with ManagedRuntime, or build the layer again."
})

export const closed = (self: Self, operation: string): Effect.Effect<never, AuthError.AuthError> =>
  Effect.fail(AuthError.make(self.account.broker, operation, self.tenancy?.closedBecause ?? closedReason))

/** Runs an operation of the manager unless the manager is closed. */
export const whileOpen = <A, E>(self: Self, operation: string, run: () => Effect.Effect<A, E>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | AuthError.AuthError> => {
    self.askedAt = now
    return self.isClosed ? closed(self, operation) : run()
  })

/**
 * When the manager was asked for something last, at the latest: calls that get the held session are not counted, so the
 * whole time for which it may be handed out without a look at the store counts.
 */
export const lastAsked = ({ askedAt, state }: Self, now: number): number =>
  state.pendingRenewal === undefined ? Math.min(now, Math.max(askedAt, state.cached.freshUntil)) : now

/**
 * Closes the manager: fails all callers that wait for a renewal, and drops the held session. Runs before the renewal's
 * fiber is interrupted, since its interruption would reach the callers otherwise.
 */
export const close = (self: Self) =>
  Effect.suspend(() => {
    const { pendingRenewal } = self.state
    self.isClosed = true
    self.state.pendingRenewal = undefined
    Cached.forget(self.state, "kept")
    if (pendingRenewal !== undefined) Deferred.doneUnsafe(pendingRenewal.end, closed(self, "session"))
    return self.hub === undefined ? Effect.void : PubSub.shutdown(self.hub)
  })

export const loggedOut = (self: Self): Effect.Effect<never, AuthError.AuthError> => fail(self.account, loggedOutReason)

/** Takes a session that is stored into memory, and hands it out, unless there was a logout since `logouts`. */
export const cacheSession = Effect.fnUntraced(function* (
  self: Self,
  session: Session.Session,
  { logouts, tag, version }: From
): Effect.fn.Return<Session.Session, Cached.Failure> {
  const now = yield* Clock.currentTimeMillis
  const spread = yield* Random.next
  // The logout that came in between has seen what is stored, and ends it.
  if (self.state.logouts !== logouts) return yield* loggedOut(self)
  self.state.version = version
  self.state.unsaved = undefined
  // Stored, and not handed out.
  if (self.isClosed) return session
  if (!Cached.isLive(session, now)) return yield* fail(self.account, endedAlreadyReason)
  Cached.take(self.state, session, { early: self.early, spread, now, pollInterval: self.pollInterval })
  yield* publish(self, { _tag: tag, account: self.account, session })
  return session
})

export const readStore = Effect.fnUntraced(function* (self: Self, dead: Session.Session | undefined) {
  const { version } = self.state
  const record = yield* Record.read(self.store, self.account)
  const now = yield* Clock.currentTimeMillis
  // What this program has written meanwhile is newer than what was read.
  const isNewest = self.state.version === version
  const isNewLogout = isNewest && Cached.isNewLogout(self.state, record)
  if (isNewest) self.state.version = record.version
  if (!isNewLogout) return { isNewest, record, now, session: Cached.usable(self.state, record, dead, now) }
  const { unsaved } = self.state
  self.state.unsaved = undefined
  Cached.forget(self.state, "logged-out")
  yield* publish(self, { _tag: "LoggedOut", account: self.account })
  // Nobody else knows of it.
  if (unsaved !== undefined) yield* Effect.forkIn(Effect.ignore(self.revoke(unsaved)), self.scope)
  return yield* loggedOut(self)
})

/** Writes over whatever is stored, and gives that. */
export const overwrite = Effect.fnUntraced(function* <E = never>(
  self: Self,
  value: Redacted.Redacted<Uint8Array>,
  isWanted: Effect.Effect<void, E> = Effect.void
) {
  for (let writes = 0; writes < writesBeforeGivingUp; writes++) {
    const record = yield* Record.read(self.store, self.account)
    yield* isWanted
    if (yield* self.store.put(self.account, "session", value, record.version)) return record
  }
  return yield* keepsChanging
})
