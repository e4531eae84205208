import { assert, it } from "@effect/vitest"
import { broker } from "@auth/angel/AngelBroker"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { Expiry, RedirectLogin } from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import { LoginPage, Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { account, servedOf, site } from "./support.ts"

it.live("LoginPage.submit returns the callback URL that completes the login", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const layer = AngelPublisher.layer({
      origins: servedOf(simulator, broker),
      credentials: {
        clientCode: account.clientCode,
        apiKey: Redacted.make(account.publisherKey),
        redirectUrl: account.redirectUrl
      }
    })
    yield* Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const request = yield* redirect.begin
      const { code } = yield* simulator.totp("angel", account.clientCode)
      const form = { clientcode: account.clientCode, pin: account.pin, totp: code }
      const callback = yield* LoginPage.submit(request.url, form)
      const { origin, pathname, searchParams } = new URL(Redacted.value(callback))
      assert.strictEqual(origin + pathname, account.redirectUrl)
      assert.strictEqual(searchParams.get("state"), Redacted.value(request.state))
      const session = yield* redirect.complete(request, callback)
      assert.strictEqual(session.profile?.id, account.clientCode)
      assert.include(Expiry.toIst(session.expiresAt ?? 0), "00:00:00 IST")
    }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(TestHttp.layerLateFetch))))
  })
)

it.live("LoginPage.submit reports a rejected form, a missing form and an unreachable simulator", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const messageAt = (address: string) =>
      Effect.map(Effect.flip(LoginPage.submit(Redacted.make(address), { pin: "0000" })), ({ message }) => message)
    const page = `${simulator.origins[site]}/publisher-login`
    assert.strictEqual(
      yield* messageAt(`${page}?api_key=${account.publisherKey}`),
      "The login page rejected the form: Login failed"
    )
    assert.strictEqual(yield* messageAt(`${page}?api_key=unknown`), "The login page has no form: 403 Forbidden")
    assert.include(yield* messageAt("http://127.0.0.1:1/"), "check that the simulator is running")
  }).pipe(Effect.provide(TestHttp.layerLateFetch))
)
