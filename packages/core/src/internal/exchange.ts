/** How a session manager asks the broker: by a refresh where that can help, else by a login that the guard lets through. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as AuthError from "../AuthError.ts"
import type { LoginGuard } from "../LoginGuard.ts"
import type { Renewal } from "../Renewal.ts"
import * as Session from "../Session.ts"
import * as SessionMetrics from "../SessionMetrics.ts"
import type { Failure } from "./held.ts"

/** What the broker gave, and for what. */
export interface Got {
  readonly session: Session.Session
  readonly by: "LoggedIn" | "Refreshed"
}

/** Fails when somebody has logged out meanwhile: a login must not follow a logout. */
export interface Wanted {
  /**
   * In this program; or when another one may hold the lock by now. Asked when the guard lets the login through, which may
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

export const make = (renewal: Renewal["Service"], guard: LoginGuard["Service"]) => {
  const { account } = renewal

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

  const byLogin = (wanted: Wanted, byPerson: boolean): Effect.Effect<Session.Session, Failure> => {
    const { login } = renewal
    if (login !== undefined) {
      const sent = Effect.andThen(wanted.here, counted(SessionMetrics.logins, login))
      return guard.protect(account, renewal.guard, sent, { byPerson, credentials: renewal.credentials })
    }
    const what = `Log in to ${account.broker} as ${account.id}, and give the session to SessionManager.adopt`
    return Effect.fail(AuthError.make(account.broker, "session", new AuthError.ActionRequired({ what })))
  }

  return Effect.fnUntraced(function* (
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
}
