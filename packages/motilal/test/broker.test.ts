import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Method } from "@auth/broker-core/broker/Broker"
import type { BrokerTests, Contract, Fixtures, Fuzz } from "@auth/broker-core/testing"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker, credentials as fields, lenientCredentials } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as brokers from "../../../tools/vitest/brokers.ts"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import * as headers from "../src/internal/headers.ts"
import {
  browse,
  calls,
  codeNow,
  fixtures,
  hash,
  layerAnswer,
  layerApi,
  legacySession,
  loginRequest,
  serve,
  session
} from "./support.ts"

const { answer, buildOf, inspect, methodOf } = brokers

/** The secrets are unusual texts, so that a test can find a leaked secret in printed values. */
const canary: FakeMotilal.Account = {
  ...FakeMotilal.demoAccount,
  password: "CANARYpassword8305",
  apiKey: "CANARYkey",
  apiSecret: "CANARYappsecret",
  secondFactor: "29/02/1984",
  pan: "CNRYX8305Y",
  totpSecret: "CANARYTOTPSECRET"
}

const common = {
  broker,
  refusal: (errorcode: string) => answer(200, { status: "FAILURE", message: "No such luck", errorcode, data: "null" }),
  emptyYes: answer(200, { status: "SUCCESS", message: "Return Auth Token SUCCESS", errorcode: "", AuthToken: "" }),
  inspect
}

const secrets = [canary.password, canary.apiKey, canary.apiSecret, canary.secondFactor, canary.pan, canary.totpSecret]

const wrongCredentials = {
  password: { credentials: { password: "not this one" } },
  "user id": { credentials: { userId: "ZZ999" } },
  "API key": { credentials: { apiKey: "badkey7" } },
  "date of birth": { credentials: { secondFactor: "01/01/1980" } }
}

/** The method for the generations v4 and v3, which need no API secret. */
const withoutSecret: Method = {
  ...methodOf(broker, "password"),
  credentials: { ...fields, apiSecret: lenientCredentials.apiSecret }
}

const direct = (
  options: MotilalAuth.Options,
  changed: Readonly<Record<string, unknown>>,
  wrong: Contract.Subject["wrongCredentials"]
): Contract.Subject => {
  const method = options.generation === undefined ? methodOf(broker, "password") : withoutSecret
  const account = { ...canary, totp: canary.totpSecret, ...changed }
  return {
    ...common,
    method,
    make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
      fake,
      secrets,
      build: buildOf(method, account, (given: Parameters<typeof MotilalAuth.layer>[0]) =>
        MotilalAuth.layer({ ...options, ...given })
      ),
      answer: () => Effect.map(fake.codes(canary.userId), (codes) => Redacted.make(codes.at(-1) ?? ""))
    })),
    endpoints: { Login: "authdirectapi", StepUp: "verifyotp", Profile: "getprofile", Logout: "logout" },
    wrongCredentials: wrong,
    wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } },
    stepUp: { credentials: { totp: undefined } }
  }
}

const portal: Contract.Subject = {
  ...common,
  method: methodOf(broker, "portal"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: buildOf(methodOf(broker, "portal"), canary, MotilalPortal.layer),
    browse: (request) =>
      Effect.gen(function* () {
        const { location } = yield* browse(Redacted.value(request.url), {
          userid: canary.userId,
          password: canary.password,
          "2FA": canary.secondFactor,
          totp: yield* codeNow(canary.totpSecret)
        })
        return Redacted.make(location ?? "")
      })
  })),
  endpoints: { Profile: "getprofile", Logout: "logout" },
  wrongCredentials: {}
}

const withSecret = { ...wrongCredentials, "API secret": { credentials: { apiSecret: "badkey7-secret" } } }

/** A login by SMS uses no TOTP secret, so `wrongCode` is left out. */
const { wrongCode: _wrongCode, ...withoutCode } = direct({}, { totp: undefined }, withSecret)

const contract: BrokerTests.Subject<never, never, never>["contract"] = [
  direct({}, {}, withSecret),
  { ...withoutCode, codes: "person", title: "password and code by SMS" },
  { ...direct({ generation: "v4" }, {}, wrongCredentials), title: "password, generation v4" },
  {
    ...direct({ generation: "v3", sourceId: "DESKTOP" }, {}, wrongCredentials),
    title: "password, generation v3"
  },
  portal
]

/** These secrets of the fuzz test do not look like secrets. They can be redacted only by their values. */
const apiKey = "canary&Key<q"
const apiSecret = "canary-app-secret"
const factor = "29/02/1984"
const code = "QUCKOOCODE"
const access = "canary-access-word"
const login = "canary-login-word"

