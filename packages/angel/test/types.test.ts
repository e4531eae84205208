// The compiler's own errors are what is tested here; Effect's say the same a second time.
// @effect-diagnostics missingEffectContext:off floatingEffect:off
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { AngelAuth, AngelPublisher } from "@auth/angel"
import type { AngelApi } from "@auth/angel/AngelApi"
import { FakeAngel } from "@auth/angel/msw"
import * as Core from "@auth/broker-core"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { credentials, session } from "./support.ts"

const { demoAccount } = FakeAngel

const auth = AngelAuth.layer({ credentials })
const publisher = AngelPublisher.layer({
  credentials: {
    clientCode: demoAccount.clientCode,
    apiKey: Redacted.make(demoAccount.publisherKey),
    redirectUrl: demoAccount.redirectUrl
  }
})

/** Takes a program that is whole once it has an HTTP client. What this does not take does not compile. */
const whole = <A, E>(program: Effect.Effect<A, E, HttpClient.HttpClient>): boolean => Effect.isEffect(program)

const answer = () => Effect.succeed(Redacted.make("123456"))

describe("what a layer provides, and what does not compile", () => {
  it("every capability of AngelAuth can be asked for", () => {
    assert.isTrue(whole(Effect.provide(Core.Login.session, auth)))
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), auth)))
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), auth)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), auth)))
    assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, auth)))
    expectTypeOf<Layer.Success<typeof auth>>().toEqualTypeOf<
      | Core.Login.Login
      | Core.Refresh.Refresh
      | Core.Logout.Logout
      | Core.Profile.Profile
      | Core.Authorize.Authorize
      | Core.Renewal.Renewal
      | AngelApi
    >()
  })

  it("every capability of AngelPublisher can be asked for", () => {
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, publisher)))
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), publisher)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), publisher)))
    assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, publisher)))
    expectTypeOf<Layer.Success<typeof publisher>>().toEqualTypeOf<
      | Core.RedirectLogin.RedirectLogin
      | Core.Logout.Logout
      | Core.Profile.Profile
      | Core.Authorize.Authorize
      | Core.Renewal.Renewal
      | AngelApi
    >()
  })

  it("what AngelAuth lacks does not compile", () => {
    // @ts-expect-error: Angel One has no second step after a login
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, auth)))
    // @ts-expect-error: and a program that answers one needs it
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), auth)))
    // @ts-expect-error: nor a picture to scan
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: nor a recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
    // @ts-expect-error: the browser is another layer's
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, auth)))
  })

  it("what AngelPublisher lacks does not compile", () => {
    // @ts-expect-error: no refresh token is documented for the browser
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), publisher)))
    // @ts-expect-error: a person logs in, not the program
    assert.isTrue(whole(Effect.provide(Core.Login.session, publisher)))
  })

  it("a layer fails with AuthError alone, and needs an HTTP client alone", () => {
    for (const _ of [auth, publisher, AngelAuth.layerConfig(), AngelPublisher.layerConfig()]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("a secret that is plain text does not compile", () => {
    const given = [
      // @ts-expect-error: the PIN is Redacted from the first line
      AngelAuth.layer({ credentials: { ...credentials, pin: "4711" } }),
      // @ts-expect-error: the API key too
      AngelAuth.layer({ credentials: { ...credentials, apiKey: "demo" } }),
      // @ts-expect-error: and the TOTP secret
      AngelAuth.layer({ credentials: { ...credentials, totp: "JBSWY3DPEHPK3PXP" } })
    ]
    assert.strictEqual(given.length, 3)
  })
})
