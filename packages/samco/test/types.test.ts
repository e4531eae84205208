// The compiler's own errors are what is tested here; Effect's say the same a second time.
// @effect-diagnostics missingEffectContext:off floatingEffect:off
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Core from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import { SamcoAuth, SamcoLegacy, SamcoOAuth } from "@auth/samco"
import { FakeSamco } from "@auth/samco/msw"
import type { SamcoApi } from "@auth/samco/SamcoApi"
import { broker } from "@auth/samco/SamcoBroker"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { credentials, legacyCredentials, oauthCredentials, session } from "./support.ts"

const auth = SamcoAuth.layer({ credentials })
const oauth = SamcoOAuth.layer({ credentials: oauthCredentials })
const legacy = SamcoLegacy.layer({ credentials: legacyCredentials })

/** The service behind each capability. */
const services = {
  Login: Core.Login.Login,
  StepUp: Core.StepUp.StepUp,
  Refresh: Core.Refresh.Refresh,
  Logout: Core.Logout.Logout,
  Profile: Core.Profile.Profile,
  RedirectLogin: Core.RedirectLogin.RedirectLogin,
  QrLogin: Core.QrLogin.QrLogin,
  AccountRecovery: Core.AccountRecovery.AccountRecovery,
  Authorize: Core.Authorize.Authorize
} as const

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

  for (const [name, layer] of [
    ["SamcoAuth", auth],
    ["SamcoOAuth", oauth],
    ["SamcoLegacy", legacy]
  ] as const) {
    it.effect(`${name} provides what its descriptor says, and nothing else`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeSamco.make()
        const built: Layer.Layer<never, Core.AuthError.AuthError, HttpClient.HttpClient> = layer
        const context = yield* Layer.build(Layer.provide(built, TestHttp.layerFake(fake)))
        const provided = Core.Broker.capabilities.filter((capability) =>
          Option.isSome(Context.getOption(context, services[capability] as typeof Core.Login.Login))
        )
        const method = broker.methods.find((candidate) => candidate.layer === name)
        assert.deepStrictEqual(provided.toSorted(), method?.capabilities.toSorted())
        assert.deepStrictEqual(Object.keys(services).toSorted(), Core.Broker.capabilities.toSorted())
      })
    )
  }
})
