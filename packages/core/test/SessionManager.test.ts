import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionMetrics from "@auth/broker-core/session/SessionMetrics"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"
import { shown } from "./support.ts"

const minutes = (count: number) => count * 60_000
const lastsAnHour = { expiry: Expiry.after("1 hour"), early: "10 minutes" } as const
const unavailable = new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" })
const refused = new AuthError.InvalidCredentials({ field: "pin" })

const reasonOf = (result: Result.Result<unknown, SessionManager.Failure>) =>
  Result.isFailure(result) ? result.failure.reason._tag : "success"

describe("sessions: SessionManager.session", () => {
  it.effect("logs in once for 1,000 concurrent fibers", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.latency = "1 second"
      const manager = yield* start(tiny)
      const asked = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 1000 }, () => manager.session),
          { concurrency: "unbounded" }
        )
      )
      yield* pass("1 second")
      const sessions = yield* Fiber.join(asked)
      assert.deepStrictEqual(tiny.calls, ["login 1"])
      assert.strictEqual(new Set(sessions).size, 1)
    })
  )

  it.effect("returns the session that an earlier run stored", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const before = yield* Effect.scoped(Effect.flatMap(start(tiny, shared), (manager) => manager.session))
      const again = yield* start(tiny, shared)
      const session = yield* again.session
      assert.strictEqual(numberOf(session), numberOf(before))
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("logs in once for 32 concurrent programs", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.latency = "1 second"
      const programs = yield* Effect.all(Array.from({ length: 32 }, () => start(tiny, shared)))
      for (const round of ["1", "2"]) {
        const asked = yield* Effect.forkChild(
          Effect.all(
            programs.map((program) => program.session),
            { concurrency: "unbounded" }
          )
        )
        yield* pass("1 second")
        assert.deepStrictEqual(new Set((yield* Fiber.join(asked)).map(numberOf)), new Set([round]))
        yield* pass("1 day")
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("logs in once after a session expires at midnight", () =>
    Effect.gen(function* () {
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      const beforeMidnight = Date.UTC(2026, 10, 21, 18, 29, 59, 999)
      yield* TestClock.setTime(beforeMidnight - minutes(300))
      yield* manager.session
      yield* TestClock.setTime(beforeMidnight)
      assert.strictEqual(numberOf(yield* manager.session), "1")
      yield* pass("1 millis")
      const sessions = yield* Effect.all([manager.session, manager.session], { concurrency: 2 })
      assert.deepStrictEqual(sessions.map(numberOf), ["2", "2"])
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("kept in a variable returns a new session after the expiry", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny({ expiry: Expiry.after("1 hour") }))
      const kept = manager.session
      assert.strictEqual(numberOf(yield* kept), "1")
      yield* pass("1 hour")
      assert.strictEqual(numberOf(yield* kept), "2")
    })
  )

  it.effect("completes the login even if the first caller is interrupted", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.latency = "1 second"
      const manager = yield* start(tiny)
      const first = yield* Effect.forkChild(manager.session)
      const second = yield* Effect.forkChild(manager.session)
      yield* pass("500 millis")
      yield* Fiber.interrupt(first)
      yield* pass("500 millis")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "1")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("fails for all callers if the login fails, and logs in again after a back-off", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.failures.push(unavailable)
      const manager = yield* start(tiny)
      const both = yield* Effect.all([Effect.result(manager.session), Effect.result(manager.session)], {
        concurrency: 2
      })
      assert.deepStrictEqual(both.map(reasonOf), ["BrokerUnavailable", "BrokerUnavailable"])
      // During the back-off, no login is sent.
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "BrokerUnavailable")
      assert.deepStrictEqual(tiny.calls, ["login refused"])
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "1")
    })
  )

  it.effect("increases the back-off with each failure, up to a limit", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.failures.push(...Array.from({ length: 1000 }, () => unavailable))
      const manager = yield* start(tiny)
      const sent: Array<number> = []
      for (let seconds = 0; seconds < 600; seconds++) {
        yield* Effect.result(manager.session)
        yield* pass("1 second")
        while (sent.length < tiny.calls.length) sent.push(seconds)
      }
      const firstGaps = sent.slice(1, 5).map((at, index) => at - sent[index]!)
      for (const [index, gap] of firstGaps.entries()) assert.isAbove(gap, firstGaps[index - 1] ?? 0)
      assert.isAbove(tiny.calls.length, 24)
      assert.isBelow(tiny.calls.length, 60)
    })
  )

  it.effect("sends no login after two rejected logins, even after a restart", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.failures.push(refused, refused, refused)
      for (let run = 0; run < 5; run++) {
        const outcome = yield* Effect.scoped(
          Effect.flatMap(start(tiny, shared), (manager) => Effect.result(manager.session))
        )
        assert.strictEqual(reasonOf(outcome), run < 2 ? "InvalidCredentials" : "ActionRequired")
      }
      assert.deepStrictEqual(tiny.calls, ["login refused", "login refused"])
    })
  )

  it.effect("waits for the next TOTP period if another program has crashed during its login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny({ codes: "totp" }), makeShared()]
      tiny.latency = "1 second"
      const crashed = yield* Scope.make()
      const first = yield* Effect.provideService(start(tiny, shared), Scope.Scope, crashed)
      yield* Effect.forkChild(Effect.ignore(first.session))
      yield* pass("500 millis")
      yield* Scope.close(crashed, Exit.void)
      const second = yield* start(tiny, shared)
      const asked = yield* Effect.forkChild(second.session)
      yield* pass("29 seconds")
      assert.deepStrictEqual(tiny.calls, [])
      yield* pass("2 seconds")
      yield* Fiber.join(asked)
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("pauses the logins of all programs if the new token has already expired", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: () => ({ at: morning - minutes(60), source: "jwt" }) })
      const shared = makeShared()
      const [manager, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      const failed = yield* Effect.flip(manager.session)
      assert.include(failed.message, "the broker's new tokens have already expired when they arrive")
      for (let asks = 0; asks < 10; asks++) {
        yield* Effect.result(manager.session)
        yield* Effect.result(other.session)
      }
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("logs in again after the clock was set back by a day", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny({ expiry: Expiry.after("8 hours") })
      const manager = yield* start(tiny)
      yield* manager.session
      yield* TestClock.setTime(morning - minutes(24 * 60))
      assert.strictEqual(numberOf(yield* manager.session), "2")
      yield* TestClock.setTime(morning)
      assert.strictEqual(numberOf(yield* manager.session), "3")
      assert.strictEqual(tiny.calls.length, 3)
    })
  )

  it.effect("logs in at once with a TOTP code after the clock was set back by three years", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning + minutes(3 * 365 * 24 * 60))
      const tiny = makeTiny({ codes: "totp" })
      const manager = yield* start(tiny)
      yield* manager.session
      yield* TestClock.setTime(morning)
      assert.strictEqual(numberOf(yield* manager.session), "2")
    })
  )
})

