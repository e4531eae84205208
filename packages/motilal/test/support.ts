import { FakeMotilal } from "@auth/motilal/msw"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake, totpCode } from "../../../tools/vitest/brokers.ts"

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeMotilal.make>[0]) =>
  Effect.flatMap(FakeMotilal.make(options), (fake) => serveFake(fake))

export const demo = FakeMotilal.demoAccount

export const credentials = {
  userId: demo.userId,
  password: Redacted.make(demo.password),
  apiKey: Redacted.make(demo.apiKey),
  apiSecret: Redacted.make(demo.apiSecret),
  secondFactor: Redacted.make(demo.secondFactor),
  totp: Redacted.make(demo.totpSecret)
} satisfies MotilalAuth.MotilalCredentials

export const layer = (overrides: Partial<MotilalAuth.MotilalCredentials> = {}, options: MotilalAuth.Options = {}) =>
  MotilalAuth.layer({ ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerApi = (options: Partial<MotilalApi.Options> = {}) =>
  MotilalApi.layer({ apiKey: credentials.apiKey, apiSecret: credentials.apiSecret, ...options }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: Partial<MotilalApi.Options>
) =>
  MotilalApi.layer({ apiKey: credentials.apiKey, apiSecret: credentials.apiSecret, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

/** SHA-256 of "demo-passworddemoMotilalKey1", computed with sha256sum. */
export const hash = "728100890ccec5a62b47eca6196aa823b3e083f4165f8a654aa43dbae1cee4e3"

export const loginRequest: RequestOf<MotilalApi.MotilalApi, "authdirectapi"> = {
  userid: demo.userId,
  password: Redacted.make(hash),
  "2FA": credentials.secondFactor,
  totp: Redacted.make("123456")
}

/** The fake does not know the tokens of this session. */
export const session: Session = MotilalAuth.fromTokens({
  userId: demo.userId,
  accessToken: Redacted.make("access-of-a-test_M"),
  loginToken: Redacted.make("login-of-a-test_M"),
  issuedAt: 0
})

/** A login that has no access token yet. Therefore `tokens.access` contains the login token. */
export const waiting: Pick<Session, "account" | "tokens"> = {
  account: session.account,
  tokens: { access: Redacted.make("login-of-a-test_M") }
}

/** A session of API generation v4 or v3, with its single token. */
export const legacySession: Session = MotilalAuth.fromTokens({
  userId: demo.userId,
  accessToken: Redacted.make("login-of-a-test_M"),
  issuedAt: 0
})

export const calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, MotilalApi.MotilalApi>>> = {
  authdirectapi: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.authdirectapi(loginRequest)),
  getaccesstoken: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.getaccesstoken(waiting)),
  resendotp: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.resendotp(waiting)),
  verifyotp: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.verifyotp({ otp: Redacted.make("048151") }, waiting)),
  getprofile: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.getprofile({}, session)),
  logout: Effect.flatMap(MotilalApi.MotilalApi, (api) => api.logout({}, session))
}

const keys = ["demoMotilalKey1", "demo-motilal-secret"]
const loginToken = [...keys, "login-of-a-test_M"]
const tokens = [...loginToken, "access-of-a-test_M"]

/** Returns every secret that a call sends. */
export const sentBy = (call: string): ReadonlyArray<string> =>
  ({
    authdirectapi: [...keys, hash, "18/10/1988", "123456"],
    verifyotp: [...loginToken, "048151"],
    getprofile: tokens,
    logout: tokens
  })[call] ?? loginToken

export const codeNow = (secret: string = demo.totpSecret) => totpCode(secret)

export const browse = (address: string, fields: Readonly<Record<string, string>>) =>
  Effect.promise(async () => {
    const html = await (await fetch(address)).text()
    const page = /name="page" value="(\w*)"/.exec(html)?.[1] ?? ""
    const body = new URLSearchParams({ page, ...fields })
    const response = await fetch(address, { method: "POST", body, redirect: "manual" })
    return { html: await response.text(), location: response.headers.get("location") }
  })
