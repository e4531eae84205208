import { type BrokerTests, type Contract, type Fuzz, TestHttp } from "@auth/broker-core/testing"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker } from "@auth/zerodha/ZerodhaBroker"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import { table } from "../src/internal/endpoints.ts"
import { browse, calls, credentials, demo, fixtures, layerAnswer, serve } from "./support.ts"

const { answer, buildOf, inspect, methodOf } = brokers

/** If an output contains a secret of this account, the secret has leaked. */
const canary: FakeZerodha.Account = {
  ...FakeZerodha.demoAccount,
  password: "CANARY-password",
  totpSecret: "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
  apiKey: "canarykey0000001",
  apiSecret: "CANARYsecret0000000000000000001x"
}

const subjectOf = (
  id: string,
  layer: (typeof ZerodhaAuth | typeof ZerodhaPlatform)["layer"],
  account: FakeZerodha.Account
): Contract.Subject => ({
  broker,
  method: methodOf(broker, id),
  refusal: (code) => answer(400, { status: "error", message: "No such luck", error_type: code, data: null }),
  emptyYes: answer(200, { status: "success", data: {} }),
  inspect,
  // The shared tests expect that an expired session cannot be refreshed.
  make: Effect.map(serve({ accounts: [account], refreshAfterEnd: "refused" }), (fake) => ({
    fake,
    secrets: [account.apiKey, account.apiSecret, account.password, account.totpSecret],
    build: buildOf(methodOf(broker, id), account, layer),
    browse: (request) => browse(fake, request, account)
  })),
  endpoints: { Profile: "getProfile", Logout: "deleteSession", Refresh: "refreshToken" },
  wrongCredentials: {}
})

const contract = [
  subjectOf("browser", ZerodhaAuth.layer, canary),
  subjectOf("platform", ZerodhaPlatform.layer, { ...canary, platform: "approved" })
]

// These texts do not look like secrets. They are redacted only if the endpoint table marks their fields as secret.
const apiKey = "qanaryKeyq"
const access = "canary-access-word"
const refresh = "canary&refresh=word"
const token = "canary+request/word"
const checksum = "0ddba11c0ffee"

type Api = ZerodhaApi.ZerodhaApi["Service"]

const session = ZerodhaAuth.fromTokens({ userId: demo.userId, accessToken: Redacted.make(access), issuedAt: 0 })

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  sessionToken: {
    sent: [apiKey, token, checksum],
    run: (api) => api.sessionToken({ request_token: Redacted.make(token), checksum: Redacted.make(checksum) })
  },
  refreshToken: {
    sent: [apiKey, refresh, checksum],
    run: (api) => api.refreshToken({ refresh_token: Redacted.make(refresh), checksum: Redacted.make(checksum) })
  },
  deleteSession: {
    sent: [apiKey, access],
    run: (api) => api.deleteSession({ access_token: session.tokens.access }, session)
  },
  deleteRefreshToken: {
    sent: [apiKey, access, refresh],
    run: (api) => api.deleteRefreshToken({ refresh_token: Redacted.make(refresh) }, session)
  },
  getProfile: { sent: [apiKey, access], run: (api) => api.getProfile(session) },
  getMargins: { sent: [apiKey, access], run: (api) => api.getMargins(session) },
  getEquityMargins: { sent: [apiKey, access], run: (api) => api.getEquityMargins(session) },
  getCommodityMargins: { sent: [apiKey, access], run: (api) => api.getCommodityMargins(session) }
}

const idiom: Fuzz.Idiom = {
  names: ["status", "message", "error_type", "data", "access_token", "refresh_token", "user_id", "login_time"],
  words: ["TokenException", "NetworkException", "Invalid `checksum`."],
  dataField: "data",
  answers: [
    (_, { dice, echo, padded }) =>
      `{"status":"error","message":"${padded()}","error_type":"${dice.pick(["TokenException", echo()])}","data":"${echo()}"}`,
    (_, { echo }) =>
      `{"status":"error","message":"Missing or invalid field \`${echo()}\`","error_type":"InputException"}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["error", "success"])}","message":"IP (${echo()}) is not allowed","error_type":"PermissionException","data":{"access_token":"${echo()}"}}`
  ]
}

brokers.runBrokerTests({
  contract,
  table,
  answers: {
    fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
    calls,
    layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
    dialects,
    verdicts: { kite: ["Yes", "No"] },
    codes,
    secrets: ["TokFake", "of.a.test", "EncFake", "fakekey"]
  },
  envelope: ["status"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<BrokerTests.RequestFixture>,
    serve: serve(),
    layer: () => ZerodhaApi.layer({ apiKey: credentials.apiKey }).pipe(Layer.provide(TestHttp.layerLateFetch))
  },
  fuzz: {
    idiom,
    layer: ZerodhaApi.layer({ apiKey: Redacted.make(apiKey) }),
    api: ZerodhaApi.ZerodhaApi,
    calls: fuzzCalls
  }
})

const rows = Object.values(table)

/** Every error type in the documents, the SDKs and the login page, as of 2026-11-27. */
const documentedTypes = [
  "TokenException UserException TwoFAException PermissionException ForbiddenError InputException OrderException",
  "MarginException HoldingException NetworkException DataException GeneralException"
]
  .join(" ")
  .split(" ")

const documentedCalls = [
  "POST /session/token",
  "POST /session/refresh_token",
  "DELETE /session/token",
  "DELETE /session/token",
  "GET /user/profile",
  "GET /user/margins",
  "GET /user/margins/equity",
  "GET /user/margins/commodity"
]

describe("tables and documentation", () => {
  it("the error table has exactly the documented error types", () => {
    const known = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...known].toSorted(), documentedTypes.toSorted())
  })

  it("the endpoint table has exactly the documented calls", () =>
    assert.deepStrictEqual(
      rows.map(({ method, path }) => `${method} ${path}`),
      documentedCalls
    ))

  it("each call allows ten requests a second, and only reads are safe to resend", () => {
    for (const { limits } of rows) assert.deepStrictEqual(limits, [{ requests: 10, per: "1 second" }])
    const safe = rows.filter((row) => row.safe).map(({ name }) => name)
    assert.deepStrictEqual(safe, ["getProfile", "getMargins", "getEquityMargins", "getCommodityMargins"])
  })

  it.effect("the fake has a handler for every call", () =>
    Effect.gen(function* () {
      const fake = yield* FakeZerodha.make()
      for (const { name } of rows) assert.include(fake.endpoints, name)
    })
  )
})
