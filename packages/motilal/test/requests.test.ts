import { assert, describe, it } from "@effect/vitest"
import { Login, Profile, RedirectLogin } from "@auth/broker-core"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { manifestOf } from "../../../tools/docs/wiring.ts"
import { credentials, hash, layer, layerApi, serve, session } from "./support.ts"

describe("requests:", () => {
  it.effect("a login sends SHA-256(password + API key), and never the password", () =>
    Effect.gen(function* () {
      // The expected hash was computed with sha256sum. The sample hash in Motilal's documentation is wrong.
      const sample = yield* MotilalApi.passwordHash(Redacted.make("abc"), Redacted.make("123"))
      assert.strictEqual(Redacted.value(sample), "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090")
      const fake = yield* serve()
      yield* Effect.provide(Login.session, layer())
      const [login] = yield* fake.journal
      assert.include(login?.body, `"password":"${hash}"`)
      for (const { body, headers } of yield* fake.journal)
        assert.notInclude(JSON.stringify([body, headers]), "demo-password")
    })
  )

  it.effect("by default, the header `productversion` is the version of the package", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.provide(Login.session, layer())
      const [login] = yield* fake.journal
      assert.strictEqual(login?.headers["productversion"], manifestOf("motilal").version)
    })
  )

  it.effect("a login calls `getaccesstoken` only in generation v7", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.provide(Login.session, layer())
      for (const generation of ["v4", "v3"] as const) {
        yield* TestClock.adjust("31 seconds")
        yield* Effect.provide(Login.session, layer({}, { generation }))
      }
      const asked = (yield* fake.journal).map(({ url }) => new URL(url).pathname)
      assert.deepStrictEqual(asked, [
        "/rest/login/v7/authdirectapi",
        "/rest/login/v1/getaccesstoken",
        "/rest/login/v4/authdirectapi",
        "/rest/login/v3/authdirectapi"
      ])
    })
  )

  it.effect("a login does not send the tokens of an earlier session", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        yield* Profile.profile(yield* Login.session)
        yield* TestClock.adjust("30 seconds")
        yield* Login.session
      }).pipe(Effect.provide(layer()))
      const logins = (yield* fake.journal).filter(({ endpoint }) => endpoint === "authdirectapi")
      assert.deepStrictEqual(
        logins.map(({ status }) => status),
        [200, 200]
      )
      for (const { headers } of logins)
        assert.deepStrictEqual([headers["authorization"], headers["accesstoken"]], ["", ""])
    })
  )

  it.effect("`tradeSocket` returns a URL on the API's host and a message with the login token", () =>
    Effect.gen(function* () {
      const api = yield* MotilalApi.MotilalApi
      const { firstMessage, url } = api.tradeSocket(session)
      assert.strictEqual(url, "wss://openapi.motilaloswaluat.com/ws")
      assert.strictEqual(
        Redacted.value(firstMessage),
        `{"clientid":"AA017","authtoken":"login-of-a-test_M","apikey":"demoMotilalKey1"}`
      )
    }).pipe(Effect.provide(layerApi({ environment: "uat" })))
  )

  for (const [environment, origin] of [
    ["production", "https://invest.motilaloswal.com"],
    ["uat", "https://uattrade.motilaloswaluat.com"]
  ] as const) {
    it.effect(`the login URL of ${environment} contains the API key and the state`, () =>
      Effect.gen(function* () {
        const { apiKey, apiSecret, userId } = credentials
        const options = {
          credentials: { userId, apiKey, apiSecret, redirectUrl: "https://app.example.com/callback" },
          environment
        }
        const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
          Effect.provide(MotilalPortal.layer(options).pipe(Layer.provide(TestHttp.layerLateFetch)))
        )
        const state = Redacted.value(request.state)
        assert.match(state, /^[0-9a-f]{32}$/)
        const page = `${origin}/OpenAPI/Login.aspx`
        assert.strictEqual(Redacted.value(request.url), `${page}?apikey=demoMotilalKey1&state=${state}`)
      })
    )
  }
})
