import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Login from "@auth/broker-core/login/Login"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { demo, problems, refused, told } from "./refusing.ts"
import { calls, credentials } from "./support.ts"

const { empty, mail, missing, needsHost } = told

describe("layerConfig", () => {
  const lacking = (layer: Layer.Layer<AngelApi.AngelApi, AuthError, HttpClient.HttpClient>, values: object) =>
    refused(AngelApi.AngelApi, Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

  it.effect("names all three missing variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* lacking(AngelAuth.layerConfig(), { ANGEL_CLIENT_CODE: "A123456" })
      assert.deepStrictEqual(problems(error), {
        "pin (ANGEL_PIN)": missing,
        "apiKey (ANGEL_API_KEY)": missing,
        "totp (ANGEL_TOTP_SECRET)": missing
      })
      for (const name of ["ANGEL_PIN", "ANGEL_API_KEY", "ANGEL_TOTP_SECRET"]) assert.include(error.message, name)
    })
  )

  it.effect("names invalid and missing variables in one error", () =>
    Effect.gen(function* () {
      const values = { ANGEL_CLIENT_CODE: "demo@example.com", ANGEL_PIN: " ", ANGEL_API_KEY: demo.apiKey }
      assert.deepStrictEqual(problems(yield* lacking(AngelAuth.layerConfig(), values)), {
        "clientCode (ANGEL_CLIENT_CODE)": mail,
        "pin (ANGEL_PIN)": empty,
        "totp (ANGEL_TOTP_SECRET)": missing
      })
    })
  )

  it.effect("of AngelPublisher names missing and invalid variables in one error", () =>
    Effect.gen(function* () {
      const values = { ANGEL_CLIENT_CODE: "A123456", ANGEL_REDIRECT_URL: "http://localhost" }
      assert.deepStrictEqual(problems(yield* lacking(AngelPublisher.layerConfig(), values)), {
        "apiKey (ANGEL_API_KEY)": missing,
        "redirectUrl (ANGEL_REDIRECT_URL)": needsHost
      })
    })
  )

  it.effect("accepts values with surrounding white space", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      const values = {
        ANGEL_CLIENT_CODE: " a123456\n",
        ANGEL_PIN: `\t${demo.pin} `,
        ANGEL_API_KEY: ` ${demo.apiKey}\r\n`,
        ANGEL_TOTP_SECRET: " jbsw y3dp-ehpk 3pxp jbswy3dpehpk3pxp== "
      }
      const session = yield* Login.session.pipe(
        Effect.provide(
          AngelAuth.layerConfig().pipe(
            Layer.provide(TestHttp.layerFake(fake)),
            Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(values)))
          )
        )
      )
      assert.strictEqual(session.account.id, "A123456")
      const [login] = yield* fake.journal
      assert.strictEqual(login?.headers["x-privatekey"], demo.apiKey)
      assert.include(login?.body, `"clientcode":"A123456","password":"${demo.pin}"`)
    })
  )
})

describe("the option origins.api", () => {
  const noOrigin =
    "must be the text of an origin, such as https://api.example.com, without a default port (443 or 80), a path or a slash at the end"
  const clear = 'must be https, because http does not encrypt credentials (insecureHttp: "allow" permits http)'
  for (const [origin, expected] of [
    ["http://api.example.com", clear],
    ["http://127.0.0.1.example.com", clear],
    ["http://192.168.1.7:8080", clear],
    ["https://api.example.com/rest", noOrigin],
    ["https://api.example.com/", noOrigin],
    ["https://api.example.com:443", noOrigin],
    ["https://user:word@api.example.com", noOrigin],
    ["api.example.com", noOrigin],
    ["", noOrigin],
    [undefined, noOrigin],
    [8080, noOrigin],
    [new URL("https://api.example.com"), noOrigin],
    ["http://127.0.0.1:80", noOrigin]
  ] as const) {
    it.effect(`must not be ${origin instanceof URL ? "new URL(...)" : JSON.stringify(origin)}`, () =>
      Effect.gen(function* () {
        const origins = { api: origin } as Readonly<Record<string, string>>
        const error = yield* refused(calls["loginByPassword"] ?? Effect.void, AngelAuth.layer({ credentials, origins }))
        assert.deepStrictEqual(problems(error), { "origins.api": expected })
      })
    )
  }

  for (const origin of [
    "http://127.0.0.1:4010",
    "http://localhost:4010",
    "http://[::1]:4010",
    "https://api.example.com"
  ]) {
    it.effect(`can be ${JSON.stringify(origin)}`, () =>
      Effect.gen(function* () {
        const layer = AngelAuth.layer({ credentials, origins: { api: origin } })
        const api = yield* Effect.provide(AngelApi.AngelApi, Layer.provide(layer, TestHttp.layerLateFetch))
        assert.strictEqual(api.origins["api"], origin)
      })
    )
  }
})
