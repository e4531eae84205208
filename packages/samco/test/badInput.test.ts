import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Login from "@auth/broker-core/login/Login"
import * as Profile from "@auth/broker-core/login/Profile"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import {
  namesEveryProblem,
  problemsOf as problems,
  redacted as secret,
  refusedUnsent,
  type WrongCredentials
} from "../../../tools/vitest/brokers.ts"
import { calls, credentials, demo, legacyCredentials, oauthCredentials, printed, reasonOf, session } from "./support.ts"

const refused = refusedUnsent(FakeSamco.make(), [demo.apiKey, demo.apiSecret, demo.password, demo.accessToken])

const missing = "is missing"
const empty = "is empty"
const noText = "must be text"
const plaintext =
  'looks like plain text: use the encrypted form that the dashboard issued (credentialCheck: "off" skips this check)'
const mail = "is an email address: use the client id, such as DV99999"
const needsHttps = "must be https, or http with the host 127.0.0.1: the broker accepts no other URL"

const wrongKeys: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { userId: missing, apiKey: missing, apiSecret: missing }],
  ["an empty object", {}, { userId: missing, apiKey: missing, apiSecret: missing }],
  [
    "null in every field",
    { userId: null, apiKey: null, apiSecret: secret(null) },
    { userId: missing, apiKey: missing, apiSecret: missing }
  ],
  [
    "blanks in every field",
    { userId: " ", apiKey: secret("\t"), apiSecret: secret("\u00a0\n") },
    { userId: empty, apiKey: empty, apiSecret: empty }
  ],
  [
    "numbers instead of text in every field",
    { userId: 99999, apiKey: 1, apiSecret: secret(2) },
    { userId: noText, apiKey: noText, apiSecret: noText }
  ],
  ["an email address instead of the client id", { ...credentials, userId: "demo@example.com" }, { userId: mail }],
  ["a client id with a space", { ...credentials, userId: "DV 99999" }, { userId: "has white space inside" }],
  ["a secret that is not encrypted", { ...credentials, apiSecret: secret("MyApp-Secret-1") }, { apiSecret: plaintext }],
  [
    "a long secret that is not encrypted",
    { ...credentials, apiSecret: secret("z".repeat(96)) },
    { apiSecret: plaintext }
  ],
  ["a truncated secret", { ...credentials, apiSecret: secret(demo.apiSecret.slice(0, 31)) }, { apiSecret: plaintext }],
  ["a key that is not encrypted", { ...credentials, apiKey: secret("my-app-key") }, { apiKey: plaintext }],
  [
    "a key and a secret that are not encrypted",
    { ...credentials, apiKey: secret("key"), apiSecret: secret("secret") },
    { apiKey: plaintext, apiSecret: plaintext }
  ]
]

const wrongRedirects: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { userId: missing, apiKey: missing, redirectUrl: missing }],
  [
    "an http redirect URL",
    { ...oauthCredentials, redirectUrl: "http://app.example.com/cb" },
    { redirectUrl: needsHttps }
  ],
  [
    "an http redirect URL on localhost",
    { ...oauthCredentials, redirectUrl: "http://localhost:8080/cb" },
    { redirectUrl: needsHttps }
  ],
  [
    "a redirect URL with the scheme myapp",
    { ...oauthCredentials, redirectUrl: "myapp://cb" },
    { redirectUrl: needsHttps }
  ],
  [
    "a redirect URL without a scheme",
    { ...oauthCredentials, redirectUrl: "app.example.com/cb" },
    { redirectUrl: "is not an address" }
  ],
  [
    "a redirect URL with a fragment",
    { ...oauthCredentials, redirectUrl: "https://app.example.com/#/cb" },
    { redirectUrl: "must not have a fragment: the broker could not add its parameters" }
  ],
  ["a key that is not encrypted", { ...oauthCredentials, apiKey: secret("my-app-key") }, { apiKey: plaintext }]
]

const wrongLegacy: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { userId: missing, password: missing, accessToken: missing }],
  ["a blank access token", { ...legacyCredentials, accessToken: secret(" ") }, { accessToken: empty }],
  ["a birth year of two digits", { ...legacyCredentials, yob: secret("80") }, { yob: "must be a year of four digits" }],
  [
    "a date instead of the birth year",
    { ...legacyCredentials, yob: secret("1980-01-01") },
    { yob: "must be a year of four digits" }
  ],
  ["a birth year in the future", { ...legacyCredentials, yob: secret("2088") }, { yob: "is a year in the future" }],
  ["a number instead of text for the birth year", { ...legacyCredentials, yob: 1980 }, { yob: noText }]
]

