/**
 * Rupeezy, with client code, password and TOTP. Another program ends the session early, and then the first program
 * makes calls.
 */
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import * as Logout from "@auth/broker-core/login/Logout"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

const callsAtOnce = 20

export const rupeezy: MakeStory = Effect.gen(function* () {
  const { addRow, again, environment, get, logout, origins, profile, rows, step, withLogins } = yield* begin(
    accounts.rupeezy
  )
  const program = yield* makeProgram(Layer.provide(accounts.rupeezy.layer(origins), environment()))
  const how = "client code, password and TOTP"

  const morning = Effect.gen(function* () {
    yield* get(how)
    yield* profile(yield* SessionManager.session)
  })

  /** A call for which this library has no typed call. */
  const funds = Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) =>
    client.get(`${origins["api"]}/v2/user/funds`)
  )

  const earlyEnd = Effect.gen(function* () {
    const session = yield* SessionManager.session
    yield* step("another program ends the session", Logout.logout(session), () => "this program is not notified")
    yield* addRow(session, how, "ended by another program")
    yield* step(
      `make ${callsAtOnce} concurrent calls with an invalid token`,
      withLogins(
        1,
        Effect.all(
          Array.from({ length: callsAtOnce }, () => funds),
          { concurrency: "unbounded" }
        )
      ),
      (answers) => `${answers.filter(({ status }) => status === 200).length} calls succeeded after a single login`
    )
  })

  return {
    title: accounts.rupeezy.broker.title,
    acts: {
      morning: Effect.andThen(program.run(morning), program.stop),
      again,
      "early-end": program.run(earlyEnd),
      closing: program.run(logout(how))
    },
    rows
  }
})
