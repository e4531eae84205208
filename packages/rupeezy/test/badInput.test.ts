import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import type * as Session from "@auth/broker-core/login/Session"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
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
import { createSessionRequest, credentials, loginRequest, partnerCredentials, reasonOf, session } from "./support.ts"

const demo = FakeRupeezy.demoAccount

const refused = refusedUnsent(FakeRupeezy.make(), [demo.password, demo.apiKey, demo.totpSecret])

const missing = "is missing"
const empty = "is empty"
const noText = "must be text"
const spaced = "has white space inside"
const noKey = "has spaces or other characters that a key cannot have"
const names = ["clientCode", "password", "totp", "applicationId", "apiKey"]
const partnerNames = ["clientCode", "applicationId", "apiKey", "redirectUrl"]
const all = (fields: ReadonlyArray<string>, problem: string) =>
  Object.fromEntries(fields.map((field) => [field, problem]))

const wrongCredentials: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, all(names, missing)],
  ["an empty object", {}, all(names, missing)],
  [
    "null in every field",
    { clientCode: null, password: null, totp: null, applicationId: null, apiKey: null },
    all(names, missing)
  ],
  [
    "blank values in every field",
    { clientCode: " ", password: secret(""), totp: secret("\t"), applicationId: "\n", apiKey: secret(" \u00a0") },
    all(names, empty)
  ],
  [
    "numbers in place of text",
    { clientCode: 1, password: 2, totp: 3, applicationId: 4, apiKey: secret(5) },
    all(names, noText)
  ],
  [
    "an email address in place of the client code",
    { ...credentials, clientCode: "demo@example.com" },
    { clientCode: "is an email address: use the client code, such as XX9999" }
  ],
  ["a client code with a space in it", { ...credentials, clientCode: "XX 9999" }, { clientCode: spaced }],
  [
    "a client code with a quotation mark",
    { ...credentials, clientCode: 'XX"9999' },
    { clientCode: "has characters other than letters and digits" }
  ],
  ["an application id on two lines", { ...credentials, applicationId: "dev\n1234" }, { applicationId: spaced }],
  ["an API key on two lines", { ...credentials, apiKey: secret(`${demo.apiKey}\nX-Other: 1`) }, { apiKey: noKey }],
  [
    "an API key with a character that is invalid in a header",
    { ...credentials, apiKey: secret("key\u20ac") },
    { apiKey: noKey }
  ],
  [
    "a one-time code in place of the TOTP secret",
    { ...credentials, totp: secret("018949") },
    { totp: "is too short for a TOTP secret: use the secret in the QR code, not a code from the app" }
  ],
  [
    "a TOTP secret that is not base32",
    { ...credentials, totp: secret("JBSW!3DPEHPK3PXP") },
    { totp: "is not base32, which has only the letters A to Z and the digits 2 to 7" }
  ],
  ["a blank code in CodeSource.fixed", { ...credentials, totp: CodeSource.fixed(secret(" ")) }, { totp: empty }]
]

const wrongPartners: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, all(partnerNames, missing)],
  ["an empty object", {}, all(partnerNames, missing)],
  [
    "numbers in place of text",
    { clientCode: 1, applicationId: 2, apiKey: 3, redirectUrl: 4 },
    all(partnerNames, noText)
  ],
  [
    "an invalid callback URL",
    { ...partnerCredentials, redirectUrl: "app.example.com" },
    { redirectUrl: "is not an address" }
  ]
]

describe("invalid credentials:", () => {
  namesEveryProblem(wrongCredentials, (given) => refused(Login.session, RupeezyAuth.layer({ credentials: given })))

  namesEveryProblem(
    wrongPartners,
    (given) => refused(RupeezyApi.RupeezyApi, RupeezyPartner.layer({ credentials: given })),
    "a browser login with "
  )

  for (const [what, given] of [
    ["undefined in place of options", undefined],
    ["options without an API key", {}],
    ["a blank API key", { apiKey: secret(" ") }],
    ["an API key that is not Redacted", { apiKey: 7 }]
  ] as const) {
    it.effect(`RupeezyApi.layer rejects ${what}`, () =>
      Effect.gen(function* () {
        const layer = RupeezyApi.layer(given as unknown as RupeezyApi.Options)
        assert.hasAllKeys(problems(yield* refused(RupeezyApi.RupeezyApi, layer)), ["apiKey"])
      })
    )
  }
})

