/**
 * The session of one account, always live: kept over restarts, renewed once however many ask, shared with other
 * programs through the store.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import * as Exchange from "./internal/exchange.ts"
import * as Held from "./internal/held.ts"
import { found, readily } from "./internal/readily.ts"
import * as Record from "./internal/record.ts"
import { withSpanWhenTraced } from "./internal/spans.ts"
import * as LoginGuard from "./LoginGuard.ts"
import { Logout, type LogoutReceipt } from "./Logout.ts"
import { Renewal } from "./Renewal.ts"
import * as Session from "./Session.ts"
import { type Lease, SessionLock } from "./SessionLock.ts"
import * as SessionMetrics from "./SessionMetrics.ts"
import { SessionStore } from "./SessionStore.ts"
import * as VaultError from "./VaultError.ts"

/**
 * Why there is no session: the broker's or the vault's reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = Held.Failure

/**
 * What happened to the session.
 *
 * @category models
 * @since 0.1.0
 */
export type SessionChange =
  | {
      /**
       * `LoggedIn` and `Refreshed`: this program asked the broker. `PickedUp`: it was in the store, from an earlier
       * run or another program. `Adopted`: it was given to `adopt`.
       */
      readonly _tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
      readonly account: Account
      readonly session: Session.Session
    }
  | {
      readonly _tag: "RenewalFailed"
      readonly account: Account
      readonly error: Failure
      /** Whether the token still lives, and is handed out until then. */
      readonly live: boolean
      /** When the next renewal may be tried, milliseconds since the epoch. */
      readonly retryAt: number
    }
  | { readonly _tag: "LoggedOut"; readonly account: Account }

/**
 * Gives the session of one account.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionManager extends Context.Service<
  SessionManager,
  {
    readonly account: Account
    /**
     * A live session: from memory, from the store, or else from the broker. After `logout`, here or in another program,
     * it fails with `SessionExpired` (`logged-out`) until `renew` or `adopt`; a program started later logs in anew.
     */
    readonly session: Effect.Effect<Session.Session, Failure>
    /** The session that is held or stored, if it lives. The broker is not asked. */
    readonly peek: Effect.Effect<Option.Option<Session.Session>, VaultError.VaultError>
    /**
     * Another session than `dead`, or than the one that is held: the one that somebody else got meanwhile, or else a
     * new one from the broker. Without `dead` it logs in again after a logout, and does not wait after a failure.
     */
    readonly renew: (dead?: Session.Session) => Effect.Effect<Session.Session, Failure>
    /** Keeps a session that was got in another way, such as a browser login. */
    readonly adopt: (session: Session.Session) => Effect.Effect<void, Failure>
    /**
     * Ends the session at the broker and forgets it. A renewal in flight does not bring it back, here or in another
     * program that shares the store; one that holds the session learns of it when it next looks into the store, or when
     * the broker refuses the token. If the broker's call fails, the session is forgotten all the same.
     */
    readonly logout: Effect.Effect<LogoutReceipt, Failure>
    /** The held session as a value, if it needs no renewal at `now` (milliseconds since the epoch). */
    readonly freshUnsafe: (now: number) => Exit.Exit<Session.Session> | undefined
    /** What happens from now on. A slow reader misses the oldest changes. */
    readonly changes: Stream.Stream<SessionChange>
  }
>()("@auth/broker-core/SessionManager") {}

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long before its end a session is renewed, in the place of the broker's own. */
  readonly early?: Duration.Input | undefined
  /**
   * How long an early renewal is waited for before the token that still lives is handed out. 2 seconds unless said
   * otherwise.
   */
  readonly patience?: Duration.Input | undefined
  /**
   * How often the store is looked into while a session is held and asked for, to learn of what other programs have done:
   * a newer session, or a logout. 30 seconds unless said otherwise.
   */
  readonly lookEvery?: Duration.Input | undefined
}

/** Where a session that is taken into memory comes from. */
interface From {
  readonly tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
  readonly version: number
  /** How many logouts there had been when it was asked for. */
  readonly logouts: number
}

const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): number => fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

/** Another version is written in between, each time, only if something else than this library writes. */
const writesBeforeGivingUp = 5

