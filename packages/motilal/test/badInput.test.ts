import { assert, describe, it } from "@effect/vitest"
import { Login, StepUp } from "@auth/broker-core"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { credentials as fields } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import {
  namesEveryProblem,
  problemsOf as problems,
  redacted as secret,
  refusedUnsent,
  type WrongCredentials
} from "../../../tools/vitest/brokers.ts"
import { calls, credentials, demo, layer, loginRequest, reasonOf, serve, session } from "./support.ts"

const refused = refusedUnsent(FakeMotilal.make(), [
  demo.apiKey,
  demo.apiSecret,
  demo.pan,
  demo.password,
  demo.secondFactor,
  demo.totpSecret
])

const missing = "is missing"
const empty = "is empty"
const noText = "must be text"
const future = "is a day in the future: write the date of birth as dd/mm/yyyy"
const noDay = "is a day that does not exist: write the date of birth as dd/mm/yyyy"
const noFactor = "must be a date of birth as dd/mm/yyyy, or a PAN of five letters, four digits and a letter"
const noPan = "is not a PAN: a PAN has five letters, four digits and a letter"
const instant = "is an instant, not a day: use a Date at midnight UTC or India time, or dd/mm/yyyy"
const required = ["userId", "password", "apiKey", "apiSecret", "secondFactor"] as const
const every = (problem: string) => Object.fromEntries(required.map((name) => [name, problem]))
const factor = (value: unknown) => ({ ...credentials, secondFactor: secret(value) })

const wrongCredentials: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, every(missing)],
  ["an empty object", {}, every(missing)],
  [
    "null in every field",
    { userId: null, password: null, apiKey: null, apiSecret: null, secondFactor: null },
    every(missing)
  ],
  [
    "blank values in every field",
    {
      userId: " ",
      password: secret(""),
      apiKey: secret("\n"),
      apiSecret: secret("\t"),
      secondFactor: secret("\u00a0")
    },
    every(empty)
  ],
  [
    "numbers in place of text",
    { userId: 17, password: 1, apiKey: secret(1), apiSecret: secret(2), secondFactor: 18101988, totp: 123456 },
    { ...every(noText), totp: noText }
  ],
  ["a Redacted password that is undefined", { ...credentials, password: secret(undefined) }, { password: missing }],
  [
    "a user id with a space",
    { ...credentials, userId: "AA 017" },
    { userId: "is not a login id: a login id has up to 15 letters and digits" }
  ],
  [
    "an email address in place of the user id",
    { ...credentials, userId: "demo@example.com" },
    { userId: "is not a login id: a login id has up to 15 letters and digits" }
  ],
  [
    "keys with invalid characters",
    { ...credentials, apiKey: secret("key\r\nx: y"), apiSecret: secret("ключ") },
    {
      apiKey: "has spaces or other characters that a key cannot have",
      apiSecret: "has spaces or other characters that a key cannot have"
    }
  ],
  [
    "the API key in place of the API secret",
    { ...credentials, apiSecret: credentials.apiKey },
    {
      apiSecret: "is the same as apiKey: copy the API secret from Motilal's portal, which shows it as a separate value"
    }
  ],
  ["the date of birth 30 February 1988", factor("30/02/1988"), { secondFactor: noDay }],
  ["the date of birth 29 February 1990 (not a leap year)", factor("29-02-1990"), { secondFactor: noDay }],
  ["the date of birth 29 February 1900 (not a leap year)", factor("1900-02-29"), { secondFactor: noDay }],
  ["a date of birth with the day 0", factor("00/10/1988"), { secondFactor: noDay }],
  ["a date of birth as mm/dd/yyyy", factor("10/18/1988"), { secondFactor: noDay }],
  ["a date of birth in the year 0088", factor("18/10/0088"), { secondFactor: noDay }],
  ["a date of birth in the year 1899", factor("31/12/1899"), { secondFactor: noDay }],
  ["the date of birth 31 February 1988", factor("31/02/1988"), { secondFactor: noDay }],
  ["a date of birth in the future", factor("18/10/2088"), { secondFactor: future }],
  ["a Date object in the future", factor(new Date("2088-10-18")), { secondFactor: future }],
  ["a date of birth with two different separators", factor("18/10-1988"), { secondFactor: noFactor }],
  ["a date of birth with a two-digit year", factor("18/10/88"), { secondFactor: noFactor }],
  ["a date of birth without separators", factor("18101988"), { secondFactor: noFactor }],
  ["a PAN with a digit in place of a letter", factor("ABCD12345F"), { secondFactor: noPan }],
  ["a PAN with a space", factor("ABCDE 1234F"), { secondFactor: noFactor }],
  ["a Date object that is not at midnight", factor(new Date("1988-10-18T15:30:00Z")), { secondFactor: instant }],
  ["an invalid Date object", factor(new Date("")), { secondFactor: noFactor }],
  [
    "a TOTP secret that is not base32",
    { ...credentials, totp: secret("JBSW!3DPEHPK3PXP") },
    { totp: "is not base32, which has only the letters A to Z and the digits 2 to 7" }
  ],
  [
    "a one-time code in place of the TOTP secret",
    { ...credentials, totp: secret("123456") },
    { totp: "is too short for a TOTP secret: use the secret in the QR code, not a code from the app" }
  ]
]

