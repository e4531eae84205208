import { FakeAngel, handlers } from "@auth/angel/msw"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import type { AuthError, Reason } from "@auth/broker-core/login/AuthError"
import type { Session } from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import * as Totp from "@auth/broker-core/login/Totp"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { setupServer } from "msw/node"
import * as fs from "node:fs"
import * as path from "node:path"
import { inspect } from "node:util"

/** An msw server over the fake for as long as the scope lives; a request to anybody else fails the test. */
export const serve = (options?: Parameters<typeof FakeAngel.make>[0]) =>
  Effect.gen(function* () {
    const fake = yield* FakeAngel.make(options)
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

/** The raw calls, to a broker that gives the same answer to everything. */
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

/** A session of the demo account, for calls that no fake looks at. */
export const session: Session = AngelAuth.fromTokens({
  userId: credentials.clientCode,
  accessToken: Redacted.make("access.of.a.test"),
  refreshToken: Redacted.make("refresh.of.a.test"),
  feedToken: Redacted.make("feed.of.a.test"),
  issuedAt: 0
})

/** Each documented call, as a user makes it. */
export const calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, AngelApi.AngelApi>>> = {
  loginByPassword: Effect.flatMap(AngelApi.AngelApi, (api) => api.loginByPassword(loginRequest)),
  generateTokens: Effect.flatMap(AngelApi.AngelApi, (api) =>
    api.generateTokens({ refreshToken: Redacted.make("refresh.of.a.test") }, session)
  ),
  getProfile: Effect.flatMap(AngelApi.AngelApi, (api) => api.getProfile(session)),
  getRMS: Effect.flatMap(AngelApi.AngelApi, (api) => api.getRMS(session)),
  logout: Effect.flatMap(AngelApi.AngelApi, (api) => api.logout({ clientcode: credentials.clientCode }, session))
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

/** A trading morning in India: 2026-11-23 09:30:01 IST, a second after a period of codes began. */
export const morning = Date.UTC(2026, 10, 23, 4, 0, 1)

/** The code that the account's authenticator app shows. */
export const codeNow = Effect.fnUntraced(function* ({ totpSecret }: FakeAngel.Account) {
  const totp = Result.getOrThrow(Totp.parse(Redacted.make(totpSecret)))
  return Redacted.value(yield* Totp.codeAtStep(totp, Totp.stepAt(totp, yield* Clock.currentTimeMillis)))
})
