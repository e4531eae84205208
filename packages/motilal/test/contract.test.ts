import { inspect } from "node:util"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker, credentials as fields, lenientCredentials } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { browse, codeNow, serve } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeMotilal.Account = {
  ...FakeMotilal.demoAccount,
  password: "CANARYpassword8305",
  apiKey: "CANARYkey",
  apiSecret: "CANARYappsecret",
  secondFactor: "29/02/1984",
  pan: "CNRYX8305Y",
  totpSecret: "CANARYTOTPSECRET"
}

const methodOf = (id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

const answer = (body: unknown) => ({ kind: "answer" as const, status: 200, body: JSON.stringify(body) })

const common = {
  broker,
  refusal: (errorcode: string) => answer({ status: "FAILURE", message: "No such luck", errorcode, data: "null" }),
  emptyYes: answer({ status: "SUCCESS", message: "Return Auth Token SUCCESS", errorcode: "", AuthToken: "" }),
  inspect: (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true })
}

const secrets = [canary.password, canary.apiKey, canary.apiSecret, canary.secondFactor, canary.pan, canary.totpSecret]

/** Credentials by the descriptor's names, as a program without types may give them. */
const toCredentials = (values: Readonly<Record<string, unknown>>): MotilalAuth.MotilalCredentials => {
  const secret = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : value)
  return {
    userId: values["userId"],
    password: secret(values["password"]),
    apiKey: secret(values["apiKey"]),
    apiSecret: secret(values["apiSecret"]),
    secondFactor: secret(values["secondFactor"]),
    totp: secret(values["totp"])
  } as MotilalAuth.MotilalCredentials
}

const wrongCredentials = {
  password: { credentials: { password: "not this one" } },
  "user id": { credentials: { userId: "ZZ999" } },
  "API key": { credentials: { apiKey: "nobodys" } },
  "date of birth": { credentials: { secondFactor: "01/01/1980" } }
}

/** The generations before the API secret need none. */
const withoutSecret: Method = {
  ...methodOf("password"),
  credentials: { ...fields, apiSecret: lenientCredentials.apiSecret }
}

const direct = (
  options: MotilalAuth.Options,
  changed: Readonly<Record<string, unknown>>,
  wrong: Contract.Subject["wrongCredentials"]
): Contract.Subject => ({
  ...common,
  method: options.generation === undefined ? methodOf("password") : withoutSecret,
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options: others } = {}) =>
      Layer.build(
        MotilalAuth.layer({
          ...options,
          ...others,
          credentials: toCredentials({ ...canary, totp: canary.totpSecret, ...changed, ...credentials })
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      ),
    answer: () => Effect.map(fake.codes(canary.userId), (codes) => Redacted.make(codes.at(-1) ?? ""))
  })),
  endpoints: { Login: "authdirectapi", StepUp: "verifyotp", Profile: "getprofile", Logout: "logout" },
  wrongCredentials: wrong,
  wrongCode: { credentials: { totp: "JBSWY3DPEHPK3PXP" } },
  stepUp: { credentials: { totp: undefined } }
})

const portal: Contract.Subject = {
  ...common,
  method: methodOf("portal"),
  make: Effect.map(serve({ accounts: [canary] }), (fake) => ({
    fake,
    secrets,
    build: ({ credentials, options } = {}) => {
      const values = { ...canary, ...credentials }
      return Layer.build(
        MotilalPortal.layer({
          ...options,
          credentials: {
            ...toCredentials(values),
            redirectUrl: values.redirectUrl
          }
        }).pipe(Layer.provide(TestHttp.layerLateFetch))
      )
    },
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

const withSecret = { ...wrongCredentials, "API secret": { credentials: { apiSecret: "nobodys-secret" } } }

/** Its login takes no code, so that none can be wrong. */
const { wrongCode: _, ...withoutCode } = direct({}, { totp: undefined }, withSecret)
const bySms: Contract.Subject = { ...withoutCode, codes: "person" }

const subjects: Readonly<Record<string, Contract.Subject>> = {
  password: direct({}, {}, withSecret),
  "password, by SMS": bySms,
  "password, generation v4": direct({ generation: "v4" }, {}, wrongCredentials),
  "password, generation v3": direct({ generation: "v3", sourceId: "DESKTOP" }, {}, wrongCredentials),
  portal
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(`contract: ${broker.id} ${name}`, () => {
    for (const { name: promise, run } of Contract.cases(subject)) it.effect(promise, () => run)
  })
}