describe("sessions: SessionManager with early renewal", () => {
  it.effect("renews before the expiry, at a random time", () =>
    Effect.gen(function* () {
      const instants = new Set<number>()
      for (let program = 0; program < 10; program++) {
        yield* TestClock.setTime(morning)
        const tiny = makeTiny(lastsAnHour)
        const manager = yield* start(tiny)
        yield* manager.session
        for (let minute = 49; minute < 60 && tiny.calls.length < 2; minute += 0.25) {
          yield* TestClock.setTime(morning + minutes(minute))
          yield* manager.session
          if (tiny.calls.length === 2) instants.add(minute)
        }
      }
      const sorted = Array.from(instants).sort((one, other) => one - other)
      assert.isAtLeast(sorted[0] ?? 0, 50)
      assert.isAtMost(sorted.at(-1) ?? 60, 55.25)
      assert.isAbove(sorted.length, 3)
    })
  )

  it.effect("does not renew a session before its daily cut-off", () =>
    Effect.gen(function* () {
      const tiny = makeTiny({ early: "1 hour" })
      const manager = yield* start(tiny)
      yield* TestClock.setTime(morning)
      yield* manager.session
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 18, 29, 59))
      yield* manager.session
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("renews early only once if the new session has the same expiry", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const end = morning + minutes(60)
      const tiny = makeTiny({ expiry: () => ({ at: end, source: "jwt" }), early: "10 minutes" })
      const manager = yield* start(tiny)
      yield* manager.session
      for (let minute = 50; minute < 60; minute++) {
        yield* TestClock.setTime(morning + minutes(minute))
        yield* manager.session
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("emits RenewalFailed and returns the valid token if the early renewal fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(lastsAnHour)
      const manager = yield* start(tiny)
      yield* manager.session
      const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(manager.changes, 1)))
      yield* pass("56 minutes")
      tiny.failures.push(unavailable, unavailable)
      for (let asks = 0; asks < 100; asks++) assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login refused"])
      const [change] = yield* Fiber.join(changes)
      assert.deepInclude(change, { _tag: "RenewalFailed", live: true, account })
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "1")
      yield* pass("4 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "2")
    })
  )

  it.effect("returns the valid token after the renewalTimeout if the broker is slow", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(lastsAnHour)
      const manager = yield* start(tiny, makeShared(), { renewalTimeout: "2 seconds" })
      yield* manager.session
      yield* pass("56 minutes")
      tiny.latency = "10 seconds"
      const asked = yield* Effect.forkChild(manager.session)
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(asked)), "1")
      yield* pass("8 seconds")
      assert.strictEqual(numberOf(yield* manager.session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )
})

