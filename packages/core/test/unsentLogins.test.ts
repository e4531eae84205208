import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, morning, pass } from "./sessions.ts"

type Store = SessionStore.SessionStore["Service"]

const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
const wrongPin = AuthError.make("tiny", "login", new AuthError.InvalidCredentials({ field: "pin" }))
const locked = AuthError.make("tiny", "login", new AuthError.AccountLocked({ scope: "account", unlock: "broker" }))

const reasonOf = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "success" })

/** `put` writes the entry. If `state.after` is set, `put` then returns the result of `state.after`. */
const answering = (store: Store) => {
  const state: { after: Effect.Effect<boolean, VaultError.VaultError> | undefined } = { after: undefined }
  const service: Store = {
    ...store,
    put: (...args) => Effect.flatMap(store.put(...args), (written) => state.after ?? Effect.succeed(written))
  }
  return { service, state }
}

const timeOut = Effect.fail(VaultError.make("put", new VaultError.Io({ what: "write an entry within 10 seconds" })))

describe("a login that was not sent", () => {
  it.effect("does not count as failed if the store fails after it has written the entry", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { service, state } = answering(makeShared().store)
      const guard = LoginGuard.make(service)
      for (const _ of [1, 2, 3]) {
        state.after = timeOut
        assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "Io")
      }
      state.after = undefined
      assert.deepStrictEqual(yield* guard.countedAt(account, policy), [])
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "success")
    })
  )

  it.effect("does not count as failed if interrupted before the store answers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { service, state } = answering(makeShared().store)
      const guard = LoginGuard.make(service)
      for (const _ of [1, 2, 3]) {
        state.after = Effect.never
        const fiber = yield* Effect.forkChild(Effect.exit(guard.protect(account, policy, Effect.void)))
        yield* pass("1 second")
        state.after = undefined
        yield* Fiber.interrupt(fiber)
      }
      assert.deepStrictEqual(yield* guard.countedAt(account, policy), [])
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "success")
    })
  )
})

describe("a store that refuses writes", () => {
  it.effect("prevents a login, but does not hide the broker's answer to a sent login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { service, state } = answering(makeShared().store)
      const guard = LoginGuard.make(service)
      const refusing: Store = { ...service, put: () => Effect.succeed(false) }
      let sent = 0
      const login = Effect.sync(() => void (sent += 1))
      assert.strictEqual(yield* reasonOf(LoginGuard.make(refusing).protect(account, policy, login)), "Io")
      assert.strictEqual(yield* reasonOf(LoginGuard.make(refusing).reset(account)), "Io")
      assert.strictEqual(sent, 0)
      const conflict = Effect.sync(() => void (state.after = Effect.succeed(false)))
      assert.strictEqual(
        yield* reasonOf(guard.protect(account, policy, Effect.andThen(conflict, Effect.fail(wrongPin)))),
        "InvalidCredentials"
      )
    })
  )
})

describe("a broker's answer that is stored late", () => {
  it.effect("does not lock the account again if another program has called `reset`", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { store } = makeShared()
      const { service, state } = answering(store)
      const guard = LoginGuard.make({ ...service, put: (...args) => state.after ?? store.put(...args) })
      const down = Effect.sync(() => void (state.after = timeOut))
      yield* reasonOf(guard.protect(account, policy, Effect.andThen(down, Effect.fail(locked))))
      state.after = undefined
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "ActionRequired")
      yield* pass("1 hour")
      yield* LoginGuard.make({ ...store }).reset(account)
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "success")
    })
  )

  it.effect("removes no failed login that another program has stored in the meantime", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { store } = makeShared()
      const { service, state } = answering(store)
      const guard = LoginGuard.make(service)
      const down = Effect.sync(() => void (state.after = timeOut))
      yield* guard.protect(account, policy, down)
      state.after = undefined
      yield* pass("1 hour")
      const other = LoginGuard.make({ ...store })
      yield* reasonOf(other.protect(account, policy, Effect.fail(wrongPin)))
      yield* reasonOf(other.protect(account, policy, Effect.fail(wrongPin)))
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, Effect.void)), "ActionRequired")
    })
  )
})

describe("a refused login", () => {
  it.effect("counts for the whole window, even after hundreds of unanswered logins", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const store: Store = { ...makeShared().store, fingerprint: () => Effect.succeed("print") }
      const guard = LoginGuard.make(store)
      const credentials = Redacted.make("pin")
      yield* guard.protect(account, policy, Effect.void, { credentials })
      yield* reasonOf(guard.protect(account, policy, Effect.fail(wrongPin), { credentials }))
      const lost = AuthError.make("tiny", "login", new AuthError.BrokerUnavailable({ why: "network" }))
      for (let tries = 0; tries < 300; tries += 1) {
        yield* reasonOf(guard.protect(account, policy, Effect.fail(lost), { credentials }))
        yield* pass("3 minutes")
      }
      assert.strictEqual((yield* guard.countedAt(account, policy)).length, 1)
    })
  )

  it.effect("counts for the whole window, even if another program's window is shorter", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const guard = LoginGuard.make(makeShared().store)
      yield* reasonOf(guard.protect(account, policy, Effect.fail(wrongPin)))
      yield* pass("2 hours")
      const short = { ...policy, window: Duration.minutes(30) }
      yield* reasonOf(guard.protect(account, short, Effect.fail(wrongPin)))
      assert.strictEqual((yield* guard.countedAt(account, policy)).length, 2)
    })
  )
})
