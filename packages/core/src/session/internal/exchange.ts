/** Gets a session from the broker: by a refresh if possible, otherwise by a login. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as AuthError from "../../login/AuthError.ts"
import * as Expiry from "../../login/Expiry.ts"
import * as LoginGuard from "../LoginGuard.ts"
import * as LoginProgress from "../../broker/LoginProgress.ts"
import type { Profile } from "../../login/Profile.ts"
import type { Renewal } from "../../broker/Renewal.ts"
import * as Session from "../../login/Session.ts"
import * as SessionMetrics from "../SessionMetrics.ts"
import type { SessionStore } from "../SessionStore.ts"
import { Departure } from "../../login/internal/departure.ts"
import { LoginAttempt } from "../../login/internal/loginAttempt.ts"
import { isRotated } from "./cachedSession.ts"
import * as GuardErrors from "./guardErrors.ts"
import * as Ledger from "./ledger.ts"
import { classify } from "./loginAnswer.ts"
import * as LoginLedger from "./loginLedger.ts"
import { timeText } from "../../login/internal/timeText.ts"
import type { Failure } from "./sessionChange.ts"

export interface Exchanged {
  readonly session: Session.Session
  readonly by: "LoggedIn" | "Refreshed"
  /**
   * Set only if the new token has expired or expires within 30 seconds. If the token has expired when the session is
   * cached, callers get this error instead of `SessionExpired`.
   */
  readonly over?: AuthError.AuthError | undefined
}

/** After a logout, the checks fail, so that a running renewal sends no further login. */
export interface Checks {
  /**
   * Fails after a logout in this program, or if another program may hold the session lock. Runs directly before a
   * login, a refresh or a one-time code is sent.
   */
  readonly here: Effect.Effect<void, Failure>
  /** Like `here`, but also fails after a logout in another program, or if the store cannot be read. */
  readonly anywhere: Effect.Effect<void, Failure>
  readonly loggedOut: Effect.Effect<never, AuthError.AuthError>
}

export interface Request {
  readonly previous: Session.Session | undefined
  readonly now: number
  readonly byPerson: boolean
  /** Counts a failed refresh in which the broker did not refuse the token. */
  readonly countFailure: () => Failing
  /** True if the current access token has neither expired nor been refused. */
  readonly isLive: boolean
  /** Removes the refresh token from memory and from the store. A refused or used-up token must never be sent again. */
  readonly dropRefreshToken: Effect.Effect<void>
}

/** The refreshes that `countFailure` has counted in a row. `since` is the time of the first. */
export interface Failing {
  readonly count: number
  readonly since: number
}

/** A login may be sent after `count` failed refreshes in a row, over at least `span` milliseconds. */
const enoughFailures = { count: 3, span: 30_000 }

/** Reasons that mean that the broker has refused a token. */
const refusals: ReadonlySet<string> = new Set([
  "SessionExpired",
  "InvalidCredentials",
  "InvalidStepUpCode",
  "BrokerRejected"
])

const isRefusal = ({ reason }: AuthError.AuthError): boolean =>
  refusals.has(reason._tag) && !(reason._tag === "BrokerRejected" && reason.code.startsWith("HTTP "))

/** If a refresh fails for one of these reasons, a login would fail too. */
const forbidsLogin: ReadonlySet<string> = new Set(["PermissionDenied", "AccountLocked", "ActionRequired"])

const adopt =
  "Pass the session of the login to SessionManager.adopt. A program that uses Connection.open calls login, beginLogin " +
  "or loginByQr instead."

export const reasonOf = (failure: Failure): string => failure.reason._tag

/** A new token that expires in less than this number of milliseconds counts as expired. */
const minLifetime = 30_000

/**
 * Uses only the expiry in the token itself. A computed expiry comes from the same clock as `now`, so it cannot show
 * that this clock is wrong.
 */
const isExpiredOnArrival = ({ expiresAt, expirySource }: Session.Session, now: number): boolean =>
  expirySource === "jwt" && expiresAt !== undefined && expiresAt - now < minLifetime

/** In milliseconds. Daily cut-offs are at full or half hours in IST, and therefore in UTC too. */
const halfHour = 1_800_000

/** For this number of milliseconds after a daily cut-off, the broker may issue tokens that expired at this cut-off. */
const nearCutOff = 120_000

