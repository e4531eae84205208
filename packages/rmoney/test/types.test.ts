// These tests assert compiler errors. Effect's diagnostics would report the same errors a second time.
// @effect-diagnostics missingEffectContext:off floatingEffect:off
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Core from "@auth/broker-core"
import { RmoneyAuth, RmoneyBiometric, RmoneyQr, RmoneyRecovery, RmoneySso } from "@auth/rmoney"
import type { RmoneyApi } from "@auth/rmoney/RmoneyApi"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { credentials, demo, session } from "./support.ts"

const environment = "uat"
const { redirectUrl, userId } = demo

const auth = RmoneyAuth.layer({ environment, credentials })
const sso = RmoneySso.layer({
  environment,
  credentials: {
    userId,
    appCode: Redacted.make(demo.appCode),
    apiSecret: Redacted.make(demo.apiSecret),
    redirectUrl
  }
})
const vendor = RmoneySso.layer({
  environment,
  exchange: "vendor",
  credentials: { userId, vendor: Redacted.make(demo.vendor), redirectUrl }
})
const qr = RmoneyQr.layer({ environment, credentials: { userId } })
const biometric = RmoneyBiometric.layer({
  environment,
  credentials: { userId, accessToken: Redacted.make(demo.accessToken) }
})
const recovery = RmoneyRecovery.layer({ environment, credentials: { userId } })

const whole = <A, E>(program: Effect.Effect<A, E, HttpClient.HttpClient>): boolean => Effect.isEffect(program)

const answer = () => Effect.succeed(Redacted.make("123456"))

type Session = Core.Logout.Logout | Core.Authorize.Authorize | Core.Renewal.Renewal | RmoneyApi

describe("the types of the layers", () => {
  it("a program compiles if its layer provides the capability", () => {
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), auth)))
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), auth)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), auth)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), sso)))
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, sso)))
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, vendor)))
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, qr)))
    assert.isTrue(whole(Effect.provide(Core.Login.session, biometric)))
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, recovery)))
  })

  it("each layer provides exactly the expected services", () => {
    expectTypeOf<Layer.Success<typeof auth>>().toEqualTypeOf<
      Session | Core.Profile.Profile | Core.Login.Login | Core.StepUp.StepUp
    >()
    expectTypeOf<Layer.Success<typeof sso>>().toEqualTypeOf<
      Session | Core.Profile.Profile | Core.RedirectLogin.RedirectLogin
    >()
    expectTypeOf<Layer.Success<typeof vendor>>().toEqualTypeOf<Layer.Success<typeof sso>>()
    expectTypeOf<Layer.Success<typeof qr>>().toEqualTypeOf<Session | Core.QrLogin.QrLogin>()
    expectTypeOf<Layer.Success<typeof biometric>>().toEqualTypeOf<Session | Core.Login.Login>()
    expectTypeOf<Layer.Success<typeof recovery>>().toEqualTypeOf<Core.AccountRecovery.AccountRecovery | RmoneyApi>()
  })

  it("using a capability that RmoneyAuth lacks does not compile", () => {
    // @ts-expect-error: no layer of RMoney provides the Refresh service
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), auth)))
    // @ts-expect-error: only RmoneySso provides the browser login
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, auth)))
    // @ts-expect-error: only RmoneyQr provides the QR login
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: only RmoneyRecovery provides account recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
  })

  it("a program does not compile if its SSO, QR, biometric or recovery layer lacks the capability", () => {
    // @ts-expect-error: RmoneySso has no Login service
    assert.isTrue(whole(Effect.provide(Core.Login.session, sso)))
    // @ts-expect-error: RmoneyQr has no Login service
    assert.isTrue(whole(Effect.provide(Core.Login.session, qr)))
    // @ts-expect-error: a biometric login has no second step
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), biometric)))
    // @ts-expect-error: RmoneyRecovery returns no session, so it has no Logout service
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), recovery)))
  })

  it("a layer fails only with AuthError and needs only an HTTP client", () => {
    const all = [auth, sso, vendor, qr, biometric, recovery]
    const configured = [
      RmoneyAuth.layerConfig(),
      RmoneySso.layerConfig(),
      RmoneyQr.layerConfig(),
      RmoneyBiometric.layerConfig(),
      RmoneyRecovery.layerConfig()
    ]
    for (const _ of [...all, ...configured]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("invalid options do not compile", () => {
    const given = [
      // @ts-expect-error: the password must be Redacted
      RmoneyAuth.layer({ environment, credentials: { ...credentials, password: "Demo@101" } }),
      // @ts-expect-error: the TOTP secret must be Redacted
      RmoneyAuth.layer({ environment, credentials: { ...credentials, totp: "JBSWY3DPEHPK3PXP" } }),
      // @ts-expect-error: the access token must be Redacted
      RmoneyBiometric.layer({ environment, credentials: { userId, accessToken: "demo" } }),
      // @ts-expect-error: a vendor id requires exchange: "vendor"
      RmoneySso.layer({ environment, credentials: { userId, vendor: Redacted.make("v"), redirectUrl } }),
      // @ts-expect-error: "live" is not an environment
      RmoneyQr.layer({ environment: "live", credentials: { userId } })
    ]
    assert.strictEqual(given.length, 5)
  })
})
