import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { AuthError, Problem } from "@auth/broker-core/AuthError"
import * as CodeSource from "@auth/broker-core/CodeSource"
import * as Login from "@auth/broker-core/Login"
import { TestHttp } from "@auth/broker-core/testing"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { calls, credentials, loginRequest, printed, reasonOf, session } from "./support.ts"

const secret = (value: unknown) => Redacted.make(value as string)
const demo = FakeAngel.demoAccount

const publisher = {
  clientCode: demo.clientCode,
  apiKey: secret(demo.publisherKey),
  redirectUrl: demo.redirectUrl
}

/** The error of an effect that must fail before anything is sent, and shows none of the demo account's secrets. */
const refused = <A, R>(
  effect: Effect.Effect<A, AuthError, R>,
  layer: Layer.Layer<R, AuthError, HttpClient.HttpClient>
) =>
  Effect.gen(function* () {
    const fake = yield* FakeAngel.make()
    const error = yield* Effect.flip(Effect.provide(effect, Layer.provide(layer, TestHttp.layerFake(fake))))
    assert.deepStrictEqual(yield* fake.journal, [])
    assert.isNotEmpty(error.remedy)
    const shown = printed(error)
    for (const value of [demo.pin, demo.apiKey, demo.publisherKey, demo.totpSecret]) assert.notInclude(shown, value)
    return error
  })

const problems = (error: AuthError): Readonly<Record<string, string>> =>
  Object.fromEntries(reasonOf(error, "InvalidRequest").problems.map(({ field, problem }: Problem) => [field, problem]))

const missing = "is missing"
const empty = "is empty"
const noText = "must be text"
const noRedacted = "must be Redacted text"
const mail = "is an e-mail address: give the client code, such as A123456"
const notBase32 = "is not base32: only the letters A to Z and the digits 2 to 7 occur in one"
const pasted = "is too short for a TOTP secret: give the secret behind the QR code, not a code from the app"
const needsHost = "must be https with a host name: the broker refuses http, localhost and bare IP addresses"

type Row = readonly [what: string, given: unknown, problems: Readonly<Record<string, string>>]

const wrongCredentials: ReadonlyArray<Row> = [
  ["nothing at all", undefined, { clientCode: missing, pin: missing, apiKey: missing, totpSecret: missing }],
  ["no field", {}, { clientCode: missing, pin: missing, apiKey: missing, totpSecret: missing }],
  [
    "null in every field",
    { clientCode: null, pin: null, apiKey: null, totp: null },
    { clientCode: missing, pin: missing, apiKey: missing, totpSecret: missing }
  ],
  [
    "blanks in every field",
    { clientCode: " ", pin: secret(""), apiKey: secret("\n"), totp: secret("\t \u00a0") },
    { clientCode: empty, pin: empty, apiKey: empty, totpSecret: empty }
  ],
  [
    "numbers from a program without types",
    { clientCode: 123456, pin: 4711, apiKey: secret(1), totp: 123456 },
    { clientCode: noText, pin: noText, apiKey: noText, totpSecret: noText }
  ],
  ["secrets that hold undefined", { ...credentials, pin: secret(undefined) }, { pin: missing }],
  ["an e-mail address for the client code", { ...credentials, clientCode: "demo@example.com" }, { clientCode: mail }],
  [
    "a client code with a blank in it",
    { ...credentials, clientCode: "A12 3456" },
    { clientCode: "has characters other than letters and digits" }
  ],
  ["a secret that is not base32", { ...credentials, totp: secret("JBSW!3DPEHPK3PXP") }, { totpSecret: notBase32 }],
  ["a code of letters' digits for the secret", { ...credentials, totp: secret("234567") }, { totpSecret: pasted }],
  ["a code for the secret", { ...credentials, totp: secret("018949") }, { totpSecret: pasted }],
  [
    "a QR address without a secret",
    { ...credentials, totp: secret("otpauth://totp/Angel?issuer=Angel") },
    {
      totpSecret: "has no secret in it: give the whole address behind the QR code"
    }
  ],
  ["a blank fixed code", { ...credentials, totp: CodeSource.fixed(secret(" ")) }, { totpSecret: empty }],
  [
    "a blank fixed code and a blank PIN",
    { ...credentials, pin: secret(""), totp: CodeSource.fixed(secret("")) },
    { pin: empty, totpSecret: empty }
  ],
  [
    "an API key with a sign that no header can carry",
    { ...credentials, apiKey: secret(`${demo.apiKey}\u200b`) },
    { apiKey: "has characters that no API key has" }
  ],
  [
    "an API key on two lines",
    { ...credentials, apiKey: secret(`${demo.apiKey}\nX-Other: 1`) },
    { apiKey: "has characters that no API key has" }
  ]
]

