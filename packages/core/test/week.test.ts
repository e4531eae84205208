import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import type * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import type { SessionManager } from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, pass, start, type Tiny, type TinyOptions } from "./sessions.ts"

// Simulates one week. Each morning, the tokens expire at 08:00, and a fault lasts from 08:00 to 09:10.

const day = 86_400_000
const minute = 60_000
/** 07:00 IST on a Monday. */
const monday = Date.UTC(2026, 10, 23, 1, 30)
const days = 7

/** Times of a day are in minutes after 07:00 IST. */
const cutOff = 60
const faultEnds = 130
const lastMinute = 180

interface Fault {
  readonly title: string
  readonly options?: TinyOptions
  readonly during: (renewal: Renewal.Renewal["Service"], tiny: Tiny) => Partial<Renewal.Renewal["Service"]>
  /** Maximum number of logins and refreshes in a day. One successful login or refresh is not counted. */
  readonly most: number
  /** Latest time by which both programs must have a session, or `undefined` if a person has to log in. */
  readonly sessionBy: number | undefined
  /** Each program runs this effect with its session while the fault lasts. */
  readonly use?: (manager: SessionManager["Service"], session: Session.Session) => Effect.Effect<unknown, unknown>
  /** In minutes. */
  readonly restartEach?: number
}

const failing = (tiny: Tiny, call: string, reason: AuthError.Reason) =>
  Effect.suspend(() => {
    tiny.calls.push(`${call} refused`)
    return Effect.fail(AuthError.make("tiny", call, reason))
  })

const loginFails =
  (reason: AuthError.Reason): Fault["during"] =>
  (_, tiny) => ({ login: failing(tiny, "login", reason) })

const refreshFails =
  (reason: AuthError.Reason): Fault["during"] =>
  (_, tiny) => ({ refresh: () => failing(tiny, "refresh", reason) })

const dailyLogin: TinyOptions = { expiry: Expiry.dailyAt("08:00"), credentials: { pin: "4711" } }
const dailyRefresh: TinyOptions = { ...dailyLogin, by: ["login", "refresh"], afterCutOff: true }

const half = new AuthError.MalformedResponse({ status: 200, problem: "it is not JSON", excerpt: "" })

