import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type * as Authorize from "@auth/broker-core/login/Authorize"
import type * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import * as StepUp from "@auth/broker-core/login/StepUp"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import type * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker } from "@auth/rupeezy/RupeezyBroker"
import type * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { layer, loginRequest, partnerLayer, session } from "./support.ts"

/** A call of `complete` compiles only if `program` needs no service. The compile error names the missing services. */
const complete = <P extends Effect.Effect<unknown, unknown, unknown>>(
  program: P,
  ..._open: [Effect.Services<P>] extends [never] ? [] : [lacking: Effect.Services<P>]
): boolean => Effect.isEffect(program)

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
const same = <A, B>(verdict: Same<A, B>): boolean => verdict

describe("types", () => {
  it("a program compiles if the layer has all used capabilities", () => {
    const login = Effect.provide(Login.session, layer())
    const profile = Effect.provide(Profile.profile(session), layer())
    const logout = Effect.provide(Logout.logout(session), partnerLayer())
    const browser = Effect.provide(RedirectLogin.RedirectLogin, partnerLayer())
    const raw = Effect.provide(RupeezyApi.RupeezyApi, partnerLayer())
    const each = [complete(login), complete(profile), complete(logout), complete(browser), complete(raw)]
    assert.notInclude(each, false)
  })

  it("a program does not compile if the layer lacks a used capability", () => {
    const refresh = Effect.provide(Refresh.refresh(session), layer())
    const stepUp = Effect.provide(StepUp.StepUp, layer())
    const login = Effect.provide(Login.session, partnerLayer())
    const browser = Effect.provide(RedirectLogin.RedirectLogin, layer())
    const partnerRefresh = Effect.provide(Refresh.refresh(session), partnerLayer())
    const each = [
      // @ts-expect-error Rupeezy has no refresh
      complete(refresh),
      // @ts-expect-error Rupeezy has no step-up
      complete(stepUp),
      // @ts-expect-error RupeezyPartner has no Login service
      complete(login),
      // @ts-expect-error RupeezyAuth has no RedirectLogin service
      complete(browser),
      // @ts-expect-error the browser login has no refresh
      complete(partnerRefresh)
    ]
    assert.notInclude(each, false)
  })

  it("a layer provides the capabilities that RupeezyBroker lists, and needs only an HTTP client", () => {
    type Of<L> = L extends (...args: ReadonlyArray<never>) => Layer.Layer<infer A, infer E, infer R> ? [A, E, R] : never
    type Shared = Logout.Logout | Profile.Profile | Authorize.Authorize | Renewal.Renewal | RupeezyApi.RupeezyApi
    type Services<S> = [S | Shared, AuthError, HttpClient.HttpClient]
    const auth = same<Of<typeof RupeezyAuth.layerConfig>, Services<Login.Login>>(true)
    const partner = same<Of<typeof RupeezyPartner.layer>, Services<RedirectLogin.RedirectLogin>>(true)
    assert.isTrue(auth && partner)
    assert.deepStrictEqual(
      broker.methods.map(({ capabilities, layer }) => [layer, ...capabilities]),
      [
        ["RupeezyAuth", "Login", "Logout", "Profile", "Authorize"],
        ["RupeezyPartner", "RedirectLogin", "Logout", "Profile", "Authorize"]
      ]
    )
  })

  it("a secret as plain text does not compile", () => {
    // @ts-expect-error the password must be Redacted
    const request: RequestOf<RupeezyApi.RupeezyApi, "login"> = { ...loginRequest, password: "demo" }
    // @ts-expect-error the key must be Redacted
    const options: RupeezyApi.Options = { apiKey: "demo" }
    assert.isFalse(Redacted.isRedacted(request.password) || Redacted.isRedacted(options.apiKey))
  })
})
