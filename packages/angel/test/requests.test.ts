import { assert, describe, it } from "@effect/vitest"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import { RedirectLogin } from "@auth/broker-core"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { credentials } from "./support.ts"

describe("the address of the publisher page", () => {
  for (const [sendRedirectUrl, more] of [
    [undefined, ""],
    ["always", "&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback"]
  ] as const) {
    it.effect(
      more === ""
        ? "has the API key and the state by default"
        : 'has the API key, the state and the redirect URL if sendRedirectUrl is "always"',
      () =>
        Effect.gen(function* () {
          const { publisherKey, redirectUrl } = FakeAngel.demoAccount
          const { clientCode } = credentials
          const options = {
            credentials: { clientCode, apiKey: Redacted.make(publisherKey), redirectUrl },
            sendRedirectUrl
          }
          const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
            Effect.provide(AngelPublisher.layer(options).pipe(Layer.provide(TestHttp.layerLateFetch)))
          )
          const state = Redacted.value(request.state)
          assert.match(state, /^[0-9a-f]{32}$/)
          const page = "https://smartapi.angelone.in/publisher-login"
          assert.strictEqual(Redacted.value(request.url), `${page}?api_key=${publisherKey}&state=${state}${more}`)
        })
    )
  }
})