const faults: ReadonlyArray<Fault> = [
  {
    title: "no answer to a login",
    options: dailyLogin,
    during: loginFails(new AuthError.BrokerUnavailable({ why: "time-out" })),
    most: 60,
    sessionBy: 135
  },
  {
    title: "no answer to a login while the programs restart every five minutes",
    options: dailyLogin,
    during: loginFails(new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNRESET" })),
    most: 60,
    sessionBy: 135,
    restartEach: 5
  },
  {
    title: "HTTP 503 as the answer to a login",
    options: dailyLogin,
    during: loginFails(new AuthError.BrokerUnavailable({ why: "broker", status: 503 })),
    most: 600,
    sessionBy: 135
  },
  {
    title: "an endpoint that rejects every token",
    options: dailyLogin,
    during: () => ({}),
    most: 12,
    sessionBy: 135,
    use: (manager, session) => manager.renew(session)
  },
  {
    title: "wrong credentials",
    options: dailyLogin,
    during: loginFails(new AuthError.InvalidCredentials({ field: "pin" })),
    most: 2,
    sessionBy: undefined
  },
  {
    title: "a missing subscription",
    options: dailyLogin,
    during: loginFails(new AuthError.PermissionDenied({ why: "subscription", code: "T9" })),
    most: 14,
    sessionBy: 141
  },
  {
    title: "a firewall page as the answer to a login",
    options: dailyLogin,
    during: loginFails(new AuthError.PermissionDenied({ why: "waf" })),
    most: 4,
    sessionBy: undefined
  },
  {
    title: "new tokens that have already expired",
    options: { ...dailyLogin, expiry: ({ issuedAt }) => expiredUntilFaultEnds(issuedAt) },
    during: () => ({}),
    most: 9,
    sessionBy: 146
  },
  {
    title: "a token request that fails after a successful login step",
    options: dailyLogin,
    during: (_, tiny) => ({
      login: Effect.flatMap(Clock.currentTimeMillis, (issuedAt) => {
        tiny.calls.push("login kept")
        return Effect.andThen(
          LoginProgress.keep({ token: Redacted.make("kept"), issuedAt }),
          Effect.fail(
            AuthError.make("tiny", "exchange", new AuthError.BrokerUnavailable({ why: "broker", status: 503 }))
          )
        )
      }),
      resume: () =>
        Effect.fail(AuthError.make("tiny", "exchange", new AuthError.BrokerUnavailable({ why: "broker", status: 503 })))
    }),
    most: 1,
    sessionBy: 135
  },
  {
    title: "a rejected refresh token",
    options: dailyRefresh,
    during: refreshFails(new AuthError.SessionExpired({ why: "refresh-invalid" })),
    most: 2,
    sessionBy: 70
  },
  {
    title: "a firewall page as the answer to a refresh",
    options: dailyRefresh,
    during: refreshFails(new AuthError.PermissionDenied({ why: "waf" })),
    most: 600,
    sessionBy: 135
  },
  {
    title: "a truncated answer to a refresh",
    options: dailyRefresh,
    during: refreshFails(half),
    most: 12,
    sessionBy: 70
  }
]

const minuteOf = (now: number) => Math.floor(((now - monday) % day) / minute)

const isFaulty = (now: number) => minuteOf(now) >= cutOff && minuteOf(now) < faultEnds

const expiredUntilFaultEnds = (issuedAt: number): Expiry.End => {
  const healthy = Expiry.dailyAt("08:00")({ issuedAt, accessToken: Redacted.make("any") })
  return { at: isFaulty(issuedAt) ? issuedAt - 3_600_001 : (healthy?.at ?? 0), source: "jwt" }
}

const withFault = (tiny: Tiny, { during }: Fault): Renewal.Renewal["Service"] => {
  const { renewal } = tiny
  const faulty = during(renewal, tiny)
  const either = <A>(healthy: A, other: A) =>
    Effect.map(Clock.currentTimeMillis, (now) => (isFaulty(now) ? other : healthy))
  const { login, refresh } = renewal
  return {
    ...renewal,
    ...(login === undefined ? {} : { login: Effect.flatten(either(login, faulty.login ?? login)) }),
    ...(refresh === undefined
      ? {}
      : {
          refresh: (session: Session.Session) =>
            Effect.flatMap(either(refresh, faulty.refresh ?? refresh), (call) => call(session))
        }),
    ...(faulty.resume === undefined
      ? {}
      : {
          resume: (progress) =>
            Effect.flatMap(either(healthyResume, faulty.resume ?? healthyResume), (call) => call(progress))
        })
  }
}

const healthyResume = ({ issuedAt }: LoginProgress.LoginProgress) =>
  Effect.succeed(
    Session.make({
      account,
      method: "totp",
      tokens: { access: Redacted.make(`resumed-${issuedAt}`) },
      issuedAt,
      expiry: Expiry.dailyAt("08:00")
    })
  )

interface Morning {
  /** Number of logins and refreshes. */
  sent: number
  /** The minute from which both programs always got a session. `undefined` if a program's last attempt failed. */
  by: number | undefined
}

const liveThrough = Effect.fnUntraced(function* (fault: Fault) {
  yield* TestClock.setTime(monday)
  const [tiny, shared] = [makeTiny(fault.options), makeShared()]
  const renewal = withFault(tiny, fault)
  const begin = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const manager = yield* Scope.provide(start({ ...tiny, renewal }, shared), scope)
    return { manager, close: Scope.close(scope, Exit.void) }
  })
  const programs = [yield* begin, yield* begin]
  const mornings: Array<Morning> = []
  for (let number = 0; number < days; number++) {
    const before = tiny.calls.length
    const morning: Morning = { sent: 0, by: undefined }
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const at = (now - monday - number * day) / minute
      if (at >= lastMinute) break
      let all = true
      for (const { manager } of programs) {
        const result = yield* Effect.result(manager.session)
        if (Result.isFailure(result)) all = false
        else if (isFaulty(now) && fault.use !== undefined) yield* Effect.ignore(fault.use(manager, result.success))
      }
      if (at >= cutOff && all) morning.by ??= Math.ceil(at)
      if (at >= cutOff && !all) morning.by = undefined
      if (fault.restartEach !== undefined && at % fault.restartEach === 0) {
        for (const [index, program] of programs.entries()) {
          yield* program.close
          programs[index] = yield* begin
        }
      }
      yield* pass(at >= cutOff - 2 && at < 150 ? "5 seconds" : "5 minutes")
    }
    morning.sent = tiny.calls.length - before
    mornings.push(morning)
    // A person logs in if the programs cannot.
    if (morning.by === undefined) yield* Effect.ignore(programs[0]!.manager.renew())
    yield* TestClock.setTime(monday + (number + 1) * day)
  }
  for (const { close } of programs) yield* close
  return mornings
})

describe("two programs that share a vault", { tags: ["thorough"] }, () => {
  for (const fault of faults) {
    it.effect(
      `limit their logins and refreshes${fault.sessionBy === undefined ? "" : ", and recover in time,"} despite a daily fault: ${fault.title}`,
      () =>
        Effect.gen(function* () {
          const mornings = yield* liveThrough(fault)
          const sent = mornings.map((morning) => morning.sent)
          const by = mornings.map((morning) => morning.by ?? "-")
          const summary = `logins and refreshes on each day: ${sent.join(" ")}; minutes from 07:00 until both programs had a session: ${by.join(" ")}`
          console.log(`week: ${fault.title}: ${summary}`)
          assert.isAtMost(Math.max(...sent), fault.most + 1)
          if (fault.sessionBy === undefined) return
          for (const minutes of by) assert.isAtMost(minutes === "-" ? Infinity : minutes, fault.sessionBy)
        }),
      60_000
    )
  }
})
