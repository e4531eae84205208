// @effect-diagnostics missingEffectContext:off
import { assert, describe, it } from "@effect/vitest"
import { Login, Logout, Profile, QrLogin, RedirectLogin, Refresh, Renewal, StepUp } from "@auth/broker-core"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import { MotilalApi, MotilalAuth, MotilalBroker, MotilalPortal } from "@auth/motilal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { credentials } from "./support.ts"

const http = TestHttp.layerLateFetch
const auth = MotilalAuth.layer({ credentials }).pipe(Layer.provide(http))
const portal = MotilalPortal.layer({ credentials: { ...credentials, redirectUrl: "https://app.example.com/" } }).pipe(
  Layer.provide(http)
)

const runnable = <A, E>(program: Effect.Effect<A, E>): boolean => Effect.isEffect(program)

describe("types", () => {
  it("a program compiles if the layer has all used capabilities", () => {
    assert(runnable(Effect.provide(Login.login, auth)))
    assert(runnable(Effect.provide(StepUp.StepUp, auth)))
    assert(runnable(Effect.provide(Logout.Logout, auth)))
    assert(runnable(Effect.provide(Profile.Profile, auth)))
    assert(runnable(Effect.provide(MotilalApi.MotilalApi, auth)))
    assert(runnable(Effect.provide(RedirectLogin.RedirectLogin, portal)))
    assert(runnable(Effect.provide(Logout.Logout, portal)))
    assert(runnable(Effect.provide(Renewal.Renewal, auth)))
    assert(runnable(Effect.provide(Renewal.Renewal, portal)))
  })

  it("using a capability that the layer lacks does not compile", () => {
    // @ts-expect-error the broker has no refresh
    assert(runnable(Effect.provide(Refresh.Refresh, auth)))
    // @ts-expect-error a login by password needs no browser
    assert(runnable(Effect.provide(RedirectLogin.RedirectLogin, auth)))
    // @ts-expect-error there is no login by QR code
    assert(runnable(Effect.provide(QrLogin.QrLogin, auth)))
    // @ts-expect-error a browser login has no Login service
    assert(runnable(Effect.provide(Login.login, portal)))
    // @ts-expect-error a browser login has no StepUp service
    assert(runnable(Effect.provide(StepUp.StepUp, portal)))
    // @ts-expect-error a browser session cannot be refreshed
    assert(runnable(Effect.provide(Refresh.Refresh, portal)))
  })

  it("a layer needs an HTTP client", () => {
    // @ts-expect-error the HTTP client is missing
    assert(runnable(Effect.provide(Login.login, MotilalAuth.layer({ credentials }))))
  })

  it("a plain-text secret or an unknown option value does not compile", () => {
    const text = "secret" as unknown as Redacted.Redacted<string>
    const given = { ...credentials, password: text }
    assert(MotilalAuth.layer({ credentials: given }))
    // @ts-expect-error the password must be Redacted
    assert(MotilalAuth.layer({ credentials: { ...credentials, password: "secret" } }))
    // @ts-expect-error the date of birth must be Redacted
    assert(MotilalAuth.layer({ credentials: { ...credentials, secondFactor: "18/10/1988" } }))
    // @ts-expect-error there is no such generation
    assert(MotilalAuth.layer({ credentials, generation: "v5" }))
    // @ts-expect-error there is no such source id
    assert(MotilalAuth.layer({ credentials, sourceId: "TV" }))
    // @ts-expect-error there is no such environment
    assert(MotilalAuth.layer({ credentials, environment: "sandbox" }))
  })

  it("the descriptor lists the capabilities of MotilalAuth and MotilalPortal", () => {
    const capabilities = MotilalBroker.broker.methods.map((method) => [method.layer, method.capabilities.join(" ")])
    assert.deepStrictEqual(capabilities, [
      ["MotilalAuth", "Login StepUp Logout Profile Authorize"],
      ["MotilalPortal", "RedirectLogin Logout Profile Authorize"]
    ])
  })
})