type Api = MotilalApi.MotilalApi["Service"]

const sessionOf = (userId: string) =>
  MotilalAuth.fromTokens({
    userId,
    accessToken: Redacted.make(access),
    loginToken: Redacted.make(login),
    issuedAt: 0
  })

const waitingOf = (userId: string) => ({
  account: sessionOf(userId).account,
  tokens: { access: Redacted.make(login) }
})

const keys = [apiKey, apiSecret]

const fuzzCalls: Readonly<Record<string, BrokerTests.FuzzCall<Api>>> = {
  authdirectapi: {
    sent: [...keys, hash, factor, code],
    run: (api, userid) => {
      const given = { password: Redacted.make(hash), "2FA": Redacted.make(factor), totp: Redacted.make(code) }
      return api.authdirectapi({ userid, ...given })
    }
  },
  getaccesstoken: { sent: [...keys, login], run: (api, account) => api.getaccesstoken(waitingOf(account)) },
  resendotp: { sent: [...keys, login], run: (api, account) => api.resendotp(waitingOf(account)) },
  verifyotp: {
    sent: [...keys, login, code],
    run: (api, account) => api.verifyotp({ otp: Redacted.make(code) }, waitingOf(account))
  },
  getprofile: { sent: [...keys, login, access], run: (api, account) => api.getprofile({}, sessionOf(account)) },
  logout: { sent: [...keys, login, access], run: (api, account) => api.logout({}, sessionOf(account)) }
}

const idiom: Fuzz.Idiom = {
  names: ["status", "message", "errorcode", "data", "AuthToken", "isAuthTokenVerified", "accesstoken", "clientcode"],
  words: ["SUCCESS", "ERROR", "FAILURE", "MO8001", "Invalid Token", "FALSE"],
  dataField: "data",
  answers: [
    (_, { echo, padded }) =>
      `{"status":"FAILURE","message":"${padded()}","errorcode":"${echo()}","data":"null","AuthToken":"${echo()}"}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["ERROR", "SUCCESS"])}","message":"${echo()}","errorcode":"MO8001","data":{"accessToken":"${echo()}"}}`,
    (body) => body.replaceAll(/"/g, "\u201d"),
    (body, { dice }) => body + body.slice(dice.below(body.length + 1))
  ]
}

interface Fixture extends Fixtures.Fixture {
  readonly generation?: MotilalApi.Generation
}

interface RequestFixture extends BrokerTests.RequestFixture {
  readonly given: {
    readonly call?: string
    readonly options?: Partial<Omit<MotilalApi.Options, "apiSecret">> & { readonly apiSecret?: null }
  }
}

const using = <A>(call: (api: MotilalApi.MotilalApi["Service"]) => Effect.Effect<A, AuthError>) =>
  Effect.flatMap(MotilalApi.MotilalApi, call)

const { totp: _totp, ...withoutTotp } = loginRequest
const { "2FA": _factor, ...withoutFactor } = withoutTotp

/** The calls that a request fixture can name in its field `call`. */
const others: typeof calls = {
  loginByOtp: using((api) => api.authdirectapi(withoutTotp)),
  loginOfDealer: using((api) => api.authdirectapi(withoutFactor)),
  profileOfClient: using((api) => api.getprofile({ clientcode: "Q02429" }, session)),
  logoutOfDealer: using((api) => api.logout({ userid: "AA017" }, session))
}

const legacy: typeof calls = {
  ...calls,
  getprofile: using((api) => api.getprofile({}, legacySession)),
  logout: using((api) => api.logout({}, legacySession))
}

const callOf = ({ endpoint, given: { call, options } }: RequestFixture) => {
  if (call !== undefined) return others[call]
  return (options?.generation === undefined ? calls : legacy)[endpoint]
}

const answers: Omit<Fixtures.Subject<Fixture, MotilalApi.MotilalApi>, "endpoints"> = {
  fixtures: fixtures.answers("success", "dialects", "codes", "statuses", "oddities"),
  calls,
  layer: ({ body, generation, headers: own, status }) => layerAnswer(body, { status, headers: own }, { generation }),
  dialects,
  verdicts: { success: ["Yes"] },
  codes,
  quirks: ["smart-quotes", "trailing-bytes"],
  secrets: ["774aac4a", "of-a-test"]
}

brokers.runBrokerTests({
  contract,
  table: endpoints.make("v7", 2),
  answers,
  envelope: ["status"],
  requests: {
    fixtures: fixtures.read("requests.json") as ReadonlyArray<RequestFixture>,
    serve: serve(),
    layer: ({ given }) => {
      const { apiSecret, ...options } = { ...given.options }
      // The default of `productVersion` changes with each release.
      const common = { productVersion: "0.1.0", ...options }
      return layerApi(apiSecret === null ? { ...common, apiSecret: undefined } : common)
    },
    call: callOf
  },
  fuzz: {
    idiom,
    layer: MotilalApi.layer({ apiKey: Redacted.make(apiKey), apiSecret: Redacted.make(apiSecret) }),
    api: MotilalApi.MotilalApi,
    calls: fuzzCalls
  }
})

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `MO${first + index}`)