describe("the check of the credentials:", () => {
  namesEveryProblem(wrongKeys, (given) => refused(Login.session, SamcoAuth.layer({ credentials: given })))

  namesEveryProblem(
    wrongRedirects,
    (given) => refused(SamcoApi.SamcoApi, SamcoOAuth.layer({ credentials: given })),
    "a browser login with "
  )

  namesEveryProblem(
    wrongLegacy,
    (given) => refused(Login.session, SamcoLegacy.layer({ credentials: given })),
    "the legacy login with "
  )

  for (const redirectUrl of ["http://127.0.0.1/cb", "http://127.0.0.1:8976/cb", "https://localhost/cb"]) {
    it.effect(`the redirect URL ${redirectUrl} is accepted`, () =>
      Effect.gen(function* () {
        const layer = SamcoOAuth.layer({ credentials: { ...oauthCredentials, redirectUrl } })
        yield* Effect.provide(SamcoApi.SamcoApi, Layer.provide(layer, TestHttp.layerLateFetch))
      })
    )
  }

  it.effect('credentialCheck "off" accepts a plain-text key and secret', () =>
    Effect.gen(function* () {
      const account = { ...demo, apiKey: "plain-key", apiSecret: "abcdef" }
      const fake = yield* FakeSamco.make({ accounts: [account] })
      const layer = SamcoAuth.layer({
        credentials: { userId: demo.userId, apiKey: secret(account.apiKey), apiSecret: secret(account.apiSecret) },
        credentialCheck: "off"
      })
      const session = yield* Effect.provide(Login.session, Layer.provide(layer, TestHttp.layerFake(fake)))
      assert.strictEqual(session.account.id, demo.userId)
      const oauth = SamcoOAuth.layer({
        credentials: { ...oauthCredentials, apiKey: secret(account.apiKey) },
        credentialCheck: "off"
      })
      yield* Effect.provide(SamcoApi.SamcoApi, Layer.provide(oauth, TestHttp.layerFake(fake)))
    })
  )
})

describe("layerConfig", () => {
  const lacking = (layer: Layer.Layer<SamcoApi.SamcoApi, AuthError, HttpClient.HttpClient>, values: object) =>
    refused(SamcoApi.SamcoApi, Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

  it.effect("reports all missing variables of SamcoAuth", () =>
    Effect.gen(function* () {
      const error = yield* lacking(SamcoAuth.layerConfig(), { SAMCO_USER_ID: "DV99999" })
      assert.deepStrictEqual(problems(error), {
        "apiKey (SAMCO_API_KEY)": missing,
        "apiSecret (SAMCO_API_SECRET)": missing
      })
      for (const name of ["SAMCO_API_KEY", "SAMCO_API_SECRET"]) assert.include(error.message, name)
    })
  )

  it.effect("reports invalid and missing variables of SamcoAuth together", () =>
    Effect.gen(function* () {
      const values = { SAMCO_USER_ID: "demo@example.com", SAMCO_API_SECRET: "plain" }
      assert.deepStrictEqual(problems(yield* lacking(SamcoAuth.layerConfig(), values)), {
        "userId (SAMCO_USER_ID)": mail,
        "apiKey (SAMCO_API_KEY)": missing,
        "apiSecret (SAMCO_API_SECRET)": plaintext
      })
    })
  )

  it.effect("reports all missing variables of SamcoOAuth", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(problems(yield* lacking(SamcoOAuth.layerConfig(), {})), {
        "userId (SAMCO_USER_ID)": missing,
        "apiKey (SAMCO_API_KEY)": missing,
        "redirectUrl (SAMCO_REDIRECT_URL)": missing
      })
    })
  )

  it.effect("reports all missing variables of SamcoLegacy except the optional SAMCO_YOB", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(problems(yield* lacking(SamcoLegacy.layerConfig(), {})), {
        "userId (SAMCO_USER_ID)": missing,
        "password (SAMCO_PASSWORD)": missing,
        "accessToken (SAMCO_ACCESS_TOKEN)": missing
      })
    })
  )

  it.effect("accepts values with white space around them", () =>
    Effect.gen(function* () {
      const fake = yield* FakeSamco.make()
      const values = {
        SAMCO_USER_ID: " dv99999\n",
        SAMCO_API_KEY: `\t${demo.apiKey} `,
        SAMCO_API_SECRET: ` ${demo.apiSecret}\r\n`,
        SAMCO_PASSWORD: ` ${demo.password}`,
        SAMCO_ACCESS_TOKEN: `${demo.accessToken}\n`,
        SAMCO_YOB: " 1980 "
      }
      const config = ConfigProvider.layer(ConfigProvider.fromUnknown(values))
      for (const layer of [SamcoAuth.layerConfig(), SamcoLegacy.layerConfig()]) {
        const session = yield* Login.session.pipe(
          Effect.provide(layer.pipe(Layer.provide(TestHttp.layerFake(fake)), Layer.provide(config)))
        )
        assert.strictEqual(session.account.id, "DV99999")
      }
      const [direct, old] = yield* fake.journal
      assert.strictEqual(direct?.body, JSON.stringify({ apiKey: demo.apiKey, apiSecret: demo.apiSecret }))
      const { accessToken, password, userId, yob } = demo
      assert.strictEqual(old?.body, JSON.stringify({ userId, password, accessToken, yob }))
    })
  )
})

