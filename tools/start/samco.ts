/**
 * Samco: one login with API key and secret, and one login through the browser. Only the second session can be
 * refreshed.
 */
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import type * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as LoginPage from "@auth/simulator/LoginPage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

export const samco: MakeStory = Effect.gen(function* () {
  const { accountOf, again, environment, get, login, logout, logoutAlone, origins, profile, refresh, refused, rows } =
    yield* begin(accounts.samco)
  const program = yield* makeProgram(Layer.provide(accounts.samco.layer(origins), environment()))
  const throughBrowser = yield* Layer.build(
    SamcoOAuth.layerConfig({ origins }).pipe(Layer.provide(environment({ method: "oauth" })))
  )
  const how = "API key and secret"

  let second: Session.Session

  const morning = Effect.gen(function* () {
    yield* get(how)
    yield* profile(yield* SessionManager.session)
  })

  /** The user enters the secret on the broker's page. */
  const oauth = Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const form = { apiSecret: accountOf["apiSecret"] ?? "" }
    return yield* redirect.complete(request, yield* Effect.orDie(LoginPage.submit(request.url, form)))
  })

  const stepUp = Effect.gen(function* () {
    second = yield* login("through the browser", oauth)
    second = yield* refresh(Refresh.refresh(second))
    yield* profile(second)
  })

  const closing = Effect.gen(function* () {
    yield* logout(how)
    yield* refused("request a session after the logout", "SessionExpired", SessionManager.session)
  })

  return {
    title: accounts.samco.broker.title,
    acts: {
      morning: Effect.andThen(program.run(morning), program.stop),
      again,
      "step-up": Effect.provideContext(stepUp, throughBrowser),
      closing: Effect.gen(function* () {
        yield* program.run(closing)
        yield* Effect.provideContext(logoutAlone(second, "browser", "refreshed once; "), throughBrowser)
      })
    },
    rows
  }
})
