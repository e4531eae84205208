import { type BrokerTests, type Contract, Fixtures, type Fuzz, TestHttp } from "@auth/broker-core/testing"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker } from "@auth/rupeezy/RupeezyBroker"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import * as codes from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { browse, calls, credentials, fixtures, layerAnswer, serve } from "./support.ts"

const { answer, buildOf, inspect, methodOf } = brokers

/** The secrets of this account are unique texts. If an output contains one of them, that secret has leaked. */
const canary: FakeRupeezy.Account = {
  ...FakeRupeezy.demoAccount,
  password: 'CANARY&pass<w>o"rd',
  totpSecret: "CANARYTOTPSECRET",
  apiKey: "CANARYkey"
}

const subjectOf = (
  id: string,
  layer: Parameters<typeof buildOf>[2],
  more: Pick<Contract.Subject, "endpoints" | "wrongCode" | "wrongCredentials">
): Contract.Subject => ({
  ...more,
  broker,
  method: methodOf(broker, id),
  refusal: (code) => answer(200, { status: "error", code, message: "No such luck" }),
  emptyYes: answer(200, { status: "success", data: {} }),
  inspect,
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets: [canary.password, canary.totpSecret, canary.apiKey],
    build: buildOf(methodOf(broker, id), { ...canary, totp: canary.totpSecret }, layer),
    browse: ({ url }) => browse(canary, url)
  }))
})

const contract = [
  subjectOf("totp", RupeezyAuth.layer, {
    endpoints: { Login: "login", Profile: "getFunds", Logout: "deleteSession" },
    wrongCredentials: {
      password: { credentials: { password: "wrong-password" } },
      "client code": { credentials: { clientCode: "ZZ0000" } },
      "API key": { credentials: { apiKey: "badkey7" } },
      "application id": { credentials: { applicationId: "dev_0000" } }
    },
    wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } }
  }),
  subjectOf("partner", RupeezyPartner.layer, {
    endpoints: { Profile: "getFunds", Logout: "deleteSession" },
    wrongCredentials: {}
  })
]

/** Secrets of the fuzz test. They do not look like secrets, so they can be redacted only by their values. */
const password = `canary&Pass<w"d`
const apiKey = "canary-Key-word"
const totp = "QUCKOOCANARYCODE"
const access = "canary-access-word"
const auth = "canary-auth-word"
const checksum = "canary-check-word"

type Api = RupeezyApi.RupeezyApi["Service"]

const sessionOf = (clientCode: string) =>
  RupeezyAuth.fromTokens({ userId: clientCode, accessToken: Redacted.make(access), issuedAt: 0 })

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  login: {
    sent: [password, totp, apiKey],
    run: (api, client_code) => {
      const secrets = { password: Redacted.make(password), totp: Redacted.make(totp) }
      return api.login({ client_code, ...secrets, application_id: "dev_1234" })
    }
  },
  createSession: {
    sent: [checksum, auth, apiKey],
    run: (api, applicationId) => {
      const secrets = { checksum: Redacted.make(checksum), token: Redacted.make(auth) }
      return api.createSession({ ...secrets, applicationId })
    }
  },
  deleteSession: { sent: [access, apiKey], run: (api, account) => api.deleteSession(sessionOf(account)) },
  getFunds: { sent: [access, apiKey], run: (api, account) => api.getFunds(sessionOf(account)) },
  getBanks: { sent: [access, apiKey], run: (api, account) => api.getBanks(sessionOf(account)) },
  getBrokerage: { sent: [access, apiKey], run: (api, account) => api.getBrokerage(sessionOf(account)) },
  getProfile: { sent: [access, apiKey], run: (api, account) => api.getProfile(sessionOf(account)) }
}

const idiom: Fuzz.Idiom = {
  names: [
    "status",
    "message",
    "code",
    "data",
    "access_token",
    "login_time",
    "user_id",
    "others",
    "nse",
    "exchange_combined",
    "response"
  ],
  words: ["error", "IP_NOT_ALLOWED", "Invalid credentials", "2023-Mar-29 13:10:50"],
  dataField: "data",
  answers: [
    (_, { echo, padded }) => `{"status":"error","message":"${padded()}","code":"${echo()}","data":"${echo()}"}`,
    (_, { dice, echo }) =>
      `{"status":"error","message":"${dice.pick(["Invalid TOTP", "blocked", "Wrong password", ""])} ${echo()}"}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["error", "success"])}","message":"${echo()}","response":"${echo()}"}`
  ]
}

