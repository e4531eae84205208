import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { breakable, makeShared, makeTiny, morning, pass, start } from "./sessions.ts"

const network = new AuthError.BrokerUnavailable({ why: "network" })

describe("a login with stored progress", () => {
  /** Requests a session every minute for an hour. Every login and every continuation fails. */
  const poll = Effect.fnUntraced(function* (reason: AuthError.Reason) {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny()
    const calls: Array<string> = []
    const failure = Effect.fail(AuthError.make("tiny", "login", reason))
    const at = (call: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => void calls.push(`${call} ${Math.floor((now - morning) / 60_000)}`))
    const login = Effect.andThen(
      at("login"),
      Effect.andThen(LoginProgress.keep({ token: Redacted.make("step"), issuedAt: morning }), failure)
    )
    const resume = () => Effect.andThen(at("continued"), failure)
    const manager = yield* start({ ...tiny, renewal: { ...tiny.renewal, login, resume } })
    for (let minute = 0; minute < 60; minute += 1) {
      yield* Effect.exit(manager.session)
      yield* pass("1 minute")
    }
    return { calls, manager }
  })

  it.effect.each([
    [
      "PermissionDenied (waf)",
      new AuthError.PermissionDenied({ why: "waf" }),
      ["login 0", "continued 5", "continued 20"]
    ],
    [
      "PermissionDenied (ip)",
      new AuthError.PermissionDenied({ why: "ip" }),
      ["login 0", ...[1, 3, 8, 18, 28, 38, 48, 58].map((minute) => `continued ${minute}`)]
    ],
    ["SessionLimitReached", new AuthError.SessionLimitReached({}), ["login 0", "continued 5", "continued 20"]],
    // A new login follows, because the broker no longer accepts the stored progress.
    [
      "BrokerRejected",
      new AuthError.BrokerRejected({ code: "X1" }),
      ["login 0", ...[1, 3, 8, 18, 28, 38, 48, 58].flatMap((minute) => [`continued ${minute}`, `login ${minute}`])]
    ]
  ] as const)("is retried with the pauses of a new login if it fails with %s", ([, reason, expected]) =>
    Effect.gen(function* () {
      const { calls, manager } = yield* poll(reason)
      assert.deepStrictEqual(calls, [...expected])
      // `renew` ignores the pauses.
      yield* Effect.exit(manager.renew())
      assert.isAbove(calls.length, expected.length)
    })
  )

  it.effect("is not continued again after SessionExpired, even if the store is full", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const { service, state } = breakable(makeShared().store)
      let continued = 0
      const fail = (reason: AuthError.Reason) => Effect.fail(AuthError.make("tiny", "login", reason))
      const login = Effect.andThen(
        LoginProgress.keep({ token: Redacted.make("step"), issuedAt: morning }),
        fail(network)
      )
      const resume = () =>
        Effect.suspend(() => {
          continued += 1
          state.broken = true
          return fail(new AuthError.SessionExpired({ why: "invalid" }))
        })
      const renewal = { ...tiny.renewal, login, resume }
      const manager = yield* start({ ...tiny, renewal }, { ...makeShared(), store: service })
      for (let minute = 0; minute < 10; minute += 1) {
        yield* Effect.exit(manager.session)
        yield* pass("1 minute")
      }
      assert.strictEqual(continued, 1)
    })
  )

  it.effect("is continued within a minute after a network failure", () =>
    Effect.gen(function* () {
      const { calls } = yield* poll(network)
      assert.deepStrictEqual(calls, ["login 0", ...Array.from({ length: 59 }, (_, index) => `continued ${index + 1}`)])
    })
  )
})
