/** Zerodha: a user logs in through the browser, and the session manager stores the session. */
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as LoginPage from "@auth/simulator/LoginPage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

export const zerodha: MakeStory = Effect.gen(function* () {
  const { accountOf, again, environment, login, logout, origins, profile, refused, rows, simulator, withLogins } =
    yield* begin(accounts.zerodha)
  const program = yield* makeProgram(Layer.provide(accounts.zerodha.layer(origins), environment()))
  const { password = "", userId = "" } = accountOf

  /** Fills in the broker's login page, as a user would, and completes the login with the callback. */
  const browse = Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const { code: totp } = yield* Effect.orDie(simulator.totp("zerodha", userId))
    const callback = yield* LoginPage.submit(request.url, { user_id: userId, password, totp })
    return yield* withLogins(1, redirect.complete(request, callback))
  })

  const morning = Effect.gen(function* () {
    yield* refused("request a session before a user has logged in", "ActionRequired", SessionManager.session)
    const session = yield* login("through the browser", browse)
    yield* Effect.flatMap(SessionManager.SessionManager, ({ adopt }) => adopt(session))
    yield* profile(yield* SessionManager.session)
  })

  return {
    title: accounts.zerodha.broker.title,
    acts: {
      morning: Effect.andThen(program.run(morning), program.stop),
      again,
      closing: program.run(logout("browser"))
    },
    rows
  }
})
