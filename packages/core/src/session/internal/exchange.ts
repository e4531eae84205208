/** How a session manager asks the broker: by a refresh where that can help, else by a login that the guard lets through. */
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
import type { Failure } from "./cachedSession.ts"
import * as Ledger from "./ledger.ts"
import * as LoginLedger from "./loginLedger.ts"
import { timeText } from "../../login/internal/timeText.ts"

/** What the broker gave, and for what. */
export interface Got {
  readonly session: Session.Session
  readonly by: "LoggedIn" | "Refreshed"
  /** The token is over already, or within seconds: what the caller is told when it cannot be handed out. */
  readonly over?: AuthError.AuthError | undefined
}

/** Fails when somebody has logged out meanwhile: a login must not follow a logout. */
export interface Wanted {
  /**
   * In this program; or when another one may cacheSession the lock by now. Asked when the guard lets the login through, which may
   * be a TOTP period later.
   */
  readonly here: Effect.Effect<void, Failure>
  /** In another one. Asked when a refresh was refused: a logout is what ends a refresh token, too. */
  readonly anywhere: Effect.Effect<void, Failure>
}

export interface Asked {
  readonly previous: Session.Session | undefined
  readonly now: number
  /** A person has asked for this renewal. */
  readonly byPerson: boolean
  /** Counts a refresh that had no answer of the broker. */
  readonly countFailure: () => Failing
  /** Whether the broker still takes the access token. */
  readonly isLive: boolean
  /** Run when the broker refuses the refresh token: it must never be sent again. */
  readonly dropRefreshToken: Effect.Effect<void, Failure>
}

/** Refreshes that had no answer of the broker: how many, and since when. */
export interface Failing {
  readonly count: number
  readonly since: number
}

/** After so many failures over so many milliseconds a dead token is replaced by a login. */
const enoughFailures = { count: 3, span: 30_000 }

/** Only the broker's own word is a refusal of the token: a firewall, half an answer or another limit is none. */
const refusals: ReadonlySet<string> = new Set([
  "SessionExpired",
  "InvalidCredentials",
  "InvalidStepUpCode",
  "BrokerRejected"
])

const isRefusal = ({ reason }: AuthError.AuthError): boolean =>
  refusals.has(reason._tag) && !(reason._tag === "BrokerRejected" && reason.code.startsWith("HTTP "))

/** A login would go into the same firewall, or to an account that is locked or wants a person. */
const forbidsLogin: ReadonlySet<string> = new Set(["PermissionDenied", "AccountLocked", "ActionRequired"])

export const reasonOf = (failure: Failure): string => failure.reason._tag

/** A token with less than this left is of no use, in milliseconds. */
const shortest = 30_000

/** Only a token's own word: an end that was reckoned from a cut-off or a lifetime says nothing of the clock. */
const isOverOnArrival = ({ expiresAt, expirySource }: Session.Session, now: number): boolean =>
  expirySource === "jwt" && expiresAt !== undefined && expiresAt - now < shortest

/** Cut-offs of brokers are at full hours in India, which are half hours in UTC. */
const halfHour = 1_800_000
const nearCutOff = 120_000

/** How long to wait for the end of a daily cut-off that this token ends at, in milliseconds. */
const cutOffWait = (session: Session.Session, now: number): number | undefined => {
  const { expiresAt } = session
  if (!isOverOnArrival(session, now) || expiresAt === undefined || expiresAt % halfHour !== 0) return undefined
  if (now < expiresAt) return expiresAt - now + 1000
  return now - expiresAt < nearCutOff ? expiresAt + nearCutOff - now : undefined
}

/** This machine's clock minus the broker's, in milliseconds, by the `Date` of the last answer. */
const driftOf = ({ answeredAt, date }: Departure): number | undefined => {
  const at = date === undefined ? undefined : Option.getOrUndefined(DateTime.make(date))
  return at === undefined || answeredAt === undefined ? undefined : answeredAt - DateTime.toEpochMillis(at)
}