describe("checks of credentials", () => {
  it.effect("compare the date of birth with the current day in India", () =>
    Effect.gen(function* () {
      yield* serve()
      const built = (text: string) => Effect.scoped(Layer.build(layer({ secondFactor: secret(text) })))
      yield* TestClock.setTime(Date.UTC(2030, 5, 1, 18, 29, 59))
      yield* built("01/06/2030")
      const error = yield* Effect.flip(built("02/06/2030"))
      assert.strictEqual(reasonOf(error, "InvalidRequest").field, "secondFactor")
      yield* TestClock.setTime(Date.UTC(2030, 5, 1, 18, 30))
      yield* built("02/06/2030")
    })
  )

  namesEveryProblem(wrongCredentials, (given) => refused(Login.login, MotilalAuth.layer({ credentials: given })))

  for (const [what, value] of [
    ["18/10/1988", "18/10/1988"],
    ["18-10-1988", "18-10-1988"],
    ["1988-10-18", "1988-10-18"],
    ["a date with surrounding white space", " 18/10/1988\n"],
    ["a Date object at midnight UTC", new Date("1988-10-18")],
    ["a Date object at midnight in India", new Date("1988-10-18T00:00:00+05:30")],
    ["the PAN", "ABCDE1234F"],
    ["the PAN in lower case", " abcde1234f "]
  ] as const) {
    it.effect(`${what} is sent as the second factor in the broker's format`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        yield* Effect.provide(Login.session, layer({ secondFactor: secret(value) }))
        const expected = String(value).toUpperCase().includes("ABCDE") ? "ABCDE1234F" : "18/10/1988"
        assert.include((yield* fake.journal)[0]?.body, `"2FA":"${expected}"`)
      })
    )
  }

  it.effect("a one-digit day or month of birth is sent with two digits", () =>
    Effect.gen(function* () {
      const fake = yield* serve({ accounts: [{ ...demo, secondFactor: "01/02/1988" }] })
      yield* Effect.provide(Login.session, layer({ secondFactor: secret("1-2-1988") }))
      assert.include((yield* fake.journal)[0]?.body, `"2FA":"01/02/1988"`)
    })
  )

  it.effect("a user id in lower case is sent and stored in upper case", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const { account } = yield* Effect.provide(Login.session, layer({ userId: " aa017 " }))
      assert.strictEqual(account.id, "AA017")
      assert.include((yield* fake.journal)[0]?.body, `"userid":"AA017"`)
    })
  )

  it.effect('the API secret is optional with generation: "v3"', () =>
    Effect.gen(function* () {
      yield* serve()
      const without = layer({ apiSecret: undefined }, { generation: "v3" })
      assert.strictEqual((yield* Effect.provide(Login.session, without)).tokens.login, undefined)
    })
  )

  it.effect("the second factor is optional with the option dealer", () =>
    Effect.gen(function* () {
      yield* serve({ accounts: [{ ...demo, role: "dealer", client: "Q02429" }] })
      const dealer = layer({ secondFactor: undefined }, { dealer: { clientCode: "Q02429" } })
      assert.strictEqual((yield* Effect.provide(Login.session, dealer)).account.id, "AA017")
    })
  )

  const names = ["USER_ID", "PASSWORD", "API_KEY", "API_SECRET", "SECOND_FACTOR"].map((name) => `MOTILAL_${name}`)

  it.effect("MotilalAuth.layerConfig names all missing required variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* refused(Login.login, MotilalAuth.layerConfig()).pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
      )
      const expected = required.map((name) => [`${name} (${fields[name].env})`, missing])
      assert.deepStrictEqual(problems(error), Object.fromEntries(expected))
      for (const name of names) assert.include(error.message, name)
      assert.notInclude(error.message, "MOTILAL_TOTP_SECRET")
    })
  )

  it.effect("MotilalPortal.layerConfig names all missing variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* refused(
        Effect.void as Effect.Effect<void, AuthError, Layer.Success<ReturnType<typeof MotilalPortal.layerConfig>>>,
        MotilalPortal.layerConfig()
      ).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({}))))
      for (const name of ["USER_ID", "API_KEY", "API_SECRET", "REDIRECT_URL"]) {
        assert.include(error.message, `MOTILAL_${name}`)
      }
    })
  )

  it.effect("MotilalAuth.layerConfig reads the required and optional variables", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const values = {
        MOTILAL_USER_ID: demo.userId,
        MOTILAL_PASSWORD: demo.password,
        MOTILAL_API_KEY: demo.apiKey,
        MOTILAL_API_SECRET: demo.apiSecret,
        MOTILAL_SECOND_FACTOR: "1988-10-18"
      }
      const logIn = (env: Readonly<Record<string, string>>) =>
        Effect.provide(
          Login.login,
          MotilalAuth.layerConfig().pipe(
            Layer.provide(TestHttp.layerLateFetch),
            Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env)))
          )
        )
      assert.strictEqual((yield* logIn(values))._tag, "StepUpRequired")
      assert.strictEqual((yield* logIn({ ...values, MOTILAL_TOTP_SECRET: demo.totpSecret }))._tag, "Authenticated")
      assert.strictEqual((yield* fake.journal).length, 3)
    })
  )
})

const wrongOptions: ReadonlyArray<WrongCredentials> = [
  ["an unknown generation", { generation: "v9" }, { generation: "is not one of v7, v4, v3" }],
  ["an unknown environment", { environment: "live" }, { environment: "is not one of production, uat, uat-old" }],
  ["an unknown source id", { sourceId: "TV" }, { sourceId: "is not one of WEB, DESKTOP, MOBILE" }],
  ["an unknown emptyBody", { emptyBody: "empty" }, { emptyBody: "is not one of none, object" }],
  ["an unknown otpType", { otpType: "Number" }, { otpType: "is not one of text, number" }],
  ["an unknown value of the option state", { state: "require" }, { state: "is not one of required, optional" }],
  ["zero requests per second", { requestsPerSecond: 0 }, { requestsPerSecond: "must be a positive integer" }],
  [
    "the source id MOBILE without an IMEI",
    { sourceId: "MOBILE" },
    { imeiNumber: "is missing: the chosen sourceId requires the header imeino" }
  ],
  [
    "an IMEI of 14 digits",
    { sourceId: "MOBILE", imeiNumber: "49015420323751" },
    { imeiNumber: "does not have the format of the header imeino (MO2021)" }
  ],
  [
    "invalid IP and MAC addresses",
    { clientLocalIp: "localhost", macAddress: "none" },
    {
      clientLocalIp: "does not have the format of the header clientlocalip (MO2009)",
      macAddress: "does not have the format of the header macaddress (MO2008)"
    }
  ],
  [
    "a manufacturer of 26 characters",
    { manufacturer: "abcdefghijklmnopqrstuvwxyz" },
    { manufacturer: "does not have the format of the header manufacturer (MO2017)" }
  ],
  [
    "a line break in the vendor name",
    { vendorInfo: "T0240\r\nx: y" },
    { vendorInfo: "does not have the format of the header vendorinfo (MO2012)" }
  ],
  [
    "a number as osVersion",
    { osVersion: 11 },
    { osVersion: "does not have the format of the header osversion (MO2015)" }
  ],
  ["a dealer without a client code", { dealer: {} }, { "dealer.clientCode": "must have 1 to 20 letters or digits" }]
]

describe("checks of options", () => {
  for (const [what, options, expected] of wrongOptions) {
    it.effect(`${what}: the layer fails, and no request is sent`, () =>
      Effect.gen(function* () {
        const error = yield* refused(
          Login.login,
          MotilalAuth.layer({ ...(options as MotilalAuth.Options), credentials })
        )
        assert.deepStrictEqual(problems(error), expected)
      })
    )
  }

  it.effect('MotilalPortal.layer requires the option origins.login if environment is "uat-old"', () =>
    Effect.gen(function* () {
      const portal = MotilalPortal.layer({
        environment: "uat-old",
        credentials: { ...credentials, redirectUrl: demo.redirectUrl }
      })
      const error = yield* refused(MotilalApi.MotilalApi, portal)
      assert.deepStrictEqual(Object.keys(problems(error)), ["origins.login"])
    })
  )

  it.effect("MotilalPortal.layer rejects an invalid redirect URL", () =>
    Effect.gen(function* () {
      const portal = MotilalPortal.layer({ credentials: { ...credentials, redirectUrl: "callback" } })
      assert.deepStrictEqual(problems(yield* refused(MotilalApi.MotilalApi, portal)), {
        redirectUrl: "is not an address"
      })
    })
  )
})

