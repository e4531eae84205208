/** Rupeezy, with client code, password and TOTP. */
import * as Login from "@auth/broker-core/Login"
import type * as Session from "@auth/broker-core/Session"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker } from "@auth/rupeezy/RupeezyBroker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { begin, type MakeStory } from "./story.ts"

export const rupeezy: MakeStory = Effect.gen(function* () {
  const { environment, login, logout, originsOf, profile, rows } = yield* begin(broker)
  const services = yield* Layer.build(
    RupeezyAuth.layerConfig({ origins: originsOf("production") }).pipe(Layer.provide(environment()))
  )
  const how = "client code, password and TOTP"

  let session: Session.Session

  const morning = Effect.gen(function* () {
    session = yield* login(`with ${how}`, Login.session)
    yield* profile(session)
  })

  return {
    title: broker.title,
    acts: {
      morning: Effect.provideContext(morning, services),
      closing: Effect.provideContext(
        Effect.suspend(() => logout(session, how)),
        services
      )
    },
    rows
  }
})
