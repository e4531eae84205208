/**
 * Angel One, with client code, PIN and TOTP. One program requests sessions in the morning and after midnight. Other
 * programs show failed logins.
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

/** Milliseconds by which the slow clock is behind. */
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
    yield* step("request the funds", funds, ({ availablecash }) => `₹ ${availablecash} in cash`)
    session = yield* refresh(renewed)
  })

  /** A wrong PIN is sent only once, because a second try could make the broker lock the account. */
  const wrongPin = Effect.gen(function* () {
    yield* refused("request a session with a wrong PIN", "InvalidCredentials", SessionManager.session)
    yield* refused("request a session with the same PIN again", "ActionRequired", story.withLogins(0, renewed))
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
    yield* note("The broker's journal contains this login only once. It was not sent again.")
  })

  /** The program reads its session from the vault, and calls an endpoint for which this library has no typed call. */
  const closing = step(
    "request the funds through an HTTP client",
    Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) =>
      client.get(`${origins["api"]}/rest/secure/angelbroking/user/v1/getRMS`)
    ).pipe(Effect.flatMap(HttpClientResponse.schemaBodyJson(Funds))),
    ({ data }) => `₹ ${data.availablecash} in cash`
  )

  const midnight = Effect.gen(function* () {
    const refusal = yield* refused("request the profile", "SessionExpired", Profile.profile(session))
    yield* addRow(session, how, `refreshed once; expired at midnight (${refusal.reason.code})`)
    const asked = Effect.all(
      Array.from({ length: askedAtOnce }, () => SessionManager.session),
      { concurrency: "unbounded" }
    )
    yield* step(
      `request a session ${askedAtOnce} times concurrently`,
      story.withLogins(1, asked),
      () => "a single login served all requests"
    )
    yield* profile(yield* SessionManager.session, "request the profile with the new session")
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