describe("checks of the arguments of MotilalApi", () => {
  const api = MotilalApi.layer(credentials)

  const rows: ReadonlyArray<
    readonly [string, (raw: MotilalApi.MotilalApi["Service"]) => Effect.Effect<unknown, AuthError>, string]
  > = [
    [
      "authdirectapi with an unhashed password",
      (raw) => raw.authdirectapi({ ...loginRequest, password: secret("demo") }),
      "password"
    ],
    ["authdirectapi without an argument", (raw) => raw.authdirectapi(undefined as never), "request"],
    ["authdirectapi with a blank user id", (raw) => raw.authdirectapi({ ...loginRequest, userid: " " }), "userid"],
    ["verifyotp with a blank code", (raw) => raw.verifyotp({ otp: secret(" ") }, session), "otp"],
    ["verifyotp with undefined as the request", (raw) => raw.verifyotp(undefined as never, session), "request"],
    ["getprofile with a blank client code", (raw) => raw.getprofile({ clientcode: "" }, session), "clientcode"]
  ]
  for (const [what, call, field] of rows) {
    it.effect(`${what} fails with InvalidRequest and sends nothing`, () =>
      Effect.gen(function* () {
        const error = yield* refused(Effect.flatMap(MotilalApi.MotilalApi, call), api)
        assert.strictEqual(reasonOf(error, "InvalidRequest").field, field)
      })
    )
  }

  for (const name of ["getaccesstoken", "resendotp", "getprofile", "logout"] as const) {
    it.effect(`${name} without a session fails with SessionExpired and sends nothing`, () =>
      Effect.gen(function* () {
        const call = Effect.flatMap(MotilalApi.MotilalApi, (raw): Effect.Effect<unknown, AuthError> =>
          raw[name](undefined as never)
        )
        assert.strictEqual(reasonOf(yield* refused(call, api), "SessionExpired").why, "missing")
      })
    )
  }

  it.effect("MotilalApi.layer rejects credentials without an API secret", () =>
    Effect.gen(function* () {
      const call = calls["getprofile"]
      assert.isDefined(call)
      const error = yield* refused(call, MotilalApi.layer({ apiKey: credentials.apiKey }))
      assert.deepStrictEqual(problems(error), { apiSecret: missing })
    })
  )
})

describe("errors of a login", () => {
  it.effect("the remedy for MO2005 names swapped keys as a possible cause", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const swapped = layer({ apiKey: credentials.apiSecret, apiSecret: credentials.apiKey })
      const error = yield* Effect.flip(Effect.provide(Login.login, swapped))
      const reason = reasonOf(error, "InvalidCredentials")
      assert.deepStrictEqual([reason.code, reason.field], ["MO2005", "apiKey"])
      assert.include(reason.remedy, "apiKey and apiSecret are not swapped")
      assert.strictEqual((yield* fake.journal).length, 1)
    })
  )

  it.effect("the remedy for MO1094 is to enable TOTP", () =>
    Effect.gen(function* () {
      yield* serve({ accounts: [{ ...demo, totpSecret: "" }] })
      const error = yield* Effect.flip(Effect.provide(Login.login, layer()))
      assert.strictEqual(reasonOf(error, "InvalidStepUpCode").code, "MO1094")
      assert.include(error.remedy, "Enable TOTP")
    })
  )

  it.effect("a code source that returns the TOTP secret is rejected, and no request is sent", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const codes = CodeSource.fromEffect(() => Effect.succeed(secret(demo.totpSecret)))
      const error = yield* Effect.flip(Effect.provide(Login.login, layer({ totp: codes })))
      assert.include(reasonOf(error, "InvalidRequest").problems[0].problem, "looks like the TOTP secret")
      assert.deepStrictEqual(yield* fake.journal, [])
    })
  )

  it.effect("the fourth wrong SMS code fails with AccountLocked", () =>
    Effect.gen(function* () {
      const fake = yield* serve({ limit: "none" })
      yield* Effect.gen(function* () {
        const outcome = yield* Login.login
        assert(outcome._tag === "StepUpRequired")
        const { verify } = yield* StepUp.StepUp
        const wrong = Effect.flip(verify(outcome.challenge, secret("000000")))
        for (const _ of [1, 2, 3]) reasonOf(yield* wrong, "InvalidStepUpCode")
        assert.strictEqual(reasonOf(yield* wrong, "AccountLocked").scope, "otp")
        reasonOf(yield* wrong, "ChallengeExpired")
      }).pipe(Effect.provide(layer({ totp: undefined }, { requestsPerSecond: 10 })))
      assert.strictEqual((yield* fake.journal).filter(({ endpoint }) => endpoint === "verifyotp").length, 4)
    })
  )
})