const keepsChanging = Effect.fail(
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

/** An account's tools and its state. The code is one for all: closures of its own for each would be most of its memory. */
interface Self {
  readonly account: Account
  readonly renewal: Renewal["Service"]
  readonly revoke: Logout["Service"]["logout"]
  readonly store: SessionStore["Service"]
  readonly lock: SessionLock["Service"]
  readonly scope: Scope.Scope
  readonly early: Duration.Duration
  readonly patience: Duration.Duration
  /** Milliseconds. */
  readonly lookEvery: number
  readonly state: Held.State
  /** Made for the first who listens: most managers have nobody, and it takes more memory than all the rest. */
  hub: PubSub.PubSub<SessionChange> | undefined
}

const publish = (self: Self, change: SessionChange) =>
  Effect.suspend(() => (self.hub === undefined ? Effect.void : Effect.asVoid(PubSub.publish(self.hub, change))))

const changes = (self: Self): Stream.Stream<SessionChange> =>
  Stream.unwrap(Effect.map(PubSub.sliding<SessionChange>(256), (made) => Stream.fromPubSub((self.hub ??= made))))

const loggedOut = (self: Self): Effect.Effect<never, AuthError.AuthError> => fail(self.account, loggedOutReason)

/** Takes a session that is stored into memory, and hands it out, unless there was a logout since `logouts`. */
const hold = Effect.fnUntraced(function* (
  self: Self,
  session: Session.Session,
  { logouts, tag, version }: From
): Effect.fn.Return<Session.Session, Failure> {
  const now = yield* Clock.currentTimeMillis
  const spread = yield* Random.next
  // The logout that came in between has seen what is stored, and ends it.
  if (self.state.logouts !== logouts) return yield* loggedOut(self)
  self.state.version = version
  self.state.unsaved = undefined
  if (!Held.isLive(session, now)) return yield* fail(self.account, endedAlreadyReason)
  Held.take(self.state, session, { early: self.early, spread, lookAt: now + self.lookEvery })
  yield* publish(self, { _tag: tag, account: self.account, session })
  return session
})

const look = Effect.fnUntraced(function* (self: Self, dead: Session.Session | undefined) {
  const record = yield* Record.read(self.store, self.account)
  const now = yield* Clock.currentTimeMillis
  const isNewLogout = Held.isNewLogout(self.state, record)
  self.state.version = record.version
  if (!isNewLogout) return { record, now, session: Held.usable(self.state, record, dead, now) }
  Held.forget(self.state, "logged-out")
  yield* publish(self, { _tag: "LoggedOut", account: self.account })
  return yield* loggedOut(self)
})

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
      return yield* hold(self, got.session, { tag: got.by, version: version + 1, logouts })
    }
    const record = yield* Record.read(self.store, self.account)
    const now = yield* Clock.currentTimeMillis
    if (record._tag === "LoggedOut") {
      self.state.version = record.version
      self.state.unsaved = undefined
      Held.forget(self.state, "logged-out")
      yield* publish(self, { _tag: "LoggedOut", account: self.account })
      return yield* dropFor(self, got.session)
    }
    // Our lease was lost, and the next holder was faster.
    if (record._tag === "Live" && Held.isLive(record.session, now) && record.session.issuedAt >= got.session.issuedAt) {
      return yield* hold(self, record.session, { tag: "PickedUp", version: record.version, logouts })
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
  return { here, anywhere: Effect.andThen(here, Effect.asVoid(look(self, dead))) }
}

const renewHolding = Effect.fnUntraced(function* (
  self: Self,
  lease: Lease,
  dead: Session.Session | undefined,
  logouts: number
): Effect.fn.Return<Session.Session, Failure> {
  const { now, record, session } = yield* look(self, dead)
  if (session !== undefined) return yield* hold(self, session, { tag: "PickedUp", version: record.version, logouts })
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { unsaved } = self.state
      if (unsaved !== undefined && Held.isLive(unsaved, now) && !Held.sameToken(unsaved, dead)) {
        return yield* save(self, { session: unsaved, by: "LoggedIn" }, record.version, logouts)
      }
      const previous = record._tag === "Live" ? record.session : self.state.held.session
      yield* restore(lease.check)
      const exchange = Exchange.make(self.renewal, LoginGuard.make(self.store))
      const got = yield* restore(exchange(previous, now, wantedSince(self, lease, dead, logouts)))
      if (self.state.logouts !== logouts) return yield* dropFor(self, got.session)
      // A broker that refreshes may have ended the token before.
      if (got.by === "Refreshed") self.state.dead = previous
      return yield* save(self, got, record.version, logouts)
    })
  )
})

