import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Logout } from "@auth/broker-core/login/Logout"
import { Profile } from "@auth/broker-core/login/Profile"
import { Refresh } from "@auth/broker-core/login/Refresh"
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as Vault from "@auth/broker-core/session/Vault"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { account, makeTiny, morning, numberOf, pass, type Tiny } from "./sessions.ts"

/** `counts.built` also counts layers whose build is not complete. */
const begin = Effect.fnUntraced(function* (
  options: SessionManagers.Options = {},
  build: Effect.Effect<void> = Effect.void,
  store: SessionStore.SessionStore["Service"] = SessionStore.makeMemory()
) {
  yield* TestClock.setTime(morning)
  const tiny = makeTiny({ expiry: Expiry.after("8 hours") })
  const counts = { built: 0, open: 0 }
  const scope = yield* Scope.make()
  const managers = yield* SessionManagers.make(
    (name) =>
      Layer.effectContext(
        Effect.gen(function* () {
          counts.built += 1
          counts.open += 1
          yield* Effect.addFinalizer(() => Effect.sync(() => (counts.open -= 1)))
          yield* build
          const renewal = { ...tiny.renewal, account: { ...account, id: name } }
          return Context.make(Renewal, renewal).pipe(Context.add(Logout, tiny.logout))
        })
      ),
    options
  ).pipe(
    Effect.provideService(Scope.Scope, scope),
    Effect.provideService(SessionStore.SessionStore, store),
    Effect.provideService(SessionLock.SessionLock, SessionLock.makeMemory())
  )
  return { close: Scope.close(scope, Exit.void), counts, managers, tiny }
})

const failure = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, AuthError.AuthError)
    return `${error.reason._tag}: ${error.message}`
  })

describe("sessions: an account closed by SessionManagers.invalidate", () => {
  it.effect("logs in with the corrected PIN at the next call", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const pins = { current: "old" }
      const sent: Array<string> = []
      const brokers: Array<Tiny> = []
      const managers = yield* SessionManagers.make(() => {
        const pin = pins.current
        const tiny = makeTiny()
        brokers.push(tiny)
        if (pin === "old") tiny.failures.push(new AuthError.InvalidCredentials({ field: "pin" }))
        const login = Effect.andThen(
          Effect.sync(() => void sent.push(pin)),
          tiny.renewal.login ?? Effect.never
        )
        return Layer.succeedContext(
          Context.make(Renewal, { ...tiny.renewal, login }).pipe(Context.add(Logout, tiny.logout))
        )
      }).pipe(Effect.provide(Vault.layerMemory))
      assert.include(yield* failure(managers.session("T1")), "InvalidCredentials")
      pins.current = "corrected"
      yield* managers.invalidate("T1")
      assert.strictEqual(numberOf(yield* managers.session("T1")), "1")
      assert.deepStrictEqual(sent, ["old", "corrected"])
      assert.strictEqual(brokers.length, 2)
    })
  )

  it.effect("uses its stored session at the next call, without a login", () =>
    Effect.gen(function* () {
      const { counts, managers, tiny } = yield* begin()
      const kept = managers.session("T1")
      assert.strictEqual(numberOf(yield* kept), "1")
      const once = managers.session("T1")
      yield* once
      yield* managers.invalidate("T1")
      assert.deepStrictEqual(counts, { built: 1, open: 0 })
      for (const session of [kept, once, managers.session("T1")]) assert.strictEqual(numberOf(yield* session), "1")
      assert.deepStrictEqual(counts, { built: 2, open: 1 })
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("leaves other accounts open", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* begin()
      const other = yield* managers.manager("T2")
      yield* managers.invalidate("T1")
      yield* managers.session("T1")
      yield* managers.invalidate("T1")
      yield* managers.invalidate("T1")
      yield* other.session
      assert.deepStrictEqual(counts, { built: 2, open: 1 })
    })
  )

  it.effect("makes waiting calls and calls of its old manager fail", () =>
    Effect.gen(function* () {
      const { managers, tiny } = yield* begin()
      tiny.latency = "10 seconds"
      const manager = yield* managers.manager("T1")
      const waiting = yield* Effect.forEach([managers.session("T1"), manager.session], (call) =>
        Effect.forkChild(failure(call))
      )
      yield* pass("1 second")
      yield* managers.invalidate("T1")
      for (const message of [...(yield* Effect.forEach(waiting, Fiber.join)), yield* failure(manager.session)]) {
        assert.include(message, "InvalidRequest: tiny session: The request is invalid: account was closed by")
        assert.include(message, "Get the account from SessionManagers again")
      }
    })
  )

  it.effect("makes waiting calls fail, even during the build of its layer", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* begin({}, Effect.sleep("10 seconds"))
      const waiting = yield* Effect.forkChild(failure(managers.session("T1")))
      yield* pass("1 second")
      yield* managers.invalidate("T1")
      assert.include(yield* Fiber.join(waiting), "account was closed by SessionManagers.invalidate")
      assert.deepStrictEqual(counts, { built: 1, open: 0 })
      const again = yield* Effect.forkChild(managers.session("T1"))
      yield* pass("10 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(again)), "1")
      assert.deepStrictEqual(counts, { built: 2, open: 1 })
    })
  )

  it.effect("has no open layer, even after an uninterruptible build", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* begin({}, Effect.uninterruptible(Effect.sleep("10 seconds")))
      const waiting = yield* Effect.forkChild(failure(managers.session("T1")))
      yield* pass("1 second")
      const invalidated = yield* Effect.forkChild(managers.invalidate("T1"))
      yield* pass("10 seconds")
      yield* Fiber.join(invalidated)
      assert.include(yield* Fiber.join(waiting), "account was closed by SessionManagers.invalidate")
      assert.deepStrictEqual(counts, { built: 1, open: 0 })
    })
  )
})

