import { type BrokerTests, type Contract, type Fuzz, TestHttp } from "@auth/broker-core/testing"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker } from "@auth/samco/SamcoBroker"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import { table } from "../src/internal/endpoints.ts"
import { browse, calls, demo, fixtures, layerAnswer, legacyCredentials, serve } from "./support.ts"

const { answer, buildOf, inspect, methodOf, redacted } = brokers

/** If an output contains a secret of this account, the secret has leaked. */
const canary: FakeSamco.Account = {
  ...FakeSamco.demoAccount,
  apiKey: "c0ffee0ac0ffee1bc0ffee2cc0ffee3dc0ffee4ec0ffee5f",
  apiSecret: "dec0de00dec0de01dec0de02dec0de03dec0de04dec0de05dec0de06dec0de07dec0de08dec0de09dec0de0adec0de0b",
  password: "CANARYpw1",
  yob: "1987",
  secretApiKey: "CANARYsecretKey",
  accessToken: "CANARYaccess"
}

const subjectOf = (
  id: string,
  layer: Parameters<typeof buildOf>[2],
  options: Parameters<typeof serve>[0],
  more: Pick<Contract.Subject, "endpoints" | "logoutAgain" | "wrongCredentials">
): Contract.Subject => ({
  ...more,
  broker,
  method: methodOf(broker, id),
  refusal: (code) => answer(200, { status: "Failure", statusMessage: "No such luck", errorCode: code }),
  emptyYes: answer(200, { status: "Success", statusMessage: "Request successful" }),
  inspect,
  make: Effect.map(serve({ accounts: [canary], ...options }), (fake) => ({
    fake,
    secrets: [canary.apiKey, canary.apiSecret, canary.password, canary.yob, canary.secretApiKey, canary.accessToken],
    build: buildOf(methodOf(broker, id), canary, layer),
    browse: (request) => browse(request, canary.apiSecret)
  }))
})

const contract = [
  // The tokens contain no expiry, so the sessions expire by the package's own rule: at 08:00 IST.
  subjectOf(
    "api-key",
    SamcoAuth.layer,
    { tokenEnd: "absent" },
    {
      endpoints: { Login: "sessionToken", Profile: "getLimits", Logout: "logout" },
      wrongCredentials: {
        "API key": { credentials: { apiKey: "b".repeat(64) } },
        "API secret": { credentials: { apiSecret: "b".repeat(96) } }
      }
    }
  ),
  // The shared tests expect the broker to refuse a refresh after the end of a session.
  subjectOf(
    "oauth",
    SamcoOAuth.layer,
    { tokenEnd: "absent", refreshAfterEnd: "refused" },
    {
      endpoints: { Refresh: "oauthRefresh", Profile: "getLimits", Logout: "oauthRevoke" },
      wrongCredentials: {},
      logoutAgain: "confirmed"
    }
  ),
  subjectOf(
    "legacy",
    SamcoLegacy.layer,
    {},
    {
      endpoints: { Login: "login", Profile: "getLimits", Logout: "logout" },
      wrongCredentials: {
        password: { credentials: { password: "wrong" } },
        "access token": { credentials: { accessToken: "of-yesterday" } }
      }
    }
  )
]

/**
 * Secrets of the fuzz test. They do not look like secrets. They are redacted only if the endpoint table marks their
 * fields as secret.
 */
const apiKey = "canary&Key<q"
const apiSecret = "canary-secret"
const password = "QUCKOO"
const code = "8305"
const access = "canary-access-word"
const refresh = "canary-refresh-word"

type Api = SamcoApi.SamcoApi["Service"]

