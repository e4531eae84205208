import { assert, describe, it } from "@effect/vitest"
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as StepUp from "@auth/broker-core/login/StepUp"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import {
  namesEveryProblem,
  problemsOf as problems,
  redacted as secret,
  refusedUnsent,
  type WrongCredentials
} from "../../../tools/vitest/brokers.ts"
import { apiOptions, credentials, demo, newestCode, reasonOf, session } from "./support.ts"

const { accessToken, apiSecret, password, totpSecret, vendor } = demo

const refused = refusedUnsent(FakeRmoney.make(), [password, apiSecret, totpSecret, vendor, accessToken])

const missing = "is missing"
const empty = "is empty"
const noText = "must be text"
const notChosen = 'must be "uat", "production" or the https origin of a production host'
const noUserId = "has characters that a user id cannot have"
const noClientId = "must be the client id: letters and digits, no email address"
const noAddress = "is not an address"

type Any = Layer.Layer<never, AuthError, HttpClient.HttpClient>
const uat = { environment: "uat" } as const
const sso = {
  userId: demo.userId,
  appCode: secret(demo.appCode),
  apiSecret: secret(demo.apiSecret),
  redirectUrl: demo.redirectUrl
}

const layers: Readonly<Record<string, (given: unknown) => Any>> = {
  RmoneyAuth: (given) => RmoneyAuth.layer({ ...uat, credentials: given as RmoneyAuth.RmoneyCredentials }),
  RmoneySso: (given) => RmoneySso.layer({ ...uat, credentials: given as RmoneySso.SsoCredentials }),
  'RmoneySso with the option exchange: "vendor"': (given) =>
    RmoneySso.layer({ ...uat, exchange: "vendor", credentials: given as RmoneySso.SsoVendorCredentials }),
  RmoneyQr: (given) => RmoneyQr.layer({ ...uat, credentials: given as RmoneyQr.QrCredentials }),
  RmoneyBiometric: (given) =>
    RmoneyBiometric.layer({ ...uat, credentials: given as RmoneyBiometric.BiometricCredentials }),
  RmoneyRecovery: (given) => RmoneyRecovery.layer({ ...uat, credentials: given as RmoneyRecovery.RecoveryCredentials })
}

const rows: Readonly<Record<string, ReadonlyArray<WrongCredentials>>> = {
  RmoneyAuth: [
    ["no credentials", undefined, { userId: missing, password: missing }],
    ["credentials without any field", {}, { userId: missing, password: missing }],
    ["null in every field", { userId: null, password: null, totp: null }, { userId: missing, password: missing }],
    [
      "a blank user id and a blank password",
      { userId: " ", password: secret("\n") },
      { userId: empty, password: empty }
    ],
    [
      "numbers instead of text",
      { userId: 101, password: 4711, totp: 123456 },
      { userId: noText, password: noText, totp: noText }
    ],
    ["a user id with a blank", { ...credentials, userId: "TEST 101" }, { userId: noUserId }],
    ["a user id with a euro sign", { ...credentials, userId: "TEST\u20ac101" }, { userId: noUserId }],
    ["a user id with a quotation mark", { ...credentials, userId: 'TEST"101' }, { userId: noUserId }],
    [
      "a TOTP code instead of the TOTP secret",
      { ...credentials, totp: secret("123456") },
      { totp: "is too short for a TOTP secret: use the secret in the QR code, not a code from the app" }
    ],
    ["a blank fixed code", { ...credentials, totp: CodeSource.fixed(secret(" ")) }, { totp: empty }],
    ["a number instead of the device id", { ...credentials, deviceId: 7 }, { deviceId: noText }]
  ],
  RmoneySso: [
    ["no credentials", undefined, { userId: missing, appCode: missing, apiSecret: missing, redirectUrl: missing }],
    ["an email address instead of the client id", { ...sso, userId: demo.email }, { userId: noClientId }],
    ["a redirect URL without a scheme", { ...sso, redirectUrl: "app.example.com" }, { redirectUrl: noAddress }]
  ],
  'RmoneySso with the option exchange: "vendor"': [
    ["no credentials", undefined, { userId: missing, vendor: missing, redirectUrl: missing }],
    ['the credentials of exchange: "checksum"', sso, { vendor: missing }]
  ],
  RmoneyQr: [
    ["no credentials", undefined, { userId: missing }],
    ["a mobile number instead of the client id", { userId: "+919800000101" }, { userId: noClientId }]
  ],
  RmoneyBiometric: [
    ["no credentials", undefined, { userId: missing, accessToken: missing }],
    ["a blank token", { userId: demo.userId, accessToken: secret(" ") }, { accessToken: empty }]
  ],
  RmoneyRecovery: [["no credentials", undefined, { userId: missing }]]
}

describe("invalid credentials", () => {
  for (const [name, layer] of Object.entries(layers)) {
    namesEveryProblem(rows[name] ?? [], (given) => refused(Effect.void, layer(given)), `${name} with `)
  }
})

describe("the check of the option environment", () => {
  for (const [what, environment, problem] of [
    ["a missing environment", undefined, notChosen],
    ['the unknown environment "live"', "live", notChosen],
    ["a blank environment", " ", empty],
    ["the environment 7", 7, noText],
    ["a production environment without a host", { production: undefined }, missing],
    ["the environment null", null, missing]
  ] as const) {
    it.effect(`reports an empty password and ${what}`, () =>
      Effect.gen(function* () {
        const layer = RmoneyAuth.layer({
          environment: environment as "uat",
          credentials: { ...credentials, password: secret("") }
        })
        const error = yield* refused(Login.login, layer)
        assert.deepStrictEqual(problems(error), { environment: problem, password: empty })
      })
    )
  }

  it.effect("reports a missing environment and a missing device id in RmoneyApi.layer", () =>
    Effect.gen(function* () {
      const layer = RmoneyApi.layer(undefined as unknown as typeof apiOptions)
      assert.deepStrictEqual(problems(yield* refused(RmoneyApi.RmoneyApi, layer)), {
        environment: notChosen,
        deviceId: missing
      })
    })
  )

  it.effect('accepts "production", a production origin, and the option origins instead of an environment', () =>
    Effect.gen(function* () {
      const fake = yield* FakeRmoney.make()
      for (const options of [
        { environment: "production" },
        { environment: { production: "https://weblive.rmoneyindia.net" } },
        { origins: { api: "https://weblive.rmoneyindia.net" } },
        // The option `origins` replaces the host of the environment.
        { environment: { production: "https://rmoney.example" }, origins: { api: "https://weblive.rmoneyindia.net" } }
      ] as const) {
        const layer = RmoneyAuth.layer({ ...options, credentials }).pipe(Layer.provide(TestHttp.layerFake(fake)))
        const outcome = yield* Effect.provide(Login.login, layer)
        const account = outcome._tag === "StepUpRequired" ? outcome.challenge.account : undefined
        assert.strictEqual(account?.environment, "production")
      }
      assert.deepStrictEqual(
        (yield* fake.journal).map(({ url }) => url),
        Array.from({ length: 4 }, () => "https://weblive.rmoneyindia.net/auth/v1/access/pwd/validate")
      )
    })
  )

  for (const [production, expected] of [
    [
      "http://rmoney.example.com",
      'must be https, because http does not encrypt credentials (insecureHttp: "allow" permits http)'
    ],
    [
      "https://rmoney.example.com/auth/v1/",
      "must be the text of an origin, such as https://api.example.com, without a default port (443 or 80), a path or a slash at the end"
    ]
  ] as const) {
    it.effect(`rejects the production host ${production}`, () =>
      Effect.gen(function* () {
        const layer = RmoneyAuth.layer({ environment: { production }, credentials })
        assert.deepStrictEqual(problems(yield* refused(Login.login, layer)), { "origins.api": expected })
      })
    )
  }
})

describe("an option with an unknown value", () => {
  for (const [options, expected] of [
    [{ sendCode: "after" }, { sendCode: "is not one of with-password, after-password" }],
    [{ laterUserId: "typed" }, { laterUserId: "is not one of answered, given" }],
    [{ state: "require" }, { state: "is not one of required, optional" }],
    [{ stepHeader: "three_part" }, { stepHeader: "is not one of bare, three-part" }],
    [{ exchange: "code" }, { exchange: "is not one of checksum, vendor" }]
  ] as const) {
    it.effect(`is rejected: ${JSON.stringify(options)}`, () =>
      Effect.gen(function* () {
        const layer = RmoneySso.layer({ ...uat, ...(options as object), credentials: sso })
        const error = yield* refused(Effect.asVoid(RmoneyApi.RmoneyApi), layer)
        assert.deepStrictEqual(problems(error), expected)
      })
    )
  }
})

describe("layerConfig", () => {
  const lacking = (layer: Any, values: object) =>
    refused(Effect.void, Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

  const environment = "environment (RMONEY_ENVIRONMENT)"
  const userId = "userId (RMONEY_USER_ID)"
  for (const [name, layer, expected] of [
    [
      "RmoneyAuth",
      RmoneyAuth.layerConfig(),
      { [environment]: missing, [userId]: missing, "password (RMONEY_PASSWORD)": missing }
    ],
    [
      "RmoneySso",
      RmoneySso.layerConfig(),
      {
        [environment]: missing,
        [userId]: missing,
        "appCode (RMONEY_APP_CODE)": missing,
        "apiSecret (RMONEY_API_SECRET)": missing,
        "redirectUrl (RMONEY_REDIRECT_URL)": missing
      }
    ],
    [
      'RmoneySso with the option exchange: "vendor"',
      RmoneySso.layerConfig({ exchange: "vendor" }),
      {
        [environment]: missing,
        [userId]: missing,
        "vendor (RMONEY_VENDOR)": missing,
        "redirectUrl (RMONEY_REDIRECT_URL)": missing
      }
    ],
    ["RmoneyQr", RmoneyQr.layerConfig(), { [environment]: missing, [userId]: missing }],
    [
      "RmoneyBiometric",
      RmoneyBiometric.layerConfig(),
      { [environment]: missing, [userId]: missing, "accessToken (RMONEY_ACCESS_TOKEN)": missing }
    ],
    ["RmoneyRecovery", RmoneyRecovery.layerConfig(), { [environment]: missing, [userId]: missing }]
  ] as const) {
    it.effect(`names all missing variables of ${name} in one error`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(problems(yield* lacking(layer, {})), expected)
      })
    )
  }

  it.effect("ignores RMONEY_ENVIRONMENT if the option environment is set", () =>
    Effect.gen(function* () {
      const layer = RmoneyQr.layerConfig({ environment: "uat" })
      assert.deepStrictEqual(problems(yield* lacking(layer, { RMONEY_ENVIRONMENT: "nonsense" })), { [userId]: missing })
    })
  )

  it.effect("names invalid and missing variables in one error", () =>
    Effect.gen(function* () {
      const values = { RMONEY_ENVIRONMENT: "live", RMONEY_USER_ID: "TEST 101", RMONEY_TOTP_SECRET: "123456" }
      const found = problems(yield* lacking(RmoneyAuth.layerConfig(), values))
      assert.deepStrictEqual(Object.keys(found), [
        environment,
        userId,
        "password (RMONEY_PASSWORD)",
        "totp (RMONEY_TOTP_SECRET)"
      ])
      assert.strictEqual(found[environment], notChosen)
    })
  )

  for (const [environmentValue, host, name] of [
    [" UAT\n", "https://webuat.rmoneyindia.co.in", "uat"],
    ["https://weblive.rmoneyindia.net", "https://weblive.rmoneyindia.net", "production"]
  ] as const) {
    it.effect(`trims variables, and uses the environment ${name}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeRmoney.make()
        const values = {
          RMONEY_ENVIRONMENT: environmentValue,
          RMONEY_USER_ID: ` ${demo.userId}\n`,
          RMONEY_PASSWORD: `\t${demo.password} `,
          RMONEY_DEVICE_ID: demo.deviceId,
          RMONEY_VENDOR: demo.vendor
        }
        const session = yield* Login.withStepUp(() => newestCode(fake)).pipe(
          Effect.provide(
            RmoneyAuth.layerConfig().pipe(
              Layer.provide(TestHttp.layerFake(fake)),
              Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(values)))
            )
          )
        )
        assert.deepStrictEqual([session.account.id, session.account.environment], [demo.userId, name])
        assert.isTrue((yield* fake.journal)[0]?.url.startsWith(host))
      })
    )
  }
})

describe("invalid codes and PANs:", () => {
  for (const [what, code] of [
    ["empty", ""],
    ["five digits long", "12345"],
    ["seven digits long", "1234567"],
    ["five digits and a letter", "12345a"],
    ["in digits of another script", "१२३४५६"],
    ["a number instead of text", 123456],
    ["undefined", undefined]
  ] as const) {
    it.effect(`a code that is ${what} is not sent`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeRmoney.make()
        const layer = RmoneyAuth.layer({ ...uat, credentials }).pipe(Layer.provide(TestHttp.layerFake(fake)))
        yield* Effect.gen(function* () {
          const outcome = yield* Login.login
          if (outcome._tag !== "StepUpRequired") return assert.fail("no challenge")
          const { verify } = yield* StepUp.StepUp
          const error = yield* Effect.flip(verify(outcome.challenge, secret(code)))
          assert.deepStrictEqual(problems(error), { code: "is not 6 digits" })
          assert.lengthOf(yield* fake.journal, 1)
          return yield* verify(outcome.challenge, yield* newestCode(fake))
        }).pipe(Effect.provide(layer))
      })
    )
  }

  for (const identity of ["", "  ", "ABCDE1234", "ABCD12345F", "1BCDE1234F", "ABCDE1234F9", 7, undefined]) {
    it.effect(`no request is sent for the PAN ${JSON.stringify(identity)}`, () =>
      Effect.gen(function* () {
        const layer = RmoneyRecovery.layer({ ...uat, credentials: { userId: demo.userId } })
        for (const recover of ["unblock", "forgotPassword"] as const) {
          const call = Effect.flatMap(AccountRecovery.AccountRecovery, (service) => service[recover](secret(identity)))
          assert.deepStrictEqual(problems(yield* refused(call, layer)), {
            identity: "must be a PAN: five letters, four digits and a letter"
          })
        }
      })
    )
  }
})

describe("calls of RmoneyApi from untyped code:", () => {
  const wrong = "is missing, blank or of the wrong type"
  const fieldsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
    ssoGetUserDetails: ["vendor", "authCode"],
    vendorGetUserDetails: ["checkSum"],
    pwdValidate: ["userId", "password"],
    otpSend: ["userId"],
    otpValidate: ["userId", "receivedOtp"],
    toptVerify: ["userId", "totp"],
    bioEnable: ["userId", "deviceType", "enable"],
    bioPwdValidate: ["userId", "token"],
    qrLogin: ["qrName"],
    clientUnblock: ["userId", "pan"],
    clientUnblockVerify: ["userId", "otp"],
    pwdForgot: ["userId", "pan"],
    pwdForgotVerify: ["userId", "otp"],
    pwdReset: ["userId", "password"]
  }
  type Call = (request: unknown, more: unknown) => Effect.Effect<unknown, AuthError>
  const callOf = (name: string, request: unknown, more: unknown) =>
    Effect.flatMap(RmoneyApi.RmoneyApi, (api) => (api[name as "otpSend"] as unknown as Call)(request, more))

  for (const [name, fields] of Object.entries(fieldsOf)) {
    for (const [request, named] of [
      [undefined, ["request"]],
      [{}, fields]
    ] as const) {
      it.effect(`${name}(${JSON.stringify(request)}) names what is missing, and sends no request`, () =>
        Effect.gen(function* () {
          const more = name === "bioEnable" ? session : Redacted.make("STEP0")
          const error = yield* refused(callOf(name, request, more), RmoneyApi.layer(apiOptions))
          assert.deepStrictEqual(problems(error), Object.fromEntries(named.map((field) => [field, wrong])))
        })
      )
    }
  }

  for (const [what, token] of [
    ["undefined", undefined],
    ["plain text", "plain text"],
    ["a number", 7],
    ["Redacted.make(undefined)", Redacted.make(undefined)]
  ] as const) {
    it.effect(`otpValidate sends no request if the step token is ${what}`, () =>
      Effect.gen(function* () {
        const call = callOf("otpValidate", { userId: demo.userId, receivedOtp: secret("123456") }, token)
        const error = yield* refused(call, RmoneyApi.layer(apiOptions))
        assert.deepStrictEqual(problems(error), { token: "must be Redacted text" })
      })
    )
  }

  for (const [what, given] of [
    ["is undefined", undefined],
    ["is an empty object", {}],
    ["has no tokens", { ...session, tokens: undefined }],
    ["has a token in plain text", { ...session, tokens: { access: "text" } }]
  ] as const) {
    it.effect(`bioEnable and logout fail with SessionExpired if the session ${what}`, () =>
      Effect.gen(function* () {
        const request = { userId: demo.userId, deviceType: "IOS", enable: "true" }
        const layer = RmoneyApi.layer({ ...apiOptions, logoutCall: { method: "GET", path: "/auth/logout" } })
        const enabling = yield* refused(callOf("bioEnable", request, given), layer)
        assert.strictEqual(reasonOf(enabling, "SessionExpired").why, "missing")
        const leaving = yield* refused(callOf("logout", given, undefined), layer)
        assert.strictEqual(reasonOf(leaving, "SessionExpired").why, "missing")
      })
    )
  }
})
