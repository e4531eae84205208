import type * as Expiry from "@auth/broker-core/login/Expiry"
import { Profile } from "@auth/broker-core/login/Profile"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { SessionManager } from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Departure, noteAnswer } from "../src/login/internal/departure.ts"
import { account, makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"

const endsAfter =
  (millis: number): Expiry.Expiry =>
  ({ issuedAt }) => ({ at: issuedAt + millis, source: "jwt" })

const requestSessions = Effect.fnUntraced(function* (manager: SessionManager["Service"], minutes: number) {
  const answers = new Map<string, number>()
  for (let second = 0; second < minutes * 60; second += 5) {
    const result = yield* Effect.result(manager.session)
    const answer = Result.isFailure(result) ? result.failure.reason._tag : "session"
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
    yield* pass("5 seconds")
  }
  return answers
})

describe("sessions: a new token", () => {
  it.effect("that has already expired causes at most six logins an hour, even after restarts", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny({ expiry: endsAfter(-3_600_000) }), makeShared()]
      for (let program = 0; program < 4; program++) {
        const answers = yield* Effect.scoped(
          Effect.flatMap(start(tiny, shared), (manager) => requestSessions(manager, 15))
        )
        assert.deepStrictEqual(Array.from(answers.keys()), ["ActionRequired"])
      }
      assert.isAtMost(tiny.calls.length, 6)
      assert.isAtLeast(tiny.calls.length, 4)
    })
  )

  it.effect("that expires after ten seconds causes at most six logins an hour", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: endsAfter(10_000) })
      const answers = yield* requestSessions(yield* start(tiny), 60)
      assert.isAtMost(tiny.calls.length, 6)
      assert.isAbove(answers.get("session") ?? 0, 2)
      assert.isAbove(answers.get("ActionRequired") ?? 0, 500)
    })
  )

  it.effect("that has already expired delays the next login, but not SessionManager.renew", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: endsAfter(-1) })
      const manager = yield* start(tiny)
      yield* requestSessions(manager, 1)
      const failed = yield* Effect.flip(manager.session)
      assert.include(failed.message, "The next try is at 2026-11-21 10:15")
      assert.notInclude(failed.message, "clock")
      const before = tiny.calls.length
      yield* Effect.flip(manager.renew())
      assert.strictEqual(tiny.calls.length, before + 1)
    })
  )

  it.effect.each([
    ["Sat, 21 Nov 2026 03:30:00 GMT", "1 hour ahead of"],
    ["Sat, 21 Nov 2026 04:31:00 GMT", "60 seconds behind"]
  ])("that has already expired causes a clock error if the broker sends the date %s", ([date, words]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: endsAfter(-1) })
      const login = Effect.flatMap(Departure, (departure) => {
        noteAnswer(departure, morning, date)
        return tiny.renewal.login ?? Effect.die("the fake broker has no login")
      })
      const manager = yield* start({ ...tiny, renewal: { ...tiny.renewal, login } })
      const failed = yield* Effect.flip(manager.session)
      assert.include(failed.message, `This machine's clock is ${words} the broker's: set it by NTP.`)
    })
  )

  it.effect("that expires at midnight causes only one more login if issued 20 seconds before midnight", () =>
    Effect.gen(function* () {
      const midnight = Date.UTC(2026, 10, 21, 18, 30)
      yield* TestClock.setTime(midnight - 20_000)
      const sentAt: Array<number> = []
      const tiny = makeTiny({
        expiry: ({ issuedAt }) => {
          sentAt.push(issuedAt - midnight)
          return { at: issuedAt < midnight ? midnight : midnight + 86_400_000, source: "jwt" }
        }
      })
      const manager = yield* start(tiny)
      const asked = yield* Effect.forkChild(manager.session)
      yield* pass("2 minutes")
      assert.strictEqual(numberOf(yield* Fiber.join(asked)), "2")
      assert.deepStrictEqual(sentAt, [-20_000, 1000])
      yield* requestSessions(manager, 30)
      assert.lengthOf(tiny.calls, 2)
    })
  )

  it.effect("that seems expired is returned if the profile call succeeds", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: endsAfter(-3_600_000) })
      let asked = 0
      const profile = {
        profile: () =>
          Effect.sync(() => {
            asked += 1
            return { id: account.id }
          })
      }
      const manager = yield* Effect.provideService(start(tiny), Profile, profile)
      const answers = yield* requestSessions(manager, 60)
      assert.deepStrictEqual(Array.from(answers.keys()), ["session"])
      assert.deepStrictEqual([tiny.calls.length, asked], [1, 1])
    })
  )

  it.effect("that seems expired is not returned if the profile call fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: endsAfter(-3_600_000) })
      const refused = AuthError.make("tiny", "profile", new AuthError.SessionExpired({ why: "invalid" }))
      const manager = yield* Effect.provideService(start(tiny), Profile, { profile: () => Effect.fail(refused) })
      const answers = yield* requestSessions(manager, 10)
      assert.deepStrictEqual(Array.from(answers.keys()), ["ActionRequired"])
    })
  )

  it.effect("whose `expires_in` is 20 seconds is renewed without a pause", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: ({ issuedAt }) => ({ at: issuedAt + 20_000, source: "expires-in" }) })
      const manager = yield* start(tiny)
      yield* requestSessions(manager, 5)
      assert.isAbove(tiny.calls.length, 10)
    })
  )
})