it.effect("SessionManager.renew replaces a rejected token even during a back-off", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny(lastsAnHour)
    const manager = yield* start(tiny)
    const rejected = yield* manager.session
    yield* pass("56 minutes")
    tiny.failures.push(unavailable)
    yield* manager.session
    assert.strictEqual(numberOf(yield* manager.renew(rejected)), "2")
  })
)

it.effect("sessions: `session` fails with ActionRequired if a person must log in", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny({ by: [] })
    const manager = yield* start(tiny)
    const failed = yield* Effect.flip(manager.session)
    assert.strictEqual(failed.reason._tag, "ActionRequired")
    assert.include(failed.message, "SessionManager.adopt")
    assert.deepStrictEqual(tiny.calls, [])
  })
)

describe("sessions: a renewal with a refresh token", () => {
  const both = { by: ["login", "refresh"], expiry: Expiry.after("1 hour") } as const

  it.effect("is followed by a login if the broker rejects the refresh token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(both)
      const manager = yield* start(tiny)
      yield* manager.session
      yield* pass("1 hour")
      yield* manager.session
      tiny.failures.push(new AuthError.SessionExpired({ why: "refresh-invalid" }))
      yield* pass("1 hour")
      assert.strictEqual(numberOf(yield* manager.session), "3")
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh 2", "refresh refused", "login 3"])
    })
  )

  it.effect("is not followed by a login if the broker does not answer", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny(both)
      const manager = yield* start(tiny)
      yield* manager.session
      tiny.failures.push(unavailable)
      yield* pass("1 hour")
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "BrokerUnavailable")
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh refused"])
    })
  )

  it.effect("is sent after a daily cut-off only if `afterCutOff` is true", () =>
    Effect.gen(function* () {
      for (const afterCutOff of [false, true]) {
        yield* TestClock.setTime(morning)
        const tiny = makeTiny({ by: ["login", "refresh"], afterCutOff })
        const manager = yield* start(tiny)
        yield* manager.session
        yield* pass("1 day")
        yield* manager.session
        assert.deepStrictEqual(tiny.calls, ["login 1", afterCutOff ? "refresh 2" : "login 2"])
      }
    })
  )

  it.effect("is not repeated if the store fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(both), makeShared()]
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      yield* manager.session
      yield* pass("1 hour")
      state.broken = true
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "Io")
      assert.isTrue(Option.isNone(yield* manager.peek))
      yield* pass("1 minute")
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "Io")
      state.broken = false
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh 2"])
    })
  )
})

it.effect("sessions: a token that a refresh has replaced is not returned, even if the store is broken", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const shared = makeShared()
    const tiny = makeTiny({ by: ["login", "refresh"], ...lastsAnHour })
    const { service, state } = breakable(shared.store)
    const manager = yield* start(tiny, { ...shared, store: service })
    yield* manager.session
    yield* pass("56 minutes")
    state.broken = true
    assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "Io")
    assert.deepStrictEqual(tiny.calls, ["login 1", "refresh 2"])
  })
)