describe("sessions: watching a store for changes to an account", () => {
  const watched = (takes: Duration.Input) => {
    const calls = { watch: 0, unwatch: 0 }
    const changes: SessionStore.Changes = {
      mark: Effect.succeed(0),
      watch: () =>
        Effect.as(
          Effect.andThen(
            Effect.sync(() => void (calls.watch += 1)),
            Effect.sleep(takes)
          ),
          Effect.sync(() => void (calls.unwatch += 1))
        )
    }
    return { calls, store: { ...SessionStore.makeMemory(), changes } }
  }

  it.effect("ends when the account is closed, and begins again at the next call", () =>
    Effect.gen(function* () {
      const { calls, store } = watched(0)
      const { close, managers } = yield* begin({}, Effect.void, store)
      yield* managers.session("T1")
      yield* managers.invalidate("T1")
      assert.deepStrictEqual(calls, { watch: 1, unwatch: 1 })
      yield* managers.session("T1")
      assert.deepStrictEqual(calls, { watch: 2, unwatch: 1 })
      yield* close
      assert.deepStrictEqual(calls, { watch: 2, unwatch: 2 })
    })
  )

  it.effect("ends exactly once if the account is closed while watching starts", () =>
    Effect.gen(function* () {
      const { calls, store } = watched("10 seconds")
      const { counts, managers } = yield* begin({}, Effect.void, store)
      const waiting = yield* Effect.forkChild(failure(managers.session("T1")))
      yield* pass("1 second")
      const invalidated = yield* Effect.forkChild(managers.invalidate("T1"))
      yield* pass("10 seconds")
      yield* Fiber.join(invalidated)
      assert.include(yield* Fiber.join(waiting), "account was closed by SessionManagers.invalidate")
      assert.deepStrictEqual(calls, { watch: 1, unwatch: 1 })
      assert.deepStrictEqual(counts, { built: 1, open: 0 })
    })
  )
})

