import * as Expiry from "@auth/broker-core/login/Expiry"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"

const lastsAnHour = { expiry: Expiry.after("1 hour"), early: "10 minutes" } as const

/** A manager whose session is due for an early renewal. Each later login takes ten seconds. */
const due = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const tiny = makeTiny(lastsAnHour)
  const manager = yield* start(tiny, makeShared(), { renewalTimeout: "2 seconds" })
  yield* manager.session
  yield* pass("56 minutes")
  tiny.latency = "10 seconds"
  return { tiny, manager }
})

describe("callers of SessionManager.session", () => {
  const afterInterruption = Effect.fnUntraced(function* (
    steps: number,
    manager: SessionManager.SessionManager["Service"]
  ) {
    // The fiber can be interrupted after every three operations. With a smaller number, the fiber makes no progress.
    const first = yield* Effect.forkChild(Effect.provideService(manager.session, Scheduler.MaxOpsBeforeYield, 3))
    for (let step = 0; step < steps; step++) yield* Effect.yieldNow
    yield* Fiber.interrupt(first)
    const second = yield* Effect.forkChild(manager.session)
    for (let step = 0; step < 1000 && second.pollUnsafe() === undefined; step++) yield* Effect.yieldNow
    return second.pollUnsafe()
  })

  it.effect("get a session even if the first caller was interrupted", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps < 60; steps++) {
        const exit = yield* afterInterruption(steps, yield* start(makeTiny()))
        assert.isTrue(
          exit !== undefined && Exit.isSuccess(exit),
          `the first caller was interrupted after ${steps} steps, and the second caller got no session`
        )
      }
    })
  )

  it.effect("get a session even if the caller that started an early renewal was interrupted", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps < 60; steps++) {
        const { manager, tiny } = yield* due
        tiny.latency = 0
        const exit = yield* afterInterruption(steps, manager)
        assert.isTrue(
          exit !== undefined && Exit.isSuccess(exit),
          `the first caller was interrupted after ${steps} steps, and the second caller got no session`
        )
      }
    })
  )

  it.effect("wait at most renewalTimeout for an early renewal", () =>
    Effect.gen(function* () {
      const { manager, tiny } = yield* due
      const asked = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 1000 }, () => manager.session),
          { concurrency: "unbounded" }
        )
      )
      yield* pass("1999 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* pass("1 millis")
      assert.deepStrictEqual(new Set((yield* Fiber.join(asked)).map(numberOf)), new Set(["1"]))
      assert.strictEqual(numberOf(yield* manager.session), "1")
      yield* pass("8 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("do not get a token that expired while they waited", () =>
    Effect.gen(function* () {
      const { manager } = yield* due
      yield* pass("3 minutes")
      yield* pass("59 seconds")
      const asked = yield* Effect.forkChild(manager.session)
      yield* pass("2 seconds")
      assert.isUndefined(asked.pollUnsafe())
      yield* pass("8 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(asked)), "2")
    })
  )

  it.effect("do not get a session if a logout happened while they waited", () =>
    Effect.gen(function* () {
      const { manager, tiny } = yield* due
      const asked = yield* Effect.forkChild(Effect.result(manager.session))
      yield* pass("1 second")
      yield* manager.logout
      yield* pass("20 seconds")
      assert.strictEqual((yield* Fiber.join(asked))._tag, "Failure")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1", "login 2", "logout 2"])
    })
  )

  it.effect("fail if the scope of the manager is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const manager = yield* Effect.provideService(start(makeTiny()), Scope.Scope, scope)
      yield* Scope.close(scope, Exit.void)
      const asked = yield* Effect.forkChild(manager.session)
      yield* pass("1 second")
      assert.include((yield* Effect.flip(Fiber.join(asked))).message, "SessionManager is closed")
    })
  )
})

describe("a cached session", () => {
  it.effect("is returned a million times without blocking other fibers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      yield* manager.session
      let others = 0
      const other = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => (others += 1)),
            Effect.yieldNow
          )
        )
      )
      for (let call = 0; call < 1_000_000; call++) yield* manager.session
      yield* Fiber.interrupt(other)
      assert.isAtLeast(others, 4)
    })
  )

  it.effect("is checked for expiry with the Clock of the calling fiber", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny(lastsAnHour))
      const later = yield* TestClock.make()
      yield* later.setTime(morning + 61 * 60_000)
      assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.strictEqual(numberOf(yield* Effect.provideService(manager.session, Clock.Clock, later)), "2")
    })
  )

  it.effect("is returned by the effect SessionManager.session only if a SessionManager is provided", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      const twice = Effect.gen(function* () {
        return [yield* SessionManager.session, yield* SessionManager.session].map(numberOf)
      })
      const got = yield* Effect.provideService(twice, SessionManager.SessionManager, manager)
      assert.deepStrictEqual(got, ["1", "1"])
      const exit = yield* Effect.exit(twice as Effect.Effect<Array<string>, SessionManager.Failure>)
      assert.isTrue(Exit.hasDies(exit))
    })
  )
})

describe("promises from SessionManager.sessionPromise", () => {
  const promiseOf = (manager: SessionManager.SessionManager["Service"]) =>
    Effect.provideService(SessionManager.sessionPromise, SessionManager.SessionManager, manager)

  it.effect("are identical for concurrent callers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.latency = "1 second"
      const session = yield* promiseOf(yield* start(tiny))
      const asked = Array.from({ length: 1000 }, session)
      assert.strictEqual(new Set(asked).size, 1)
      yield* pass("1 second")
      const sessions = yield* Effect.promise(() => Promise.all(asked))
      assert.strictEqual(new Set(sessions).size, 1)
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("are not reused after a rejection", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.failures.push(new AuthError.BrokerUnavailable({ why: "network" }))
      const session = yield* promiseOf(yield* start(tiny))
      const failed = yield* Effect.exit(Effect.promise(session))
      assert.isTrue(Exit.isFailure(failed))
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* Effect.promise(session)), "1")
    })
  )

  it.effect("are not reused after a logout or the session's expiry", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      const session = yield* promiseOf(manager)
      for (let asks = 0; asks < 3; asks++) assert.strictEqual(numberOf(yield* Effect.promise(session)), "1")
      yield* manager.logout
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.promise(session))))
      yield* manager.renew()
      assert.strictEqual(numberOf(yield* Effect.promise(session)), "2")
      yield* pass("1 day")
      assert.strictEqual(numberOf(yield* Effect.promise(session)), "3")
    })
  )
})

describe("SessionManager.changes", () => {
  it.effect("emits to each listener only the changes since the listener started", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      yield* manager.session
      const listen = Effect.forkChild(Stream.runCollect(Stream.take(manager.changes, 1)))
      const listeners = [yield* listen, yield* listen]
      yield* pass("1 millis")
      yield* manager.logout
      for (const listener of listeners) {
        assert.deepStrictEqual(
          Array.from(yield* Fiber.join(listener), ({ _tag }) => _tag),
          ["LoggedOut"]
        )
      }
    })
  )
})
