import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Profile } from "@auth/broker-core/login/Profile"
import * as Session from "@auth/broker-core/login/Session"
import type { SessionManager } from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { makeShared, makeTiny, morning, numberOf, start, type Tiny, type TinyOptions } from "./sessions.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

// Each day is a random sequence of `steps`. Two programs share a vault.

const days = thorough ? 150 : 30
const stepsOfADay = 60
const seed = 20261121

const hour = 3_600_000

const brokers: ReadonlyArray<TinyOptions> = [
  { expiry: Expiry.dailyAt("00:00") },
  { expiry: Expiry.dailyAt("06:00") },
  { expiry: Expiry.dailyAt("08:00"), by: ["refresh", "login"], afterCutOff: true },
  { expiry: Expiry.earliest(Expiry.dailyAt("08:00"), Expiry.after("5 hours")), by: ["refresh", "login"] },
  { expiry: Expiry.after("1 hour"), early: "10 minutes", by: ["refresh", "login"] },
  { expiry: Expiry.after("1 hour"), early: "2 hours" },
  { expiry: () => undefined }
]

const failures: ReadonlyArray<AuthError.Reason> = [
  new AuthError.BrokerUnavailable({ why: "time-out" }),
  new AuthError.SessionExpired({ why: "refresh-invalid" }),
  new AuthError.RateLimited({ by: "broker", retryAfter: undefined })
]

const between = (from: number, to: number) => Random.nextIntBetween(from, to, { halfOpen: true })

const oneOf = <A>(all: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(between(0, all.length), (index) => all[index] as A)

interface Program {
  readonly manager: SessionManager["Service"]
  /** `numberOf` of each session that this program reported as rejected. */
  readonly refused: Set<string>
  /** `numberOf` of each session that this program logged out. */
  readonly ended: Set<string>
  loggedOut: boolean
}

interface Day {
  readonly tiny: Tiny
  readonly programs: Array<Program>
  readonly another: Effect.Effect<Program, never, Effect.Services<ReturnType<typeof start>>>
}

const ask = Effect.fnUntraced(function* (
  { tiny }: Day,
  program: Program,
  how: Effect.Effect<Session.Session, unknown>
) {
  const before = tiny.calls.length
  const result = yield* Effect.result(how)
  assert.isAtMost(tiny.calls.length - before, 2, "one call may send at most two requests: a refresh and a login")
  if (Result.isFailure(result)) return false
  const session = result.success
  const now = yield* Clock.currentTimeMillis
  assert.isFalse(Session.isExpired(session, now), "returned a token after its expiry")
  assert.isFalse(program.refused.has(numberOf(session)), "returned a rejected token")
  assert.isFalse(program.ended.has(numberOf(session)), "returned a token that was logged out")
  assert.isFalse(program.loggedOut, "returned a session after the logout")
  return true
})

type Step = (day: Day, program: Program) => Effect.Effect<unknown, never, Effect.Services<ReturnType<typeof start>>>

const ordinary: Step = (day, program) => ask(day, program, program.manager.session)

const steps: ReadonlyArray<Step> = [
  ordinary,
  ordinary,
  ordinary,
  () => Effect.flatMap(between(1, 4 * hour), TestClock.adjust),
  () => Effect.flatMap(between(1, 90_000), TestClock.adjust),
  Effect.fnUntraced(function* () {
    const jump = yield* between(-24 * hour, 24 * hour)
    yield* TestClock.setTime((yield* Clock.currentTimeMillis) + jump)
  }),
  Effect.fnUntraced(function* (day, program) {
    const held = yield* Effect.result(program.manager.session)
    if (Result.isFailure(held)) return
    program.refused.add(numberOf(held.success))
    yield* ask(day, program, program.manager.renew(held.success))
  }),
  ({ tiny }) => Effect.map(oneOf(failures), (reason) => tiny.failures.push(reason)),
  (day, program) =>
    Effect.suspend(() => {
      program.loggedOut = false
      return ask(day, program, program.manager.renew())
    }),
  Effect.fnUntraced(function* (day, program) {
    const held = yield* Effect.result(program.manager.session)
    yield* Effect.ignore(program.manager.logout)
    program.loggedOut = true
    if (Result.isSuccess(held)) program.ended.add(numberOf(held.success))
    yield* ask(day, program, program.manager.session)
  }),
  // The program restarts.
  Effect.fnUntraced(function* ({ another, programs }, program) {
    programs[programs.indexOf(program)] = { ...(yield* another), ended: program.ended }
  })
]

const liveThroughDay = Effect.fnUntraced(function* (options: TinyOptions) {
  yield* TestClock.setTime(morning + (yield* between(0, 24 * hour)))
  const [tiny, shared] = [makeTiny({ ...options, credentials: { pin: "4711" } }), makeShared()]
  // If the profile call accepted a rejected token, the manager could return that token again.
  const gone = AuthError.make("tiny", "profile", new AuthError.SessionExpired({ why: "invalid" }))
  const begun = Effect.provideService(start(tiny, shared), Profile, { profile: () => Effect.fail(gone) })
  const another = Effect.map(begun, (manager): Program => ({
    manager,
    refused: new Set(),
    ended: new Set(),
    loggedOut: false
  }))
  const day: Day = { tiny, another, programs: [yield* another, yield* another] }
  // The broker must accept a login before the random steps. Otherwise, `LoginGuard` counts each login without an answer
  // as failed. After two failed logins in 24 hours, `LoginGuard` sends no further login.
  yield* ask(day, day.programs[0]!, day.programs[0]!.manager.session)
  for (let step = 0; step < stepsOfADay; step++) {
    const [program, next] = [yield* oneOf(day.programs), yield* oneOf(steps)]
    yield* next(day, program)
  }
  tiny.failures.length = 0
  for (const program of day.programs) {
    yield* TestClock.adjust("2 minutes")
    program.loggedOut = false
    assert.isTrue(
      yield* ask(day, program, program.manager.renew()),
      "a program could not get a session after the random steps"
    )
    assert.isTrue(
      yield* ask(day, program, program.manager.session),
      "a program could not get a session after the random steps"
    )
  }
  return tiny.calls.length
})

describe("days: SessionManager", () => {
  it.effect(`returns no expired or rejected token in ${days} simulated days`, ({ task }) =>
    Effect.gen(function* () {
      let calls = 0
      for (let day = 0; day < days; day++) {
        calls += yield* Effect.scoped(liveThroughDay(brokers[day % brokers.length] ?? {}))
      }
      Object.assign(task.meta, { days })
      assert.isAbove(calls, days)
    }).pipe(Random.withSeed(seed))
  )
})
