import { inspect } from "node:util"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker } from "@auth/zerodha/ZerodhaBroker"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { browse, serve } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeZerodha.Account = {
  ...FakeZerodha.demoAccount,
  password: "CANARY-password",
  totpSecret: "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
  apiKey: "canarykey0000001",
  apiSecret: "CANARYsecret0000000000000000001x"
}

const methodOf = (id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

const secret = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : value)

const subjectOf = (
  id: string,
  layer: (typeof ZerodhaAuth | typeof ZerodhaPlatform)["layer"],
  account: FakeZerodha.Account
): Contract.Subject => ({
  broker,
  method: methodOf(id),
  refusal: (code) => ({
    kind: "answer",
    status: 400,
    body: JSON.stringify({ status: "error", message: "No such luck", error_type: code, data: null })
  }),
  emptyYes: { kind: "answer", status: 200, body: JSON.stringify({ status: "success", data: {} }) },
  inspect: (value) => inspect(value, { depth: 20, showHidden: true, getters: true }),
  // The suite wants no refresh after the end of a session. That this broker may allow it has tests of its own.
  make: Effect.map(serve({ accounts: [account], refreshAfterEnd: "refused" }), (fake) => ({
    fake,
    secrets: [account.apiKey, account.apiSecret, account.password, account.totpSecret],
    build: ({ credentials, options } = {}) => {
      const { apiKey, apiSecret, redirectUrl, userId } = { ...account, ...credentials }
      const given = { userId, redirectUrl, apiKey: secret(apiKey), apiSecret: secret(apiSecret) }
      return Layer.build(
        Layer.provide(
          layer({ ...options, credentials: given as ZerodhaAuth.ZerodhaCredentials }),
          TestHttp.layerLateFetch
        )
      )
    },
    browse: (request) => browse(fake, request, account)
  })),
  endpoints: { Profile: "getProfile", Logout: "deleteSession", Refresh: "refreshToken" },
  wrongCredentials: {}
})

const subjects = [
  subjectOf("browser", ZerodhaAuth.layer, canary),
  subjectOf("platform", ZerodhaPlatform.layer, { ...canary, platform: "approved" })
]

for (const subject of subjects) {
  describe(`contract: ${broker.id} ${subject.method.id}`, () => {
    for (const { name, run } of Contract.cases(subject)) it.effect(name, () => run)
  })
}
