/** Angel One, with client code, PIN and TOTP: a program as a user would write it, over HTTP to the simulator. */
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker } from "@auth/angel/AngelBroker"
import * as Login from "@auth/broker-core/Login"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import * as Refresh from "@auth/broker-core/Refresh"
import type * as Session from "@auth/broker-core/Session"
import { Simulator } from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { inspect } from "node:util"
import { narrator, type Row } from "./stage.ts"
import { expiryOf, type MakeStory } from "./story.ts"

const lateBy = 240_000

export const angel: MakeStory = Effect.gen(function* () {
  const simulator = yield* Simulator
  const { note, refused, step } = narrator(broker.title)
  const account = simulator.brokers["angel"]?.accounts[0] ?? {}

  // A user has these in the environment.
  const environment = ConfigProvider.fromEnvRecord({
    ANGEL_CLIENT_CODE: account["clientCode"] ?? "",
    ANGEL_PIN: account["pin"] ?? "",
    ANGEL_API_KEY: account["apiKey"] ?? "",
    ANGEL_TOTP_SECRET: account["totpSecret"] ?? ""
  })
  const { api, login } = broker.environments["production"] ?? {}
  const Angel = AngelAuth.layerConfig({
    origins: { api: simulator.origins[api ?? ""] ?? "", login: simulator.origins[login ?? ""] ?? "" }
  }).pipe(Layer.provide(ConfigProvider.layer(environment)))

  // One program that runs all day, and others that get into trouble beside it.
  const services = yield* Layer.build(Angel)
  const another = Effect.orDie(Layer.build(Layer.fresh(Angel)))
  const rows: Array<Row> = []
  const how = "client code, PIN and TOTP"
  const addRow = (session: Session.Session, how: string, happened: string) =>
    rows.push({
      broker: broker.title,
      account: session.account.id,
      how,
      ...expiryOf(session),
      "what happened": happened
    })

  let session: Session.Session
  const sessionTold = (session: Session.Session) =>
    `until ${expiryOf(session)["expires at"]}, token ${inspect(session.tokens.access)}`

  const morning = Effect.gen(function* () {
    session = yield* step(`log in with ${how}`, Login.session, sessionTold)
    yield* step("ask for the profile", Profile.profile(session), ({ exchanges = [], name }) =>
      [name, exchanges.join(" ")].join(", ")
    )
    const funds = Effect.flatMap(AngelApi.AngelApi, (calls) => calls.getRMS(session))
    yield* step("ask for the funds", funds, ({ availablecash }) => `₹ ${availablecash} in cash`)
    session = yield* step("refresh the session", Refresh.refresh(session), sessionTold)
  })

  const trouble = Effect.gen(function* () {
    yield* Effect.orDie(simulator.advance("31 seconds"))
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
    addRow(session, how, `refreshed once; over at midnight (${over.reason.code})`)
    session = yield* step("log in again", Login.session, sessionTold)
    yield* step("ask for the profile", Profile.profile(session), ({ name }) => `${name}, healed`)
  })

  const evening = Effect.gen(function* () {
    const receipt = yield* step("log out", Logout.logout(session), ({ _tag }) =>
      _tag === "Revoked" ? "revoked by the broker" : "only forgotten here"
    )
    addRow(session, how, receipt._tag === "Revoked" ? "logged out, revoked by the broker" : "logged out here only")
  })

  return {
    acts: {
      morning: Effect.provideContext(morning, services),
      trouble: Effect.scoped(trouble),
      midnight: Effect.provideContext(midnight, services),
      evening: Effect.provideContext(evening, services)
    },
    rows: () => rows
  }
})
