import { type BrokerTests, type Contract, Fixtures, type Fuzz } from "@auth/broker-core/testing"
import * as Account from "@auth/broker-core/login/Account"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import { broker } from "@auth/rmoney/RmoneyBroker"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import {
  apiOptions,
  calls,
  fixtures,
  layerAnswer,
  layerApi,
  newestCode,
  scan,
  serve,
  submit,
  totpNow
} from "./support.ts"

const { answer, buildOf, inspect, methodOf, redacted } = brokers

const canary: FakeRmoney.Account = {
  ...FakeRmoney.demoAccount,
  password: "CANARY-password-1",
  pan: "CANRY8305Q",
  totpSecret: "CANARYTOTPSECRET",
  vendor: "CANARYvendor1",
  appCode: "CANARYappcode1",
  apiSecret: "CANARY-api-secret-1",
  accessToken: "CANARY-token-of-the-session-before"
}

const { accessToken, apiSecret, appCode, pan: canaryPan, password: canaryPassword, totpSecret } = canary
const secrets = [canaryPassword, canaryPan, totpSecret, canary.vendor, appCode, apiSecret, accessToken]

type Layer = Parameters<typeof buildOf>[2]

interface Given {
  readonly credentials: Readonly<Record<string, unknown>>
}

/** The descriptor lists `environment` as a credential, but a program passes it as an option. */
const withEnvironment = (layer: Layer) => (given: Given) =>
  layer({ ...given, environment: given.credentials["environment"] } as never)

interface Differences extends Pick<Contract.Subject, "codes" | "endpoints" | "loginCarries"> {
  readonly title?: string
  readonly account?: FakeRmoney.Account
  readonly given?: object
  readonly wrongCredentials?: Contract.Subject["wrongCredentials"]
}

const subjectOf = (
  id: string,
  layer: Layer,
  { account = canary, given, wrongCredentials = {}, ...more }: Differences
) => ({
  ...more,
  broker,
  method: methodOf(broker, id),
  refusal: (code: string) => answer(200, { status: "Not ok", message: `No such luck: ${code}`, result: [] }),
  emptyYes: answer(200, { status: "Ok", message: "Success", result: {} }),
  inspect,
  wrongCredentials,
  call: {
    method: "POST",
    url: "https://webuat.rmoneyindia.co.in/auth/v1/access/bio/enable",
    body: JSON.stringify({
      userId: canary.userId,
      deviceType: "IOS",
      enable: "true",
      deviceId: "38400000-8cf0-11bd-b23e-10b96e40000d",
      appName: "RMONEY",
      osName: "MOBIOS"
    })
  },
  make: Effect.map(serve({ accounts: [account] }), (fake): Contract.World => ({
    fake,
    secrets,
    identity: account.pan,
    build: buildOf(
      methodOf(broker, id),
      { environment: "uat", ...account, totp: account.totpSecret, ...given },
      withEnvironment(layer)
    ),
    answer: ({ kinds: [kind] }) => (kind === "totp" ? totpNow(account) : newestCode(fake, account.userId)),
    browse: (request) =>
      Effect.map(
        submit(Redacted.value(request.url), { userid: account.userId, password: account.password }),
        Redacted.make
      ),
    scan: ({ name }) => scan(name, account)
  }))
})

const wrongCredentials = {
  password: { credentials: { password: "CANARY-another" } },
  "user id": { credentials: { userId: "NOBODY" } }
}

const contract = [
  subjectOf("password", RmoneyAuth.layer, {
    title: "password and code by SMS",
    given: { totp: undefined },
    codes: "person",
    endpoints: { Login: "pwdValidate", StepUp: "otpValidate", Profile: "getProfile" },
    wrongCredentials
  }),
  subjectOf("password", RmoneyAuth.layer, {
    title: "password and TOTP code",
    account: { ...canary, totp: "enabled" },
    endpoints: { Login: "pwdValidate", StepUp: "toptVerify", Profile: "getProfile" },
    wrongCredentials
  }),
  subjectOf("sso", RmoneySso.layer, { endpoints: { Profile: "getProfile" } }),
  subjectOf(
    "sso-vendor",
    (options: RmoneySso.Options & RmoneySso.Exchange) => RmoneySso.layer({ ...options, exchange: "vendor" } as never),
    { endpoints: { Profile: "getProfile" } }
  ),
  subjectOf("qr", RmoneyQr.layer, { endpoints: { QrLogin: "qrLogin" } }),
  subjectOf("biometric", RmoneyBiometric.layer, {
    loginCarries: "session-before",
    endpoints: { Login: "bioPwdValidate" }
  }),
  subjectOf("recovery", RmoneyRecovery.layer, { endpoints: { AccountRecovery: "pwdReset" } })
]