describe("sessions: SessionManager.renew", () => {
  it.effect("fails with Io if the new session cannot be stored", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      assert.strictEqual(numberOf(yield* manager.session), "1")
      yield* pass("1 minute")
      state.broken = "session"
      assert.strictEqual(reasonOf(yield* Effect.result(manager.renew())), "Io")
      assert.strictEqual(numberOf(yield* manager.session), "1")
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.session), "1")
      state.broken = false
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      const other = yield* start(tiny, shared)
      assert.strictEqual(numberOf(yield* other.session), "2")
    })
  )

  it.effect("gets a new session even if the stored session is valid", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      yield* Effect.scoped(Effect.flatMap(start(tiny, shared), (manager) => manager.session))
      yield* pass("1 minute")
      const started = yield* start(tiny, shared)
      assert.strictEqual(numberOf(yield* started.renew()), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("gets only one new session for all callers whose token was rejected", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      tiny.latency = "10 millis"
      const manager = yield* start(tiny)
      const asked = yield* Effect.forkChild(manager.session)
      yield* pass("10 millis")
      const rejected = yield* Fiber.join(asked)
      const renewals = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 100 }, () => manager.renew(rejected)),
          { concurrency: "unbounded" }
        )
      )
      yield* pass("10 millis")
      const renewed = yield* Fiber.join(renewals)
      assert.deepStrictEqual(new Set(renewed.map(numberOf)), new Set(["2"]))
      assert.strictEqual(numberOf(yield* manager.renew(rejected)), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("stops the use of the rejected token, even if the renewal fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      const rejected = yield* manager.session
      tiny.failures.push(unavailable)
      assert.strictEqual(reasonOf(yield* Effect.result(manager.renew(rejected))), "BrokerUnavailable")
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "BrokerUnavailable")
      assert.isTrue(Option.isNone(yield* manager.peek))
    })
  )

  it.effect("returns the newer session that another program has stored", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      const rejected = yield* one.session
      yield* other.session
      yield* other.renew()
      const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(one.changes, 1)))
      yield* Effect.yieldNow
      assert.strictEqual(numberOf(yield* one.renew(rejected)), "2")
      assert.strictEqual((yield* Fiber.join(changes))[0]?._tag, "PickedUp")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("fails if the login fails, and keeps the current session", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      yield* manager.session
      tiny.failures.push(unavailable)
      assert.strictEqual(reasonOf(yield* Effect.result(manager.renew())), "BrokerUnavailable")
      assert.strictEqual(numberOf(yield* manager.session), "1")
    })
  )
})

