import { inspect } from "node:util"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker } from "@auth/samco/SamcoBroker"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { browse, serve } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeSamco.Account = {
  ...FakeSamco.demoAccount,
  apiKey: "c0ffee0ac0ffee1bc0ffee2cc0ffee3dc0ffee4ec0ffee5f",
  apiSecret: "dec0de00dec0de01dec0de02dec0de03dec0de04dec0de05dec0de06dec0de07dec0de08dec0de09dec0de0adec0de0b",
  password: "CANARYpw1",
  yob: "1987",
  secretApiKey: "CANARYsecretKey",
  accessToken: "CANARYaccess"
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
    body: JSON.stringify({ status: "Failure", statusMessage: "No such luck", errorCode: code })
  }),
  emptyYes: {
    kind: "answer" as const,
    status: 200,
    body: JSON.stringify({ status: "Success", statusMessage: "Request successful" })
  },
  inspect: (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true })
}

const secrets = [canary.apiKey, canary.apiSecret, canary.password, canary.yob, canary.secretApiKey, canary.accessToken]

const secret = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : value)

type Values = Readonly<Record<string, unknown>>

/** Credentials by the descriptor's names, as a program without types may give them. */
const valuesOf = (names: ReadonlyArray<string>, credentials: Values = {}): Values => {
  const all: Values = { ...canary, ...credentials }
  return Object.fromEntries(names.map((name) => [name, all[name]]))
}

const apiKey: Contract.Subject = {
  ...common,
  method: methodOf("api-key"),
  // Tokens without an end of their own, so that the rule about 08:00 is what counts.
  make: Effect.map(serve({ accounts: [canary], tokenEnd: "absent" }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) => {
      const values = valuesOf(["userId", "apiKey", "apiSecret"], credentials)
      const given = { ...values, apiKey: secret(values["apiKey"]), apiSecret: secret(values["apiSecret"]) }
      return Layer.build(
        SamcoAuth.layer({ ...options, credentials: given as unknown as SamcoAuth.SamcoCredentials }).pipe(
          Layer.provide(TestHttp.layerLateFetch)
        )
      )
    }
  })),
  endpoints: { Login: "sessionToken", Profile: "getLimits", Logout: "logout" },
  wrongCredentials: {
    "API key": { credentials: { apiKey: "b".repeat(64) } },
    "API secret": { credentials: { apiSecret: "b".repeat(96) } }
  }
}

const oauth: Contract.Subject = {
  ...common,
  method: methodOf("oauth"),
  // The suite wants no refresh after the end of a session; that this broker may allow it has tests of its own.
  make: Effect.map(serve({ accounts: [canary], tokenEnd: "absent", refreshAfterEnd: "refused" }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) => {
      const values = valuesOf(["userId", "apiKey", "redirectUrl"], credentials)
      const given = { ...values, apiKey: secret(values["apiKey"]) }
      return Layer.build(
        SamcoOAuth.layer({ ...options, credentials: given as unknown as SamcoOAuth.OAuthCredentials }).pipe(
          Layer.provide(TestHttp.layerLateFetch)
        )
      )
    },
    browse: (request) => browse(request, canary.apiSecret)
  })),
  endpoints: { Refresh: "oauthRefresh", Profile: "getLimits", Logout: "oauthRevoke" },
  wrongCredentials: {},
  logoutAgain: "confirmed"
}

const legacy: Contract.Subject = {
  ...common,
  method: methodOf("legacy"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) => {
      const values = valuesOf(["userId", "password", "accessToken", "yob"], credentials)
      const given = Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, name === "userId" ? value : secret(value)])
      )
      return Layer.build(
        SamcoLegacy.layer({ ...options, credentials: given as unknown as SamcoLegacy.LegacyCredentials }).pipe(
          Layer.provide(TestHttp.layerLateFetch)
        )
      )
    }
  })),
  endpoints: { Login: "login", Profile: "getLimits", Logout: "logout" },
  wrongCredentials: {
    password: { credentials: { password: "wrong" } },
    "access token": { credentials: { accessToken: "of-yesterday" } }
  }
}

for (const subject of [apiKey, oauth, legacy]) {
  describe(`contract: ${broker.id} ${subject.method.id}`, () => {
    for (const { name, run } of Contract.cases(subject)) it.effect(name, () => run)
  })
}
