import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { GuardPolicy } from "@auth/broker-core/broker/Renewal"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, morning, pass, start } from "./sessions.ts"

const policy: GuardPolicy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
const pin = { credentials: Redacted.make("pin 4711") }
const otherPin = { credentials: Redacted.make("pin 1234") }

const wrongPin = new AuthError.InvalidCredentials({ field: "pin" })
const noAnswer = new AuthError.BrokerUnavailable({ why: "time-out" })

const begin = Effect.map(TestClock.setTime(morning), () => {
  const store = SessionStore.makeMemory()
  let sent = 0
  const login = (reason?: AuthError.Reason) =>
    Effect.suspend(() => {
      sent += 1
      return reason === undefined ? Effect.succeed("session") : Effect.fail(AuthError.make("tiny", "login", reason))
    })
  return { guard: LoginGuard.make(store), login, program: () => LoginGuard.make(store), sent: () => sent, store }
})

/** Waits in real time, because WebCrypto does not use TestClock. */
const untilSent = TestClock.withLive(Effect.sleep("20 millis"))

const tagOf = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "success" })

describe("sessions: LoginGuard", () => {
  it.effect("lets all programs together send only two unanswered logins", () =>
    Effect.gen(function* () {
      const { program, sent, login } = yield* begin
      for (let run = 0; run < 6; run++) {
        const never = Effect.andThen(login(), Effect.never)
        const fiber = yield* Effect.forkChild(Effect.result(program().protect(account, policy, never, pin)))
        yield* untilSent
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(sent(), 2)
      const failed = yield* Effect.flip(program().protect(account, policy, login(), pin))
      assert.include(failed.message, "the broker did not answer 2 logins")
    })
  )

  it.effect("counts a login as failed if a time-out interrupts it", () =>
    Effect.gen(function* () {
      const { login, program, sent } = yield* begin
      for (let run = 0; run < 5; run++) {
        const slow = Effect.andThen(login(), Effect.sleep("1 minute"))
        const tried = Effect.timeout(program().protect(account, policy, slow, pin), "1 second")
        const fiber = yield* Effect.forkChild(Effect.exit(tried))
        yield* untilSent
        yield* pass("2 seconds")
        yield* Fiber.join(fiber)
      }
      assert.strictEqual(sent(), 2)
    })
  )

  it.effect("has one limit on failed logins for all apps of an account, even if the case of the id differs", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      for (const app of ["trading", "data", "default"]) {
        for (const id of ["T1", "t1"]) {
          yield* tagOf(guard.protect({ ...account, app, id }, policy, login(wrongPin)))
        }
      }
      assert.strictEqual(sent(), 2)
    })
  )

  it.effect("lets eight concurrent programs send a wrong PIN only twice", () =>
    Effect.gen(function* () {
      const { login, program, sent } = yield* begin
      yield* Effect.all(
        Array.from({ length: 8 }, () => tagOf(program().protect(account, policy, login(wrongPin)))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(sent(), 2)
    })
  )

  it.effect("sends no login that cannot be recorded", () =>
    Effect.gen(function* () {
      const { login, sent, store } = yield* begin
      const full = { ...store, put: () => Effect.succeed(false) }
      const fiber = yield* Effect.forkChild(Effect.exit(LoginGuard.make(full).protect(account, policy, login())))
      yield* untilSent
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(sent(), 0)
    })
  )

  it.effect("counts refusals that an older version recorded, and rejects a newer version's record", () =>
    Effect.gen(function* () {
      const { guard, login, sent, store } = yield* begin
      const bytes = (text: string) => Redacted.make(new TextEncoder().encode(text))
      yield* store.put(account, "guard", bytes(`{"attemptedAt":1,"refusedAt":[${morning - 1},${morning - 2}]}`), 0)
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login())), "ActionRequired")
      const newer = { ...account, id: "newer" }
      yield* store.put({ ...newer, app: "*" }, "guard", bytes(`{"format":3}`), 0)
      assert.strictEqual(yield* tagOf(guard.protect(newer, policy, login())), "NewerVersion")
      assert.strictEqual(sent(), 0)
    })
  )
})

