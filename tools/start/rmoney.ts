/** RMoney: one account with an authenticator app, and one account that gets its codes by SMS. */
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

export const rmoney: MakeStory = Effect.gen(function* () {
  const { again, environment, get, loginBySms, logout, logoutAlone, origins, rows } = yield* begin(accounts.rmoney)
  const Rmoney = accounts.rmoney.layer(origins)
  const program = yield* makeProgram(Layer.provide(Rmoney, environment()))
  const bySms = yield* Layer.build(
    Layer.fresh(Rmoney).pipe(Layer.provide(environment({ without: ["vendor", "totp"] })))
  )
  const how = "password, then TOTP"

  let second: Session.Session

  const stepUp = Effect.gen(function* () {
    second = yield* loginBySms
  })

  return {
    title: accounts.rmoney.broker.title,
    acts: {
      morning: Effect.andThen(program.run(get(how)), program.stop),
      again,
      "step-up": Effect.provideContext(stepUp, bySms),
      closing: Effect.gen(function* () {
        yield* program.run(logout(how))
        yield* Effect.provideContext(logoutAlone(second, "password, then SMS", "a code was mistyped; "), bySms)
      })
    },
    rows
  }
})