const pauseAfter = Effect.fnUntraced(function* (self: Self, error: Failure) {
  const now = yield* Clock.currentTimeMillis
  const spread = yield* Random.next
  self.state.failures += 1
  const wished = AuthError.isAuthError(error) ? error.retryAfter : undefined
  const live = Held.liveSession(self.state, now)
  const backoff = Held.backoff(self.state.failures, live !== undefined, spread)
  const retryAt = now + Math.max(backoff, wished === undefined ? 0 : Duration.toMillis(wished))
  self.state.pause = { error, live: live !== undefined, since: now, until: retryAt }
  yield* Metric.update(
    Metric.withAttributes(SessionMetrics.failures, { broker: self.account.broker, reason: Exchange.reasonOf(error) }),
    1
  )
  yield* publish(self, { _tag: "RenewalFailed", account: self.account, error, live: live !== undefined, retryAt })
  return live === undefined ? yield* Effect.fail(error) : live
})

/** One renewal, for all who wait for it. */
const fly = (self: Self, dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => {
    const { logouts } = self.state
    return look(self, dead).pipe(
      Effect.flatMap(({ record, session }) =>
        session === undefined
          ? self.lock.withLock(self.account, (lease) => renewHolding(self, lease, dead, logouts))
          : hold(self, session, { tag: "PickedUp", version: record.version, logouts })
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
const takeOff = (self: Self, dead: Session.Session | undefined): Effect.Effect<Held.Flight> =>
  // Who is interrupted between the two steps would leave a renewal that nobody runs, and all others waiting for it.
  Effect.uninterruptible(
    Effect.suspend(() => {
      if (self.state.flight !== undefined) return Effect.succeed(self.state.flight)
      const end = Deferred.makeUnsafe<Session.Session, Failure>()
      const flight: Held.Flight = { end, wait: Deferred.await(end), patientWait: undefined }
      self.state.flight = flight
      return Effect.map(Effect.forkIn(fly(self, dead), self.scope), (fiber) => {
        fiber.addObserver((exit) => {
          if (self.state.flight === flight) self.state.flight = undefined
          Deferred.doneUnsafe(end, exit)
        })
        return flight
      })
    })
  )

const join = (self: Self, dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => self.state.flight?.wait ?? Effect.flatMap(takeOff(self, dead), ({ wait }) => wait))

/** What those get whose patience is over. Their token may have ended meanwhile, or somebody has logged out. */
const instead = (self: Self): Effect.Effect<Session.Session, Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Held.liveSession(self.state, now)
    return live === undefined ? obtain(self, now) : Effect.succeed(live)
  })

/** One timer for all who hold a token that lives: one for each of them would cost ten times as much as the wait. */
const takePatience = (self: Self): Effect.Effect<Effect.Effect<Session.Session, Failure>> =>
  Effect.uninterruptible(
    Effect.flatMap(takeOff(self, undefined), (flight) => {
      if (flight.patientWait !== undefined) return Effect.succeed(flight.patientWait)
      const end = Deferred.makeUnsafe<Option.Option<Session.Session>, Failure>()
      const wait = Effect.flatMap(
        Deferred.await(end),
        Option.match({ onSome: Effect.succeed, onNone: () => instead(self) })
      )
      flight.patientWait = wait
      return Effect.map(Effect.forkIn(Effect.timeoutOption(flight.wait, self.patience), self.scope), (fiber) => {
        fiber.addObserver((exit) => Deferred.doneUnsafe(end, exit))
        return wait
      })
    })
  )

const joinPatiently = (self: Self): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => self.state.flight?.patientWait ?? Effect.flatten(takePatience(self)))

/** What other programs have done meanwhile: one may have a newer session, or have logged out. */
const catchUp = (self: Self): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    const { logouts, version = 0 } = self.state
    return Effect.flatMap(look(self, undefined), ({ record, session }) =>
      session === undefined || record.version <= version || self.state.flight !== undefined
        ? Effect.void
        : hold(self, session, { tag: "PickedUp", version: record.version, logouts })
    )
  })

/** Nobody waits for the look: a store that hangs or fails does not stop who holds a token that lives. */
const lookAside = (self: Self, live: Session.Session, now: number) => {
  Held.lookLater(self.state, now + self.lookEvery)
  return Effect.as(Effect.forkIn(Effect.ignore(catchUp(self)), self.scope), live)
}

