/** Angel One, with client code, PIN and TOTP: a program that runs all day and past midnight, and others in trouble. */
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker } from "@auth/angel/AngelBroker"
import * as Login from "@auth/broker-core/Login"
import * as Profile from "@auth/broker-core/Profile"
import * as Refresh from "@auth/broker-core/Refresh"
import type * as Session from "@auth/broker-core/Session"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { begin, type MakeStory } from "./story.ts"

const lateBy = 240_000

export const angel: MakeStory = Effect.gen(function* () {
  const { addRow, environment, login, logout, note, originsOf, profile, refresh, refused, rows, simulator, step } =
    yield* begin(broker)
  const Angel = AngelAuth.layerConfig({ origins: originsOf("production") }).pipe(Layer.provide(environment()))
  const services = yield* Layer.build(Angel)
  const another = Effect.orDie(Layer.build(Layer.fresh(Angel)))
  const how = "client code, PIN and TOTP"

  let session: Session.Session

  const morning = Effect.gen(function* () {
    session = yield* login(`with ${how}`, Login.session)
    yield* profile(session)
    const funds = Effect.flatMap(AngelApi.AngelApi, (calls) => calls.getRMS(session))
    yield* step("ask for the funds", funds, ({ availablecash }) => `₹ ${availablecash} in cash`)
    session = yield* refresh(Refresh.refresh(session))
  })

  const trouble = Effect.gen(function* () {
    const late = yield* SimulatorClock.make(() => -lateBy)
    yield* refused(
      "log in on a machine whose clock is late",
      "InvalidStepUpCode",
      Effect.provideService(Login.session, Clock.Clock, late).pipe(Effect.provideContext(yield* another))
    )
    yield* Effect.orDie(simulator.inject("angel", "loginByPassword", { kind: "rate-limit" }))
    yield* refused(
      "log in while other programs do, too",
      "RateLimited",
      Effect.provideContext(Login.session, yield* another)
    )
    yield* Effect.orDie(simulator.inject("angel", "loginByPassword", { kind: "reset" }))
    const before = (yield* Effect.orDie(simulator.journal("angel"))).length
    yield* refused(
      "log in over a network that fails",
      "BrokerUnavailable",
      Effect.provideContext(Login.session, yield* another)
    )
    const sent = (yield* Effect.orDie(simulator.journal("angel"))).length - before
    yield* note(`The broker's journal has this login ${sent === 1 ? "once: nothing was sent again" : `${sent} times`}.`)
  })

  const midnight = Effect.gen(function* () {
    const over = yield* refused("ask for the profile", "SessionExpired", Profile.profile(session))
    yield* addRow(session, how, `refreshed once; over at midnight (${over.reason.code})`)
    session = yield* login("again", Login.session)
    yield* profile(session, " (healed)")
  })

  return {
    title: broker.title,
    acts: {
      morning: Effect.provideContext(morning, services),
      trouble: Effect.scoped(trouble),
      midnight: Effect.provideContext(midnight, services),
      end: Effect.provideContext(
        Effect.suspend(() => logout(session, how)),
        services
      )
    },
    rows
  }
})
