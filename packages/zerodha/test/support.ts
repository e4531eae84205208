import type { AuthError, Reason } from "@auth/broker-core/login/AuthError"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import type { AuthorizationRequest } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Totp from "@auth/broker-core/login/Totp"
import { FakeZerodha, handlers } from "@auth/zerodha/msw"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { setupServer } from "msw/node"
import * as fs from "node:fs"
import * as path from "node:path"
import { inspect } from "node:util"

/** An msw server over the fake for as long as the scope lives. A request to any other host fails the test. */
export const serve = (options?: Parameters<typeof FakeZerodha.make>[0]) =>
  Effect.gen(function* () {
    const fake = yield* FakeZerodha.make(options)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const server = setupServer(...handlers(fake))
        server.listen({ onUnhandledFrame: "error" })
        return server
      }),
      (server) => Effect.sync(() => server.close())
    )
    return fake
  })

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

/** The account's code, by the fake's clock. */
const codeOf = (fake: FakeBroker, { totpSecret }: FakeZerodha.Account) =>
  Effect.gen(function* () {
    const totp = Result.getOrThrow(Totp.parse(Redacted.make(totpSecret)))
    return Redacted.value(yield* Totp.codeAtStep(totp, Totp.stepAt(totp, yield* fake.now)))
  })

/** Fills in the login page, and gives the address that the browser ends at. */
export const browse = (
  fake: FakeBroker,
  request: Pick<AuthorizationRequest, "url">,
  account: FakeZerodha.Account = demo,
  changes: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function* () {
    const fields = { user_id: account.userId, password: account.password, totp: yield* codeOf(fake, account) }
    const body = new URLSearchParams({ ...fields, ...changes })
    const asked = new Request(Redacted.value(request.url), { method: "POST", body })
    const response = yield* Effect.promise(() => fake.respond(asked))
    return Redacted.make(response.headers.get("location") ?? "")
  })

/** The raw calls, to a broker that gives the same answer to everything. */
export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: Partial<ZerodhaApi.Options>
) =>
  ZerodhaApi.layer({ apiKey: credentials.apiKey, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

/** A session of the demo account, for calls that no fake looks at. */
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

/** Each documented call, as a user makes it. */
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

export const readFixtures = (name: string): unknown =>
  JSON.parse(fs.readFileSync(path.join(import.meta.dirname, "fixtures", name), "utf8"))

/** The error's reason, if it is the one that is wanted. */
export const reasonOf = <Tag extends Reason["_tag"]>(error: AuthError, tag: Tag): Extract<Reason, { _tag: Tag }> => {
  if (error.reason._tag !== tag) throw new Error(`wanted ${tag}, got ${error.message}`)
  return error.reason as Extract<Reason, { _tag: Tag }>
}

/** A value in every way that programs print it. */
export const printed = (value: unknown): string => {
  const each = Array.isArray(value) ? value : [value]
  const texts = each.flatMap((one: unknown) => [
    String(one),
    one instanceof Error ? String(one.stack) : "",
    Cause.pretty(Cause.fail(one)),
    inspect(one, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify(one)
  ])
  return texts.join("\n")
}
