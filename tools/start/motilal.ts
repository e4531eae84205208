/** Motilal Oswal, with TOTP, and for who has none with a code by SMS. */
import * as Login from "@auth/broker-core/Login"
import type * as Session from "@auth/broker-core/Session"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker } from "@auth/motilal/MotilalBroker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { begin, type MakeStory } from "./story.ts"

export const motilal: MakeStory = Effect.gen(function* () {
  const { environment, login, loginBySms, logout, originsOf, profile, rows } = yield* begin(broker)
  const Motilal = MotilalAuth.layerConfig({ origins: originsOf("production") })
  const withTotp = yield* Layer.build(Motilal.pipe(Layer.provide(environment())))
  const bySms = yield* Layer.build(Layer.fresh(Motilal).pipe(Layer.provide(environment({ without: ["totpSecret"] }))))

  let first: Session.Session
  let second: Session.Session

  const morning = Effect.gen(function* () {
    first = yield* login("with password, birthday and TOTP", Login.session)
    yield* profile(first)
  })

  const stepUp = Effect.gen(function* () {
    second = yield* loginBySms
    yield* profile(second)
  })

  return {
    title: broker.title,
    acts: {
      morning: Effect.provideContext(morning, withTotp),
      "step-up": Effect.provideContext(stepUp, bySms),
      closing: Effect.gen(function* () {
        yield* Effect.provideContext(logout(first, "password, birthday and TOTP"), withTotp)
        yield* Effect.provideContext(logout(second, "password, birthday and SMS", "mistyped a code; "), bySms)
      })
    },
    rows
  }
})
