import { inspect } from "node:util"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker } from "@auth/angel/AngelBroker"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import * as Totp from "@auth/broker-core/login/Totp"
import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { serve } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeAngel.Account = {
  ...FakeAngel.demoAccount,
  pin: "8305",
  totpSecret: "CANARYTOTPSECRET",
  apiKey: "CANARYtrd",
  publisherKey: "CANARYpub"
}

const methodOf = (id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

const codeNow = Effect.gen(function* () {
  const totp = Result.getOrThrow(Totp.parse(Redacted.make(canary.totpSecret)))
  return Redacted.value(yield* Totp.codeAtStep(totp, Totp.stepAt(totp, yield* Clock.currentTimeMillis)))
})

const common = {
  broker,
  refusal: (code: string) => ({
    kind: "answer" as const,
    status: 200,
    body: JSON.stringify({ status: false, message: "No such luck", errorcode: code, data: null })
  }),
  emptyYes: {
    kind: "answer" as const,
    status: 200,
    body: JSON.stringify({ status: true, message: "SUCCESS", errorcode: "", data: {} })
  },
  inspect: (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true })
}

const secrets = [canary.pin, canary.totpSecret, canary.apiKey, canary.publisherKey]

const totp: Contract.Subject = {
  ...common,
  method: methodOf("totp"),
  // Tokens without an end of their own, so that the rule about midnight is what counts.
  make: Effect.map(serve({ accounts: [canary], tokenEnd: "absent" }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) =>
      Layer.build(
        AngelAuth.layer({
          ...options,
          credentials: toCredentials({ ...canary, totp: canary.totpSecret, ...credentials })
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      )
  })),
  endpoints: { Login: "loginByPassword", Refresh: "generateTokens", Profile: "getProfile", Logout: "logout" },
  wrongCredentials: {
    PIN: { credentials: { pin: "1111" } },
    "web password": { credentials: { pin: "MyWebPassword1!" } },
    "API key": { credentials: { apiKey: "nobodys" } }
  },
  wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } }
}

/** Credentials by the descriptor's names, as a program without types may give them. */
function toCredentials(values: Readonly<Record<string, unknown>>): AngelAuth.AngelCredentials {
  const secret = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : value)
  return {
    clientCode: values["clientCode"],
    pin: secret(values["pin"]),
    apiKey: secret(values["apiKey"]),
    totp: secret(values["totp"])
  } as AngelAuth.AngelCredentials
}

const publisher: Contract.Subject = {
  ...common,
  method: methodOf("publisher"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) => {
      const values: Readonly<Record<string, unknown>> = { ...canary, apiKey: canary.publisherKey, ...credentials }
      return Layer.build(
        AngelPublisher.layer({
          ...options,
          credentials: {
            clientCode: values["clientCode"],
            redirectUrl: values["redirectUrl"],
            apiKey: typeof values["apiKey"] === "string" ? Redacted.make(values["apiKey"]) : values["apiKey"]
          } as AngelPublisher.PublisherCredentials
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      )
    },
    browse: (request) =>
      Effect.gen(function* () {
        const body = new URLSearchParams({
          clientcode: canary.clientCode,
          pin: canary.pin,
          totp: yield* codeNow
        })
        const response = yield* Effect.promise(() =>
          fetch(Redacted.value(request.url), { method: "POST", body, redirect: "manual" })
        )
        return Redacted.make(response.headers.get("location") ?? "")
      })
  })),
  endpoints: { Profile: "getProfile", Logout: "logout" },
  wrongCredentials: {}
}

for (const subject of [totp, publisher]) {
  describe(`contract: ${broker.id} ${subject.method.id}`, () => {
    for (const { name, run } of Contract.cases(subject)) it.effect(name, () => run)
  })
}