const session = SamcoOAuth.fromTokens({ userId: demo.userId, accessToken: redacted(access), issuedAt: 0 })
const app = { apiKey: redacted(apiKey), redirectUrl: demo.redirectUrl, state: redacted(code), scopes: "all" }
const ip = { clientId: demo.userId, password: redacted(password), primaryIp: "203.0.113.7" }

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  sessionToken: {
    sent: [apiKey, apiSecret],
    run: (api) => api.sessionToken({ apiKey: redacted(apiKey), apiSecret: redacted(apiSecret) })
  },
  oauthAuthorize: { sent: [apiKey, code], run: (api) => api.oauthAuthorize(app) },
  oauthAuthenticate: {
    sent: [apiKey, apiSecret, code],
    run: (api) => api.oauthAuthenticate({ ...app, apiSecret: redacted(apiSecret) })
  },
  oauthToken: { sent: [code], run: (api) => api.oauthToken({ code: redacted(code) }) },
  oauthRefresh: { sent: [refresh], run: (api) => api.oauthRefresh({ refresh_token: redacted(refresh) }) },
  oauthRevoke: {
    sent: [access],
    run: (api) => api.oauthRevoke({ token: redacted(access), token_type: "access_token" })
  },
  generateOtp: { sent: [], run: (api) => api.generateOtp({ uid: demo.userId }) },
  secretKeyGenerator: {
    sent: [code],
    run: (api) => api.secretKeyGenerator({ uid: demo.userId, otp: redacted(code) })
  },
  accessToken: {
    sent: [apiSecret],
    run: (api) => api.accessToken({ uid: demo.userId, secretApiKey: redacted(apiSecret) })
  },
  login: {
    sent: [password, access],
    run: (api) => api.login({ userId: demo.userId, password: redacted(password), accessToken: redacted(access) })
  },
  webSecretCode: { sent: [access], run: (api) => api.webSecretCode(session) },
  webSecretCodeValidation: { sent: [code], run: (api) => api.webSecretCodeValidation({ otp: redacted(code) }) },
  logout: { sent: [access], run: (api) => api.logout(session) },
  whoami: { sent: [access], run: (api) => api.whoami(session) },
  ipRegistration: { sent: [password], run: (api) => api.ipRegistration(ip) },
  ipUpdate: { sent: [password], run: (api) => api.ipUpdate(ip) },
  getLimits: { sent: [access], run: (api) => api.getLimits(session) }
}

const idiom: Fuzz.Idiom = {
  names: [
    "status",
    "statusMessage",
    "message",
    "validationErrors",
    "errorCode",
    "data",
    "sessionToken",
    "access_token",
    "expires_in"
  ],
  words: ["EOAUTH012", "EOAUTH030", "Invalid API key"],
  dataField: "data",
  answers: [
    (_, { dice, echo, padded }) =>
      `{"status":"Failure","${dice.pick(["statusMessage", "message"])}":"${padded()}","errorCode":"${echo()}","data":"${echo()}"}`,
    (_, { echo }) => `{"status":"Failure","validationErrors":["OTP ${echo()}","${echo()}"]}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["Failure", "Success", "Error"])}","message":"Authorization code already used ${echo()}","errorCode":"EOAUTH012","data":{"redirectTo":"${echo()}"}}`
  ]
}

interface RequestFixture extends BrokerTests.RequestFixture {
  /** Fields that differ from the default request of the legacy login. `null` omits a field. */
  readonly given?: Readonly<Record<string, string | null>>
}

const legacyLogin = (given: NonNullable<RequestFixture["given"]>) => {
  const entries = Object.entries(given).map(
    ([name, value]) => [name, value === null ? undefined : Redacted.make(value)] as const
  )
  const request = Object.entries({ ...legacyCredentials, ...Object.fromEntries(entries) })
  const known = Object.fromEntries(request.filter(([, value]) => value !== undefined))
  return Effect.flatMap(SamcoApi.SamcoApi, (api) =>
    api.login(known as unknown as RequestOf<SamcoApi.SamcoApi, "login">)
  )
}

brokers.runBrokerTests({
  contract,
  table,
  answers: {
    fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
    calls,
    layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
    dialects,
    verdicts: { flat: ["Yes", "No"], nested: ["Yes", "No"] },
    codes,
    secrets: ["eyJ", "of.a.test"]
  },
  envelope: ["status"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<RequestFixture>,
    serve: serve(),
    layer: () => SamcoApi.layer().pipe(Layer.provide(TestHttp.layerLateFetch)),
    call: ({ given }) => given && legacyLogin(given)
  },
  fuzz: {
    idiom,
    layer: SamcoApi.layer(),
    api: SamcoApi.SamcoApi,
    calls: fuzzCalls
  }
})

const rows = Object.values(table)

/** Every error code of the OAuth documentation, as of 2026-11-21. `validationErrors` is this package's own code. */
const documentedCodes = [
  "EOAUTH001 EOAUTH002 EOAUTH003 EOAUTH008 EOAUTH009 EOAUTH010 EOAUTH011 EOAUTH012 EOAUTH013 EOAUTH015 EOAUTH016",
  "EOAUTH017 EOAUTH030 EOAUTH999 validationErrors"
]
  .join(" ")
  .split(" ")

