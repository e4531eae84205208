import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import type { AuthorizationRequest } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake, totpCode } from "../../../tools/vitest/brokers.ts"

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeZerodha.make>[0]) =>
  Effect.flatMap(FakeZerodha.make(options), (fake) => serveFake(fake))

export const demo = FakeZerodha.demoAccount

export const credentials: ZerodhaAuth.ZerodhaCredentials = {
  userId: demo.userId,
  apiKey: Redacted.make(demo.apiKey),
  apiSecret: Redacted.make(demo.apiSecret),
  redirectUrl: demo.redirectUrl
}

export const layer = (overrides: Partial<ZerodhaAuth.ZerodhaCredentials> = {}, options: ZerodhaAuth.Options = {}) =>
  ZerodhaAuth.layer({ ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const layerPlatform = (options: ZerodhaAuth.Options = {}) =>
  ZerodhaPlatform.layer({ ...options, credentials }).pipe(Layer.provide(TestHttp.layerLateFetch))

/** Submits the fake's login form. Returns the redirect URL, or empty text if the fake does not redirect. */
export const browse = (
  fake: FakeBroker,
  request: Pick<AuthorizationRequest, "url">,
  account: FakeZerodha.Account = demo,
  changes: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function* () {
    const fields = {
      user_id: account.userId,
      password: account.password,
      totp: yield* totpCode(account.totpSecret, yield* fake.now)
    }
    const body = new URLSearchParams({ ...fields, ...changes })
    const asked = new Request(Redacted.value(request.url), { method: "POST", body })
    const response = yield* Effect.promise(() => fake.respond(asked))
    return Redacted.make(response.headers.get("location") ?? "")
  })

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: Partial<ZerodhaApi.Options>
) =>
  ZerodhaApi.layer({ apiKey: credentials.apiKey, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

/** The fake does not know the tokens of this session. */
export const session: Session = ZerodhaPlatform.fromTokens({
  userId: demo.userId,
  accessToken: Redacted.make("access.of.a.test"),
  refreshToken: Redacted.make("refresh.of.a.test"),
  issuedAt: 0
})

type Api = ZerodhaApi.ZerodhaApi["Service"]

const use = (call: (api: Api) => Effect.Effect<unknown, AuthError>) => Effect.flatMap(ZerodhaApi.ZerodhaApi, call)

const checksum = Redacted.make("6bc65b07fd98678ce2d5038de2615c7cbfb3fa14a7e6839bb00a21efd5f8cd93")

const exchange: RequestOf<ZerodhaApi.ZerodhaApi, "sessionToken"> = {
  request_token: Redacted.make("ReqTokFake0000000000000000000001"),
  checksum
}

export const calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, ZerodhaApi.ZerodhaApi>>> = {
  sessionToken: use((api) => api.sessionToken(exchange)),
  refreshToken: use((api) => api.refreshToken({ refresh_token: Redacted.make("refresh.of.a.test"), checksum })),
  deleteSession: use((api) => api.deleteSession({ access_token: session.tokens.access }, session)),
  deleteRefreshToken: use((api) =>
    api.deleteRefreshToken({ refresh_token: Redacted.make("refresh.of.a.test") }, session)
  ),
  getProfile: use((api) => api.getProfile(session)),
  getMargins: use((api) => api.getMargins(session)),
  getEquityMargins: use((api) => api.getEquityMargins(session)),
  getCommodityMargins: use((api) => api.getCommodityMargins(session))
}