// These texts do not look like secrets. They are redacted only if the endpoint table marks their fields as secret.
const password = "canary&Pass<word"
const code = "QUCKOOCODE"
const step = "canary-step-word"
const access = "canary-access-word"
const pan = "CANRY8305Q"
const vendor = "canary-vendor-word"
const authCode = "canary-auth-word"
const checkSum = "canary-sum-word"
const qrName = "canary-picture-word"

const userId = "TEST101"

type Api = RmoneyApi.RmoneyApi["Service"]

const session = Session.make({
  account: Account.make({ broker: "rmoney", environment: "uat", id: userId }),
  method: "password",
  tokens: { access: redacted(access) },
  issuedAt: 0,
  expiry: Expiry.jwt
})

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  ssoGetUserDetails: {
    sent: [vendor, authCode],
    run: (api) => api.ssoGetUserDetails({ vendor: redacted(vendor), authCode: redacted(authCode) })
  },
  vendorGetUserDetails: { sent: [checkSum], run: (api) => api.vendorGetUserDetails({ checkSum: redacted(checkSum) }) },
  pwdValidate: { sent: [password], run: (api) => api.pwdValidate({ userId, password: redacted(password) }) },
  otpSend: { sent: [step], run: (api) => api.otpSend({ userId }, redacted(step)) },
  otpValidate: {
    sent: [step, code, vendor],
    run: (api) => api.otpValidate({ userId, receivedOtp: redacted(code), vendor: redacted(vendor) }, redacted(step))
  },
  toptVerify: { sent: [step, code], run: (api) => api.toptVerify({ userId, totp: redacted(code) }, redacted(step)) },
  bioEnable: { sent: [access], run: (api) => api.bioEnable({ userId, deviceType: "IOS", enable: "true" }, session) },
  bioPwdValidate: { sent: [access], run: (api) => api.bioPwdValidate({ userId, token: redacted(access) }) },
  qrGenerate: { sent: [], run: (api) => api.qrGenerate() },
  qrLogin: { sent: [qrName], run: (api) => api.qrLogin({ qrName: redacted(qrName) }) },
  clientUnblock: { sent: [pan], run: (api) => api.clientUnblock({ userId, pan: redacted(pan) }) },
  clientUnblockVerify: {
    sent: [step, code],
    run: (api) => api.clientUnblockVerify({ userId, otp: redacted(code) }, redacted(step))
  },
  pwdForgot: { sent: [pan], run: (api) => api.pwdForgot({ userId, pan: redacted(pan) }) },
  pwdForgotVerify: {
    sent: [step, code],
    run: (api) => api.pwdForgotVerify({ userId, otp: redacted(code) }, redacted(step))
  },
  pwdReset: {
    sent: [step, password],
    run: (api) => api.pwdReset({ userId, password: redacted(password) }, redacted(step))
  },
  getProfile: { sent: [access], run: (api) => api.getProfile(session) },
  logout: { sent: [access], run: (api) => api.logout?.(session) ?? Effect.void }
}

const idiom: Fuzz.Idiom = {
  names: ["status", "stat", "message", "emsg", "result", "token", "accessToken", "userId"],
  words: ["Ok", "Not ok", "EC087", "Unauthorized", "Try again after 5 mins"],
  dataField: "result",
  answers: [
    (_, { echo, padded }) => `{"status":"Not ok","message":"${padded()}","result":["${echo()}"]}`,
    (_, { dice, echo }) =>
      `{"stat":"${dice.pick(["Ok", "Not_ok"])}","emsg":"${echo()}","clientId":"${echo()}","userSession":"${dice.pick(["", echo()])}"}`,
    (_, { echo }) => `{"status":"Ok","message":"${echo()}","result":{"status":"Failed","message":"${echo()}"}}`
  ]
}

interface RequestFixture extends BrokerTests.RequestFixture {
  readonly given: Partial<RmoneyApi.Options>
}

const answers: Omit<Fixtures.Subject<Fixtures.Fixture, RmoneyApi.RmoneyApi>, "endpoints"> = {
  fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
  calls,
  layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
  dialects,
  codes,
  secrets: ["eyJ", "of.a.test", "STEP0", "Demo@101"]
}