describe("calls from untyped code:", () => {
  const wrong = "is missing, blank or of the wrong type"
  type Api = SamcoApi.SamcoApi["Service"]
  const rows: ReadonlyArray<readonly [string, (api: Api) => Effect.Effect<unknown, AuthError>, ReadonlyArray<string>]> =
    [
      ["sessionToken without key and secret", (api) => api.sessionToken({} as never), ["apiKey", "apiSecret"]],
      ["sessionToken without an argument", (api) => api.sessionToken(undefined as never), ["request"]],
      [
        "sessionToken with a secret that is not Redacted",
        (api) => api.sessionToken({ ...credentials, apiSecret: "a" } as never),
        ["apiSecret"]
      ],
      ["oauthToken without a code", (api) => api.oauthToken({} as never), ["code"]],
      ["oauthToken without an argument", (api) => api.oauthToken(undefined as never), ["request"]],
      ["oauthToken with a blank code", (api) => api.oauthToken({ code: secret(" ") }), ["code"]],
      [
        "oauthRefresh with a number for the refresh token",
        (api) => api.oauthRefresh({ refresh_token: secret(7) }),
        ["refresh_token"]
      ],
      [
        "oauthRevoke with an unknown token type",
        (api) => api.oauthRevoke({ token: secret("t"), token_type: "id_token" as never }),
        ["token_type"]
      ],
      ["oauthAuthorize without an argument", (api) => api.oauthAuthorize(undefined as never), ["request"]],
      [
        "oauthAuthorize with blank fields",
        (api) => api.oauthAuthorize({ apiKey: secret(" "), redirectUrl: "", state: secret("s"), scopes: "all" }),
        ["apiKey", "redirectUrl"]
      ],
      ["generateOtp without a user id", (api) => api.generateOtp({} as never), ["uid"]],
      [
        "secretKeyGenerator with a blank one-time code",
        (api) => api.secretKeyGenerator({ uid: "DV99999", otp: secret("") }),
        ["otp"]
      ],
      ["login without a password", (api) => api.login({ userId: "DV99999" } as never), ["password"]],
      [
        "webSecretCodeValidation with a blank one-time code",
        (api) => api.webSecretCodeValidation({ otp: secret(" ") }),
        ["otp"]
      ],
      [
        "ipUpdate with a blank address",
        (api) => api.ipUpdate({ clientId: "DV99999", password: secret("p"), primaryIp: " " }),
        ["primaryIp"]
      ]
    ]
  for (const [what, call, fields] of rows) {
    it.effect(`${what} sends no request, and the error names the invalid fields`, () =>
      Effect.gen(function* () {
        const error = yield* refused(Effect.flatMap(SamcoApi.SamcoApi, call), SamcoApi.layer())
        assert.deepStrictEqual(problems(error), Object.fromEntries(fields.map((field) => [field, wrong])))
      })
    )
  }

  for (const [what, given] of [
    ["no session", undefined],
    ["an empty object as session", {}],
    ["a session without tokens", { ...session, tokens: undefined }],
    ["a session whose token is not Redacted", { ...session, tokens: { access: "text" } }]
  ] as const) {
    for (const name of ["webSecretCode", "logout", "whoami", "getLimits"] as const) {
      it.effect(`${name} with ${what} fails with SessionExpired`, () =>
        Effect.gen(function* () {
          const call = Effect.flatMap(SamcoApi.SamcoApi, (api) => Effect.asVoid(api[name](given as never)))
          const error = yield* refused(call, SamcoApi.layer())
          assert.strictEqual(reasonOf(error, "SessionExpired").why, "missing")
        })
      )
    }
  }

  it.effect("Profile.profile rejects a token with a line break, without showing the token", () =>
    Effect.gen(function* () {
      const odd = SamcoAuth.fromTokens({ userId: "DV99999", accessToken: secret("canary\nken"), issuedAt: 0 })
      const layer = SamcoAuth.layer({ credentials }).pipe(Layer.provide(TestHttp.layerLateFetch))
      const error = yield* Effect.flip(Effect.provide(Profile.profile(odd), layer))
      reasonOf(error, "InvalidRequest")
      assert.notInclude(printed(error), "canary")
    })
  )
})

it.effect("SamcoAuth.layer rejects an unknown call in the option `probe`", () =>
  Effect.gen(function* () {
    const layer = SamcoAuth.layer({ credentials, probe: "getLimit" as "getLimits" })
    const error = yield* refused(calls["sessionToken"] ?? Effect.void, layer)
    assert.deepStrictEqual(problems(error), { probe: "is not one of getLimits, whoami" })
  })
)

describe("the option origins.api", () => {
  for (const origin of ["http://api.example.com", "https://api.example.com/rest", "api.example.com", "", undefined]) {
    it.effect(`must not be ${JSON.stringify(origin)}`, () =>
      Effect.gen(function* () {
        const origins = { api: origin } as Readonly<Record<string, string>>
        const error = yield* refused(calls["sessionToken"] ?? Effect.void, SamcoAuth.layer({ credentials, origins }))
        assert.hasAllKeys(problems(error), ["origins.api"])
      })
    )
  }
})