interface Fixture extends Fixtures.Fixture {
  readonly options?: Partial<RupeezyApi.Options>
}

interface RequestFixture extends BrokerTests.RequestFixture {
  readonly given: Partial<RupeezyApi.Options>
}

const table = endpoints.make("+05:30")

const rows = Array.from(new Set([...codes.make({}), ...codes.make({ forbidden: "session-over" })]))

const answers: Omit<Fixtures.Subject<Fixture, RupeezyApi.RupeezyApi>, "endpoints"> = {
  fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
  calls,
  layer: ({ body, headers, options, status }) => layerAnswer(body, { status, headers }, options),
  dialects,
  verdicts: { service: ["Yes", "No"], acknowledgement: ["Yes"], bare: ["Yes"] },
  codes: rows,
  codesFor: ({ options = {} }) => codes.make(options),
  secrets: ["eyJ", "of.a.test", "demo-"]
}

brokers.runBrokerTests({
  contract,
  table,
  answers,
  envelope: ["status"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<RequestFixture>,
    serve: serve(),
    layer: ({ given }) =>
      RupeezyApi.layer({ apiKey: credentials.apiKey, ...given }).pipe(Layer.provide(TestHttp.layerLateFetch))
  },
  fuzz: {
    idiom,
    layer: RupeezyApi.layer({ apiKey: Redacted.make(apiKey) }),
    api: RupeezyApi.RupeezyApi,
    calls: fuzzCalls,
    // With fewer bodies, no random answer leads to AccountLocked.
    bodies: Math.max(brokers.bodies, 1500),
    outcomes: [
      "AccountLocked",
      "BrokerUnavailable",
      "InvalidCredentials",
      "InvalidRequest",
      "InvalidStepUpCode",
      "PermissionDenied",
      "SessionExpired"
    ]
  }
})

/** The known failures as of 2026-11-21. The words are from the messages of refused logins. */
const knownCodes = ["IP_NOT_ALLOWED"]
const knownStatuses = [400, 401, 403, 404, 422, 429, 500]
const knownWords = ["invalid cred", "password", "client", "totp", "otp", "2fa", "block", "lock", "disabled"]

/**
 * The login, session, funds, bank and brokerage calls of the documents and the official SDKs. `GET /v2/user/profile` is
 * known only from a third-party client.
 */
const knownCalls = [
  "POST /v2/user/login",
  "POST /v2/user/session",
  "DELETE /v2/user/session",
  "GET /v2/user/funds",
  "GET /v2/user/profile/banks",
  "GET /v2/user/profile/brokerage",
  "GET /v2/user/profile"
]

describe("tables and documentation", () => {
  it("each refusal format has a fixture", () => {
    const refusals = answers.fixtures.filter((fixture) => Fixtures.read(answers, fixture).verdict?._tag === "No")
    assert.deepStrictEqual(
      [...new Set(refusals.flatMap((fixture) => Fixtures.read(answers, fixture).dialect?.name ?? []))].toSorted(),
      ["address", "service"]
    )
  })

  it("the error table has exactly the known codes", () => {
    assert.deepStrictEqual([...new Set(rows.flatMap(({ code }) => code ?? []))], knownCodes)
  })

  it("the error table has exactly the known statuses, each with a fixture", () => {
    const statuses = [...new Set(rows.flatMap(({ status }) => status ?? []))]
    assert.deepStrictEqual(
      statuses.toSorted((left, right) => left - right),
      knownStatuses
    )
    for (const status of knownStatuses) {
      assert.isTrue(
        answers.fixtures.some((fixture) => fixture.status === status && "reason" in fixture.expect),
        String(status)
      )
    }
  })

  for (const word of knownWords) {
    it(`the word "${word}" has an error row and a fixture`, () => {
      // Without `\b`, "blocked" would count as "lock", and "totp" as "otp".
      const beginsWord = new RegExp(`\\b${word}`, "i")
      const ofWord = answers.fixtures.filter(
        ({ body, endpoint, status }) => endpoint === "login" && status < 500 && beginsWord.test(body)
      )
      assert.isTrue(ofWord.some((fixture) => Fixtures.rowOf(answers, fixture)?.message?.test(word)))
    })
  }

  it.effect("the endpoint table has exactly the known calls, each handled by the fake", () =>
    Effect.gen(function* () {
      const fake = yield* FakeRupeezy.make()
      assert.deepStrictEqual(
        Object.values(table).map(({ method, path }) => `${method} ${path}`),
        knownCalls
      )
      for (const { name } of Object.values(table)) assert.include(fake.endpoints, name)
    })
  )
})