brokers.runBrokerTests({
  contract,
  table: { ...endpoints.table, logout: endpoints.logout() },
  answers,
  envelope: ["status", "stat", "result"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<RequestFixture>,
    serve: serve(),
    layer: ({ given }) => layerApi(given)
  },
  fuzz: {
    idiom,
    layer: RmoneyApi.layer({ ...apiOptions, logoutCall: { method: "POST", path: "/auth/client/logout" } }),
    api: RmoneyApi.RmoneyApi,
    calls: fuzzCalls
  }
})

/**
 * Sources: RMoney's API documentation and API page, except for two calls. `ssoGetUserDetails` is in the documentation
 * of the back-end software. The Python package tradion_api_client sends the profile call.
 */
const knownCalls = [
  "POST /auth/v1/sso/vendor/auth/getUserDetails",
  "POST /auth/v1/access/pwd/validate",
  "POST /auth/v1/access/otp/send",
  "POST /auth/v1/access/otp/validate",
  "POST /auth/v1/access/topt/verify",
  "POST /auth/v1/access/bio/enable",
  "POST /auth/v1/access/bio/pwd/validate",
  "GET /auth/v1/access/qr/generate",
  "POST /auth/v1/access/qr/login",
  "POST /auth/v1/access/client/unblock",
  "POST /auth/v1/access/client/unblock/verify",
  "POST /auth/v1/access/pwd/forgot",
  "POST /auth/v1/access/pwd/forgot/verify",
  "POST /auth/v1/access/pwd/reset",
  "POST /open-api/od/v1/vendor/getUserDetails",
  "GET /open-api/od/v1/profile"
]

/** Error messages of RMoney's back-end software, as of 2026-11-21. Some texts are only a part of a message. */
const knownMessages = [
  "Invalid userId or password",
  "Enter valid password",
  "Please Enter Valid Credentials",
  "Invalid User",
  "User does not exists",
  "Invalid PAN",
  "Invalid OTP",
  "Invalid totp",
  "OTP interval exceeded.",
  "Invalid auth code",
  "T-OTP Not Enabled",
  "Enable/Login with TOTP",
  "User blocked",
  "Your account has been blocked by adminstrator",
  "Unblock Accout option wont work",
  "You have exceeded maximun limit.Please try again after 5 mins.",
  "Retry after 30 seconds",
  "Unauthorized",
  "Invalid user session",
  "Session Expired",
  "EC087",
  "Invalid vendor name or vendor key",
  "Invalid Parameter",
  "Given mobile linked with multiple client Id's",
  "Failed",
  "Failed to validate. Please try again later",
  "Something went wrong",
  "Can't send OTP"
]

describe("tables and documentation", () => {
  it('the fixtures have every observed spelling of "Ok" and "Not ok"', () => {
    const seen = new Set(
      answers.fixtures.flatMap(({ body }) => /"stat(?:us)?": ?"((?:not.?)?ok)"/i.exec(body)?.[1] ?? [])
    )
    for (const spelling of ["Ok", "Not ok", "Not_ok", "Not_Ok", "not_ok"]) assert.isTrue(seen.has(spelling), spelling)
  })

  for (const message of knownMessages) {
    it(`the message "${message}" has a fixture and a row in the error table`, () => {
      const own = answers.fixtures.filter((fixture) => {
        const { verdict } = Fixtures.read(answers, fixture)
        return verdict?._tag === "No" && verdict.message?.includes(message)
      })
      assert.isNotEmpty(own)
      for (const fixture of own) {
        // In the error table, HTTP 401 means a refused token. pwdValidate sends no token, so its 401 has no row.
        if (fixture.endpoint !== "pwdValidate" || fixture.status !== 401)
          assert.isDefined(Fixtures.rowOf(answers, fixture), fixture.name)
      }
    })
  }

  it("the endpoint table has exactly the known calls", () => {
    const rows = Object.values(endpoints.table).map(({ method, path }) => `${method} ${path}`)
    assert.deepStrictEqual(rows.toSorted(), knownCalls.toSorted())
    assert.strictEqual(knownCalls.length, 16)
  })

  it.effect("every endpoint in the table is in RmoneyApi and in the fake", () =>
    Effect.gen(function* () {
      const fake = yield* FakeRmoney.make()
      const names = Object.values(endpoints.table).map(({ name }) => name)
      assert.includeMembers([...fake.endpoints], names)
      const api = yield* Effect.provide(RmoneyApi.RmoneyApi, layerAnswer(""))
      for (const name of names) assert.isFunction(api[name as keyof typeof api], name)
    })
  )
})