const wrongRedirects: ReadonlyArray<Row> = [
  ["nothing at all", undefined, { clientCode: missing, apiKey: missing, redirectUrl: missing }],
  ["plain http", { ...publisher, redirectUrl: "http://app.example.com/callback" }, { redirectUrl: needsHost }],
  ["localhost", { ...publisher, redirectUrl: "https://localhost/callback" }, { redirectUrl: needsHost }],
  ["localhost with a port", { ...publisher, redirectUrl: "https://LOCALHOST:8443/" }, { redirectUrl: needsHost }],
  ["a bare IP address", { ...publisher, redirectUrl: "https://203.0.113.7/callback" }, { redirectUrl: needsHost }],
  ["a bare IP address in hexadecimal", { ...publisher, redirectUrl: "https://0x7f.1/" }, { redirectUrl: needsHost }],
  ["a bare IPv6 address", { ...publisher, redirectUrl: "https://[::1]:8443/cb" }, { redirectUrl: needsHost }],
  ["another scheme", { ...publisher, redirectUrl: "myapp://callback" }, { redirectUrl: needsHost }],
  ["no address", { ...publisher, redirectUrl: "app.example.com/callback" }, { redirectUrl: "is not an address" }]
]

describe("credentials that cannot be right", () => {
  for (const [what, given, expected] of wrongCredentials) {
    it.effect(`${what}: every problem is named at once, before anything is sent`, () =>
      Effect.gen(function* () {
        const layer = AngelAuth.layer({ credentials: given as AngelAuth.AngelCredentials })
        assert.deepStrictEqual(problems(yield* refused(Login.session, layer)), expected)
      })
    )
  }

  for (const [what, given, expected] of wrongRedirects) {
    it.effect(`a browser login with ${what} is refused before anything is sent`, () =>
      Effect.gen(function* () {
        const layer = AngelPublisher.layer({ credentials: given as AngelPublisher.PublisherCredentials })
        assert.deepStrictEqual(problems(yield* refused(AngelApi.AngelApi, layer)), expected)
      })
    )
  }

  for (const [what, given] of [
    ["in no options at all", undefined],
    ["in options without it", {}],
    ["that is blank", { apiKey: secret(" ") }],
    ["that is no secret", { apiKey: 7 }]
  ] as const) {
    it.effect(`an API key ${what} is refused by the raw calls too`, () =>
      Effect.gen(function* () {
        const layer = AngelApi.layer(given as unknown as AngelApi.Options)
        assert.hasAllKeys(problems(yield* refused(AngelApi.AngelApi, layer)), ["apiKey"])
      })
    )
  }
})

describe("a configuration that lacks something", () => {
  const lacking = (layer: Layer.Layer<AngelApi.AngelApi, AuthError, HttpClient.HttpClient>, values: object) =>
    refused(AngelApi.AngelApi, Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

  it.effect("names all three variables that are missing", () =>
    Effect.gen(function* () {
      const error = yield* lacking(AngelAuth.layerConfig(), { ANGEL_CLIENT_CODE: "A123456" })
      assert.deepStrictEqual(problems(error), {
        "pin (ANGEL_PIN)": missing,
        "apiKey (ANGEL_API_KEY)": missing,
        "totpSecret (ANGEL_TOTP_SECRET)": missing
      })
      for (const name of ["ANGEL_PIN", "ANGEL_API_KEY", "ANGEL_TOTP_SECRET"]) assert.include(error.message, name)
    })
  )

  it.effect("names what is there but wrong beside what is missing", () =>
    Effect.gen(function* () {
      const values = { ANGEL_CLIENT_CODE: "demo@example.com", ANGEL_PIN: " ", ANGEL_API_KEY: demo.apiKey }
      assert.deepStrictEqual(problems(yield* lacking(AngelAuth.layerConfig(), values)), {
        "clientCode (ANGEL_CLIENT_CODE)": mail,
        "pin (ANGEL_PIN)": empty,
        "totpSecret (ANGEL_TOTP_SECRET)": missing
      })
    })
  )

  it.effect("names the redirect URL of a browser login", () =>
    Effect.gen(function* () {
      const values = { ANGEL_CLIENT_CODE: "A123456", ANGEL_REDIRECT_URL: "http://localhost" }
      assert.deepStrictEqual(problems(yield* lacking(AngelPublisher.layerConfig(), values)), {
        "apiKey (ANGEL_API_KEY)": missing,
        "redirectUrl (ANGEL_REDIRECT_URL)": needsHost
      })
    })
  )

  it.effect("takes values that are there, white space around them or not", () =>
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

describe("codes that cannot be right", () => {
  for (const [what, code, expected] of [
    ["five digits", CodeSource.fixed(secret("12345")), "is not 6 digits"],
    ["seven digits", CodeSource.fixed(secret("1234567")), "is not 6 digits"],
    ["letters", CodeSource.fixed(secret("12345a")), "is not 6 digits"],
    ["digits of another script", CodeSource.fixed(secret("१२३४५६")), "is not 6 digits"],
    [
      "the secret",
      CodeSource.fixed(secret(demo.totpSecret)),
      "looks like the TOTP secret: give the secret to CodeSource.totp, which makes the codes"
    ],
    ["nothing, from an effect", CodeSource.fromEffect(() => Effect.succeed(secret(""))), "is not 6 digits"],
    ["a number, from an effect without types", CodeSource.fromEffect(() => Effect.succeed(secret(123456))), noRedacted],
    [
      "plain text, from an effect without types",
      CodeSource.fromEffect(() => Effect.succeed("12345" as never)),
      noRedacted
    ],
    [
      "undefined, from an effect without types",
      CodeSource.fromEffect(() => Effect.succeed(undefined as never)),
      noRedacted
    ]
  ] as const) {
    it.effect(`${what}: nothing is sent`, () =>
      Effect.gen(function* () {
        const layer = AngelAuth.layer({ credentials: { ...credentials, totp: code } })
        assert.deepStrictEqual(problems(yield* refused(Login.session, layer)), { totp: expected })
      })
    )
  }
})

describe("raw calls of a program without types", () => {
  const wrong = "is missing, blank or of the wrong kind"
  const rows: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
    ["nothing", undefined, ["request"]],
    ["no field", {}, ["clientcode", "password", "totp"]],
    ["numbers", { clientcode: 123456, password: 4711, totp: 123456 }, ["clientcode", "password", "totp"]],
    ["plain text for secrets", { ...loginRequest, password: "4711" }, ["password"]],
    ["a blank PIN", { ...loginRequest, password: secret(" ") }, ["password"]],
    ["a number for a secret", { ...loginRequest, totp: secret(123456) }, ["totp"]],
    ["a number for the state", { ...loginRequest, state: 7 }, ["state"]]
  ]
  for (const [what, request, fields] of rows) {
    it.effect(`a login with ${what} names the fields, and sends nothing`, () =>
      Effect.gen(function* () {
        const login = Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword(request as AngelApi.LoginRequest))
        const error = yield* refused(login, AngelApi.layer({ apiKey: credentials.apiKey }))
        assert.deepStrictEqual(problems(error), Object.fromEntries(fields.map((field) => [field, wrong])))
      })
    )
  }

  for (const [what, given] of [
    ["nothing", undefined],
    ["an empty object", {}],
    ["a session without tokens", { ...session, tokens: undefined }],
    ["a session whose token is plain text", { ...session, tokens: { access: "text" } }]
  ] as const) {
    for (const name of ["generateTokens", "getProfile", "getRMS", "logout"] as const) {
      it.effect(`${name} of ${what} is over before anything is sent`, () =>
        Effect.gen(function* () {
          const call = Effect.flatMap(AngelApi.AngelApi, (api) => {
            const other = given as AngelApi.Authorized
            if (name === "generateTokens") return api.generateTokens({ refreshToken: secret("refresh") }, other)
            return name === "logout" ? api.logout({ clientcode: "A123456" }, other) : api[name](other)
          })
          const error = yield* refused(call, AngelApi.layer({ apiKey: credentials.apiKey }))
          assert.strictEqual(reasonOf(error, "SessionExpired").why, "missing")
        })
      )
    }
  }
})

describe("origins that credentials must not go to", () => {
  const noOrigin = "is not an origin such as https://api.example.com, without a path and a slash at the end"
  const clear = 'is not https: credentials would travel in clear (insecureHttp: "allow" permits it)'
  for (const [origin, expected] of [
    ["http://api.example.com", clear],
    ["http://127.0.0.1.example.com", clear],
    ["http://192.168.1.7:8080", clear],
    ["https://api.example.com/rest", noOrigin],
    ["https://api.example.com/", noOrigin],
    ["https://user:word@api.example.com", noOrigin],
    ["api.example.com", noOrigin],
    ["", noOrigin],
    [undefined, noOrigin],
    [8080, noOrigin]
  ] as const) {
    it.effect(`${JSON.stringify(origin)} is refused when the layer is built`, () =>
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
    it.effect(`${origin} is fine`, () =>
      Effect.gen(function* () {
        const layer = AngelAuth.layer({ credentials, origins: { api: origin } })
        const api = yield* Effect.provide(AngelApi.AngelApi, Layer.provide(layer, TestHttp.layerLateFetch))
        assert.strictEqual(api.origins["api"], origin)
      })
    )
  }
})
