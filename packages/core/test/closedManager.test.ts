import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, morning, numberOf, pass, start, type TinyOptions } from "./sessions.ts"

const begin = Effect.fnUntraced(function* (options: TinyOptions = {}) {
  yield* TestClock.setTime(morning)
  const tiny = makeTiny(options)
  const shared = makeShared()
  const scope = yield* Scope.make()
  const manager = yield* Effect.provideService(start(tiny, shared), Scope.Scope, scope)
  return { close: Scope.close(scope, Exit.void), manager, shared, tiny }
})

const assertClosedError = (error: { readonly _tag: string; readonly message: string }) => {
  assert.strictEqual(error._tag, "AuthError")
  assert.strictEqual((error as AuthError.AuthError).reason._tag, "InvalidRequest")
  assert.isFalse((error as AuthError.AuthError).isRetryable)
  assert.include(error.message, "SessionManager is closed: its scope has ended")
  assert.include(error.message, "ManagedRuntime")
}

const given = Session.make({
  account,
  method: "browser",
  tokens: { access: Redacted.make("access-browser") },
  issuedAt: morning,
  expiry: Expiry.after("8 hours")
})

describe("a SessionManager whose scope has closed", () => {
  const calls = {
    session: (manager) => manager.session,
    peek: (manager) => manager.peek,
    renew: (manager) => manager.renew(),
    "renew of a rejected session": (manager) => manager.renew(given),
    adopt: (manager) => manager.adopt(given),
    logout: (manager) => manager.logout
  } satisfies Record<
    string,
    (manager: SessionManager.SessionManager["Service"]) => Effect.Effect<unknown, SessionManager.Failure>
  >

  for (const [name, call] of Object.entries(calls)) {
    for (const state of ["has a session", "has no session", "has logged out"]) {
      it.effect(`refuses the call "${name}" and sends nothing if the manager ${state}`, () =>
        Effect.gen(function* () {
          const { close, manager, tiny } = yield* begin()
          if (state !== "has no session") yield* manager.session
          if (state === "has logged out") yield* manager.logout
          yield* close
          const before = [...tiny.calls]
          assertClosedError(yield* Effect.flip(call(manager)))
          assert.deepStrictEqual(tiny.calls, before)
        })
      )
    }
  }

  it.effect("gives an error to callers that wait for a login", () =>
    Effect.gen(function* () {
      const { close, manager, tiny } = yield* begin()
      tiny.latency = "10 seconds"
      const waiting = yield* Effect.forEach([manager.session, manager.session, manager.renew()], (call) =>
        Effect.forkChild(Effect.flip(call))
      )
      yield* pass("1 second")
      yield* close
      for (const fiber of waiting) assertClosedError(yield* Fiber.join(fiber))
    })
  )

  it.effect("gives an error to callers that wait for an early renewal", () =>
    Effect.gen(function* () {
      const { close, manager, tiny } = yield* begin({ expiry: Expiry.after("1 hour"), early: "10 minutes" })
      yield* manager.session
      tiny.latency = "10 seconds"
      yield* pass("58 minutes")
      const waiting = yield* Effect.forkChild(Effect.flip(manager.session))
      const other = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("1 second")
      yield* close
      assertClosedError(yield* Fiber.join(waiting))
      assertClosedError(yield* Fiber.join(other))
    })
  )

  it.effect("completes a write that began before the scope closed", () =>
    Effect.gen(function* () {
      const { close, manager, shared, tiny } = yield* begin()
      const put = shared.store.put
      Object.assign(shared.store, {
        put: (...args: Parameters<typeof put>) =>
          Effect.andThen(args[1] === "session" ? Effect.sleep("1 second") : Effect.void, put(...args))
      })
      const waiting = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("500 millis")
      const closing = yield* Effect.forkChild(close)
      yield* pass("1 second")
      yield* Fiber.join(closing)
      assertClosedError(yield* Fiber.join(waiting))
      assertClosedError(yield* Effect.flip(manager.session))
      const next = yield* start(tiny, shared)
      assert.strictEqual(numberOf(yield* next.session), "1")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("ends `changes` for current and later readers", () =>
    Effect.gen(function* () {
      const { close, manager } = yield* begin()
      const reading = yield* Effect.forkChild(Stream.runCollect(manager.changes))
      yield* pass("1 second")
      yield* manager.session
      yield* close
      assert.deepStrictEqual(
        (yield* Fiber.join(reading)).map(({ _tag }) => _tag),
        ["LoggedIn"]
      )
      assert.deepStrictEqual(yield* Stream.runCollect(manager.changes), [])
    })
  )

  it.effect("rejects promises of `sessionPromise` even if a session is cached", () =>
    Effect.gen(function* () {
      const { close, manager } = yield* begin()
      const get = yield* Effect.provideService(SessionManager.sessionPromise, SessionManager.SessionManager, manager)
      assert.strictEqual(numberOf(yield* Effect.promise(get)), "1")
      assert.strictEqual(numberOf(yield* Effect.promise(get)), "1")
      yield* close
      for (let asked = 0; asked < 2; asked++) {
        const error = yield* Effect.promise(() =>
          get().then(
            () => undefined,
            (failure: AuthError.AuthError) => failure
          )
        )
        assert.isDefined(error)
        assertClosedError(error)
      }
    })
  )
})
