import { inspect } from "node:util"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker } from "@auth/rupeezy/RupeezyBroker"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { browse, serve } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeRupeezy.Account = {
  ...FakeRupeezy.demoAccount,
  password: 'CANARY&pass<w>o"rd',
  totpSecret: "CANARYTOTPSECRET",
  apiKey: "CANARYkey"
}

const methodOf = (id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

const common = {
  broker,
  refusal: (code: string) => ({
    kind: "answer" as const,
    status: 200,
    body: JSON.stringify({ status: "error", code, message: "No such luck" })
  }),
  emptyYes: { kind: "answer" as const, status: 200, body: JSON.stringify({ status: "success", data: {} }) },
  inspect: (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true })
}

const secrets = [canary.password, canary.totpSecret, canary.apiKey]

/** Credentials by the descriptor's names, as a program without types may give them. */
const given = (changes: Readonly<Record<string, unknown>> = {}) => {
  const values: Readonly<Record<string, unknown>> = { ...canary, totp: canary.totpSecret, ...changes }
  const secret = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : value)
  return {
    clientCode: values["clientCode"],
    password: secret(values["password"]),
    totp: secret(values["totp"]),
    applicationId: values["applicationId"],
    apiKey: secret(values["apiKey"]),
    redirectUrl: values["redirectUrl"]
  }
}

const totp: Contract.Subject = {
  ...common,
  method: methodOf("totp"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) =>
      Layer.build(
        RupeezyAuth.layer({
          ...options,
          credentials: given(credentials) as RupeezyAuth.RupeezyCredentials
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      )
  })),
  endpoints: { Login: "login", Profile: "getFunds", Logout: "deleteSession" },
  wrongCredentials: {
    password: { credentials: { password: "wrong-password" } },
    "client code": { credentials: { clientCode: "ZZ0000" } },
    "API key": { credentials: { apiKey: "nobodys" } },
    "application id": { credentials: { applicationId: "dev_0000" } }
  },
  wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } }
}

const partner: Contract.Subject = {
  ...common,
  method: methodOf("partner"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) =>
      Layer.build(
        RupeezyPartner.layer({
          ...options,
          credentials: given(credentials) as RupeezyPartner.PartnerCredentials
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      ),
    browse: ({ url }) => browse(canary, url)
  })),
  endpoints: { Profile: "getFunds", Logout: "deleteSession" },
  wrongCredentials: {}
}

for (const subject of [totp, partner]) {
  describe(`contract: ${broker.id} ${subject.method.id}`, () => {
    for (const { name, run } of Contract.cases(subject)) it.effect(name, () => run)
  })
}
