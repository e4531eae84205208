import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"

describe("sessions: a store that hangs", () => {
  const begin = Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const shared = makeShared()
    const state = { hangs: false }
    const hanging = <A, E>(call: Effect.Effect<A, E>) =>
      Effect.suspend(() => (state.hangs ? Effect.uninterruptible(Effect.never) : call))
    const { get, put } = shared.store
    const store = {
      ...shared.store,
      get: (...args: Parameters<typeof get>) => hanging(get(...args)),
      put: (...args: Parameters<typeof put>) => hanging(put(...args))
    }
    const scope = yield* Scope.make()
    const tiny = makeTiny()
    const manager = yield* Scope.provide(start(tiny, { ...shared, store }), scope)
    return { close: Scope.close(scope, Exit.void), manager, state, tiny }
  })

  it.effect("makes SessionManager.session fail within eleven seconds", () =>
    Effect.gen(function* () {
      const { manager, state, tiny } = yield* begin
      state.hangs = true
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("11 seconds")
      const failed = yield* Fiber.join(asked)
      assert.strictEqual(failed.reason._tag, "Io")
      assert.include(failed.message, "does not answer")
      assert.deepStrictEqual(tiny.calls, [])
    })
  )

  it.effect("delays a logout with a time-out, and the closing of the manager's scope, by at most eleven seconds", () =>
    Effect.gen(function* () {
      const { close, manager, state } = yield* begin
      yield* manager.session
      state.hangs = true
      const loggingOut = yield* Effect.forkChild(Effect.exit(Effect.timeout(manager.logout, "1 second")))
      yield* pass("11 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(loggingOut)))
      const closing = yield* Effect.forkChild(close)
      yield* pass("11 seconds")
      yield* Fiber.join(closing)
    })
  )

  it.effect("is used within 15 seconds after it has recovered", () =>
    Effect.gen(function* () {
      const { manager, state } = yield* begin
      state.hangs = true
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("11 seconds")
      yield* Fiber.join(asked)
      state.hangs = false
      yield* pass("15 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "1")
    })
  )
})