const saidOf = (drift: number | undefined): Ledger.Said => {
  const what = "Find out why the broker's new tokens are over when they come"
  const remedy =
    drift === undefined || Math.abs(drift) < shortest
      ? "Log in with the broker's app, and look at the broker's status page."
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

  /** A refresh token does not outlive a daily cut-off, unless the broker says so. */
  const refreshOf = (previous: Session.Session | undefined, now: number) => {
    if (renewal.refresh === undefined || previous?.tokens.refresh === undefined) return undefined
    const isCutOff = previous.expirySource === "daily-cut-off" && Session.isExpired(previous, now)
    if (isCutOff && renewal.afterCutOff !== true) return undefined
    return counted(SessionMetrics.refreshes, renewal.refresh(previous))
  }

  const forgetProgress = Effect.ignore(ledger.remember(account, (before) => Ledger.setProgress(before, undefined)))

  /** A login that was accepted has been accepted, also where a later exchange of it fails. */
  const byNewLogin = (
    login: Effect.Effect<Session.Session, AuthError.AuthError>,
    wanted: Wanted,
    byPerson: boolean
  ) => {
    let isKept = false
    const keeper = (progress: LoginProgress.LoginProgress) => {
      isKept = true
      return Effect.ignore(ledger.remember(account, (before) => Ledger.setProgress(before, progress)))
    }
    const sent = Effect.andThen(wanted.here, counted(SessionMetrics.logins, login)).pipe(
      Effect.provideService(LoginProgress.Keeper, keeper),
      Effect.map(Result.succeed),
      Effect.catch((error) => (isKept ? Effect.succeed(Result.fail(error)) : Effect.fail(error)))
    )
    return guard.protect(account, renewal.guard, sent, { byPerson, credentials: renewal.credentials }).pipe(
      Effect.flatMap(Effect.fromResult),
      Effect.tap(() => (isKept ? forgetProgress : Effect.void))
    )
  }

  /** The session of a login that was kept, or `undefined` if there is none or the broker takes it no more. */
  const resumed = Effect.fnUntraced(function* (): Effect.fn.Return<Session.Session | undefined, Failure> {
    const { resume } = renewal
    if (resume === undefined) return undefined
    const { progress } = (yield* ledger.read(account)).ledger
    if (progress === undefined) return undefined
    const now = yield* Clock.currentTimeMillis
    if (progress.endsAt !== undefined && now >= progress.endsAt) {
      yield* forgetProgress
      return undefined
    }
    const result = yield* Effect.result(counted(SessionMetrics.logins, resume(progress)))
    if (Result.isFailure(result) && !isRefusal(result.failure)) return yield* Effect.fail(result.failure)
    yield* forgetProgress
    return Result.isSuccess(result) ? result.success : undefined
  })

  const byLogin = (wanted: Wanted, byPerson: boolean): Effect.Effect<Session.Session, Failure> => {
    const { login } = renewal
    if (login !== undefined) {
      return Effect.flatMap(Effect.andThen(wanted.here, resumed()), (session) =>
        session === undefined ? byNewLogin(login, wanted, byPerson) : Effect.succeed(session)
      )
    }
    const what = `Log in to ${account.broker} as ${account.id}, and give the session to SessionManager.adopt`
    return Effect.fail(AuthError.make(account.broker, "session", new AuthError.ActionRequired({ what })))
  }

  const exchange = Effect.fnUntraced(function* (
    { byPerson, countFailure, dropRefreshToken, isLive, now, previous }: Asked,
    wanted: Wanted
  ): Effect.fn.Return<Got, Failure> {
    const refresh = refreshOf(previous, now)
    if (refresh === undefined) return { session: yield* byLogin(wanted, byPerson), by: "LoggedIn" }
    const refreshed = yield* Effect.result(refresh)
    if (Result.isSuccess(refreshed)) return { session: refreshed.success, by: "Refreshed" }
    const { failure } = refreshed
    if (isRefusal(failure)) {
      yield* wanted.anywhere
      yield* dropRefreshToken
    } else {
      const { count, since } = countFailure()
      const isFailingLong = count >= enoughFailures.count && now - since >= enoughFailures.span
      if (isLive || !isFailingLong || renewal.login === undefined || forbidsLogin.has(failure.reason._tag)) {
        return yield* Effect.fail(failure)
      }
      yield* wanted.anywhere
    }
    return { session: yield* byLogin(wanted, byPerson), by: "LoggedIn" }
  })

  /** A token that is over by its own word is handed out if the broker accepts it: this machine's clock is wrong then. */
  const arrive = Effect.fnUntraced(function* (
    got: Got,
    hadTrouble: boolean,
    departure: Departure
  ): Effect.fn.Return<Got, Failure> {
    const now = yield* Clock.currentTimeMillis
    if (!isOverOnArrival(got.session, now)) {
      if (hadTrouble) yield* Effect.ignore(ledger.remember(account, Ledger.arriveLive))
      return got
    }
    if (profile !== undefined && Exit.isSuccess(yield* Effect.exit(profile(got.session)))) {
      return { ...got, session: Session.withUnknownEnd(got.session) }
    }
    const said = saidOf(driftOf(departure))
    // What the broker gave is not lost where this cannot be written.
    yield* Effect.ignore(ledger.remember(account, (before) => Ledger.arriveOver(before, said, now)))
    const pause = yield* Effect.match(ledger.read(account), {
      onFailure: () => undefined,
      onSuccess: ({ ledger: { overOnArrival } }) => overOnArrival
    })
    return { ...got, over: pause === undefined ? undefined : toError(account.broker, pause) }
  })

  return Effect.fnUntraced(function* (asked: Asked, wanted: Wanted): Effect.fn.Return<Got, Failure> {
    const { overOnArrival } = (yield* ledger.read(account)).ledger
    const now = yield* Clock.currentTimeMillis
    if (overOnArrival !== undefined && !asked.byPerson) {
      if (Ledger.isWithin(overOnArrival.since, overOnArrival.length, now)) {
        return yield* Effect.fail(toError(account.broker, overOnArrival))
      }
    }
    const departure: Departure = { at: undefined }
    const noting = Effect.provideService(exchange(asked, wanted), Departure, departure)
    const got = yield* noting
    const wait = cutOffWait(got.session, yield* Clock.currentTimeMillis)
    if (wait === undefined || renewal.login === undefined) {
      return yield* arrive(got, overOnArrival !== undefined, departure)
    }
    // The day that the token is of ends: one login after that, and none before.
    yield* Effect.sleep(Duration.millis(wait))
    const again: Got = { session: yield* byLogin(wanted, asked.byPerson), by: "LoggedIn" }
    return yield* arrive(again, overOnArrival !== undefined, departure)
  })
}