/** Every refusal text that is documented or was observed. */
const documentedTexts: ReadonlyArray<readonly [text: string, operation: string, status: number, reason: string]> = [
  ["apiKey and apiSecret are required", "sessionToken", 400, "InvalidRequest"],
  ["Invalid API key", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid or inactive API key", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid API secret format", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid API secret", "sessionToken", 401, "InvalidCredentials"],
  [
    "Unable to start your trading session. Please open the SAMCO mobile app, sign in once, and then retry.",
    "sessionToken",
    401,
    "ActionRequired"
  ],
  ["User not subscribed. Please subscribe to access trade API", "sessionToken", 403, "PermissionDenied"],
  ["User account is blocked", "sessionToken", 403, "AccountLocked"],
  ["User account is dormant", "sessionToken", 403, "AccountLocked"],
  ["Authorization code already used. All tokens revoked for security.", "oauthToken", 400, "InvalidStepUpCode"],
  ["Authorization code has expired", "oauthToken", 400, "InvalidStepUpCode"],
  ["Concurrent token exchange in progress. Please retry.", "oauthToken", 400, "InvalidStepUpCode"],
  ["Concurrent token exchange in progress. Please retry.", "oauthRefresh", 400, "BrokerUnavailable"],
  ["Secret key does not match", "accessToken", 200, "InvalidCredentials"],
  ["Invalid Password", "login", 200, "InvalidCredentials"],
  ["OTP expired. Please enter valid OTP.", "webSecretCodeValidation", 400, "InvalidStepUpCode"],
  ["Unauthorized. Session token is mandatory.", "getLimits", 401, "SessionExpired"],
  ["Unauthorized - Invalid token. sessId missing.", "getLimits", 401, "SessionExpired"],
  ["The IP is not the registered static IP", "getLimits", 403, "PermissionDenied"]
]

/** All documented calls for logins, sessions, IP addresses and limits. */
const documentedCalls = [
  "POST /session/token",
  "GET /oauth/authorize",
  "POST /oauth/authenticate",
  "POST /oauth/token",
  "POST /oauth/token",
  "POST /oauth/revoke",
  "POST /otp/generateOtp",
  "POST /otp/secretKeyGenerator",
  "POST /accessToken/token",
  "POST /login",
  "GET /webSecretCode",
  "POST /webSecretCodeValidation",
  "DELETE /logout",
  "GET /ip/whoami",
  "POST /ip/ipRegistration",
  "POST /ip/ipUpdate",
  "GET /limit/getLimits"
]

const refused = (endpoint: string, status: number, answer: object) => {
  const call = calls[endpoint]
  assert.isDefined(call, endpoint)
  return Effect.flip(Effect.provide(call, layerAnswer(JSON.stringify({ status: "Failure", ...answer }), { status })))
}

describe("the error of a refusal", () => {
  for (const carrier of ["statusMessage", "message", "validationErrors"]) {
    it.effect(`contains the broker's message from ${carrier}`, () =>
      Effect.gen(function* () {
        const said = "Invalid OTP. Please enter valid OTP."
        const answer = { [carrier]: carrier === "validationErrors" ? [said] : said }
        const { reason } = yield* refused("webSecretCodeValidation", 400, answer)
        assert.strictEqual(reason.brokerMessage, said)
      })
    )
  }
})

describe("tables and documentation", () => {
  it("the error table has exactly the documented codes and `validationErrors`", () => {
    const known = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...known].toSorted(), documentedCodes.toSorted())
    assert.strictEqual(documentedCodes.length, 15)
  })

  for (const [text, endpoint, status, reason] of documentedTexts) {
    for (const carrier of ["statusMessage", "message"]) {
      it.effect(`the ${carrier} "${text}" of ${endpoint} gives ${reason}`, () =>
        Effect.gen(function* () {
          const failure = yield* refused(endpoint, status, { [carrier]: text })
          assert.strictEqual<string>(failure.reason._tag, reason)
        })
      )
    }
  }

  it("the endpoint table has exactly the documented calls", () =>
    assert.deepStrictEqual(
      rows.map(({ method, path }) => `${method} ${path}`),
      documentedCalls
    ))

  it.effect("the fake has a handler for every call", () =>
    Effect.gen(function* () {
      const fake = yield* FakeSamco.make()
      for (const { name } of rows) assert.include(fake.endpoints, name)
    })
  )

  it("only whoami and getLimits are safe to resend after a failed connection", () =>
    assert.deepStrictEqual(
      rows.filter(({ safe }) => safe).map(({ name }) => name),
      ["whoami", "getLimits"]
    ))
})
