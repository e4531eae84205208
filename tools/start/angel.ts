/**
 * Angel One, with client code, PIN and TOTP: a program that runs all day and past midnight, and programs with faults.
 */
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import * as Login from "@auth/broker-core/login/Login"
import * as Profile from "@auth/broker-core/login/Profile"
import type * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Vault from "@auth/broker-core/session/Vault"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { accounts } from "./accounts.ts"
import { begin, makeProgram, type MakeStory } from "./story.ts"

const lateBy = 240_000
const askedAtOnce = 1000

/** Fields of the broker's answer that the program uses. */
const Funds = Schema.Struct({ data: Schema.Struct({ availablecash: Schema.String }) })

export const angel: MakeStory = Effect.gen(function* () {
  const story = yield* begin(accounts.angel)
  const { addRow, again, environment, get, logout, note, origins, profile, refresh, refused, rows, step } = story
  const Angel = Layer.provide(accounts.angel.layer(origins), environment())
  const program = yield* makeProgram(Angel)
  const another = Effect.orDie(Layer.build(Layer.fresh(Angel)))
  const how = "client code, PIN and TOTP"

  let session: Session.Session

  const renewed = Effect.flatMap(SessionManager.SessionManager, ({ renew }) => renew())

  const morning = Effect.gen(function* () {
    session = yield* get(how)
    yield* profile(session)
    const funds = Effect.flatMap(AngelApi.AngelApi, (calls) => calls.getRMS(session))
    yield* step("ask for the funds", funds, ({ availablecash }) => `₹ ${availablecash} in cash`)
    session = yield* refresh(renewed)
  })

  /** A mistyped PIN is sent once, because the broker might lock the account after the second time. */
  const wrongPin = Effect.gen(function* () {
    yield* refused("ask for a session with a wrong PIN", "InvalidCredentials", SessionManager.session)
    yield* refused("ask again, with the same PIN", "ActionRequired", story.withLogins(0, renewed))
  }).pipe(
    Effect.provide(
      SessionManager.layer().pipe(
        Layer.provide(AngelAuth.layerConfig({ origins, renewal: { maxFailures: 1 } })),
        Layer.provide([Vault.layerMemory, environment({ instead: { pin: "0000" } })])
      )
    )
  )

  const trouble = Effect.gen(function* () {
    const late = yield* SimulatorClock.make(() => -lateBy)
    yield* refused(
      "log in on a machine whose clock is slow",
      "InvalidStepUpCode",
      Effect.provideService(Login.session, Clock.Clock, late).pipe(Effect.provideContext(yield* another))
    )
    yield* Effect.orDie(story.simulator.inject("angel", "loginByPassword", { kind: "rate-limit" }))
    yield* refused(
      "log in while other programs log in too",
      "RateLimited",
      Effect.provideContext(Login.session, yield* another)
    )
    yield* Effect.orDie(story.simulator.inject("angel", "loginByPassword", { kind: "reset" }))
    yield* refused(
      "log in over a failing network",
      "BrokerUnavailable",
      story.withLogins(1, Effect.provideContext(Login.session, yield* another))
    )
    yield* note("The broker's journal has this login once: it was not resent.")
  })

  /** The program reads its session from the vault, and makes a call of its own. */
  const closing = step(
    "ask for the funds in a call of its own",
    Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) =>
      client.get(`${origins["api"]}/rest/secure/angelbroking/user/v1/getRMS`)
    ).pipe(Effect.flatMap(HttpClientResponse.schemaBodyJson(Funds))),
    ({ data }) => `₹ ${data.availablecash} in cash`
  )

  const midnight = Effect.gen(function* () {
    const over = yield* refused("ask for the profile", "SessionExpired", Profile.profile(session))
    yield* addRow(session, how, `refreshed once; expired at midnight (${over.reason.code})`)
    const asked = Effect.all(
      Array.from({ length: askedAtOnce }, () => SessionManager.session),
      { concurrency: "unbounded" }
    )
    yield* step(
      `ask for a session ${askedAtOnce} times at once`,
      story.withLogins(1, asked),
      () => "one login in the broker's journal, for all of them"
    )
    yield* profile(yield* SessionManager.session, " (healed)")
  })

  return {
    title: accounts.angel.broker.title,
    acts: {
      morning: Effect.andThen(program.run(morning), program.stop),
      again,
      trouble: Effect.scoped(trouble),
      guard: wrongPin,
      closing: program.run(closing),
      midnight: program.run(midnight),
      end: program.run(logout(how))
    },
    rows
  }
})
