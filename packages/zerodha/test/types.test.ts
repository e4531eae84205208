// These tests assert compiler errors. Effect's diagnostics would report the same errors again.
// @effect-diagnostics missingEffectContext:off floatingEffect:off
import * as Core from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import { ZerodhaAuth, ZerodhaPlatform } from "@auth/zerodha"
import { FakeZerodha } from "@auth/zerodha/msw"
import type { ZerodhaApi } from "@auth/zerodha/ZerodhaApi"
import { broker } from "@auth/zerodha/ZerodhaBroker"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { credentials, session } from "./support.ts"

const auth = ZerodhaAuth.layer({ credentials })
const platform = ZerodhaPlatform.layer({ credentials })

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

const whole = (program: Effect.Effect<unknown, unknown, HttpClient.HttpClient>) => Effect.isEffect(program)

type Provided =
  | Core.RedirectLogin.RedirectLogin
  | Core.Logout.Logout
  | Core.Profile.Profile
  | Core.Authorize.Authorize
  | Core.Renewal.Renewal
  | ZerodhaApi

describe("the types of the layers:", () => {
  it("all layers provide their capabilities", () => {
    for (const layer of [auth, platform]) {
      assert.isTrue(whole(Effect.provide(Core.RedirectLogin.RedirectLogin, layer)))
      assert.isTrue(whole(Effect.provide(Core.Logout.logout(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Profile.profile(session), layer)))
      assert.isTrue(whole(Effect.provide(Core.Authorize.Authorize, layer)))
    }
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), platform)))
    expectTypeOf<Layer.Success<typeof auth>>().toEqualTypeOf<Provided>()
    expectTypeOf<Layer.Success<typeof platform>>().toEqualTypeOf<Provided | Core.Refresh.Refresh>()
  })

  it("the use of a capability that ZerodhaAuth lacks does not compile", () => {
    // @ts-expect-error: only an approved platform has a refresh
    assert.isTrue(whole(Effect.provide(Core.Refresh.refresh(session), auth)))
    // @ts-expect-error: a browser login has no Login service
    assert.isTrue(whole(Effect.provide(Core.Login.session, auth)))
    // @ts-expect-error: the second step is on the broker's page
    assert.isTrue(whole(Effect.provide(Core.StepUp.StepUp, auth)))
    // @ts-expect-error: there is no login by QR code
    assert.isTrue(whole(Effect.provide(Core.QrLogin.QrLogin, auth)))
    // @ts-expect-error: there is no account recovery
    assert.isTrue(whole(Effect.provide(Core.AccountRecovery.AccountRecovery, auth)))
  })

  it("a layer fails only with AuthError and needs only an HTTP client", () => {
    for (const _ of [auth, platform, ZerodhaAuth.layerConfig(), ZerodhaPlatform.layerConfig()]) {
      expectTypeOf<Layer.Error<typeof _>>().toEqualTypeOf<Core.AuthError.AuthError>()
      expectTypeOf<Layer.Services<typeof _>>().toEqualTypeOf<HttpClient.HttpClient>()
    }
  })

  it("a plain-text secret does not compile", () => {
    const given = [
      // @ts-expect-error: the API key must be Redacted
      ZerodhaAuth.layer({ credentials: { ...credentials, apiKey: "key" } }),
      // @ts-expect-error: the API secret must be Redacted
      ZerodhaAuth.layer({ credentials: { ...credentials, apiSecret: "secret" } })
    ]
    assert.strictEqual(given.length, 2)
  })

  it("sessionToken and getEquityMargins have types from the endpoint table", () => {
    type Api = ZerodhaApi["Service"]
    interface Exchange {
      readonly request_token: Redacted.Redacted<string>
      readonly checksum: Redacted.Redacted<string>
    }
    expectTypeOf<Parameters<Api["sessionToken"]>>().toEqualTypeOf<[request: Exchange]>()
    type Session = Effect.Success<ReturnType<Api["sessionToken"]>>
    expectTypeOf<Session["access_token"]>().toEqualTypeOf<Redacted.Redacted<string>>()
    expectTypeOf<Session["user_id"]>().toEqualTypeOf<string>()
    expectTypeOf<Session["exchanges"]>().toEqualTypeOf<ReadonlyArray<string>>()
    expectTypeOf<Session["refresh_token"]>().toEqualTypeOf<Redacted.Redacted<string> | undefined>()
    type Margins = Effect.Success<ReturnType<Api["getEquityMargins"]>>
    expectTypeOf<NonNullable<Margins["available"]>["cash"]>().toEqualTypeOf<number | undefined>()
  })

  for (const [name, layer] of [
    ["ZerodhaAuth", auth],
    ["ZerodhaPlatform", platform]
  ] as const) {
    it.effect(`${name} provides exactly the capabilities that ZerodhaBroker lists`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeZerodha.make()
        const built: Layer.Layer<never, Core.AuthError.AuthError, HttpClient.HttpClient> = layer
        const context = yield* Layer.build(Layer.provide(built, TestHttp.layerFake(fake)))
        const provided = Core.Broker.capabilities.filter((capability) =>
          Option.isSome(Context.getOption(context, services[capability] as typeof Core.Login.Login))
        )
        const method = broker.methods.find((candidate) => candidate.layer === name)
        assert.deepStrictEqual(provided.toSorted(), method?.capabilities.toSorted())
      })
    )
  }
})
