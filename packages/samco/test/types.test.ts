// These tests assert compiler errors. Effect's diagnostics would report the same errors a second time.
// @effect-diagnostics missingEffectContext:off floatingEffect:off
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Core from "@auth/broker-core"
import { SamcoAuth, SamcoLegacy, SamcoOAuth } from "@auth/samco"
import type { SamcoApi } from "@auth/samco/SamcoApi"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { credentials, legacyCredentials, oauthCredentials, session } from "./support.ts"

const auth = SamcoAuth.layer({ credentials })
const oauth = SamcoOAuth.layer({ credentials: oauthCredentials })
const legacy = SamcoLegacy.layer({ credentials: legacyCredentials })

/** Accepts a program that needs no service except an HTTP client. */
const whole = <A, E>(program: Effect.Effect<A, E, HttpClient.HttpClient>): boolean => Effect.isEffect(program)

const answer = () => Effect.succeed(Redacted.make("123456"))

type Direct =
  | Core.Login.Login
  | Core.Logout.Logout
  | Core.Profile.Profile
  | Core.Authorize.Authorize
  | Core.Renewal.Renewal
  | SamcoApi

describe("the types of the layers", () => {
  it("SamcoAuth and SamcoLegacy provide all their capabilities", () => {
    for (const layer of [auth, legacy]) {
      assert.isTrue(whole(Effect.provide(Core.Login.session, layer)))
      assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, layer)))
      expectTypeOf<Layer.Success<typeof layer>>().toEqualTypeOf<Direct>()
    }
  })

  it("SamcoOAuth provides all its capabilities", () => {
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, oauth)))
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, oauth)))
    expectTypeOf<Layer.Success<typeof oauth>>().toEqualTypeOf<
      Exclude<Direct, Core.Login.Login> | Core.RedirectLogin.RedirectLogin | Core.Refresh.Refresh
    >()
  })

  it("using a capability that SamcoAuth lacks does not compile", () => {
    // @ts-expect-error: a session of SamcoAuth cannot be refreshed
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), auth)))
    // @ts-expect-error: Samco has no second step after a login
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, auth)))
    // @ts-expect-error: a program that answers a step-up needs StepUp
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), auth)))
    // @ts-expect-error: only SamcoOAuth provides the browser login
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, auth)))
    // @ts-expect-error: there is no login by QR code
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: there is no account recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
  })

  it("using a capability that SamcoLegacy lacks does not compile", () => {
    // @ts-expect-error: a session of SamcoLegacy cannot be refreshed
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), legacy)))
    // @ts-expect-error: Samco gets the one-time code before the login, not after it
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, legacy)))
    // @ts-expect-error: only SamcoOAuth provides the browser login
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, legacy)))
  })

  it("using a capability that SamcoOAuth lacks does not compile", () => {
    // @ts-expect-error: a browser login has no Login service
    assert.isTrue(whole(Effect.provide(Core.Login.session, oauth)))
    // @ts-expect-error: there is no second step
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, oauth)))
  })

  it("a layer fails only with AuthError and needs only an HTTP client", () => {
    const configured = [SamcoAuth.layerConfig(), SamcoOAuth.layerConfig(), SamcoLegacy.layerConfig()]
    for (const _ of [auth, oauth, legacy, ...configured]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("a plain-text secret does not compile", () => {
    const given = [
      // @ts-expect-error: the key must be Redacted
      SamcoAuth.layer({ credentials: { ...credentials, apiKey: "key" } }),
      // @ts-expect-error: the secret must be Redacted
      SamcoAuth.layer({ credentials: { ...credentials, apiSecret: "secret" } }),
      // @ts-expect-error: the password must be Redacted
      SamcoLegacy.layer({ credentials: { ...legacyCredentials, password: "abc1234" } }),
      // @ts-expect-error: the year of birth must be Redacted
      SamcoLegacy.layer({ credentials: { ...legacyCredentials, yob: "1980" } })
    ]
    assert.strictEqual(given.length, 4)
  })
})
