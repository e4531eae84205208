import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { AuthorizationRequest } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import { FakeSamco } from "@auth/samco/msw"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import type * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake } from "../../../tools/vitest/brokers.ts"

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeSamco.make>[0]) =>
  Effect.flatMap(FakeSamco.make(options), (fake) => serveFake(fake))

export const demo = FakeSamco.demoAccount

export const credentials: SamcoAuth.SamcoCredentials = {
  userId: demo.userId,
  apiKey: Redacted.make(demo.apiKey),
  apiSecret: Redacted.make(demo.apiSecret)
}

export const oauthCredentials: SamcoOAuth.OAuthCredentials = {
  userId: demo.userId,
  apiKey: Redacted.make(demo.apiKey),
  redirectUrl: demo.redirectUrl
}

export const legacyCredentials: SamcoLegacy.LegacyCredentials = {
  userId: demo.userId,
  password: Redacted.make(demo.password),
  accessToken: Redacted.make(demo.accessToken)
}

export const layer = (overrides: Partial<SamcoAuth.SamcoCredentials> = {}, options: SamcoAuth.Options = {}) =>
  SamcoAuth.layer({ ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerOAuth = (options: SamcoOAuth.Options = {}) =>
  SamcoOAuth.layer({ ...options, credentials: oauthCredentials }).pipe(Layer.provide(TestHttp.layerLateFetch))

export const browse = (request: AuthorizationRequest, apiSecret: string = demo.apiSecret) =>
  Effect.promise(async () => {
    const body = new URLSearchParams({ apiSecret })
    const response = await fetch(Redacted.value(request.url), { method: "POST", body, redirect: "manual" })
    return Redacted.make(response.headers.get("location") ?? "")
  })

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: SamcoApi.Options
) => SamcoApi.layer(options).pipe(Layer.provide(TestHttp.layerRespond(async () => new Response(body, init))))

/** A session of the demo account, with tokens that the fake does not know. */
export const session: Session = SamcoOAuth.fromTokens({
  userId: demo.userId,
  accessToken: Redacted.make("access.of.a.test"),
  refreshToken: Redacted.make("refresh.of.a.test"),
  issuedAt: 0
})

const authorization: RequestOf<SamcoApi.SamcoApi, "oauthAuthorize"> = {
  apiKey: credentials.apiKey,
  redirectUrl: demo.redirectUrl,
  state: Redacted.make("state.of.a.test"),
  scopes: "all"
}

const ip = {
  clientId: demo.userId,
  password: legacyCredentials.password,
  primaryIp: "203.0.113.7",
  secondaryIp: "203.0.113.8"
}

type Api = SamcoApi.SamcoApi["Service"]

const use = (call: (api: Api) => Effect.Effect<unknown, AuthError>) => Effect.flatMap(SamcoApi.SamcoApi, call)

export const calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, SamcoApi.SamcoApi>>> = {
  sessionToken: use((api) => api.sessionToken({ apiKey: credentials.apiKey, apiSecret: credentials.apiSecret })),
  oauthAuthorize: use((api) => api.oauthAuthorize(authorization)),
  oauthAuthenticate: use((api) => api.oauthAuthenticate({ ...authorization, apiSecret: credentials.apiSecret })),
  oauthToken: use((api) => api.oauthToken({ code: Redacted.make("code.of.a.test") })),
  oauthRefresh: use((api) => api.oauthRefresh({ refresh_token: Redacted.make("refresh.of.a.test") })),
  oauthRevoke: use((api) => api.oauthRevoke({ token: session.tokens.access, token_type: "access_token" })),
  generateOtp: use((api) => api.generateOtp({ uid: demo.userId })),
  secretKeyGenerator: use((api) => api.secretKeyGenerator({ uid: demo.userId, otp: Redacted.make("1234") })),
  accessToken: use((api) => api.accessToken({ uid: demo.userId, secretApiKey: Redacted.make(demo.secretApiKey) })),
  login: use((api) => api.login(legacyCredentials as RequestOf<SamcoApi.SamcoApi, "login">)),
  webSecretCode: use((api) => api.webSecretCode(session)),
  webSecretCodeValidation: use((api) => api.webSecretCodeValidation({ otp: Redacted.make("NUWL3586") })),
  logout: use((api) => api.logout(session)),
  whoami: use((api) => api.whoami(session)),
  ipRegistration: use((api) => api.ipRegistration(ip)),
  ipUpdate: use((api) => api.ipUpdate(ip)),
  getLimits: use((api) => api.getLimits(session))
}