const obtain = (self: Self, now: number): Effect.Effect<Session.Session, Failure> => {
  if (self.state.loggedOut) return loggedOut(self)
  const live = Held.liveSession(self.state, now)
  if (live !== undefined && now < self.state.held.renewAt) return lookAside(self, live, now)
  const pause = Held.pauseOf(self.state, live, now)
  if (pause !== undefined) return live === undefined ? Effect.fail(pause.error) : Effect.succeed(live)
  return live === undefined ? join(self, undefined) : joinPatiently(self)
}

const sessionOf = readily(
  ({ state }: Self, fiber) => Held.freshSession(state, nowOf(fiber)),
  (self, fiber) => obtain(self, nowOf(fiber))
)

const freshExit = (self: Self, now: number): Exit.Exit<Session.Session> | undefined =>
  Held.freshSession(self.state, now) === undefined ? undefined : self.state.held.exit

const sessionAt = (self: Self, now: number): Effect.Effect<Session.Session, Failure> => {
  const fresh = Held.freshSession(self.state, now)
  return fresh === undefined ? obtain(self, now) : Effect.succeed(fresh)
}

const peek = (self: Self): Effect.Effect<Option.Option<Session.Session>, VaultError.VaultError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Held.liveSession(self.state, now)
    if (live !== undefined || self.state.loggedOut) return Effect.succeed(Option.fromUndefinedOr(live))
    return Effect.map(Record.read(self.store, self.account), (record) =>
      record._tag === "Live" && Held.isLive(record.session, now) && !Held.sameToken(record.session, self.state.dead)
        ? Option.some(record.session)
        : Option.none()
    )
  })

/** The caller says that the broker refused this token. */
const replace = (self: Self, dead: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Held.liveSession(self.state, now)
    if (live !== undefined && !Held.sameToken(live, dead)) return sessionAt(self, now)
    Held.refuse(self.state, dead)
    if (self.state.loggedOut) return loggedOut(self)
    const pause = Held.pauseOf(self.state, undefined, now)
    return pause === undefined ? join(self, dead) : Effect.fail(pause.error)
  })

const renew = (self: Self, dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
  Effect.suspend(() => {
    if (dead !== undefined) return replace(self, dead)
    // Who asks on purpose wants a session whoever has logged out before.
    self.state.version = undefined
    self.state.loggedOut = false
    const before = self.state.held.session
    return Effect.flatMap(join(self, before), (renewed) =>
      // The token lives, but this is not what was asked for.
      before !== undefined && self.state.pause !== undefined && Held.sameToken(renewed, before)
        ? Effect.fail(self.state.pause.error)
        : Effect.succeed(renewed)
    )
  })

/** Writes over whatever is stored, and gives that. */
const overwrite = Effect.fnUntraced(function* (self: Self, value: Redacted.Redacted<Uint8Array>) {
  for (let writes = 0; writes < writesBeforeGivingUp; writes++) {
    const record = yield* Record.read(self.store, self.account)
    if (yield* self.store.put(self.account, "session", value, record.version)) return record
  }
  return yield* keepsChanging
})

const adopt = Effect.fnUntraced(function* (self: Self, given: Session.Session): Effect.fn.Return<void, Failure> {
  const { account } = self
  const problem = adoptionProblem(account, given)
  if (problem !== undefined) {
    return yield* Effect.fail(AuthError.invalidRequest(account.broker, "adopt", "session", problem))
  }
  const { logouts } = self.state
  const keep = Effect.gen(function* () {
    const { version } = yield* overwrite(self, Record.ofSession(given))
    if (self.state.logouts === logouts) Held.forget(self.state, "kept")
    return yield* hold(self, given, { tag: "Adopted", version: version + 1, logouts })
  })
  yield* self.lock.withLock(account, () => Effect.uninterruptible(keep))
})

/** Forgets at once, in memory; gives the session that was held. */
const forgetAtOnce = (self: Self) => {
  const mine = self.state.unsaved ?? self.state.held.session
  const { flight } = self.state
  self.state.logouts += 1
  self.state.flight = undefined
  self.state.unsaved = undefined
  Held.forget(self.state, "logged-out")
  // The renewal itself goes on, and ends what it gets.
  if (flight !== undefined) Deferred.doneUnsafe(flight.end, loggedOut(self))
  return mine
}

/** Leaves the mark of the logout, and gives the session that was stored until then. */
const markLogout = (self: Self) =>
  Effect.gen(function* () {
    const record = yield* overwrite(self, Record.ofLogout(yield* Clock.currentTimeMillis))
    self.state.version = record.version + 1
    return record._tag === "Live" ? record.session : undefined
  })

const logout = (self: Self): Effect.Effect<LogoutReceipt, Failure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { account, revoke } = self
      const mine = forgetAtOnce(self)
      const marked = yield* Effect.result(markLogout(self))
      yield* publish(self, { _tag: "LoggedOut", account: self.account })
      const last = Result.getOrElse(marked, () => undefined) ?? mine
      const now = yield* Clock.currentTimeMillis
      const over: LogoutReceipt = { _tag: "LocalOnly", account, why: "already-over" }
      const receipt = last === undefined || Session.isExpired(last, now) ? over : yield* restore(revoke(last))
      return Result.isFailure(marked) ? yield* Effect.fail(marked.failure) : receipt
    })
  )

