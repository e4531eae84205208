import { assert, describe, it } from "@effect/vitest"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { demo, layerOAuth } from "./support.ts"

describe("the address of the login page", () => {
  const pages: ReadonlyArray<readonly [string, SamcoOAuth.Options, (state: string) => string]> = [
    [
      "the documented parameter names if authorizePage is absent",
      {},
      (state) =>
        `app/oauth/authorize?api_key=${demo.apiKey}&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scopes=all`
    ],
    [
      "the scopes of the options, separated by commas",
      { scopes: ["orders", "holdings"] },
      (state) =>
        `app/oauth/authorize?api_key=${demo.apiKey}&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scopes=orders%2Choldings`
    ],
    [
      'the parameter names of the OAuth standard if authorizePage is "standard"',
      { authorizePage: "standard" },
      (state) =>
        `oauth/authorize?response_type=code&client_id=${demo.apiKey}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scope=all`
    ]
  ]
  for (const [what, options, page] of pages) {
    it.effect(`has ${what}`, () =>
      Effect.gen(function* () {
        const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
          Effect.provide(layerOAuth(options))
        )
        const state = Redacted.value(request.state)
        assert.match(state, /^[0-9a-f]{32}$/)
        assert.strictEqual(Redacted.value(request.url), `https://tradeapi.samco.in/${page(state)}`)
        assert.strictEqual(request.redirectUrl, demo.redirectUrl)
      })
    )
  }
})