describe("sessions: credentials", () => {
  it.effect("are not sent after a rejection until they are passed to LoginGuard.reset", () =>
    Effect.gen(function* () {
      const { guard, login, program, sent } = yield* begin
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(wrongPin), pin)), "InvalidCredentials")
      yield* pass("3 days")
      assert.strictEqual(yield* tagOf(program().protect(account, policy, login(), pin)), "ActionRequired")
      assert.strictEqual(
        yield* tagOf(program().protect(account, policy, login(), { ...pin, byPerson: true })),
        "ActionRequired"
      )
      assert.strictEqual(sent(), 1)
      yield* program().reset(account)
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(), pin)), "ActionRequired")
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(), otherPin)), "success")
      yield* guard.reset(account, pin)
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(), pin)), "success")
    })
  )

  it.effect("that were accepted before are sent less often after ten unanswered logins", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      yield* guard.protect(account, policy, login(), pin)
      const began = sent()
      for (let tries = 0; tries < 9; tries++) {
        assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(noAnswer), pin)), "BrokerUnavailable")
        yield* pass("15 seconds")
      }
      assert.strictEqual(sent() - began, 9)
      for (let seconds = 0; seconds < 600; seconds += 10) {
        yield* tagOf(guard.protect(account, policy, login(noAnswer), pin))
        yield* pass("10 seconds")
      }
      assert.isAtMost(sent() - began, 9 + 6)
      assert.isAtLeast(sent() - began, 9 + 4)
      yield* pass("2 minutes")
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(), pin)), "success")
    })
  )

  it.effect("that were accepted before are not sent again after two rejections", () =>
    Effect.gen(function* () {
      const { guard, login, sent } = yield* begin
      yield* guard.protect(account, policy, login(), pin)
      for (let tries = 0; tries < 5; tries++) yield* tagOf(guard.protect(account, policy, login(wrongPin), pin))
      assert.strictEqual(sent(), 3)
    })
  )

  it.effect("have no fingerprint if the store has no key", () =>
    Effect.gen(function* () {
      const { store } = yield* begin
      const plain = SessionStore.encrypted({ _tag: "Plaintext", describe: "no key: unencrypted" })(store)
      assert.isUndefined(plain.fingerprint)
    })
  )
})

const waf = new AuthError.PermissionDenied({ why: "waf", supportId: "42" })
const notSubscribed = new AuthError.PermissionDenied({ why: "subscription", code: "T9" })

describe("sessions: a login that the broker rejects for a lasting reason", () => {
  const sentIn = Effect.fnUntraced(function* (reason: AuthError.Reason, minutes: number) {
    const { login, program, sent } = yield* begin
    const at: Array<number> = []
    for (let second = 0; second < minutes * 60; second += 10) {
      const before = sent()
      yield* tagOf(program().protect(account, policy, login(reason)))
      if (sent() > before) at.push(second / 60)
      yield* pass("10 seconds")
    }
    return at
  })

  it.effect.each([
    ["a missing subscription", notSubscribed, [0, 1, 3, 8, 18, 28]],
    ["an unregistered IP address", new AuthError.PermissionDenied({ why: "ip" }), [0, 1, 3, 8, 18, 28]],
    [
      "an action that a person must take first",
      new AuthError.ActionRequired({ what: "Sign in", code: "T1" }),
      [0, 1, 3, 8, 18, 28]
    ],
    ["a firewall page", waf, [0, 5, 20]],
    ["too many sessions", new AuthError.SessionLimitReached({}), [0, 5, 20]]
  ] as const)("is repeated with increasing pauses, even after a restart: %s", ([, reason, at]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* sentIn(reason, 30), [...at])
    })
  )

  it.effect("fails during the pause with the broker's reason and the time of the next try", () =>
    Effect.gen(function* () {
      const { guard, login, program } = yield* begin
      yield* tagOf(guard.protect(account, policy, login(notSubscribed)))
      const failed = yield* Effect.flip(program().protect(account, policy, login()))
      assert.deepInclude(failed.reason, { _tag: "PermissionDenied", why: "subscription", code: "T9" })
      assert.include(failed.message, `The next try is at ${Expiry.toIst(morning + 60_000)}`)
    })
  )

  it.effect("fails during the pause with a message that names the required action once", () =>
    Effect.gen(function* () {
      const { guard, login, program } = yield* begin
      yield* tagOf(guard.protect(account, policy, login(new AuthError.ActionRequired({ what: "Sign in", code: "T1" }))))
      const { message } = yield* Effect.flip(program().protect(account, policy, login()))
      assert.lengthOf(message.split("Sign in"), 2, message)
      assert.include(message, "The next try is at")
    })
  )

  it.effect("starts a pause that ends if a login with byPerson succeeds", () =>
    Effect.gen(function* () {
      const { guard, login, program } = yield* begin
      yield* tagOf(guard.protect(account, policy, login(waf)))
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login())), "PermissionDenied")
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login(), { byPerson: true })), "success")
      assert.strictEqual(yield* tagOf(program().protect(account, policy, login())), "success")
    })
  )

  it.effect("starts a pause that ends if the clock is set back by months", () =>
    Effect.gen(function* () {
      const { guard, login } = yield* begin
      yield* TestClock.setTime(morning + 1e10)
      yield* tagOf(guard.protect(account, policy, login(waf)))
      yield* TestClock.setTime(morning)
      assert.strictEqual(yield* tagOf(guard.protect(account, policy, login())), "success")
    })
  )
})

