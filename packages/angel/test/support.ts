import { FakeAngel } from "@auth/angel/msw"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake, totpCode } from "../../../tools/vitest/brokers.ts"

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeAngel.make>[0]) =>
  Effect.flatMap(FakeAngel.make(options), (fake) => serveFake(fake))

export const credentials: AngelAuth.AngelCredentials = {
  clientCode: FakeAngel.demoAccount.clientCode,
  pin: Redacted.make(FakeAngel.demoAccount.pin),
  apiKey: Redacted.make(FakeAngel.demoAccount.apiKey),
  totp: Redacted.make(FakeAngel.demoAccount.totpSecret)
}

export const layer = (overrides: Partial<AngelAuth.AngelCredentials> = {}, options: AngelAuth.Options = {}) =>
  AngelAuth.layer({ ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: Partial<AngelApi.Options>
) =>
  AngelApi.layer({ apiKey: credentials.apiKey, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

export const loginRequest: RequestOf<AngelApi.AngelApi, "loginByPassword"> = {
  clientcode: credentials.clientCode,
  password: credentials.pin,
  totp: Redacted.make("123456")
}

/** A session of the demo account, with tokens that the fake does not know. */
export const session: Session = AngelAuth.fromTokens({
  userId: credentials.clientCode,
  accessToken: Redacted.make("access.of.a.test"),
  refreshToken: Redacted.make("refresh.of.a.test"),
  feedToken: Redacted.make("feed.of.a.test"),
  issuedAt: 0
})

export const calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, AngelApi.AngelApi>>> = {
  loginByPassword: Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword(loginRequest)),
  generateTokens: Effect.flatMap(AngelApi.AngelApi, (api) =>
    api.generateTokens({ refreshToken: Redacted.make("refresh.of.a.test") }, session)
  ),
  getProfile: Effect.flatMap(AngelApi.AngelApi, (api) => api.getProfile(session)),
  getRMS: Effect.flatMap(AngelApi.AngelApi, (api) => api.getRMS(session)),
  logout: Effect.flatMap(AngelApi.AngelApi, (api) => api.logout({ clientcode: credentials.clientCode }, session))
}

/** 2026-11-23 09:30:01 IST, one second after the start of a TOTP period. */
export const morning = Date.UTC(2026, 10, 23, 4, 0, 1)

export const codeNow = ({ totpSecret }: FakeAngel.Account) => totpCode(totpSecret)

/** Fills in the form of the publisher login, and returns the address of the callback. */
export const browse = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, account: FakeAngel.Account) {
  const { clientCode: clientcode, pin } = account
  const body = new URLSearchParams({ clientcode, pin, totp: yield* codeNow(account) })
  const response = yield* Effect.promise(() => fetch(Redacted.value(url), { method: "POST", body, redirect: "manual" }))
  return Redacted.make(response.headers.get("location") ?? "")
})