/** If a new token expires at a daily cut-off near `now`, the next login must wait. Returns the milliseconds to wait. */
const cutOffWait = (session: Session.Session, now: number): number | undefined => {
  const { expiresAt } = session
  if (!isExpiredOnArrival(session, now) || expiresAt === undefined || expiresAt % halfHour !== 0) return undefined
  if (now < expiresAt) return expiresAt - now + 1000
  return now - expiresAt < nearCutOff ? expiresAt + nearCutOff - now : undefined
}

/** How far this machine's clock is ahead of the broker's clock, in milliseconds. */
const driftOf = ({ answeredAt, date }: Departure): number | undefined => {
  const at = date === undefined ? undefined : Option.getOrUndefined(DateTime.make(date))
  return at === undefined || answeredAt === undefined ? undefined : answeredAt - DateTime.toEpochMillis(at)
}

const saidOf = (drift: number | undefined): Ledger.Said => {
  const what = "Find out why the broker's new tokens have already expired when they arrive"
  const remedy =
    drift === undefined || Math.abs(drift) < minLifetime
      ? "Log in with the broker's app, and check the broker's status page."
      : `This machine's clock is ${timeText(drift)} ${drift > 0 ? "ahead of" : "behind"} the broker's: set it by NTP.`
  return { tag: "ActionRequired", what, message: what, remedy }
}

const toError = (broker: string, { length, said, since }: Ledger.Pause) =>
  AuthError.make(
    broker,
    "session",
    new AuthError.ActionRequired({
      what: said.what ?? said.message,
      advice: `${said.remedy} The next try is at ${Expiry.toIst(since + length)}.`
    })
  )

const untilLogout = (
  { asking, beforeCode, byClient, codeAwaited, codeRefused, failuresLeft }: LoginAttempt,
  check: Effect.Effect<void, AuthError.AuthError>,
  loggedOut: Effect.Effect<never, AuthError.AuthError>
): LoginAttempt => ({
  asking: (ask) => asking(Effect.raceFirst(ask, loggedOut)),
  beforeCode: Effect.andThen(check, beforeCode),
  byClient,
  codeAwaited,
  codeRefused,
  failuresLeft
})