const adoptionProblem = (account: Account, session: Session.Session): string | undefined => {
  if (!Session.isSession(session)) return "is not a session"
  const { app, broker, environment, id } = session.account
  if (broker !== account.broker) return `is of ${broker}, not of ${account.broker}`
  if (environment !== account.environment) return `is of ${environment}, not of ${account.environment}`
  if (app !== account.app) return `is of the app ${app}, not of ${account.app}`
  return id === account.id ? undefined : `is of ${id}, not of ${account.id}`
}

/**
 * Makes the manager of the account that the broker's layer is bound to.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SessionManager["Service"], never, Renewal | Logout | SessionStore | SessionLock | Scope.Scope> {
  const renewal = yield* Renewal
  const { logout: revoke } = yield* Logout
  const self: Self = {
    account: renewal.account,
    renewal,
    revoke,
    store: yield* SessionStore,
    lock: yield* SessionLock,
    scope: yield* Effect.scope,
    early: options.early === undefined ? renewal.early : Duration.fromInputUnsafe(options.early),
    patience: Duration.fromInputUnsafe(options.patience ?? "2 seconds"),
    lookEvery: Duration.toMillis(options.lookEvery ?? "30 seconds"),
    state: Held.makeState(),
    hub: undefined
  }
  return {
    account: self.account,
    session: sessionOf(self),
    peek: Effect.suspend(() => peek(self)),
    renew: (dead) => renew(self, dead),
    adopt: (given) => adopt(self, given),
    logout: Effect.suspend(() => logout(self)),
    freshUnsafe: (now) => freshExit(self, now),
    changes: changes(self)
  }
})

/**
 * The manager of the account that the broker's layer is bound to.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/SessionManager"
 * import * as Vault from "@auth/broker-core/Vault"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Sessions = SessionManager.layer().pipe(
 *   Layer.provide(AngelAuth.layerConfig()),
 *   Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* SessionManager.session
 *   session.account.broker // => "angel"
 * }).pipe(Effect.provide(Sessions))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SessionManager, never, Renewal | Logout | SessionStore | SessionLock> =>
  Layer.effect(SessionManager, make(options))

/**
 * A live session of the account.
 *
 * @category accessors
 * @since 0.1.0
 */
export const session: Effect.Effect<Session.Session, Failure, SessionManager> = found(
  (fiber) => Context.getOrUndefined(fiber.context, SessionManager)?.session,
  Effect.flatMap(SessionManager, (manager) => manager.session)
)

/**
 * Gives a function for programs without Effect: a promise of a live session. It costs no fiber while one is held.
 *
 * @category accessors
 * @since 0.1.0
 */
export const sessionPromise: Effect.Effect<() => Promise<Session.Session>, never, SessionManager> = Effect.gen(
  function* () {
    const { freshUnsafe, session } = yield* SessionManager
    const clock = yield* Clock.Clock
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    // Who asks while another waits gets that one's promise: a fiber each would cost them several times the wait.
    let asked: Promise<Session.Session> | undefined
    const ask = () => {
      let over = false
      const end = Effect.sync(() => {
        over = true
        asked = undefined
      })
      const promise = run(Effect.ensuring(session, end))
      if (!over) asked = promise
      return promise
    }
    // And who asks for a session that is held gets the promise that was given for it before.
    let given: { readonly fresh: Exit.Exit<Session.Session>; readonly promise: Promise<Session.Session> } | undefined
    return () => {
      const fresh = freshUnsafe(clock.currentTimeMillisUnsafe())
      if (fresh !== undefined && fresh === given?.fresh) return given.promise
      given = undefined
      if (fresh === undefined || Exit.isFailure(fresh)) return asked ?? ask()
      const promise = Promise.resolve(fresh.value)
      given = { fresh, promise }
      return promise
    }
  }
)
