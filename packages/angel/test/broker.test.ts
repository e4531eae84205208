import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker } from "@auth/angel/AngelBroker"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { BrokerTests, Contract, Fuzz } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import { table } from "../src/internal/endpoints.ts"
import { browse, calls, fixtures, layer, layerAnswer, loginRequest, serve } from "./support.ts"

const { answer, buildOf, inspect, methodOf } = brokers

/** If an output contains a secret of this account, the secret has leaked. */
const canary: FakeAngel.Account = {
  ...FakeAngel.demoAccount,
  pin: "8305",
  totpSecret: "CANARYTOTPSECRET",
  apiKey: "CANARYtrd",
  publisherKey: "CANARYpub"
}

const common = {
  broker,
  refusal: (code: string) => answer(200, { status: false, message: "No such luck", errorcode: code, data: null }),
  emptyYes: answer(200, { status: true, message: "SUCCESS", errorcode: "", data: {} }),
  inspect
}

const secrets = [canary.pin, canary.totpSecret, canary.apiKey, canary.publisherKey]

const totpMethod: Contract.Subject = {
  ...common,
  method: methodOf(broker, "totp"),
  // The tokens contain no expiry, so the sessions end by the package's own rule: at midnight IST.
  make: Effect.map(serve({ accounts: [canary], tokenEnd: "absent" }), (fake) => ({
    fake,
    secrets,
    build: buildOf(methodOf(broker, "totp"), { ...canary, totp: canary.totpSecret }, AngelAuth.layer)
  })),
  endpoints: { Login: "loginByPassword", Refresh: "generateTokens", Profile: "getProfile", Logout: "logout" },
  wrongCredentials: {
    PIN: { credentials: { pin: "1111" } },
    "API key": { credentials: { apiKey: "badkey7" } }
  },
  wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } }
}

const publisherMethod: Contract.Subject = {
  ...common,
  method: methodOf(broker, "publisher"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: buildOf(methodOf(broker, "publisher"), { ...canary, apiKey: canary.publisherKey }, AngelPublisher.layer),
    browse: ({ url }) => browse(url, canary)
  })),
  endpoints: { Profile: "getProfile", Logout: "logout" },
  wrongCredentials: {}
}

/** Secrets of the fuzz test. They do not look like secrets, so the package must know their values to redact them. */
const pin = "8305"
const apiKey = "canary&Key<q"
const totp = "QUCKOOCANARYCODE"
const access = "canary-access-word"
const refresh = "canary-refresh-word"

type Api = AngelApi.AngelApi["Service"]

const sessionOf = (clientCode: string) =>
  AngelAuth.fromTokens({ userId: clientCode, accessToken: Redacted.make(access), issuedAt: 0 })

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  loginByPassword: {
    sent: [pin, totp, apiKey],
    run: (api, clientcode) =>
      api.loginByPassword({ clientcode, password: Redacted.make(pin), totp: Redacted.make(totp) })
  },
  generateTokens: {
    sent: [refresh, access, apiKey],
    run: (api, account) => api.generateTokens({ refreshToken: Redacted.make(refresh) }, sessionOf(account))
  },
  getProfile: { sent: [access, apiKey], run: (api, account) => api.getProfile(sessionOf(account)) },
  getRMS: { sent: [access, apiKey], run: (api, account) => api.getRMS(sessionOf(account)) },
  logout: {
    sent: [access, apiKey],
    run: (api, account) => api.logout({ clientcode: account }, sessionOf(account))
  }
}

const idiom: Fuzz.Idiom = {
  names: ["status", "success", "message", "errorcode", "errorCode", "data", "jwtToken"],
  words: ["AB1050", "AG8001", "Access denied because of exceeding access rate"],
  dataField: "data",
  answers: [
    (_, { echo, padded }) => `{"status":false,"message":"${padded()}","errorcode":"${echo()}","data":"${echo()}"}`,
    (_, { dice, echo }) =>
      `{"success":${dice.pick(["false", "true"])},"message":"${echo()}","errorCode":"AG8001","data":"${echo()}"}`
  ]
}

interface RequestFixture extends BrokerTests.RequestFixture {
  readonly given: { readonly state?: string; readonly identity?: AngelAuth.Options }
}

const loginWith = (state: string) =>
  Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword({ ...loginRequest, state }))

brokers.runBrokerTests({
  contract: [totpMethod, publisherMethod],
  table,
  answers: {
    fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
    calls,
    layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
    dialects,
    codes,
    secrets: ["eyJ", "of.a.test"]
  },
  envelope: ["status", "success"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<RequestFixture>,
    serve: serve(),
    layer: ({ given }) => layer({}, given.identity),
    call: ({ given: { state } }) => (state === undefined ? undefined : loginWith(state))
  },
  fuzz: {
    idiom,
    layer: AngelApi.layer({ apiKey: Redacted.make(apiKey) }),
    api: AngelApi.AngelApi,
    calls: fuzzCalls,
    bodies: thorough ? 100_000 : brokers.bodies
  }
})

/** Every error code in the broker's documentation, as of 2026-11-21. */
const documentedCodes = [
  "AG8001 AG8002 AG8003 AB8050 AB8051",
  "AB1000 AB1001 AB1002 AB1003 AB1004 AB1005 AB1006 AB1007 AB1008 AB1009 AB1010 AB1011 AB1012 AB1013 AB1014 AB1015",
  "AB1016 AB1017 AB1018 AB1031 AB1032 AB2000 AB2001 AB2002 AB4008"
]
  .join(" ")
  .split(" ")
/** Every undocumented error code that users or other clients mention, as of 2026-11-21. */
const undocumentedCodes = "AG8004 AG7002 AB1021 AB1034 AB1050 AB1053 AB4006".split(" ")

describe("the error table", () => {
  it("has exactly the documented and the known undocumented codes", () => {
    const rows = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...rows].toSorted(), [...documentedCodes, ...undocumentedCodes].toSorted())
    assert.strictEqual(documentedCodes.length, 30)
  })
})
