/**
 * The session of one account, always live: kept over restarts, renewed once however many ask, shared with other
 * programs through the store.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
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
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "./Account.ts"
import * as AuthError from "./AuthError.ts"
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
export type Failure = AuthError.AuthError | VaultError.VaultError

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
     * Ends the session at the broker and forgets it, here and for every program that shares the store. A renewal in
     * flight does not bring it back. If the broker's call fails, it is forgotten all the same.
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
}

/** What is in memory. `freshFrom` is there for a clock that is set back: an end reckoned by it cannot be trusted then. */
interface Held {
  readonly session: Session.Session | undefined
  readonly exit: Exit.Exit<Session.Session>
  readonly freshFrom: number
  readonly freshUntil: number
}

/** No exchange before `until`, since the last one failed. */
interface Pause {
  readonly error: Failure
  /** Whether the token lived then: when it is dead, waiting is another matter. */
  readonly live: boolean
  readonly since: number
  readonly until: number
}

/** Where a session that is taken into memory comes from. */
interface From {
  readonly tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
  readonly version: number
  /** How many logouts there had been when it was asked for. */
  readonly logouts: number
}

/** The renewal under way. */
interface Flight {
  readonly end: Deferred.Deferred<Session.Session, Failure>
  readonly wait: Effect.Effect<Session.Session, Failure>
  /** For those who hold a token that lives: waits until it comes or their patience is over. */
  patientWait: Effect.Effect<Session.Session, Failure> | undefined
}

interface State {
  held: Held
  /** A token that the broker refused: it must not be handed out, though its end has not come. */
  dead: Session.Session | undefined
  /** Got from the broker, but not stored yet: the store failed. */
  unsaved: Session.Session | undefined
  flight: Flight | undefined
  pause: Pause | undefined
  failures: number
  /** The stored version that was seen last; `undefined` before the first look. */
  version: number | undefined
  loggedOut: boolean
  /** One more for each logout: a renewal that began before must not end in a session. */
  logouts: number
  /** Made for the first who listens: most managers have nobody, and it would be most of what they take of the memory. */
  hub: PubSub.PubSub<SessionChange> | undefined
}

const nothing: Held = {
  session: undefined,
  exit: Exit.die("no session is held"),
  freshFrom: Infinity,
  freshUntil: -Infinity
}

/** How far behind the instant of issue the clock may be, in milliseconds, before it must have been set back. */
const backwards = 60_000

const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): number => fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

const firstPause = 1000
const longestPause = { live: 60_000, dead: 15_000 }

/** Another version is written in between, each time, only if something else than this library writes. */
const writesBeforeGivingUp = 5

const sameToken = (one: Session.Session, other: Session.Session | undefined): boolean =>
  other !== undefined && Redacted.value(one.tokens.access) === Redacted.value(other.tokens.access)

const isLive = (session: Session.Session, now: number): boolean =>
  !Session.isExpired(session, now) && now >= session.issuedAt - backwards

const keepsChanging = Effect.fail(
  VaultError.make("put", new VaultError.Io({ what: "write the session: something else keeps writing it" }))
)

