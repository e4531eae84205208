/** Zerodha: a person logs in through the browser, and the session manager keeps the session. */
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

  /** The user fills in the broker's page, and the program passes the session to its manager. */
  const browse = Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const { code: totp } = yield* Effect.orDie(simulator.totp("zerodha", userId))
    const callback = yield* LoginPage.submit(request.url, { user_id: userId, password, totp })
    return yield* withLogins(1, redirect.complete(request, callback))
  })

  const morning = Effect.gen(function* () {
    yield* refused("ask for a session before a person logs in", "ActionRequired", SessionManager.session)
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
