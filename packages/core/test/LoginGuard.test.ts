import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { GuardPolicy } from "@auth/broker-core/broker/Renewal"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, morning, pass } from "./sessions.ts"

const policy: GuardPolicy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
const totp: GuardPolicy = { ...policy, step: Duration.seconds(30) }

/** Makes a login that records when it is sent, in seconds after `morning`. */
const makeLogin = () => {
  const sent: Array<number> = []
  const login = (reason?: AuthError.Reason) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      sent.push((now - morning) / 1000)
      return reason === undefined ? Effect.succeed("session") : Effect.fail(AuthError.make("tiny", "login", reason))
    })
  return { sent, login }
}

const wrongPin = new AuthError.InvalidCredentials({ field: "pin" })
const wrongCode = new AuthError.InvalidStepUpCode({ kind: "totp", hints: [] })

const begin = Effect.map(TestClock.setTime(morning), () => {
  const store = SessionStore.makeMemory()
  return { store, guard: LoginGuard.make(store), restarted: () => LoginGuard.make(store), ...makeLogin() }
})

const reasonOf = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "success" })

describe("sessions: refused logins", () => {
  it.effect("stop the third login if the policy allows two refusals", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, login(wrongPin))), "InvalidCredentials")
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, login(wrongCode))), "InvalidStepUpCode")
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, login())), "ActionRequired")
      assert.strictEqual(sent.length, 2)
    })
  )

  it.effect("are still counted after a restart", () =>
    Effect.gen(function* () {
      const { guard, login, restarted } = yield* begin
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      const failed = yield* Effect.flip(restarted().protect(account, policy, login()))
      assert.include(failed.message, "the broker refused 2 logins")
      assert.include(failed.message, "LoginGuard.reset, or wait until 2026-11-22 10:00:00 IST")
    })
  )

  it.effect("stop the next login until fewer than `maxFailures` are in the window", () =>
    Effect.gen(function* () {
      const { guard, login } = yield* begin
      for (let failures = 0; failures < 3; failures += 1) {
        yield* reasonOf(guard.protect(account, { ...policy, maxFailures: 3 }, login(wrongPin)))
        yield* pass("1 hour")
      }
      const failed = yield* Effect.flip(guard.protect(account, policy, login()))
      assert.include(failed.message, "the broker refused 3 logins")
      assert.include(failed.message, "or wait until 2026-11-22 11:00:00 IST")
    })
  )

  it.effect("are reported by `check`, which sends and records nothing", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      const credentials = Redacted.make("wrong")
      const check = reasonOf(guard.check(account, totp, { credentials }))
      assert.strictEqual(yield* check, "success")
      yield* reasonOf(guard.protect(account, totp, login(wrongPin), { credentials }))
      const before = yield* guard.memory(account)
      const failed = yield* Effect.flip(guard.check(account, { ...totp, maxFailures: 1 }))
      assert.include(failed.message, "the broker refused a login")
      const other = yield* reasonOf(guard.check(account, totp, { credentials: Redacted.make("right") }))
      assert.strictEqual(other, "success", "a check does not wait for the next TOTP period")
      assert.deepStrictEqual(yield* guard.memory(account), before)
      assert.strictEqual(yield* reasonOf(guard.check(account, { ...totp, maxFailures: 0 })), "InvalidRequest")
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect("are forgotten after a successful login, a `reset` or the end of the window", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      const wrong = reasonOf(guard.protect(account, policy, login(wrongPin)))
      const right = reasonOf(guard.protect(account, policy, login()))
      yield* wrong
      yield* right
      yield* wrong
      assert.strictEqual(yield* right, "success")
      yield* wrong
      yield* wrong
      assert.strictEqual(yield* right, "ActionRequired")
      yield* guard.reset(account)
      assert.strictEqual(yield* wrong, "InvalidCredentials")
      yield* wrong
      yield* pass("24 hours")
      assert.strictEqual(yield* right, "success")
      assert.strictEqual(sent.length, 9)
    })
  )

  it.effect("are listed by `countedAt`, like unanswered logins, until the end of the window", () =>
    Effect.gen(function* () {
      const { guard, login } = yield* begin
      const timesOut = login(new AuthError.BrokerUnavailable({ why: "time-out" }))
      const counted = guard.countedAt(account, policy)
      assert.deepStrictEqual(yield* counted, [])
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      yield* pass("23 hours")
      yield* reasonOf(guard.protect(account, policy, timesOut))
      assert.deepStrictEqual(yield* counted, [morning, morning + 23 * 3_600_000])
      yield* pass("1 hour")
      assert.deepStrictEqual(yield* counted, [morning + 23 * 3_600_000])
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
      yield* guard.reset(account)
      const credentials = Redacted.make("right")
      yield* guard.protect(account, policy, login(), { credentials })
      yield* reasonOf(guard.protect(account, policy, timesOut, { credentials }))
      assert.deepStrictEqual(yield* counted, [])
      assert.strictEqual((yield* guard.memory(account)).unansweredAt.length, 1)
    })
  )

  it.effect("stop the next login at once if the broker has locked the account", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      const locked = new AuthError.AccountLocked({ scope: "account", unlock: "broker" })
      assert.isUndefined((yield* guard.memory(account)).locked)
      yield* reasonOf(guard.protect(account, policy, login(locked)))
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, login())), "ActionRequired")
      assert.strictEqual(sent.length, 1)
      const at = yield* Clock.currentTimeMillis
      assert.deepStrictEqual((yield* guard.memory(account)).locked, { at, message: locked.message })
      yield* guard.reset(account)
      assert.isUndefined((yield* guard.memory(account)).locked)
    })
  )

  it.effect("do not include a login whose connection could not be opened", () =>
    Effect.gen(function* () {
      const { guard, login } = yield* begin
      const down = new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" })
      for (let tries = 0; tries < 5; tries++) yield* reasonOf(guard.protect(account, policy, login(down)))
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, login())), "success")
    })
  )

  it.effect("do not occur if the policy is invalid, because no login is sent", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      const policies: ReadonlyArray<Partial<GuardPolicy>> = [
        { maxFailures: NaN },
        { maxFailures: 0 },
        { maxFailures: -1 },
        { maxFailures: Infinity },
        { window: Duration.zero },
        { window: Duration.seconds(-1) },
        { window: Duration.infinity }
      ]
      for (const wrong of policies) {
        const tried = guard.protect(account, { ...policy, ...wrong }, login(wrongPin))
        assert.strictEqual(yield* reasonOf(tried), "InvalidRequest")
      }
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect("do not stop the logins of another account", () =>
    Effect.gen(function* () {
      const { guard, login } = yield* begin
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      assert.strictEqual(yield* guard.protect({ ...account, id: "T2" }, policy, login()), "session")
    })
  )

  it.effect("are all counted if two programs log in at the same time", () =>
    Effect.gen(function* () {
      const { login, store } = yield* begin
      const slow = {
        ...store,
        put: (...args: Parameters<typeof store.put>) => Effect.andThen(Effect.sleep(1), store.put(...args))
      }
      const three = { ...policy, maxFailures: 3 }
      const both = yield* Effect.forkChild(
        Effect.all(
          [LoginGuard.make(slow), LoginGuard.make(slow)].map((one) =>
            reasonOf(one.protect(account, three, login(wrongPin)))
          ),
          { concurrency: 2 }
        )
      )
      yield* pass("10 millis")
      yield* Fiber.join(both)
      assert.strictEqual((yield* LoginGuard.make(store).memory(account)).refusedAt.length, 2)
    })
  )

  it.effect("are reported to the caller even if they cannot be stored", () =>
    Effect.gen(function* () {
      const { login, store } = yield* begin
      const { service, state } = breakable(store)
      const guard = LoginGuard.make(service)
      const breaking = Effect.andThen(
        Effect.sync(() => void (state.broken = true)),
        login(wrongPin)
      )
      assert.strictEqual(yield* reasonOf(guard.protect(account, policy, breaking)), "InvalidCredentials")
    })
  )
})