const reasonOf = (failure: Failure): string => failure.reason._tag

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
  const store = yield* SessionStore
  const lock = yield* SessionLock
  const scope = yield* Effect.scope
  const { account } = renewal
  const guard = LoginGuard.make(store)
  const early = options.early === undefined ? renewal.early : Duration.fromInputUnsafe(options.early)
  const patience = Duration.fromInputUnsafe(options.patience ?? "2 seconds")
  const attributes = { broker: account.broker }

  const state: State = {
    held: nothing,
    dead: undefined,
    unsaved: undefined,
    flight: undefined,
    pause: undefined,
    failures: 0,
    version: undefined,
    loggedOut: false,
    logouts: 0,
    hub: undefined
  }

  const publish = (change: SessionChange) =>
    Effect.suspend(() => (state.hub === undefined ? Effect.void : Effect.asVoid(PubSub.publish(state.hub, change))))

  const changes = Stream.unwrap(
    Effect.map(PubSub.sliding<SessionChange>(256), (hub) => Stream.fromPubSub((state.hub ??= hub)))
  )

  const loggedOut = Effect.suspend(() => fail(account, loggedOutReason))

  /** The held session, if it may still be handed out. */
  const liveSession = (now: number): Session.Session | undefined => {
    const { session } = state.held
    return session !== undefined && isLive(session, now) && !sameToken(session, state.dead) ? session : undefined
  }

  /** The failure to wait after, if its time is not over. */
  const pauseOf = (live: Session.Session | undefined, now: number): Pause | undefined => {
    const { pause } = state
    if (pause === undefined || now >= pause.until || now < pause.since) return undefined
    return pause.live && live === undefined ? undefined : pause
  }

  /** When an early renewal is due. A token that its renewal did not lengthen is kept to its end. */
  const renewAt = (session: Session.Session, spread: number): number => {
    const { expiresAt, expirySource, issuedAt } = session
    if (expiresAt === undefined) return Infinity
    const before = state.held.session?.expiresAt
    const lengthened = before === undefined || sameToken(session, state.held.session) || expiresAt > before
    if (expirySource === "daily-cut-off" || !lengthened) return expiresAt
    const window = Math.min(Duration.toMillis(early), (expiresAt - issuedAt) / 2)
    return expiresAt - window * (1 - spread / 2)
  }

  /** Takes a session that is stored into memory, and hands it out, unless there was a logout since `logouts`. */
  const hold = Effect.fnUntraced(function* (
    session: Session.Session,
    { logouts, tag, version }: From
  ): Effect.fn.Return<Session.Session, Failure> {
    const now = yield* Clock.currentTimeMillis
    const spread = yield* Random.next
    // The logout that came in between has seen what is stored, and ends it.
    if (state.logouts !== logouts) return yield* loggedOut
    state.version = version
    state.unsaved = undefined
    if (!isLive(session, now)) return yield* fail(account, endedAlreadyReason)
    state.held = {
      session,
      exit: Exit.succeed(session),
      freshFrom: session.issuedAt - backwards,
      freshUntil: renewAt(session, spread)
    }
    state.dead = undefined
    state.pause = undefined
    state.failures = 0
    yield* publish({ _tag: tag, account, session })
    return session
  })

  const forget = (mark: "logged-out" | "kept") => {
    state.held = nothing
    state.dead = undefined
    state.pause = undefined
    state.failures = 0
    state.loggedOut = mark === "logged-out"
  }

  /** The stored session, if it is another than `dead`, lives, and is not due: somebody else was faster. */
  const usable = (record: Record.Record, dead: Session.Session | undefined, now: number) => {
    if (record._tag !== "Live" || !isLive(record.session, now)) return undefined
    const stored = record.session
    if (sameToken(stored, dead) || sameToken(stored, state.dead)) return undefined
    return sameToken(stored, state.held.session) && now >= state.held.freshUntil ? undefined : stored
  }

  /** Somebody has logged out since this program last looked. */
  const isNewLogout = (record: Record.Record): boolean =>
    record._tag === "LoggedOut" && state.version !== undefined && record.version > state.version

  const look = Effect.fnUntraced(function* (dead: Session.Session | undefined) {
    const record = yield* Record.read(store, account)
    const now = yield* Clock.currentTimeMillis
    if (isNewLogout(record)) {
      state.version = record.version
      forget("logged-out")
      return yield* loggedOut
    }
    state.version = record.version
    return { record, now, session: usable(record, dead, now) }
  })

  const counted = <A, E extends Failure, R>(metric: Metric.Counter<number>, exchange: Effect.Effect<A, E, R>) =>
    Effect.onExit(exchange, (exit) => {
      const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
      const outcome = Exit.isSuccess(exit) ? "ok" : failure === undefined ? "interrupted" : reasonOf(failure)
      return Metric.update(Metric.withAttributes(metric, { ...attributes, outcome }), 1)
    })

  /** A refresh token does not outlive a daily cut-off, unless the broker says so. */
  const refreshOf = (previous: Session.Session | undefined, now: number) => {
    if (renewal.refresh === undefined || previous?.tokens.refresh === undefined) return undefined
    const cutOff = previous.expirySource === "daily-cut-off" && Session.isExpired(previous, now)
    if (cutOff && renewal.afterCutOff !== true) return undefined
    return counted(SessionMetrics.refreshes, renewal.refresh(previous))
  }

  const byLogin = Effect.suspend((): Effect.Effect<Session.Session, Failure> => {
    const { login } = renewal
    if (login !== undefined) return guard.protect(account, renewal.guard, counted(SessionMetrics.logins, login))
    return fail(
      account,
      new AuthError.ActionRequired({
        what: `Log in to ${account.broker} as ${account.id}, and give the session to SessionManager.adopt`
      })
    )
  })

  interface Got {
    readonly session: Session.Session
    readonly by: "LoggedIn" | "Refreshed"
  }

  const exchange = Effect.fnUntraced(function* (
    previous: Session.Session | undefined,
    now: number
  ): Effect.fn.Return<Got, Failure> {
    const refresh = refreshOf(previous, now)
    if (refresh === undefined) return { session: yield* byLogin, by: "LoggedIn" }
    const refreshed = yield* Effect.result(refresh)
    if (Result.isSuccess(refreshed)) return { session: refreshed.success, by: "Refreshed" }
    // Only a refusal is final: after anything else the refresh token may still be good.
    const final = !refreshed.failure.isRetryable
    if (!final || renewal.login === undefined) return yield* Effect.fail(refreshed.failure)
    return { session: yield* byLogin, by: "LoggedIn" }
  })

  /** Somebody logged out while we asked: what we got is ended, too. */
  const dropFor = (session: Session.Session) =>
    Effect.andThen(
      Effect.ignore(revoke(session)),
      Effect.suspend(() => loggedOut)
    )

  /** Stores what the broker gave, and hands it out only then. */
  const save = Effect.fnUntraced(function* (
    got: Got,
    expected: number,
    logouts: number
  ): Effect.fn.Return<Session.Session, Failure> {
    let version = expected
    state.unsaved = got.session
    for (let writes = 0; writes < writesBeforeGivingUp; writes++) {
      if (yield* store.put(account, "session", Record.ofSession(got.session), version)) {
        return yield* hold(got.session, { tag: got.by, version: version + 1, logouts })
      }
      const record = yield* Record.read(store, account)
      const now = yield* Clock.currentTimeMillis
      if (record._tag === "LoggedOut") {
        state.version = record.version
        state.unsaved = undefined
        forget("logged-out")
        return yield* dropFor(got.session)
      }
      // Our lease was lost, and the next holder was faster.
      if (record._tag === "Live" && isLive(record.session, now) && record.session.issuedAt >= got.session.issuedAt) {
        return yield* hold(record.session, { tag: "PickedUp", version: record.version, logouts })
      }
      version = record.version
    }
    return yield* keepsChanging
  })

  const renewHolding = Effect.fnUntraced(function* (
    lease: Lease,
    dead: Session.Session | undefined,
    logouts: number
  ): Effect.fn.Return<Session.Session, Failure> {
    const { now, record, session } = yield* look(dead)
    if (session !== undefined) return yield* hold(session, { tag: "PickedUp", version: record.version, logouts })
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const { unsaved } = state
        if (unsaved !== undefined && isLive(unsaved, now) && !sameToken(unsaved, dead)) {
          return yield* save({ session: unsaved, by: "LoggedIn" }, record.version, logouts)
        }
        const previous = record._tag === "Live" ? record.session : state.held.session
        yield* restore(lease.check)
        const got = yield* restore(exchange(previous, now))
        if (state.logouts !== logouts) return yield* dropFor(got.session)
        // A broker that refreshes may have ended the token before.
        if (got.by === "Refreshed") state.dead = previous
        return yield* save(got, record.version, logouts)
      })
    )
  })

  const pauseAfter = Effect.fnUntraced(function* (error: Failure) {
    const now = yield* Clock.currentTimeMillis
    const spread = yield* Random.next
    state.failures += 1
    const wished = AuthError.isAuthError(error) ? error.retryAfter : undefined
    const live = liveSession(now)
    const longest = live === undefined ? longestPause.dead : longestPause.live
    const backoff = Math.min(firstPause * 2 ** (state.failures - 1), longest) * (1 + spread / 2)
    const retryAt = now + Math.max(backoff, wished === undefined ? 0 : Duration.toMillis(wished))
    state.pause = { error, live: live !== undefined, since: now, until: retryAt }
    yield* Metric.update(Metric.withAttributes(SessionMetrics.failures, { ...attributes, reason: reasonOf(error) }), 1)
    yield* publish({ _tag: "RenewalFailed", account, error, live: live !== undefined, retryAt })
    return live === undefined ? yield* Effect.fail(error) : live
  })

  /** One renewal, for all who wait for it. */
  const fly = (dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
    Effect.suspend(() => {
      const { logouts } = state
      return look(dead).pipe(
        Effect.flatMap(({ record, session }) =>
          session === undefined
            ? lock.withLock(account, (lease) => renewHolding(lease, dead, logouts))
            : hold(session, { tag: "PickedUp", version: record.version, logouts })
        ),
        Effect.catch((error) => (state.loggedOut || state.logouts !== logouts ? loggedOut : pauseAfter(error))),
        Effect.timed,
        Effect.flatMap(([took, session]) =>
          Effect.as(Metric.update(Metric.withAttributes(SessionMetrics.wait, attributes), took), session)
        ),
        withSpanWhenTraced("SessionManager.renew", { "broker.id": account.broker })
      )
    })

  /** The renewal under way, or one that begins now, and goes on if those who wait for it are interrupted. */
  const takeOff = (dead: Session.Session | undefined): Effect.Effect<Flight> =>
    // Who is interrupted between the two steps would leave a renewal that nobody runs, and all others waiting for it.
    Effect.uninterruptible(
      Effect.suspend(() => {
        if (state.flight !== undefined) return Effect.succeed(state.flight)
        const end = Deferred.makeUnsafe<Session.Session, Failure>()
        const flight: Flight = { end, wait: Deferred.await(end), patientWait: undefined }
        state.flight = flight
        return Effect.map(Effect.forkIn(fly(dead), scope), (fiber) => {
          fiber.addObserver((exit) => {
            if (state.flight === flight) state.flight = undefined
            Deferred.doneUnsafe(end, exit)
          })
          return flight
        })
      })
    )

  const join = (dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
    Effect.suspend(() => state.flight?.wait ?? Effect.flatMap(takeOff(dead), ({ wait }) => wait))

  /** What those get whose patience is over. Their token may have ended meanwhile, or somebody has logged out. */
  const instead = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = liveSession(now)
    return live === undefined ? obtain(now) : Effect.succeed(live)
  })

  /** One timer for all who hold a token that lives: one for each of them would cost ten times as much as the wait. */
  const takePatience = Effect.uninterruptible(
    Effect.flatMap(takeOff(undefined), (flight) => {
      if (flight.patientWait !== undefined) return Effect.succeed(flight.patientWait)
      const end = Deferred.makeUnsafe<Option.Option<Session.Session>, Failure>()
      const wait = Effect.flatMap(Deferred.await(end), Option.match({ onSome: Effect.succeed, onNone: () => instead }))
      flight.patientWait = wait
      return Effect.map(Effect.forkIn(Effect.timeoutOption(flight.wait, patience), scope), (fiber) => {
        fiber.addObserver((exit) => Deferred.doneUnsafe(end, exit))
        return wait
      })
    })
  )

  const joinPatiently = Effect.suspend(() => state.flight?.patientWait ?? Effect.flatten(takePatience))

  const obtain = (now: number): Effect.Effect<Session.Session, Failure> => {
    if (state.loggedOut) return loggedOut
    const live = liveSession(now)
    const pause = pauseOf(live, now)
    if (pause !== undefined) return live === undefined ? Effect.fail(pause.error) : Effect.succeed(live)
    return live === undefined ? join(undefined) : joinPatiently
  }

  const freshSession = (now: number): Session.Session | undefined => {
    const { held } = state
    return now < held.freshUntil && now >= held.freshFrom ? held.session : undefined
  }

  const freshUnsafe = (now: number): Exit.Exit<Session.Session> | undefined =>
    freshSession(now) === undefined ? undefined : state.held.exit

  const session = readily(
    (fiber) => freshSession(nowOf(fiber)),
    (fiber) => obtain(nowOf(fiber))
  )

  const peek = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = liveSession(now)
    if (live !== undefined || state.loggedOut) return Effect.succeed(Option.fromUndefinedOr(live))
    return Effect.map(Record.read(store, account), (record) =>
      record._tag === "Live" && isLive(record.session, now) && !sameToken(record.session, state.dead)
        ? Option.some(record.session)
        : Option.none()
    )
  })

  /** The caller says that the broker refused this token. */
  const replace = (dead: Session.Session) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const live = liveSession(now)
      if (live !== undefined && !sameToken(live, dead)) return session
      state.dead = dead
      state.held = { ...state.held, freshUntil: -Infinity }
      if (state.loggedOut) return loggedOut
      const pause = pauseOf(undefined, now)
      return pause === undefined ? join(dead) : Effect.fail(pause.error)
    })

  const renew = (dead?: Session.Session): Effect.Effect<Session.Session, Failure> =>
    Effect.suspend(() => {
      if (dead !== undefined) return replace(dead)
      // Who asks on purpose wants a session whoever has logged out before.
      state.version = undefined
      state.loggedOut = false
      const before = state.held.session
      return Effect.flatMap(join(before), (renewed) =>
        // The token lives, but this is not what was asked for.
        before !== undefined && state.pause !== undefined && sameToken(renewed, before)
          ? Effect.fail(state.pause.error)
          : Effect.succeed(renewed)
      )
    })

  /** Writes over whatever is stored, and gives that. */
  const overwrite = Effect.fnUntraced(function* (value: Redacted.Redacted<Uint8Array>) {
    for (let writes = 0; writes < writesBeforeGivingUp; writes++) {
      const record = yield* Record.read(store, account)
      if (yield* store.put(account, "session", value, record.version)) return record
    }
    return yield* keepsChanging
  })

  const adopt = Effect.fnUntraced(function* (given: Session.Session): Effect.fn.Return<void, Failure> {
    const problem = adoptionProblem(account, given)
    if (problem !== undefined) {
      return yield* Effect.fail(AuthError.invalidRequest(account.broker, "adopt", "session", problem))
    }
    const { logouts } = state
    const keep = Effect.gen(function* () {
      const { version } = yield* overwrite(Record.ofSession(given))
      if (state.logouts === logouts) forget("kept")
      return yield* hold(given, { tag: "Adopted", version: version + 1, logouts })
    })
    yield* lock.withLock(account, () => Effect.uninterruptible(keep))
  })

  /** Forgets at once, in memory; gives the session that was held. */
  const forgetAtOnce = () => {
    const mine = state.unsaved ?? state.held.session
    const { flight } = state
    state.logouts += 1
    state.flight = undefined
    state.unsaved = undefined
    forget("logged-out")
    // The renewal itself goes on, and ends what it gets.
    if (flight !== undefined) Deferred.doneUnsafe(flight.end, fail(account, loggedOutReason))
    return mine
  }

  /** Leaves the mark of the logout, and gives the session that was stored until then. */
  const markLogout = Effect.gen(function* () {
    const record = yield* overwrite(Record.ofLogout(yield* Clock.currentTimeMillis))
    state.version = record.version + 1
    return record._tag === "Live" ? record.session : undefined
  })

  const logout = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const mine = forgetAtOnce()
      const marked = yield* Effect.result(markLogout)
      yield* publish({ _tag: "LoggedOut", account })
      const last = Result.getOrElse(marked, () => undefined) ?? mine
      const now = yield* Clock.currentTimeMillis
      const over: LogoutReceipt = { _tag: "LocalOnly", account, why: "already-over" }
      const receipt = last === undefined || Session.isExpired(last, now) ? over : yield* restore(revoke(last))
      return Result.isFailure(marked) ? yield* Effect.fail(marked.failure) : receipt
    })
  )

  return {
    account,
    session,
    peek,
    renew,
    adopt,
    logout,
    freshUnsafe,
    changes
  }
})

const adoptionProblem = (account: Account, session: Session.Session): string | undefined => {
  if (!Session.isSession(session)) return "is not a session"
  const { app, broker, environment, id } = session.account
  if (broker !== account.broker) return `is of ${broker}, not of ${account.broker}`
  if (environment !== account.environment) return `is of ${environment}, not of ${account.environment}`
  if (app !== account.app) return `is of the app ${app}, not of ${account.app}`
  return id === account.id ? undefined : `is of ${id}, not of ${account.id}`
}

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
    return () => {
      const fresh = freshUnsafe(clock.currentTimeMillisUnsafe())
      return fresh !== undefined && Exit.isSuccess(fresh) ? Promise.resolve(fresh.value) : (asked ?? ask())
    }
  }
)
