import { FakeAngel } from "@auth/angel/msw"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as SessionManager from "@auth/broker-core/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/Vault"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, morning } from "./support.ts"

/** 2026-11-24 00:00 IST. */
const midnight = Date.UTC(2026, 10, 23, 18, 30)

const begin = Effect.fnUntraced(function* (
  overrides: Partial<AngelAuth.AngelCredentials> = {},
  options: AngelAuth.Options = {}
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
  const layer = AngelAuth.layer({ ...options, credentials: { ...credentials, ...overrides } })
  const sessions = SessionManager.layer().pipe(
    Layer.provide(layer),
    Layer.provide([TestHttp.layerFake(fake), Vault.layerMemory])
  )
  const manager = yield* Effect.provide(SessionManager.SessionManager, yield* Layer.build(sessions))
  return { fake, ...manager }
})

const asked = (fake: FakeBroker.FakeBroker) =>
  Effect.map(fake.journal, (entries) => entries.map(({ endpoint }) => endpoint))

describe("a session that is kept", () => {
  it.effect("is refreshed within the day, when the broker refuses its token", () =>
    Effect.gen(function* () {
      const { fake, renew, session } = yield* begin()
      const first = yield* session
      yield* TestClock.adjust("2 hours")
      const second = yield* renew(first)
      assert.notStrictEqual(Redacted.value(second.tokens.access), Redacted.value(first.tokens.access))
      assert.deepStrictEqual([first.expiresAt, second.expiresAt], [midnight, midnight])
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "generateTokens"])
    })
  )

  it.effect("is left alone until midnight, and logs in anew after it: no refresh token outlives the day", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin()
      const first = yield* session
      yield* TestClock.setTime(midnight - 1)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(midnight)
      assert.strictEqual((yield* session).expiresAt, midnight + 86_400_000)
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "loginByPassword"])
    })
  )
})

describe("a wrong PIN", () => {
  const tries = Effect.fnUntraced(function* (options: AngelAuth.Options = {}) {
    const { fake, renew } = yield* begin({ pin: Redacted.make("0000") }, options)
    for (let attempt = 0; attempt < 5; attempt += 1) {
      yield* TestClock.adjust("10 minutes")
      yield* Effect.flip(renew())
    }
    return yield* asked(fake)
  })

  it.effect("is sent once, however often a session is asked for, whatever the budget", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* tries(), ["loginByPassword"])
      assert.deepStrictEqual(yield* tries({ renewal: { wrongAnswers: 4 } }), ["loginByPassword"])
    })
  )
})