describe("sessions: an open account", () => {
  it.effect("is closed after its idle time, and opened again at the next call", () =>
    Effect.gen(function* () {
      const { counts, managers, tiny } = yield* begin({ idle: "10 minutes" })
      const kept = managers.session("T1")
      yield* kept
      yield* pass("9 minutes")
      assert.strictEqual(counts.open, 1)
      yield* pass("5 minutes")
      assert.deepStrictEqual(counts, { built: 1, open: 0 })
      yield* kept
      assert.deepStrictEqual(counts, { built: 2, open: 1 })
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  for (const [title, every] of [
    ["SessionManagers.session", "session"],
    ["SessionManager.session", "manager"],
    ["SessionManagers.services", "services"]
  ] as const) {
    it.effect(`stays open if ${title} is used again within the idle time`, () =>
      Effect.gen(function* () {
        const { counts, managers } = yield* begin({ idle: "5 seconds" })
        const manager = yield* managers.manager("T1")
        for (let asked = 0; asked < 40; asked++) {
          yield* every === "manager" ? manager.session : managers[every]("T1")
          yield* pass("3 seconds")
        }
        assert.deepStrictEqual(counts, { built: 1, open: 1 })
        yield* pass("1 minute")
        assert.strictEqual(counts.open, 0)
        assert.include(yield* failure(manager.session), "account was closed after its idle time")
      })
    )
  }

  it.effect("stays open during a login that takes longer than the idle time", () =>
    Effect.gen(function* () {
      const { counts, managers, tiny } = yield* begin({ idle: "5 seconds" })
      tiny.latency = "1 minute"
      const waiting = yield* Effect.forkChild(managers.session("T1"))
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* Fiber.join(waiting)), "1")
      assert.strictEqual(counts.built, 1)
    })
  )

  it.effect("stays open if no idle time is set", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* begin()
      yield* managers.session("T1")
      yield* pass("7 days")
      assert.deepStrictEqual(counts, { built: 1, open: 1 })
    })
  )

  for (const idle of [0, -1, Number.NaN, "10 secs" as "10 seconds", "5 millis"] as const) {
    it.effect(`cannot have the idle time ${String(idle)}`, () =>
      Effect.gen(function* () {
        assert.include(yield* failure(Effect.map(begin({ idle }), () => undefined)), "InvalidRequest")
      })
    )
  }
})

describe("sessions: SessionManagers whose scope has closed", () => {
  it.effect("makes waiting and new calls fail, except `invalidate`", () =>
    Effect.gen(function* () {
      const { close, counts, managers } = yield* begin({}, Effect.sleep("1 second"))
      const open = yield* Effect.forkChild(managers.session("T1"))
      yield* pass("1 second")
      yield* Fiber.join(open)
      const waiting = yield* Effect.forkChild(failure(managers.session("T2")))
      yield* pass("500 millis")
      yield* close
      assert.include(yield* Fiber.join(waiting), "SessionManagers is closed: its scope has ended")
      for (const name of ["T1", "T2", "T3"]) {
        assert.include(yield* failure(managers.session(name)), "is closed: its scope has ended")
        assert.include(yield* failure(managers.manager(name)), "SessionManagers is closed: its scope has ended")
        assert.include(yield* failure(managers.services(name)), "SessionManagers is closed: its scope has ended")
        yield* managers.invalidate(name)
      }
      assert.strictEqual(counts.open, 0)
    })
  )
})

describe("sessions: SessionManagers for accounts of several brokers", () => {
  it.effect("infers the services that all layers provide", () =>
    Effect.gen(function* () {
      const { logout, renewal } = makeTiny()
      const both = Context.make(Renewal, renewal).pipe(Context.add(Logout, logout))
      const profile = Profile.of({ profile: () => Effect.never })
      const one = Layer.succeedContext(Context.add(both, Profile, profile))
      const other = Layer.effectContext(
        Effect.succeed(
          Context.add(Context.add(both, Profile, profile), Refresh, Refresh.of({ refresh: () => Effect.never }))
        )
      )
      const third = Layer.effectContext(Effect.as(Effect.fail("no such account" as const), both))
      const managers = yield* SessionManagers.make((name) => (name === "one" ? one : other))
      expectTypeOf(managers).toEqualTypeOf<SessionManagers.SessionManagers<Renewal | Logout | Profile>>()
      const of = { one, other, third }
      const three = yield* SessionManagers.make((name: string) => of[name as keyof typeof of])
      expectTypeOf(three).toEqualTypeOf<SessionManagers.SessionManagers<Renewal | Logout, "no such account">>()
      const lacking = Layer.succeed(Renewal, renewal)
      // @ts-expect-error: a layer without Logout is not a broker layer.
      expectTypeOf(SessionManagers.make).toBeCallableWith(() => lacking)
      const services = yield* managers.services("other")
      assert.isDefined(Context.get(services, Profile))
      assert.strictEqual((yield* managers.session("one")).account.broker, "tiny")
      expectTypeOf(Context.get(services, SessionManager.SessionManager)).toEqualTypeOf<
        SessionManager.SessionManager["Service"]
      >()
    }).pipe(Effect.scoped, Effect.provide(Vault.layerMemory))
  )
})