export const make = (
  renewal: Renewal["Service"],
  store: SessionStore["Service"],
  profile: Profile["Service"]["profile"] | undefined
) => {
  const { account } = renewal
  const guard = LoginGuard.make(store)
  const ledger = LoginLedger.make(store)

  const counted = <A, E extends Failure, R>(metric: Metric.Counter<number>, call: Effect.Effect<A, E, R>) =>
    Effect.onExit(call, (exit) => {
      const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
      const outcome = Exit.isSuccess(exit) ? "ok" : failure === undefined ? "interrupted" : reasonOf(failure)
      return Metric.update(Metric.withAttributes(metric, { broker: account.broker, outcome }), 1)
    })

  /**
   * A daily cut-off usually ends the refresh token too. So a session that ended at a daily cut-off is refreshed only if
   * `renewal.afterCutOff` is true.
   */
  const refreshOf = (previous: Session.Session | undefined, now: number) => {
    if (renewal.refresh === undefined || previous?.tokens.refresh === undefined) return undefined
    const isCutOff = previous.expirySource === "daily-cut-off" && Session.isExpired(previous, now)
    if (isCutOff && renewal.afterCutOff !== true) return undefined
    return counted(SessionMetrics.refreshes, renewal.refresh(previous))
  }

  const clearProgress = ledger.note(account, (before) => Ledger.clearProgress(before, account.app))
  const finish = ledger.note(account, (before) => Ledger.finish(before, account.app))

  /**
   * Handles a login that failed after the broker had accepted the credentials. The guard counts this login as accepted.
   * So this function, not the guard, starts a pause, or records that the broker has locked the account. During a pause,
   * a login is sent only if a person requested this login (`byPerson`). `before` is the number of pauses in a row
   * before the failed login.
   */
  const noteUnfinished = Effect.fnUntraced(function* (failure: AuthError.AuthError, before?: number) {
    const answer = classify(failure, true)
    if (answer !== "final" && answer !== "locked") return
    const now = yield* Clock.currentTimeMillis
    const said = GuardErrors.saidOf(failure)
    yield* ledger.note(account, (found) =>
      answer === "locked" ? { ...found, locked: { since: now, said } } : Ledger.startPause(found, said, now, before)
    )
  })

  const keepProgress = (progress: LoginProgress.LoginProgress) =>
    Effect.flatMap(ledger.fingerprint(renewal.credentials), (credentials) =>
      ledger.remember(account, (before) => Ledger.setProgress(before, { ...progress, app: account.app, credentials }))
    )

  const notSent = ({ message }: Failure) =>
    AuthError.make(account.broker, "login", new AuthError.ActionRequired({ what: message }))

  /**
   * When a login stores its progress, the broker has accepted the credentials. So the guard counts the login as
   * accepted, even if it fails later.
   */
  const byNewLogin = (
    login: Effect.Effect<Session.Session, AuthError.AuthError>,
    checks: Checks,
    byPerson: boolean
  ) => {
    let isKept = false
    let pauses = 0
    const keeper = (progress: LoginProgress.LoginProgress) => {
      isKept = true
      // The number of pauses is read now, because the guard removes the pauses when it records the login as accepted.
      const read = Effect.map(ledger.read(account), ({ ledger: { pause } }) => void (pauses = pause?.count ?? 0))
      return Effect.ignore(Effect.andThen(keepProgress(progress), read))
    }
    let stopped: Failure | undefined
    const checked = Effect.catch(checks.here, (failure) => {
      stopped = failure
      return Effect.fail(AuthError.isAuthError(failure) ? failure : notSent(failure))
    })
    const sent = Effect.andThen(checks.here, counted(SessionMetrics.logins, login)).pipe(
      Effect.updateService(LoginAttempt, (attempt) =>
        attempt === undefined ? attempt : untilLogout(attempt, checked, checks.loggedOut)
      ),
      Effect.provideService(LoginProgress.Keeper, keeper),
      Effect.mapError((error) => stopped ?? error),
      Effect.map(Result.succeed),
      Effect.catch((error) => (isKept ? Effect.succeed(Result.fail(error)) : Effect.fail(error)))
    )
    return guard.protect(account, renewal.guard, sent, { byPerson, credentials: renewal.credentials }).pipe(
      Effect.tap((result) =>
        Result.isFailure(result) && AuthError.isAuthError(result.failure)
          ? noteUnfinished(result.failure, pauses)
          : Effect.void
      ),
      Effect.flatMap(Effect.fromResult),
      Effect.tap(() => (isKept ? clearProgress : Effect.void))
    )
  }

  /** Returns `undefined` if a new login is needed. */
  const resumeLogin = Effect.fnUntraced(function* (
    checks: Checks,
    byPerson: boolean
  ): Effect.fn.Return<Session.Session | undefined, Failure> {
    const { resume } = renewal
    if (resume === undefined) return undefined
    const stored = (yield* ledger.read(account)).ledger
    if (stored.progress === undefined) return undefined
    const progress = Ledger.progressOf(stored, account.app, yield* ledger.fingerprint(renewal.credentials))
    if (progress === undefined) return undefined
    const now = yield* Clock.currentTimeMillis
    if (progress.endsAt !== undefined && now >= progress.endsAt) {
      yield* clearProgress
      return undefined
    }
    const { locked, pause } = stored
    if (locked !== undefined) return yield* Effect.fail(GuardErrors.stillLocked(account, locked))
    if (pause !== undefined && !byPerson && Ledger.isWithin(pause.since, pause.length, now)) {
      return yield* Effect.fail(GuardErrors.paused(account, pause))
    }
    yield* checks.here
    const result = yield* Effect.result(counted(SessionMetrics.logins, resume(progress)))
    if (Result.isSuccess(result)) {
      yield* finish
      return result.success
    }
    if (!isRefusal(result.failure)) {
      yield* noteUnfinished(result.failure)
      return yield* Effect.fail(result.failure)
    }
    yield* clearProgress
    return undefined
  })

  const byLogin = (checks: Checks, byPerson: boolean): Effect.Effect<Session.Session, Failure> => {
    const { login } = renewal
    if (login !== undefined) {
      return Effect.flatMap(resumeLogin(checks, byPerson), (session) =>
        session === undefined ? byNewLogin(login, checks, byPerson) : Effect.succeed(session)
      )
    }
    const what = `Log in to ${account.broker} as ${account.id}`
    return Effect.fail(AuthError.make(account.broker, "session", new AuthError.ActionRequired({ what, advice: adopt })))
  }

  const exchange = Effect.fnUntraced(function* (
    { byPerson, countFailure, dropRefreshToken, isLive, now, previous }: Request,
    checks: Checks
  ): Effect.fn.Return<Exchanged, Failure> {
    const refresh = refreshOf(previous, now)
    if (refresh === undefined) return { session: yield* byLogin(checks, byPerson), by: "LoggedIn" }
    yield* checks.here
    // If the broker refuses the refresh token, the token is removed even if the manager is closed at that moment.
    const refreshed = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(Effect.result(restore(refresh)), (result) =>
        Result.isFailure(result) && isRefusal(result.failure) ? dropRefreshToken : Effect.void
      )
    )
    if (Result.isSuccess(refreshed)) return { session: refreshed.success, by: "Refreshed" }
    const { failure } = refreshed
    if (isRefusal(failure)) {
      yield* checks.anywhere
    } else {
      const { count, since } = countFailure()
      const isFailingLong = count >= enoughFailures.count && now - since >= enoughFailures.span
      if (isLive || !isFailingLong || renewal.login === undefined || forbidsLogin.has(failure.reason._tag)) {
        return yield* Effect.fail(failure)
      }
      yield* checks.anywhere
    }
    return { session: yield* byLogin(checks, byPerson), by: "LoggedIn" }
  })

  /**
   * If the broker accepts an expired token in the profile call, this machine's clock may be wrong. So the expiry counts
   * as unknown.
   */
  const checkExpiry = Effect.fnUntraced(function* (
    got: Exchanged,
    hadTrouble: boolean,
    departure: Departure
  ): Effect.fn.Return<Exchanged, Failure> {
    const now = yield* Clock.currentTimeMillis
    if (!isExpiredOnArrival(got.session, now)) {
      if (hadTrouble) yield* Effect.ignore(ledger.remember(account, Ledger.arriveLive))
      return got
    }
    if (profile !== undefined && Exit.isSuccess(yield* Effect.exit(profile(got.session)))) {
      return { ...got, session: Session.withUnknownEnd(got.session) }
    }
    const said = saidOf(driftOf(departure))
    yield* Effect.ignore(ledger.remember(account, (before) => Ledger.arriveOver(before, said, now)))
    const pause = yield* Effect.match(ledger.read(account), {
      onFailure: () => undefined,
      onSuccess: ({ ledger: { overOnArrival } }) => overOnArrival
    })
    return { ...got, over: pause === undefined ? undefined : toError(account.broker, pause) }
  })

  const arrive = Effect.fnUntraced(function* (
    got: Exchanged,
    byPerson: boolean,
    checks: Checks,
    hadTrouble: boolean,
    departure: Departure
  ): Effect.fn.Return<Exchanged, Failure> {
    const wait = cutOffWait(got.session, yield* Clock.currentTimeMillis)
    if (wait === undefined || renewal.login === undefined) return yield* checkExpiry(got, hadTrouble, departure)
    yield* Effect.sleep(Duration.millis(wait))
    const again: Exchanged = { session: yield* byLogin(checks, byPerson), by: "LoggedIn" }
    return yield* checkExpiry(again, hadTrouble, departure)
  })

  return Effect.fnUntraced(function* (request: Request, checks: Checks): Effect.fn.Return<Exchanged, Failure> {
    const { overOnArrival } = (yield* ledger.read(account)).ledger
    const now = yield* Clock.currentTimeMillis
    if (overOnArrival !== undefined && !request.byPerson) {
      if (Ledger.isWithin(overOnArrival.since, overOnArrival.length, now)) {
        return yield* Effect.fail(toError(account.broker, overOnArrival))
      }
    }
    const departure: Departure = { at: undefined }
    const hadTrouble = overOnArrival !== undefined
    const exchanged = Effect.provideService(exchange(request, checks), Departure, departure)
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(exchanged), (got) => {
        const arrived = restore(arrive(got, request.byPerson, checks, hadTrouble, departure))
        // If `arrived` fails or is interrupted, the new session is lost. A used-up refresh token is then removed.
        const { previous } = request
        const isUsedUp = got.by === "Refreshed" && previous !== undefined && isRotated(got.session, previous)
        return isUsedUp ? Effect.onError(arrived, () => request.dropRefreshToken) : arrived
      })
    )
  })
}
