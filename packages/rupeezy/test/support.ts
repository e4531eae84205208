import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake, totpCode } from "../../../tools/vitest/brokers.ts"

const demo = FakeRupeezy.demoAccount

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeRupeezy.make>[0]) =>
  Effect.flatMap(FakeRupeezy.make(options), (fake) => serveFake(fake))

export const credentials: RupeezyAuth.RupeezyCredentials = {
  clientCode: demo.clientCode,
  password: Redacted.make(demo.password),
  totp: Redacted.make(demo.totpSecret),
  applicationId: demo.applicationId,
  apiKey: Redacted.make(demo.apiKey)
}

export const layer = (overrides: Partial<RupeezyAuth.RupeezyCredentials> = {}, options: RupeezyAuth.Options = {}) =>
  RupeezyAuth.layer({ ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const partnerCredentials: RupeezyPartner.PartnerCredentials = {
  clientCode: demo.clientCode,
  applicationId: demo.applicationId,
  apiKey: Redacted.make(demo.apiKey),
  redirectUrl: demo.redirectUrl
}

export const partnerLayer = (
  overrides: Partial<RupeezyPartner.PartnerCredentials> = {},
  options: RupeezyPartner.Options = {}
) =>
  RupeezyPartner.layer({ ...options, credentials: { ...partnerCredentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer>,
  init?: ResponseInit,
  options?: Partial<RupeezyApi.Options>
) =>
  RupeezyApi.layer({ apiKey: credentials.apiKey, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

export const loginRequest: RequestOf<RupeezyApi.RupeezyApi, "login"> = {
  client_code: demo.clientCode,
  password: Redacted.make(demo.password),
  totp: Redacted.make("123456"),
  application_id: demo.applicationId
}

export const createSessionRequest: RequestOf<RupeezyApi.RupeezyApi, "createSession"> = {
  checksum: Redacted.make("checksum of a test"),
  applicationId: demo.applicationId,
  token: Redacted.make("auth.of.a.test")
}

/** The fake does not know the token of this session. */
export const session: Session = RupeezyAuth.fromTokens({
  userId: demo.clientCode,
  accessToken: Redacted.make("access.of.a.test"),
  issuedAt: 0
})

type Call = Effect.Effect<unknown, AuthError, RupeezyApi.RupeezyApi>

export const calls: Readonly<Record<string, Call>> = {
  login: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.login(loginRequest)),
  createSession: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.createSession(createSessionRequest)),
  deleteSession: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.deleteSession(session)),
  getFunds: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.getFunds(session)),
  getBanks: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.getBanks(session)),
  getBrokerage: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.getBrokerage(session)),
  getProfile: Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.getProfile(session))
}

export const codeOf = ({ totpSecret }: FakeRupeezy.Account) => totpCode(totpSecret)

export const submit = (
  account: FakeRupeezy.Account,
  url: Redacted.Redacted<string>,
  changes: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function* () {
    const { clientCode: client_code, password } = account
    const body = new URLSearchParams({
      client_code,
      password,
      totp: yield* codeOf(account),
      consent: "given",
      ...changes
    })
    return yield* Effect.promise(() => fetch(Redacted.value(url), { method: "POST", body, redirect: "manual" }))
  })

export const browse = (account: FakeRupeezy.Account, url: Redacted.Redacted<string>) =>
  Effect.map(submit(account, url), (response) => Redacted.make(response.headers.get("location") ?? ""))

export const statuses = (fake: FakeBroker, endpoint: string) =>
  Effect.map(fake.journal, (entries) =>
    entries.filter((entry) => entry.endpoint === endpoint).map(({ status }) => status)
  )
