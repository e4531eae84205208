import { assert, it } from "@effect/vitest"
import { Login, Logout, Profile, Refresh } from "@auth/broker-core"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as AngelApi from "@auth/angel/AngelApi"
import { layer, serve } from "./support.ts"

it.effect("a program logs in, reads data, refreshes the session and logs out", () =>
  Effect.gen(function* () {
    const fake = yield* serve()
    yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4))
    yield* Effect.gen(function* () {
      const session = yield* Login.session
      assert.strictEqual(session.expiresAt, Date.UTC(2026, 10, 21, 18, 30))
      const profile = yield* Profile.profile(session)
      assert.deepStrictEqual(profile.exchanges, ["NSE", "BSE", "MCX", "CDS", "NCDEX", "NFO"])
      const api = yield* AngelApi.AngelApi
      const funds = yield* api.getRMS(session)
      assert.strictEqual(funds.net, "9999999999999")
      const renewed = yield* Refresh.refresh(session)
      const receipt = yield* Logout.logout(renewed)
      assert.strictEqual(receipt._tag, "Revoked")
    }).pipe(Effect.provide(layer()))
    assert.strictEqual((yield* fake.journal).length, 5)
  })
)
