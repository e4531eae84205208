// These tests assert compiler errors. Effect's diagnostics would report the same errors again.
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

/** Accepts a program that needs no service except an HTTP client. */
const whole = <A, E>(program: Effect.Effect<A, E, HttpClient.HttpClient>): boolean => Effect.isEffect(program)

const answer = () => Effect.succeed(Redacted.make("123456"))

describe("the types of the layers", () => {
  it("AngelAuth provides the expected services", () => {
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

  it("AngelPublisher provides the expected services", () => {
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

  it("using a capability that AngelAuth lacks does not compile", () => {
    // @ts-expect-error: Angel One's login has no second step
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, auth)))
    // @ts-expect-error: a program that answers a step-up needs StepUp
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), auth)))
    // @ts-expect-error: there is no login by QR code
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: there is no account recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
    // @ts-expect-error: only AngelPublisher provides the browser login
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, auth)))
  })

  it("using a capability that AngelPublisher lacks does not compile", () => {
    // @ts-expect-error: no refresh token is documented for a browser login
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), publisher)))
    // @ts-expect-error: AngelPublisher has no Login service
    assert.isTrue(whole(Effect.provide(Core.Login.session, publisher)))
  })

  it("a layer fails only with AuthError and needs only an HTTP client", () => {
    for (const _ of [auth, publisher, AngelAuth.layerConfig(), AngelPublisher.layerConfig()]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("a plain-text secret does not compile", () => {
    const given = [
      // @ts-expect-error: the PIN must be Redacted
      AngelAuth.layer({ credentials: { ...credentials, pin: "4711" } }),
      // @ts-expect-error: the API key must be Redacted
      AngelAuth.layer({ credentials: { ...credentials, apiKey: "demo" } }),
      // @ts-expect-error: the TOTP secret must be Redacted
      AngelAuth.layer({ credentials: { ...credentials, totp: "JBSWY3DPEHPK3PXP" } })
    ]
    assert.strictEqual(given.length, 3)
  })
})