describe("layerConfig", () => {
  const lacking = (layer: Layer.Layer<RupeezyApi.RupeezyApi, AuthError, HttpClient.HttpClient>, values: object) =>
    refused(RupeezyApi.RupeezyApi, Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

  it.effect("names all five missing variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* lacking(RupeezyAuth.layerConfig(), {})
      assert.deepStrictEqual(problems(error), {
        "clientCode (RUPEEZY_CLIENT_CODE)": missing,
        "password (RUPEEZY_PASSWORD)": missing,
        "totp (RUPEEZY_TOTP_SECRET)": missing,
        "applicationId (RUPEEZY_APPLICATION_ID)": missing,
        "apiKey (RUPEEZY_API_KEY)": missing
      })
    })
  )

  it.effect("names invalid and missing variables in one error", () =>
    Effect.gen(function* () {
      const values = { RUPEEZY_CLIENT_CODE: "XX9999", RUPEEZY_API_KEY: "a b", RUPEEZY_REDIRECT_URL: "callback" }
      assert.deepStrictEqual(problems(yield* lacking(RupeezyPartner.layerConfig(), values)), {
        "applicationId (RUPEEZY_APPLICATION_ID)": missing,
        "apiKey (RUPEEZY_API_KEY)": noKey,
        "redirectUrl (RUPEEZY_REDIRECT_URL)": "is not an address"
      })
    })
  )

  it.effect("accepts values with surrounding white space", () =>
    Effect.gen(function* () {
      const fake = yield* FakeRupeezy.make()
      const values = {
        RUPEEZY_CLIENT_CODE: " XX9999\n",
        RUPEEZY_PASSWORD: `\t${demo.password} `,
        RUPEEZY_TOTP_SECRET: " jbsw y3dp-ehpk 3pxp jbswy3dpehpk3pxp== ",
        RUPEEZY_APPLICATION_ID: "dev_1234 ",
        RUPEEZY_API_KEY: ` ${demo.apiKey}\r\n`
      }
      const environment = ConfigProvider.layer(ConfigProvider.fromUnknown(values))
      const own = yield* Login.session.pipe(
        Effect.provide(RupeezyAuth.layerConfig().pipe(Layer.provide([TestHttp.layerFake(fake), environment])))
      )
      assert.strictEqual(own.account.id, "XX9999")
      const [login] = yield* fake.journal
      assert.strictEqual(login?.headers["x-api-key"], demo.apiKey)
      assert.include(login?.body, `"client_code":"XX9999","password":"${demo.password}"`)
    })
  )
})

describe("an invalid option:", () => {
  for (const dailyEnd of ["25:00", "8am", "08:60", "", 800] as const) {
    it.effect(`dailyEnd ${JSON.stringify(dailyEnd)} is rejected when the layer is built`, () =>
      Effect.gen(function* () {
        const options = { dailyEnd: dailyEnd as "08:00" }
        for (const layer of [
          RupeezyAuth.layer({ ...options, credentials }),
          RupeezyPartner.layer({ ...options, credentials: partnerCredentials })
        ]) {
          const error = yield* refused(RupeezyApi.RupeezyApi, layer)
          assert.deepStrictEqual(problems(error), { dailyEnd: "is not a time such as 08:00" })
        }
      })
    )
  }
})

describe("an option with an unknown value", () => {
  for (const [options, expected] of [
    [{ probe: "fund" }, { probe: "is not one of funds, banks, profile" }],
    [{ state: "require" }, { state: "is not one of optional, required, not-sent" }],
    [{ state: null }, { state: "is not one of optional, required, not-sent" }]
  ] as const) {
    it.effect(`is rejected when the layer is built: ${JSON.stringify(options)}`, () =>
      Effect.gen(function* () {
        const layer = RupeezyPartner.layer({ ...(options as object), credentials: partnerCredentials })
        assert.deepStrictEqual(problems(yield* refused(RupeezyApi.RupeezyApi, layer)), expected)
      })
    )
  }
})

describe("a login with an invalid one-time code", () => {
  for (const [what, code, expected] of [
    ["has five digits", CodeSource.fixed(secret("12345")), "is not 6 digits"],
    ["has a letter", CodeSource.fixed(secret("12345a")), "is not 6 digits"],
    [
      "is the TOTP secret",
      CodeSource.fixed(secret(demo.totpSecret)),
      "looks like the TOTP secret: pass the secret to CodeSource.totp, which makes the codes"
    ],
    ["is empty text from an effect", CodeSource.fromEffect(() => Effect.succeed(secret(""))), "is not 6 digits"],
    [
      "is plain text from an untyped effect",
      CodeSource.fromEffect(() => Effect.succeed("12345" as never)),
      "must be Redacted text"
    ]
  ] as const) {
    it.effect(`sends no request if the code ${what}`, () =>
      Effect.gen(function* () {
        const layer = RupeezyAuth.layer({ credentials: { ...credentials, totp: code } })
        assert.deepStrictEqual(problems(yield* refused(Login.session, layer)), { totp: expected })
      })
    )
  }
})

describe("invalid calls send no request:", () => {
  const wrong = "is missing, blank or of the wrong type"
  const logins: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
    ["no argument", undefined, ["request"]],
    ["an empty object", {}, ["client_code", "password", "totp", "application_id"]],
    ["plain text in place of secrets", { ...loginRequest, password: "demo", totp: "123456" }, ["password", "totp"]],
    ["a blank password", { ...loginRequest, password: secret(" ") }, ["password"]],
    ["a number in place of the application id", { ...loginRequest, application_id: 1234 }, ["application_id"]]
  ]
  const exchanges: typeof logins = [
    ["no argument", undefined, ["request"]],
    ["an empty object", {}, ["checksum", "applicationId", "token"]],
    [
      "plain text in place of secrets",
      { ...createSessionRequest, token: "auth", checksum: "c" },
      ["checksum", "token"]
    ],
    [
      "application_id in place of applicationId",
      { ...createSessionRequest, applicationId: undefined, application_id: "x" },
      ["applicationId"]
    ]
  ]
  const table = [
    ...logins.map(([what, request, fields]) => ["login", what, request, fields] as const),
    ...exchanges.map(([what, request, fields]) => ["createSession", what, request, fields] as const)
  ]
  for (const [name, what, request, fields] of table) {
    it.effect(`${name} with ${what} names the invalid fields in one error`, () =>
      Effect.gen(function* () {
        const call = Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api[name](request as never))
        const error = yield* refused(call, RupeezyApi.layer({ apiKey: credentials.apiKey }))
        assert.deepStrictEqual(problems(error), all(fields, wrong))
      })
    )
  }

  for (const [what, given] of [
    ["no session", undefined],
    ["an empty object as the session", {}],
    ["a session without tokens", { ...session, tokens: undefined }],
    ["a session whose token is plain text", { ...session, tokens: { access: "text" } }]
  ] as const) {
    for (const name of ["deleteSession", "getFunds", "getBanks", "getBrokerage", "getProfile"] as const) {
      it.effect(`${name} with ${what} fails with SessionExpired`, () =>
        Effect.gen(function* () {
          const call = Effect.flatMap(RupeezyApi.RupeezyApi, (api) =>
            Effect.asVoid<unknown, AuthError, never>(api[name](given as unknown as Session.Authorized))
          )
          const error = yield* refused(call, RupeezyApi.layer({ apiKey: credentials.apiKey }))
          assert.strictEqual(reasonOf(error, "SessionExpired").why, "missing")
        })
      )
    }
  }

  it.effect("Profile.profile and Logout.logout fail with SessionExpired if the session is an empty object", () =>
    Effect.gen(function* () {
      const layer = RupeezyAuth.layer({ credentials })
      const profile = yield* refused(Profile.profile({} as never), layer)
      assert.strictEqual(reasonOf(profile, "SessionExpired").why, "missing")
      const logout = yield* refused(Logout.logout({} as never), layer)
      assert.strictEqual(reasonOf(logout, "SessionExpired").why, "missing")
    })
  )
})