describe("sessions: TOTP periods", () => {
  const sendOne = (guard: LoginGuard.LoginGuard["Service"], login: Effect.Effect<string, AuthError.AuthError>) =>
    Effect.forkChild(guard.protect(account, totp, login))

  it.effect("allow one login each, even after a restart", () =>
    Effect.gen(function* () {
      const { guard, login, restarted, sent } = yield* begin
      yield* guard.protect(account, totp, login())
      const [second, third] = [yield* sendOne(restarted(), login()), yield* sendOne(restarted(), login())]
      yield* pass("29 seconds")
      assert.deepStrictEqual(sent, [0])
      yield* pass("1 second")
      yield* Fiber.join(second)
      yield* pass("30 seconds")
      yield* Fiber.join(third)
      assert.deepStrictEqual(sent, [0, 30, 60])
    })
  )

  it.effect("allow no login in their last three seconds", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      yield* pass("27 seconds")
      const asked = yield* sendOne(guard, login())
      yield* pass("3 seconds")
      yield* Fiber.join(asked)
      assert.deepStrictEqual(sent, [30])
    })
  )

  it.effect("are both used up by a login that starts in one and ends in the next", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      yield* pass("20 seconds")
      const slow = yield* sendOne(guard, Effect.delay(login(), "15 seconds"))
      yield* pass("15 seconds")
      yield* Fiber.join(slow)
      const asked = yield* sendOne(guard, login())
      yield* pass("25 seconds")
      yield* Fiber.join(asked)
      assert.deepStrictEqual(sent, [35, 60])
    })
  )

  it.effect("allow no login if the store cannot record the login", () =>
    Effect.gen(function* () {
      const { login, sent, store } = yield* begin
      const { service, state } = breakable(store)
      state.broken = true
      assert.strictEqual(yield* reasonOf(LoginGuard.make(service).protect(account, totp, login())), "Io")
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect("are used up by an interrupted login", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      const first = yield* sendOne(guard, Effect.never)
      yield* pass("1 second")
      yield* Fiber.interrupt(first)
      const second = yield* sendOne(guard, login())
      yield* pass("29 seconds")
      yield* Fiber.join(second)
      assert.deepStrictEqual(sent, [30])
    })
  )

  it.effect("do not block logins after the clock was set back by years", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      yield* TestClock.setTime(morning + 1e11)
      yield* guard.protect(account, totp, login())
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      yield* reasonOf(guard.protect(account, policy, login(wrongPin)))
      yield* TestClock.setTime(morning)
      yield* guard.protect(account, totp, login())
      assert.strictEqual(sent.at(-1), 0)
    })
  )
})

it.effect("LoginGuard stores no secret in its entry", () =>
  Effect.gen(function* () {
    const { guard, login, store } = yield* begin
    yield* reasonOf(guard.protect(account, totp, login(wrongPin)))
    yield* pass("1 minute")
    const credentials = Redacted.make("pin 4711")
    yield* reasonOf(guard.protect(account, totp, login(wrongPin), { credentials }))
    const entry = yield* store.get({ ...account, app: "*", id: "t1" }, "guard")
    const ledger = JSON.parse(new TextDecoder().decode(entry && Redacted.value(entry.value)))
    assert.deepStrictEqual(Object.keys(ledger), ["format", "attemptedAt", "attempts", "accepted", "refused"])
    assert.notInclude(JSON.stringify(ledger), "4711")
    assert.match(ledger.refused[0], /^[0-9a-f]{32}$/)
  })
)

it.effect("LoginGuard rejects a stored entry that was tampered with", () =>
  Effect.gen(function* () {
    const { guard, login, store } = yield* begin
    yield* store.put(account, "guard", Redacted.make(new TextEncoder().encode("{}")), 0)
    assert.strictEqual(yield* reasonOf(guard.protect(account, totp, login())), "Tampered")
  })
)
