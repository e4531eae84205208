import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import {
  namesEveryProblem,
  problemsOf as problems,
  redacted as secret,
  refusedUnsent,
  type WrongCredentials
} from "../../../tools/vitest/brokers.ts"
import { credentials, demo, reasonOf, session } from "./support.ts"

const refused = refusedUnsent(FakeZerodha.make(), [demo.apiKey, demo.apiSecret])

const missing = "is missing"
const noText = "must be text"
const characters = "has characters other than letters and digits"
const needsHttps = "must be https, or http with the host 127.0.0.1 or localhost: the broker accepts no other URL"

const wrong: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { userId: missing, apiKey: missing, apiSecret: missing, redirectUrl: missing }],
  [
    "numbers instead of text in every field",
    { userId: 1, apiKey: 2, apiSecret: secret(3), redirectUrl: 4 },
    { userId: noText, apiKey: noText, apiSecret: noText, redirectUrl: noText }
  ],
  [
    "an email address in place of the user id",
    { ...credentials, userId: "demo@example.com" },
    { userId: "is an email address: use the client id" }
  ],
  ["an API key with a colon", { ...credentials, apiKey: secret("key:token") }, { apiKey: characters }],
  ["an API key with a line break inside", { ...credentials, apiKey: secret("fake\nkey") }, { apiKey: characters }],
  [
    "an http redirect URL with a public host",
    { ...credentials, redirectUrl: "http://app.example.com/cb" },
    { redirectUrl: needsHttps }
  ],
  ["a redirect URL with the scheme myapp", { ...credentials, redirectUrl: "myapp://cb" }, { redirectUrl: needsHttps }],
  [
    "a redirect URL without a scheme",
    { ...credentials, redirectUrl: "app.example.com/cb" },
    { redirectUrl: "is not an address" }
  ],
  [
    "a redirect URL with a fragment",
    { ...credentials, redirectUrl: "https://app.example.com/#/cb" },
    { redirectUrl: "must not have a fragment: the broker could not add its parameters" }
  ]
]

describe("the check of the credentials:", () => {
  for (const [name, { layer }] of Object.entries({ ZerodhaAuth, ZerodhaPlatform })) {
    namesEveryProblem(
      wrong,
      (given) => refused(RedirectLogin.RedirectLogin, layer({ credentials: given })),
      `${name} with `
    )
  }

  for (const redirectUrl of ["http://127.0.0.1:8976/cb", "http://localhost/cb", "https://app.example.com/cb?a=b"]) {
    it.effect(`the redirect URL ${redirectUrl} is accepted`, () =>
      Effect.gen(function* () {
        const layer = ZerodhaAuth.layer({ credentials: { ...credentials, redirectUrl } })
        yield* Effect.provide(ZerodhaApi.ZerodhaApi, Layer.provide(layer, TestHttp.layerLateFetch))
      })
    )
  }

  it.effect("ZerodhaApi.layer rejects a blank API key", () =>
    Effect.gen(function* () {
      const error = yield* refused(ZerodhaApi.ZerodhaApi, ZerodhaApi.layer({ apiKey: secret(" ") }))
      assert.deepStrictEqual(problems(error), { apiKey: "is empty" })
    })
  )
})

describe("layerConfig", () => {
  const configured = (values: object) =>
    Layer.provide(ZerodhaAuth.layerConfig(), ConfigProvider.layer(ConfigProvider.fromUnknown(values)))

  it.effect("names all missing variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* refused(ZerodhaApi.ZerodhaApi, configured({ ZERODHA_USER_ID: "ZZ0001" }))
      assert.deepStrictEqual(problems(error), {
        "apiKey (ZERODHA_API_KEY)": missing,
        "apiSecret (ZERODHA_API_SECRET)": missing,
        "redirectUrl (ZERODHA_REDIRECT_URL)": missing
      })
    })
  )

  it.effect("accepts values with surrounding white space", () =>
    Effect.gen(function* () {
      const values = {
        ZERODHA_USER_ID: " zz0001\n",
        ZERODHA_API_KEY: `\t${demo.apiKey} `,
        ZERODHA_API_SECRET: ` ${demo.apiSecret}\r\n`,
        ZERODHA_REDIRECT_URL: ` ${demo.redirectUrl} `
      }
      const layer = Layer.provide(configured(values), TestHttp.layerLateFetch)
      const { url } = yield* Effect.provide(
        Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin),
        layer
      )
      assert.include(Redacted.value(url), `api_key=${demo.apiKey}&`)
    })
  )
})

describe("ZerodhaApi sends no call with invalid arguments:", () => {
  const kind = "is missing, blank or of the wrong type"
  type Api = ZerodhaApi.ZerodhaApi["Service"]
  const api = ZerodhaApi.layer({ apiKey: credentials.apiKey })
  const rows: ReadonlyArray<readonly [string, (api: Api) => Effect.Effect<unknown, AuthError>, ReadonlyArray<string>]> =
    [
      ["a token exchange with an empty object", (api) => api.sessionToken({} as never), ["request_token", "checksum"]],
      ["a token exchange without an argument", (api) => api.sessionToken(undefined as never), ["request"]],
      [
        "a token exchange with a request token that is not Redacted",
        (api) => api.sessionToken({ request_token: "a", checksum: secret("b") } as never),
        ["request_token"]
      ],
      [
        "a refresh with a blank refresh token",
        (api) => api.refreshToken({ refresh_token: secret(" "), checksum: secret("b") }),
        ["refresh_token"]
      ],
      ["a logout without a token", (api) => api.deleteSession({} as never, session), ["access_token"]]
    ]
  for (const [what, call, fields] of rows) {
    it.effect(`${what}: the error names each invalid field`, () =>
      Effect.gen(function* () {
        const error = yield* refused(Effect.flatMap(ZerodhaApi.ZerodhaApi, call), api)
        assert.deepStrictEqual(problems(error), Object.fromEntries(fields.map((field) => [field, kind])))
      })
    )
  }

  it.effect("a request token with half a surrogate pair is rejected", () =>
    Effect.gen(function* () {
      const request = { request_token: secret("\ud83d"), checksum: secret("b") }
      const call = Effect.flatMap(ZerodhaApi.ZerodhaApi, (api) => api.sessionToken(request))
      assert.hasAllKeys(problems(yield* refused(call, api)), ["request_token"])
    })
  )

  it.effect("a call without a valid session fails with SessionExpired", () =>
    Effect.gen(function* () {
      for (const given of [undefined, {}, { ...session, tokens: { access: "text" } }]) {
        const call = Effect.flatMap(ZerodhaApi.ZerodhaApi, (api) => api.getProfile(given as never))
        assert.strictEqual(reasonOf(yield* refused(call, api), "SessionExpired").why, "missing")
      }
    })
  )
})