it.effect("sessions: LoginGuard starts no pause after an outage or a rate limit", () =>
  Effect.gen(function* () {
    const { guard, login, sent } = yield* begin
    const down = new AuthError.BrokerUnavailable({ why: "broker", status: 503 })
    const many = new AuthError.RateLimited({ by: "broker", retryAfter: undefined })
    for (const reason of [down, many, down, many]) yield* tagOf(guard.protect(account, policy, login(reason)))
    assert.strictEqual(sent(), 4)
  })
)

describe("sessions: a failed refresh", () => {
  const lastsAnHour = { expiry: Expiry.after("1 hour"), by: ["login", "refresh"] as const }
  const refreshRefused = new AuthError.SessionExpired({ why: "refresh-invalid" })

  const requestSessions = Effect.fnUntraced(function* (
    manager: Effect.Success<ReturnType<typeof start>>,
    minutes: number
  ) {
    const tags = new Set<string>()
    for (let second = 0; second < minutes * 60; second += 5) {
      const result = yield* Effect.result(manager.session)
      tags.add(Result.isFailure(result) ? result.failure.reason._tag : "success")
      yield* pass("5 seconds")
    }
    return Array.from(tags)
  })

  it.effect("is not repeated after the broker has rejected the refresh token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const first = makeTiny(lastsAnHour)
      yield* Effect.scoped(Effect.flatMap(start(first, shared), (manager) => manager.session))
      const tiny = makeTiny({ ...lastsAnHour, by: ["refresh"] })
      yield* pass("1 hour")
      tiny.failures.push(...Array.from({ length: 100 }, () => refreshRefused))
      for (let run = 0; run < 3; run++) {
        const tags = yield* Effect.scoped(Effect.flatMap(start(tiny, shared), (manager) => requestSessions(manager, 5)))
        assert.deepStrictEqual(tags, ["ActionRequired"])
      }
      assert.deepStrictEqual(tiny.calls, ["refresh refused"])
    })
  )

  it.effect("is not followed by a login if the answer is a firewall page", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(lastsAnHour)
      const manager = yield* start(tiny)
      yield* manager.session
      yield* pass("1 hour")
      tiny.failures.push(...Array.from({ length: 1000 }, () => waf))
      yield* requestSessions(manager, 5)
      assert.notInclude(tiny.calls.slice(1), "login refused")
      assert.isAbove(tiny.calls.length, 3)
    })
  )

  it.effect("is followed by a login after at least three truncated answers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(lastsAnHour)
      const manager = yield* start(tiny)
      yield* manager.session
      yield* pass("1 hour")
      const half = new AuthError.MalformedResponse({ status: 200, problem: "it is not JSON", excerpt: "" })
      const issue = tiny.renewal.refresh!
      const failing = yield* start({
        ...tiny,
        renewal: { ...tiny.renewal, refresh: (session) => (tiny.failures.push(half), issue(session)) }
      })
      yield* failing.adopt(yield* manager.session)
      yield* pass("1 hour")
      const began = tiny.calls.length
      yield* requestSessions(failing, 2)
      const calls = tiny.calls.slice(began)
      const login = calls.findIndex((call) => call.startsWith("login"))
      assert.isAtLeast(login, 3)
      assert.deepStrictEqual(
        calls.slice(0, login),
        Array.from({ length: login }, () => "refresh refused")
      )
      assert.isAtMost(calls.length, login + 1)
    })
  )
})
