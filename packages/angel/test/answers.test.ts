import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Effect from "effect/Effect"
import { layerAnswer, loginRequest } from "./support.ts"

const login = Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword(loginRequest))

describe("answers that are no answers", () => {
  it.effect("a maintenance page of 60 kB is a typed error, not a crash", () =>
    Effect.gen(function* () {
      const page = `<html><body>${"<p>Back at seven.</p>".repeat(3_000)}</body></html>`
      const error: AuthError = yield* Effect.flip(Effect.provide(login, layerAnswer(page)))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.include(error.message, "Back at seven.")
    })
  )
})
