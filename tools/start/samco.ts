/** Samco, with key and secret, and through the browser, whose session can be refreshed. */
import * as Login from "@auth/broker-core/Login"
import * as RedirectLogin from "@auth/broker-core/RedirectLogin"
import * as Refresh from "@auth/broker-core/Refresh"
import type * as Session from "@auth/broker-core/Session"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker } from "@auth/samco/SamcoBroker"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as LoginPage from "@auth/simulator/LoginPage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { begin, type MakeStory } from "./story.ts"

export const samco: MakeStory = Effect.gen(function* () {
  const { accountOf, environment, login, logout, originsOf, profile, refresh, rows } = yield* begin(broker)
  const origins = originsOf("production")
  const withKey = yield* Layer.build(SamcoAuth.layerConfig({ origins }).pipe(Layer.provide(environment())))
  const throughBrowser = yield* Layer.build(
    SamcoOAuth.layerConfig({ origins }).pipe(Layer.provide(environment({ method: "oauth" })))
  )

  let first: Session.Session
  let second: Session.Session

  const morning = Effect.gen(function* () {
    first = yield* login("with API key and secret", Login.session)
    yield* profile(first)
  })

  /** The account's holder types the secret on the broker's page. */
  const oauth = Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const form = { apiSecret: accountOf()["apiSecret"] ?? "" }
    return yield* redirect.complete(request, yield* Effect.orDie(LoginPage.submit(request.url, form)))
  })

  const stepUp = Effect.gen(function* () {
    second = yield* login("through the browser", oauth)
    second = yield* refresh(Refresh.refresh(second))
    yield* profile(second)
  })

  return {
    title: broker.title,
    acts: {
      morning: Effect.provideContext(morning, withKey),
      "step-up": Effect.provideContext(stepUp, throughBrowser),
      closing: Effect.gen(function* () {
        yield* Effect.provideContext(logout(first, "API key and secret"), withKey)
        yield* Effect.provideContext(logout(second, "browser", "refreshed once; "), throughBrowser)
      })
    },
    rows
  }
})
