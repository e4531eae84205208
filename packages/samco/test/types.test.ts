// The compiler's own errors are what is tested here; Effect's say the same a second time.
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

/** Takes a program that is whole once it has an HTTP client. What this does not take does not compile. */
const whole = <A, E>(program: Effect.Effect<A, E, HttpClient.HttpClient>): boolean => Effect.isEffect(program)

const answer = () => Effect.succeed(Redacted.make("123456"))

type Direct =
  | Core.Login.Login
  | Core.Logout.Logout
  | Core.Profile.Profile
  | Core.Authorize.Authorize
  | Core.Renewal.Renewal
  | SamcoApi

describe("what a layer provides, and what does not compile", () => {
  it("every capability of SamcoAuth and SamcoLegacy can be asked for", () => {
    for (const layer of [auth, legacy]) {
      assert.isTrue(whole(Effect.provide(Core.Login.session, layer)))
      assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, layer)))
      expectTypeOf<Layer.Success<typeof layer>>().toEqualTypeOf<Direct>()
    }
  })

  it("every capability of SamcoOAuth can be asked for", () => {
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, oauth)))
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), oauth)))
    assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, oauth)))
    expectTypeOf<Layer.Success<typeof oauth>>().toEqualTypeOf<
      Exclude<Direct, Core.Login.Login> | Core.RedirectLogin.RedirectLogin | Core.Refresh.Refresh
    >()
  })

  it("what SamcoAuth lacks does not compile", () => {
    // @ts-expect-error: a session of key and secret cannot be renewed
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), auth)))
    // @ts-expect-error: Samco has no second step after a login
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, auth)))
    // @ts-expect-error: and a program that answers one needs it
    assert.isTrue(whole(Effect.provide(Core.Login.withStepUp(answer), auth)))
    // @ts-expect-error: the browser is another layer's
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, auth)))
    // @ts-expect-error: nor has it a picture to scan
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: nor a recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
  })

  it("what SamcoLegacy lacks does not compile", () => {
    // @ts-expect-error: an old session cannot be renewed
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), legacy)))
    // @ts-expect-error: the one-time code comes before the login, not after it
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, legacy)))
    // @ts-expect-error: the browser is another layer's
    assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, legacy)))
  })

  it("what SamcoOAuth lacks does not compile", () => {
    // @ts-expect-error: a person logs in, not the program
    assert.isTrue(whole(Effect.provide(Core.Login.session, oauth)))
    // @ts-expect-error: nor is there a second step
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, oauth)))
  })

  it("a layer fails with AuthError alone, and needs an HTTP client alone", () => {
    for (const _ of [auth, oauth, legacy, SamcoAuth.layerConfig(), SamcoOAuth.layerConfig()]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("a secret that is plain text does not compile", () => {
    const given = [
      // @ts-expect-error: the key is Redacted from the first line
      SamcoAuth.layer({ credentials: { ...credentials, apiKey: "key" } }),
      // @ts-expect-error: the secret too
      SamcoAuth.layer({ credentials: { ...credentials, apiSecret: "secret" } }),
      // @ts-expect-error: the password
      SamcoLegacy.layer({ credentials: { ...legacyCredentials, password: "abc1234" } }),
      // @ts-expect-error: and the year of birth
      SamcoLegacy.layer({ credentials: { ...legacyCredentials, yob: "1980" } })
    ]
    assert.strictEqual(given.length, 4)
  })
})
