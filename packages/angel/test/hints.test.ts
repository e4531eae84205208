import { assert, describe, it } from "@effect/vitest"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as AngelApi from "@auth/angel/AngelApi"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { layerAnswer, loginRequest, morning, reasonOf } from "./support.ts"

// AB1050 means a wrong one-time code. But the broker often sends AB1050 for a right one-time code, for example if the
// client code is wrong.
const refusal = JSON.stringify({ status: false, message: "Invalid totp", errorcode: "AB1050", data: null })

const usual = ["WrongClientCode", "ReEnrolled", "CodeReused"]

const hintsOf = Effect.fnUntraced(function* (
  request: Partial<RequestOf<AngelApi.AngelApi, "loginByPassword">>,
  headers: HeadersInit = {}
) {
  yield* TestClock.setTime(morning)
  const login = Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword({ ...loginRequest, ...request }))
  const error = yield* Effect.flip(Effect.provide(login, layerAnswer(refusal, { headers })))
  const { hints } = reasonOf(error, "InvalidStepUpCode")
  for (const { text } of hints) {
    assert.include(error.remedy, text)
    assert.include(error.message, text)
  }
  assert.match(error.remedy, /^Use a fresh code/)
  return hints
})

const dateHeader = (secondsAhead: number) => ({ date: new Date(morning + secondsAhead * 1000).toUTCString() })

describe("hints for a refused code", () => {
  for (const [what, headers] of [
    ["without a Date header", {}],
    ["with a Date header 10 seconds ahead", dateHeader(10)],
    ["with a Date header 10 seconds behind", dateHeader(-10)],
    ["with an invalid Date header", { date: "yesterday" }],
    ["with an empty Date header", { date: "" }]
  ] as const) {
    it.effect(`an answer ${what} gives no hint about the clock`, () =>
      Effect.gen(function* () {
        const hints = yield* hintsOf({}, headers)
        assert.deepStrictEqual(
          hints.map(({ id }) => id),
          usual
        )
      })
    )
  }

  for (const [seconds, text] of [
    [45, "Your clock is 45 seconds behind the broker's: set it by NTP."],
    [-3600, "Your clock is 1 hour ahead of the broker's: set it by NTP."]
  ] as const) {
    it.effect(
      `a Date header ${Math.abs(seconds)} seconds ${seconds > 0 ? "ahead" : "behind"} gives a hint about the clock`,
      () =>
        Effect.gen(function* () {
          const hints = yield* hintsOf({}, dateHeader(seconds))
          assert.deepStrictEqual(hints[0], { id: "ClockDrift", text })
          assert.deepStrictEqual(
            hints.slice(1).map(({ id }) => id),
            usual
          )
        })
    )
  }

  it.effect("a TOTP secret in place of a code gives a hint that does not contain the secret", () =>
    Effect.gen(function* () {
      const hints = yield* hintsOf({ totp: Redacted.make("JBSWY3DPEHPK3PXP") })
      assert.deepStrictEqual(
        hints.map(({ id }) => id),
        ["SecretInsteadOfCode", ...usual]
      )
      assert.notInclude(JSON.stringify(hints), "JBSW")
    })
  )

  it.effect("an email address in place of the client code gives a hint that does not contain the address", () =>
    Effect.gen(function* () {
      const hints = yield* hintsOf({ clientcode: "demo@example.com" })
      assert.deepStrictEqual(
        hints.map(({ id }) => id),
        ["ClientCodeShape", "ReEnrolled", "CodeReused"]
      )
      assert.notInclude(JSON.stringify(hints), "demo@example.com")
    })
  )
})
