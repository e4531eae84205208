import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { browse, credentials, demo, layer, serve } from "./support.ts"

describe("the checksum", () => {
  const sha256 = (token: string, apiSecret: string) =>
    Effect.map(Checksum.sha256([credentials.apiKey, token, Redacted.make(apiSecret)]), Redacted.value)

  it.effect.each([
    [
      "ReqTokFake0000000000000000000001",
      demo.apiSecret,
      "6bc65b07fd98678ce2d5038de2615c7cbfb3fa14a7e6839bb00a21efd5f8cd93"
    ],
    [
      "RefTokFake0000000000000000000001",
      demo.apiSecret,
      "f66f3755d9398ebfb3c2e98fbccdcc125b805acfc6d4e8f7f8f6681e4c7bae62"
    ],
    ["a+b/c|d=&", "se|cret", "15a09502afa627179b3b91c02d2872ee4f7c4d38ae7d2e0091a3b64b37c1401f"]
  ] as const)('equals the output of sha256sum for the token "%s"', ([token, apiSecret, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* sha256(token, apiSecret), expected)
    })
  )

  it.effect("is computed from the percent-decoded request token", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const query = { status: "success", request_token: "a+b/c|d=&", state: Redacted.value(request.state) }
        const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        const callback = Redacted.make(`${demo.redirectUrl}?${pairs.join("&")}`)
        yield* Effect.exit(redirect.complete(request, callback))
      }).pipe(Effect.provide(layer({ apiSecret: Redacted.make("se|cret") })))
      const [entry] = yield* fake.journal
      const checksum = "15a09502afa627179b3b91c02d2872ee4f7c4d38ae7d2e0091a3b64b37c1401f"
      const body = `api_key=fakekey000000001&request_token=a%2Bb%2Fc%7Cd%3D%26&checksum=${checksum}`
      assert.strictEqual(entry?.body, body)
    })
  )

  it.effect("is sent without the API secret or the previous access token", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        for (const _ of [1, 2]) {
          const request = yield* redirect.begin
          yield* redirect.complete(request, yield* browse(fake, request))
          yield* fake.advance("31 seconds")
        }
      }).pipe(Effect.provide(layer()))
      const journal = (yield* fake.journal).filter(({ endpoint }) => endpoint === "sessionToken")
      assert.lengthOf(journal, 2)
      for (const { headers } of journal) assert.notProperty(headers, "authorization")
      assert.notInclude(JSON.stringify(journal), demo.apiSecret)
    })
  )
})

describe("the address of the login page", () => {
  it.effect("has the state inside redirect_params", () =>
    Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const request = yield* redirect.begin
      const state = Redacted.value(request.state)
      assert.match(state, /^[0-9a-f]{32}$/)
      assert.strictEqual(
        Redacted.value(request.url),
        `https://kite.zerodha.com/connect/login?v=3&api_key=fakekey000000001&redirect_params=state%3D${state}`
      )
      assert.strictEqual(request.redirectUrl, demo.redirectUrl)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("has the host of the option origins.login", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin)
      assert.isTrue(Redacted.value(url).startsWith("https://kite.trade/connect/login?v=3&"))
    }).pipe(Effect.provide(layer({}, { origins: { login: "https://kite.trade" } })))
  )
})