describe("sessions: SessionManager.logout", () => {
  it.effect("ends the session at the broker and in other programs", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      const rejected = yield* other.session
      assert.deepStrictEqual(yield* one.logout, { _tag: "Revoked", account })
      for (const ask of [one.session, other.renew(rejected), other.session]) {
        const failed = yield* Effect.flip(ask)
        assert.deepInclude(failed.reason, { _tag: "SessionExpired", why: "logged-out" })
      }
      assert.isTrue(Option.isNone(yield* one.peek))
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )

  it.effect("revokes the session of a running login in the same program", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.latency = "1 second"
      const manager = yield* start(tiny, shared)
      const asked = yield* Effect.forkChild(Effect.result(manager.session))
      yield* pass("500 millis")
      yield* manager.logout
      assert.strictEqual(reasonOf(yield* Fiber.join(asked)), "SessionExpired")
      yield* pass("1 second")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
      assert.isTrue(Option.isNone(yield* manager.peek))
      const later = yield* start(makeTiny(), shared)
      assert.isTrue(Option.isNone(yield* later.peek))
    })
  )

  it.effect("revokes the session of a running login in another program", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.latency = "1 second"
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      const asked = yield* Effect.forkChild(Effect.result(one.session))
      yield* pass("500 millis")
      yield* other.logout
      yield* pass("500 millis")
      assert.strictEqual(reasonOf(yield* Fiber.join(asked)), "SessionExpired")
      assert.strictEqual(reasonOf(yield* Effect.result(one.session)), "SessionExpired")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
      assert.isTrue(Option.isNone(yield* other.peek))
    })
  )

  for (const [title, isHere] of [
    ["the same program", true],
    ["another program", false]
  ] as const) {
    it.effect(`prevents a login in ${title} if the broker rejects a running refresh`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const [tiny, shared] = [makeTiny({ ...lastsAnHour, by: ["login", "refresh"] }), makeShared()]
        const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
        yield* one.session
        yield* other.session
        tiny.latency = "1 second"
        tiny.failures.push(new AuthError.SessionExpired({ why: "refresh-invalid" }))
        const renewed = yield* Effect.forkChild(Effect.result(one.renew()))
        yield* pass("500 millis")
        yield* (isHere ? one : other).logout
        yield* pass("10 seconds")
        assert.strictEqual(reasonOf(yield* Fiber.join(renewed)), "SessionExpired")
        assert.strictEqual(reasonOf(yield* Effect.result(one.session)), "SessionExpired")
        assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1", "refresh refused"])
      })
    )
  }

  it.effect("prevents a login that waits for the next TOTP period", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny({ codes: "totp" }), makeShared()]
      const manager = yield* start(tiny, shared)
      yield* manager.session
      const renewed = yield* Effect.forkChild(Effect.result(manager.renew()))
      yield* pass("1 second")
      yield* manager.logout
      yield* pass("1 minute")
      assert.strictEqual(reasonOf(yield* Fiber.join(renewed)), "SessionExpired")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )

  it.effect("allows logins by SessionManager.renew and by programs that start later", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const manager = yield* start(tiny, shared)
      yield* manager.session
      yield* manager.logout
      const later = yield* start(tiny, shared)
      assert.strictEqual(numberOf(yield* later.session), "2")
      yield* later.logout
      assert.strictEqual(numberOf(yield* manager.renew()), "3")
      yield* pass("1 day")
      assert.strictEqual(numberOf(yield* manager.session), "4")
    })
  )

  it.effect("revokes a session that a login has stored but not yet returned", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const slow = {
        ...shared.store,
        put: (...args: Parameters<typeof shared.store.put>) =>
          args[1] === "guard" ? shared.store.put(...args) : Effect.tap(shared.store.put(...args), Effect.sleep(1000))
      }
      const manager = yield* start(tiny, { ...shared, store: slow })
      const asked = yield* Effect.forkChild(Effect.result(manager.session))
      yield* pass("500 millis")
      const loggedOut = yield* Effect.forkChild(manager.logout)
      yield* pass("10 seconds")
      yield* Fiber.join(loggedOut)
      assert.strictEqual(reasonOf(yield* Fiber.join(asked)), "SessionExpired")
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "SessionExpired")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
      assert.isTrue(Option.isNone(yield* manager.peek))
    })
  )

  it.effect("revokes the session of a running login, even if the logout is not stored", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.latency = "1 second"
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      yield* Effect.forkChild(Effect.result(manager.session))
      yield* pass("500 millis")
      state.broken = true
      assert.strictEqual(reasonOf(yield* Effect.result(manager.logout)), "Io")
      state.broken = false
      yield* pass("1 second")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
      const later = yield* start(makeTiny(), shared)
      assert.isTrue(Option.isNone(yield* later.peek))
    })
  )

  it.effect("ends the session even if the store is broken", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny(), makeShared()]
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      yield* manager.session
      state.broken = true
      assert.strictEqual(reasonOf(yield* Effect.result(manager.logout)), "Io")
      assert.strictEqual(reasonOf(yield* Effect.result(manager.session)), "SessionExpired")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )
})

describe("sessions: the check for changes by other programs", () => {
  const begin = Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const [tiny, shared] = [makeTiny(), makeShared()]
    const { service, state } = breakable(shared.store)
    const [one, other] = [yield* start(tiny, shared), yield* start(tiny, { ...shared, store: service })]
    yield* one.session
    yield* other.session
    return { one, other, state, tiny }
  })

  it.effect("finds a newer session within 30 seconds", () =>
    Effect.gen(function* () {
      const { one, other, tiny } = yield* begin
      yield* one.renew()
      yield* pass("29 seconds")
      assert.strictEqual(numberOf(yield* other.session), "1")
      yield* pass("1 second")
      assert.strictEqual(numberOf(yield* other.session), "1")
      yield* Effect.yieldNow
      assert.strictEqual(numberOf(yield* other.session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("reads the store only twice per minute", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      let reads = 0
      const watched = {
        ...shared.store,
        get: (...args: Parameters<typeof shared.store.get>) =>
          Effect.suspend(() => {
            reads += 1
            return shared.store.get(...args)
          })
      }
      const manager = yield* start(makeTiny(), { ...shared, store: watched })
      yield* manager.session
      reads = 0
      for (let second = 0; second < 120; second++) {
        yield* pass("1 second")
        yield* manager.session
        yield* manager.session
      }
      yield* Effect.yieldNow
      assert.strictEqual(reads, 4)
    })
  )

  it.effect("finds a logout within 30 seconds", () =>
    Effect.gen(function* () {
      const { one, other, tiny } = yield* begin
      const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(other.changes, 1)))
      yield* Effect.yieldNow
      yield* one.logout
      yield* pass("30 seconds")
      yield* other.session
      yield* Effect.yieldNow
      assert.deepInclude((yield* Effect.flip(other.session)).reason, { _tag: "SessionExpired", why: "logged-out" })
      assert.strictEqual((yield* Fiber.join(changes))[0]?._tag, "LoggedOut")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )

  it.effect("keeps the current session while the store cannot be read, and finds the newer session later", () =>
    Effect.gen(function* () {
      const { one, other, state } = yield* begin
      state.unreadable = true
      yield* one.renew()
      for (let minute = 0; minute < 10; minute++) {
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* other.session), "1")
        yield* Effect.yieldNow
      }
      state.unreadable = false
      yield* pass("1 minute")
      yield* other.session
      yield* Effect.yieldNow
      assert.strictEqual(numberOf(yield* other.session), "2")
    })
  )
})

describe("sessions: the loss of the lock", () => {
  const losing = Effect.fnUntraced(function* (lose: () => boolean) {
    yield* TestClock.setTime(morning)
    const [tiny, shared] = [makeTiny({ codes: "totp" }), makeShared()]
    const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))
    const lock: typeof shared.lock = {
      ...shared.lock,
      withLock: (account, use) =>
        shared.lock.withLock(account, ({ fence }) =>
          use({ fence, check: Effect.suspend(() => (lose() ? Effect.fail(lost) : Effect.void)) })
        )
    }
    const manager = yield* start(tiny, { ...shared, lock })
    yield* manager.session
    return { manager, other: yield* start(tiny, { ...shared, lock: makeShared().lock }), tiny }
  })

  it.effect("prevents a login that waits for the next TOTP period", () =>
    Effect.gen(function* () {
      let isLost = false
      const { manager, tiny } = yield* losing(() => isLost)
      const asked = yield* Effect.forkChild(Effect.result(manager.renew()))
      yield* pass("10 seconds")
      isLost = true
      yield* pass("30 seconds")
      assert.strictEqual(reasonOf(yield* Fiber.join(asked)), "LockUnavailable")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("prevents a login if the new holder of the lock has stored a session", () =>
    Effect.gen(function* () {
      let isLost = false
      const { manager, other, tiny } = yield* losing(() => isLost)
      const asked = yield* Effect.forkChild(manager.renew())
      yield* pass("10 seconds")
      isLost = true
      yield* other.adopt({ ...(yield* other.session), tokens: { access: Redacted.make("access-theirs") } })
      yield* pass("30 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(asked)), "theirs")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("does not prevent a login if this program has acquired the lock again", () =>
    Effect.gen(function* () {
      let losses = 0
      const { manager, tiny } = yield* losing(() => losses-- > 0)
      yield* pass("30 seconds")
      losses = 2
      const asked = yield* Effect.forkChild(manager.renew())
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* Fiber.join(asked)), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )
})

describe("sessions: SessionManager.adopt", () => {
  const given = Session.make({
    account,
    method: "browser",
    tokens: { access: Redacted.make("access-browser") },
    issuedAt: morning,
    expiry: Expiry.after("1 hour")
  })

  it.effect("stores the session of a browser login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [tiny, shared] = [makeTiny({ by: [] }), makeShared()]
      const manager = yield* start(tiny, shared)
      yield* manager.adopt(given)
      assert.strictEqual(numberOf(yield* manager.session), "browser")
      const later = yield* start(tiny, shared)
      assert.strictEqual(numberOf(yield* later.session), "browser")
    })
  )

  it.effect("rejects a session of another account", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      const ofAnotherAccount = { ...given, account: { ...account, id: "T2" } }
      const failed = yield* Effect.flip(manager.adopt(ofAnotherAccount))
      assert.strictEqual(failed.reason._tag, "InvalidRequest")
      assert.include(failed.message, "belongs to T2, not to T1")
    })
  )

  it.effect.each(["canary\nhalf", "canary\u200b", "canary\u00a0", "can\u00adary", "canary\u2026", "can ary"])(
    "rejects the token %j, and does not print the token",
    (text) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const manager = yield* start(makeTiny())
        for (const name of ["access", "refresh", "feed"]) {
          const tokens = { ...given.tokens, [name]: Redacted.make(text) }
          const failed = yield* Effect.flip(manager.adopt({ ...given, tokens }))
          assert.strictEqual(failed.reason._tag, "InvalidRequest")
          assert.include(failed.message, `tokens.${name}`)
          assert.notInclude(shown(failed), "can")
        }
      })
  )

  it.effect.each([Redacted.make(""), Redacted.make(" \u200b"), Redacted.make(null), null, undefined])(
    "rejects an empty or missing access token: %j",
    (access) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const manager = yield* start(makeTiny())
        const failed = yield* Effect.flip(manager.adopt({ ...given, tokens: { access: access as never } }))
        assert.strictEqual(failed.reason._tag, "InvalidRequest")
        assert.include(failed.message, "has no access token")
      })
  )

  it.effect("allows new logins after a logout", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      yield* manager.session
      yield* manager.logout
      yield* manager.adopt(given)
      assert.strictEqual(numberOf(yield* manager.session), "browser")
      yield* pass("1 hour")
      assert.strictEqual(numberOf(yield* manager.session), "2")
    })
  )
})

it.effect("the function from SessionManager.sessionPromise returns a promise of a valid session", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny({ expiry: Expiry.after("1 hour") })
    const manager = yield* start(tiny)
    const promise = yield* Effect.provideService(SessionManager.sessionPromise, SessionManager.SessionManager, manager)
    assert.strictEqual(numberOf(yield* Effect.promise(promise)), "1")
    assert.strictEqual(numberOf(yield* Effect.promise(promise)), "1")
    yield* pass("1 hour")
    assert.strictEqual(numberOf(yield* Effect.promise(promise)), "2")
  })
)

it.effect("SessionMetrics counts logins and failures, without account names", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny()
    tiny.failures.push(refused)
    const manager = yield* start(tiny)
    yield* Effect.result(manager.session)
    yield* pass("2 seconds")
    yield* manager.session
    const count = (metric: Metric.Counter<number>, attributes: Record<string, string>) =>
      Effect.map(Metric.value(Metric.withAttributes(metric, attributes)), (state) => state.count)
    assert.strictEqual(yield* count(SessionMetrics.logins, { broker: "tiny", outcome: "ok" }), 1)
    assert.strictEqual(yield* count(SessionMetrics.logins, { broker: "tiny", outcome: "InvalidCredentials" }), 1)
    assert.strictEqual(yield* count(SessionMetrics.failures, { broker: "tiny", reason: "InvalidCredentials" }), 1)
    const names = (yield* Metric.snapshot).flatMap(({ attributes }) => Object.keys(attributes ?? {}))
    assert.deepStrictEqual(Array.from(new Set(names)).sort(), ["broker", "outcome", "reason", "time_unit"])
  }).pipe(Effect.provideContext(Context.make(Metric.MetricRegistry, new Map())))
)
