import { FakeAngel, handlers } from "@auth/angel/msw"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { TestHttp } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { setupServer } from "msw/node"

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

export const loginRequest: AngelApi.LoginRequest = {
  clientcode: credentials.clientCode,
  password: credentials.pin,
  totp: Redacted.make("123456")
}

/** The raw calls, to a broker that gives the same answer to everything. */
export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer>,
  init?: ResponseInit,
  options?: Partial<AngelApi.Options>
) =>
  AngelApi.layer({ apiKey: credentials.apiKey, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )
