import { Profile } from "@auth/broker-core/login/Profile"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { SessionManager } from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"

const getAndReject = Effect.fnUntraced(function* (manager: SessionManager["Service"]) {
  const session = yield* Effect.result(manager.session)
  if (Result.isSuccess(session)) yield* Effect.ignore(manager.renew(session.success))
})

describe("sessions: an endpoint that rejects every token", () => {
  const run = Effect.fnUntraced(function* (by: ReadonlyArray<"login" | "refresh">, seconds: number, programs: number) {
    yield* TestClock.setTime(morning)
    const [tiny, shared] = [makeTiny({ by: ["login", ...by] }), makeShared()]
    const managers = yield* Effect.all(Array.from({ length: programs }, () => start(tiny, shared)))
    for (let second = 0; second < seconds; second += 2) {
      for (const manager of managers) yield* getAndReject(manager)
      yield* pass("2 seconds")
    }
    return tiny.calls
  })

  it.effect("causes at most three renewals in 150 seconds with two programs", () =>
    Effect.gen(function* () {
      const calls = yield* run(["refresh"], 150, 2)
      assert.isAtMost(calls.length - 1, 3)
      assert.isAtLeast(calls.length - 1, 2)
    })
  )

  it.effect(
    "causes at most nine renewals in an hour with eight programs",
    () =>
      Effect.gen(function* () {
        const calls = yield* run([], 3600, 8)
        assert.isAtMost(calls.length - 1, 9)
        assert.isAtLeast(calls.length - 1, 5)
      }),
    { tags: ["thorough"], timeout: 60_000 }
  )

  it.effect("causes only one renewal if a program starts eight times in 40 seconds", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      for (let run = 0; run < 8; run++) {
        yield* Effect.scoped(Effect.flatMap(start(tiny, shared), getAndReject))
        yield* pass("5 seconds")
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("makes the second renew(session) fail, but not renew()", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      const second = yield* manager.renew(yield* manager.session)
      const failed = yield* Effect.flip(manager.renew(second))
      assert.deepInclude(failed.reason, { _tag: "SessionExpired", why: "invalid" })
      assert.include(
        failed.message,
        "The broker refused a session, and also the session that replaced it. The next automatic renewal is possible at 2026-11-21 10:01"
      )
      assert.strictEqual(numberOf(yield* manager.renew()), "3")
    })
  )

  it.effect("causes no second renewal if the profile call accepts the new token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      let asked = 0
      const profile = { profile: () => Effect.sync(() => (asked++, { id: account.id })) }
      const manager = yield* Effect.provideService(start(tiny), Profile, profile)
      const second = yield* manager.renew(yield* manager.session)
      const failed = yield* Effect.flip(manager.renew(second))
      assert.include(failed.message, "its profile call accepts the session")
      yield* pass("20 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "2")
      for (let call = 0; call < 10; call++) yield* getAndReject(manager)
      assert.deepStrictEqual([tiny.calls.length, asked], [2, 1])
    })
  )
})

describe("sessions: a renewed session", () => {
  it.effect("is renewed again only after one minute if the profile call fails with SessionExpired", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const gone = AuthError.make("tiny", "profile", new AuthError.SessionExpired({ why: "invalid" }))
      const manager = yield* Effect.provideService(start(tiny), Profile, { profile: () => Effect.fail(gone) })
      const second = yield* manager.renew(yield* manager.session)
      yield* Effect.flip(manager.renew(second))
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.renew(second)), "3")
    })
  )

  const down = AuthError.make("tiny", "profile", new AuthError.BrokerUnavailable({ why: "broker", status: 503 }))
  it.effect.each([
    ["fails with BrokerUnavailable", Effect.fail(down)],
    ["ends with a defect", Effect.die(new TypeError("secret-canary"))]
  ] as const)("stays in use if the profile call %s", ([, profile]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const manager = yield* Effect.provideService(start(tiny), Profile, { profile: () => profile })
      const second = yield* manager.renew(yield* manager.session)
      assert.include((yield* Effect.flip(manager.renew(second))).message, "The next automatic renewal is possible at")
      assert.strictEqual(yield* manager.session, second)
      assert.lengthOf(tiny.calls, 2)
    })
  )

  it.effect("is renewed again at once if the broker has accepted the session", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      const second = yield* manager.renew(yield* manager.session)
      manager.accepted(second)
      assert.strictEqual(numberOf(yield* manager.renew(second)), "3")
    })
  )
})
