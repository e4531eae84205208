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

  it.effect("lets a timed-out logout fail within eleven seconds", () =>
    Effect.gen(function* () {
      const { manager, state } = yield* begin
      yield* manager.session
      state.hangs = true
      const loggingOut = yield* Effect.forkChild(Effect.exit(Effect.timeout(manager.logout, "1 second")))
      yield* pass("11 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(loggingOut)))
    })
  )

  it.effect("delays the close of the manager's scope by at most eleven seconds", () =>
    Effect.gen(function* () {
      const { close, manager, state, tiny } = yield* begin
      tiny.latency = "1 second"
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("500 millis")
      state.hangs = true
      yield* pass("1 second")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
      const closing = yield* Effect.forkChild(close)
      yield* pass("11 seconds")
      assert.isDefined(closing.pollUnsafe())
      yield* Fiber.join(asked)
    })
  )

  it.effect("is used again within 23 seconds of its recovery, despite six failed calls", () =>
    Effect.gen(function* () {
      const { manager, state } = yield* begin
      state.hangs = true
      for (let call = 1; call <= 6; call += 1) {
        const asked = yield* Effect.forkChild(Effect.flip(manager.session))
        yield* pass("11 seconds")
        yield* Fiber.join(asked)
        if (call === 6) state.hangs = false
        yield* pass("23 seconds")
      }
      assert.strictEqual(numberOf(yield* manager.session), "1")
    })
  )
})
