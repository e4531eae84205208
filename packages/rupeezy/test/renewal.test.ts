import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials } from "./support.ts"

/** 2026-11-23 09:30:01 IST. */
const morning = Date.UTC(2026, 10, 23, 4, 0, 1)

const begin = Effect.fnUntraced(function* (options: RupeezyAuth.Options = {}, password = credentials.password) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeRupeezy.make()
  const sessions = SessionManager.layer().pipe(
    Layer.provide(RupeezyAuth.layer({ ...options, credentials: { ...credentials, password } })),
    Layer.provide([TestHttp.layerFake(fake), Vault.layerMemory])
  )
  const manager = yield* Effect.provide(SessionManager.SessionManager, yield* Layer.build(sessions))
  return { fake, ...manager }
})

const logins = (fake: FakeBroker.FakeBroker) => Effect.map(fake.journal, (entries) => entries.length)

describe("the session manager", () => {
  it.effect("logs in again exactly at the token's exp", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin()
      const first = yield* session
      assert.strictEqual(first.expirySource, "jwt")
      const end = first.expiresAt ?? 0
      yield* TestClock.setTime(end - 1)
      assert.strictEqual(yield* session, first)
      assert.strictEqual(yield* logins(fake), 1)
      yield* TestClock.setTime(end)
      assert.isAbove((yield* session).expiresAt ?? 0, end)
      assert.strictEqual(yield* logins(fake), 2)
    })
  )

  it.effect("logs in again before the session expires if renewal.early is set", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin({ renewal: { early: "10 minutes" } })
      const first = yield* session
      yield* TestClock.setTime((first.expiresAt ?? 0) - 60_000)
      assert.isAbove((yield* session).expiresAt ?? 0, first.expiresAt ?? 0)
      assert.strictEqual(yield* logins(fake), 2)
    })
  )

  it.effect("sends a wrong password only once in five renewals", () =>
    Effect.gen(function* () {
      const { fake, renew } = yield* begin({}, Redacted.make("wrong"))
      for (let attempt = 0; attempt < 5; attempt += 1) {
        yield* TestClock.adjust("10 minutes")
        yield* Effect.flip(renew())
      }
      assert.strictEqual(yield* logins(fake), 1)
    })
  )
})
