/** Motilal Oswal: one login with TOTP, and one login with a code by SMS. */
import type * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

export const motilal: MakeStory = Effect.gen(function* () {
  const { again, environment, get, loginBySms, logout, logoutAlone, origins, profile, rows } = yield* begin(
    accounts.motilal
  )
  const Motilal = accounts.motilal.layer(origins)
  const program = yield* makeProgram(Layer.provide(Motilal, environment()))
  const bySms = yield* Layer.build(Layer.fresh(Motilal).pipe(Layer.provide(environment({ without: ["totp"] }))))
  const how = "password, birthday and TOTP"

  let second: Session.Session

  const morning = Effect.gen(function* () {
    yield* get(how)
    yield* profile(yield* SessionManager.session)
  })

  const stepUp = Effect.gen(function* () {
    second = yield* loginBySms
    yield* profile(second)
  })

  return {
    title: accounts.motilal.broker.title,
    acts: {
      morning: Effect.andThen(program.run(morning), program.stop),
      again,
      "step-up": Effect.provideContext(stepUp, bySms),
      closing: Effect.gen(function* () {
        yield* program.run(logout(how))
        yield* Effect.provideContext(logoutAlone(second, "password, birthday and SMS", "a code was mistyped; "), bySms)
      })
    },
    rows
  }
})