/** Every code in the broker's error table, sample answer and FAQ, except `orderCodes`, as of 2026-11-21. */
const documentedCodes = [
  "MO1000 MO1001 MO1002 MO1004 MO1005 MO1006 MO1007 MO1008 MO1011 MO1050 MO1062 MO1087 MO1088".split(" "),
  "MO1092 MO1093 MO1094 MO1095 MO1096 MO1097 MO1098 MO1099 MO1100 MO2000 MO2001 MO2002 MO2003".split(" "),
  "MO2004 MO2005 MO2006 MO2007 MO2008 MO2009 MO2010 MO2011 MO2012 MO2013 MO2014 MO2015 MO2016".split(" "),
  "MO2017 MO2018 MO2019 MO2020 MO2021 MO2022 MO2023 MO2024 MO2025 MO2026 MO2035 MO3001".split(" "),
  "MO5000 MO5001 MO5002 MO8000 MO8001 MO8002 MO8003 MO8050 MO8051 MO8052 MOSL100".split(" ")
].flat()

const orderCodes = [
  "MO1003",
  ...numbers(1012, 1016),
  ...numbers(1051, 1061),
  ...numbers(1063, 1086),
  ...numbers(1089, 1091),
  ...numbers(1101, 1104),
  "MO5003"
]

/**
 * Every documented path under `/rest/login`. The first five are in the documentation of 2024, the others in the
 * documentation of 2026-11-21.
 */
const documentedPaths = [
  "/rest/login/v3/authdirectapi",
  "/rest/login/v3/resendotp",
  "/rest/login/v3/verifyotp",
  "/rest/login/v1/getprofile",
  "/rest/login/v1/logout",
  "/rest/login/v7/authdirectapi",
  "/rest/login/v1/getaccesstoken",
  "/rest/login/v5/resendotp",
  "/rest/login/v5/verifyotp",
  "/rest/login/v5/getprofile",
  "/rest/login/v5/logout"
]

describe("tables and documentation", () => {
  it("the error table has exactly the documented codes", () => {
    const rows = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...rows].toSorted(), [...documentedCodes, ...orderCodes].toSorted())
    assert.deepStrictEqual([documentedCodes.length, orderCodes.length], [62, 49])
  })

  it("the header table has every header that an error code names", () => {
    const named = headers.table.map(({ code }) => code).filter((code) => code.startsWith("MO20"))
    // MO2000, MO2001, MO2002, MO2013 and MO2035 name no header.
    const ofHeaders = documentedCodes.filter((code) => /^MO20(?:0[3-9]|1\d|2\d)$/.test(code) && code !== "MO2013")
    assert.deepStrictEqual(named.toSorted(), ofHeaders)
  })

  it.effect("the calls and the fake cover every documented path", () =>
    Effect.gen(function* () {
      const tables = endpoints.generations.flatMap((generation) => Object.values(endpoints.make(generation, 2)))
      const paths = new Set(tables.map(({ path }) => path))
      // The undocumented generation v4 has one path that v3 does not have.
      assert.deepStrictEqual([...paths].toSorted(), [...documentedPaths, "/rest/login/v4/authdirectapi"].toSorted())
      const fake = yield* FakeMotilal.make()
      for (const path of paths) {
        for (const origin of fake.origins.filter((candidate) => candidate.includes("openapi"))) {
          const response = yield* Effect.promise(() => fake.respond(new Request(origin + path, { method: "POST" })))
          assert.strictEqual(response.status, 200, origin + path)
        }
      }
    })
  )

  for (const generation of endpoints.generations) {
    it(`every ${generation} call except getaccesstoken has a successful fixture`, () => {
      const own = answers.fixtures.filter((fixture) => fixture.generation === generation && "data" in fixture.expect)
      const names = Object.keys(endpoints.make(generation, 2)).filter((name) => name !== "getaccesstoken")
      assert.deepStrictEqual([...new Set(own.map(({ endpoint }) => endpoint))].toSorted(), names.toSorted())
    })
  }
})
