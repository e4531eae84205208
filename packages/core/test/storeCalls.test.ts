import { assert, describe, it } from "@effect/vitest"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"

type Store = SessionStore["Service"]

const noting = (
  store: Store,
  calls: Array<string>,
  before: (call: string) => Effect.Effect<void> = () => Effect.void
) =>
  ({
    ...store,
    get: (account, slot) =>
      Effect.suspend(() => {
        calls.push(`get ${slot}`)
        return Effect.andThen(before(`get ${slot}`), store.get(account, slot))
      }),
    put: (account, slot, value, expected) =>
      Effect.suspend(() => {
        calls.push(`put ${slot}`)
        return Effect.andThen(before(`put ${slot}`), store.put(account, slot, value, expected))
      })
  }) satisfies Store

const placeOfGuard = LoginGuard.placeOf(account)

const writeGuard = (store: Store, fields: object) =>
  Effect.gen(function* () {
    const { version } = (yield* store.get(placeOfGuard, "guard")) ?? { version: 0 }
    const text = JSON.stringify({ format: 2, attempts: [], accepted: [], refused: [], ...fields })
    yield* store.put(placeOfGuard, "guard", Redacted.make(new TextEncoder().encode(text)), version)
  }).pipe(Effect.orDie)

const readGuard = (store: Store) =>
  Effect.map(store.get(placeOfGuard, "guard"), (entry) =>
    entry === undefined ? undefined : new TextDecoder().decode(Redacted.value(entry.value))
  )

/** The login waits, because a login was already sent in this TOTP period. */
const waitForPeriod = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const shared = makeShared()
  yield* writeGuard(shared.store, { attemptedAt: morning })
  const tiny = makeTiny({ codes: "totp" })
  const manager = yield* start(tiny, shared)
  const asked = yield* Effect.forkChild(Effect.flip(manager.session))
  yield* pass("1 second")
  return { asked, manager, shared, tiny }
})

describe("sessions: a login", () => {
  it.effect("reads the login guard's state once, and writes it before and after the request", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      yield* writeGuard(shared.store, {})
      const tiny = makeTiny()
      const manager = yield* start(tiny, { ...shared, store: noting(shared.store, tiny.calls) })
      yield* manager.session
      const before = ["get session", "get session", "get guard", "put guard"]
      assert.deepStrictEqual(tiny.calls, [...before, "login 1", "put guard", "put session"])
    })
  )

  it.effect("is not sent if another program records `AccountLocked` between the guard's read and write", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const said = { tag: "AccountLocked", message: "the account is locked", remedy: "Unlock it." }
      const lockElsewhere = yield* Effect.cached(writeGuard(shared.store, { locked: { since: morning, said } }))
      const store = noting(shared.store, [], (call) => (call === "put guard" ? lockElsewhere : Effect.void))
      const tiny = makeTiny()
      const manager = yield* start(tiny, { ...shared, store })
      const error = yield* Effect.flip(manager.session)
      assert.strictEqual(error.reason._tag, "ActionRequired")
      assert.deepStrictEqual(tiny.calls, [])
    })
  )

  it.effect("does not erase a refusal that another program records during the login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const refuseElsewhere = yield* Effect.cached(writeGuard(shared.store, { refused: ["fingerprint"] }))
      let writes = 0
      const store = noting(shared.store, [], (call) =>
        call === "put guard" && ++writes === 2 ? refuseElsewhere : Effect.void
      )
      const tiny = makeTiny()
      const manager = yield* start(tiny, { ...shared, store })
      assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
      assert.include(yield* readGuard(shared.store), `"refused":["fingerprint"]`)
    })
  )

  it.effect("is not sent if `AccountLocked` is recorded during the wait for a TOTP period", () =>
    Effect.gen(function* () {
      const { asked, shared, tiny } = yield* waitForPeriod
      const said = { tag: "AccountLocked", message: "the account is locked", remedy: "Unlock it." }
      yield* writeGuard(shared.store, { locked: { since: morning, said } })
      yield* pass("1 minute")
      assert.strictEqual((yield* Fiber.join(asked)).reason._tag, "ActionRequired")
      assert.deepStrictEqual(tiny.calls, [])
    })
  )

  it.effect("does not pause later logins if a logout cancels the wait for a TOTP period", () =>
    Effect.gen(function* () {
      const { asked, manager, shared, tiny } = yield* waitForPeriod
      yield* manager.logout
      yield* pass("1 minute")
      assert.strictEqual((yield* Fiber.join(asked)).reason._tag, "SessionExpired")
      assert.deepStrictEqual(tiny.calls, [])
      assert.isUndefined((yield* LoginGuard.make(shared.store).memory(account)).pausedUntil)
      const other = makeTiny({ codes: "totp" })
      assert.strictEqual(numberOf(yield* (yield* start(other, shared)).renew()), "1")
    })
  )
})
