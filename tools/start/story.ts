/**
 * `npm start` consists of acts, such as the morning, and of one story for each broker. In each act, the stories of all
 * brokers run concurrently. This file contains the acts, and the steps that the stories share.
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import type * as Session from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { Failure } from "@auth/broker-core/session/SessionManager"
import { StepUp } from "@auth/broker-core/login/StepUp"
import { Simulator } from "@auth/simulator/Simulator"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as RcRef from "effect/RcRef"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { inspect } from "node:util"
import { accountOf, type AccountId, type accounts, type Chosen, originsOf, variablesOf } from "./accounts.ts"
import { Home } from "./home.ts"
import type { Row } from "./layout.ts"
import { complaint, narrator, type Stage, type StepFailed, Unexpected } from "./stage.ts"

export interface Act {
  readonly id: "morning" | "again" | "step-up" | "trouble" | "guard" | "early-end" | "closing" | "midnight" | "end"
  readonly title: string
  /** Time of day in India at which the act starts. The simulated clock advances to it. Default: the clock stays. */
  readonly at?: Parameters<typeof Expiry.dailyAt>[0]
}

// All programs share the simulated clock, so it advances only between acts. An act is shorter than a TOTP period, so an
// authenticator app shows only one code for each account during an act.
export const acts: ReadonlyArray<Act> = [
  { id: "morning", title: "Before the market opens, each program requests its session", at: "09:00" },
  { id: "again", title: "All programs are stopped, and then started again in a new process", at: "09:02" },
  { id: "step-up", title: "Users log in with a code by SMS, or through the browser", at: "09:05" },
  { id: "trouble", title: "Logins fail, and each error says what to do", at: "09:10" },
  { id: "guard", title: "A wrong PIN is sent only once, so that the broker does not lock the account", at: "09:15" },
  { id: "early-end", title: "A session ends early, and many calls need a new session", at: "11:00" },
  {
    id: "closing",
    title: "The market has closed, and all programs except the program of Angel One log out",
    at: "15:30"
  },
  { id: "midnight", title: "After midnight, the session has expired and is renewed", at: "00:05" },
  { id: "end", title: "The last program logs out" }
]

type Problem = StepFailed | Failure

/** The story of one broker. */
export interface Story {
  readonly title: string
  readonly acts: Readonly<Partial<Record<Act["id"], Effect.Effect<void, Problem, HttpClient.HttpClient>>>>
  /** The broker's rows of the table at the end of the output. */
  readonly rows: () => ReadonlyArray<Row>
}

export type MakeStory = Effect.Effect<Story, AuthError, Simulator | Stage | Home | HttpClient.HttpClient | Scope.Scope>

/** Returns the duration until the next time that clocks in India show `time`. */
export const until = (time: NonNullable<Act["at"]>): Effect.Effect<Duration.Duration> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Duration.millis((Expiry.dailyAt(time)({ issuedAt: now, accessToken: Redacted.make("") })?.at ?? now) - now)
  )

const roughly = (millis: number): string => Duration.format(Duration.minutes(Math.round(millis / 60_000)))

/** The columns "expires at" and "lifetime" of a session. */
const expiryOf = ({ expiresAt, issuedAt }: Session.Session): Pick<Row, "expires at" | "lifetime"> =>
  expiresAt === undefined
    ? { "expires at": "unknown", lifetime: "unknown" }
    : { "expires at": Expiry.toIst(expiresAt), lifetime: roughly(expiresAt - issuedAt) }

const describeSession = (session: Session.Session): string =>
  `valid until ${expiryOf(session)["expires at"]}, token ${inspect(session.tokens.access)}`

const describeChallenge = ({ destinations, resendAt }: Challenge): string => {
  const where = destinations.length === 0 ? "" : ` to ${destinations.join(", ")}`
  const next =
    resendAt === undefined ? "" : `; a new code can be requested from ${Expiry.toIst(resendAt).slice(11, 19)}`
  return `a code was sent${where}${next}`
}

const describeReceipt = (receipt: Logout.LogoutReceipt): string => {
  if (receipt._tag === "Revoked") return "the broker revoked the session"
  return receipt.why === "no-such-call"
    ? "the session was deleted only locally, because the broker has no logout call"
    : "the session had already ended"
}

const summarizeReceipt = ({ _tag }: Logout.LogoutReceipt): string =>
  `logged out, ${_tag === "Revoked" ? "revoked by the broker" : "only locally"}`

const plural = (count: number, one: string): string => (count === 1 ? `1 ${one}` : `${count} ${one}s`)

/**
 * Makes a program that stores its sessions in the vault. The layers of the program are built at its first step. After a
 * stop, the layers are built again, so only the data in the vault remains.
 */
export const makeProgram = Effect.fnUntraced(function* <Services>(
  account: Layer.Layer<Services | Renewal | Logout.Logout | Authorize, AuthError, HttpClient.HttpClient>
) {
  const { vault } = yield* Home
  const everything = yield* Effect.context<Scope.Scope | HttpClient.HttpClient>()
  const layer = AuthorizedClient.layer.pipe(
    Layer.provideMerge(SessionManager.layer()),
    Layer.provideMerge(account),
    Layer.provide(vault)
  )
  const program = yield* RcRef.make({
    acquire: Layer.build(Layer.fresh(layer)),
    idleTimeToLive: Duration.infinity
  })
  const services = Effect.scoped(RcRef.get(program)).pipe(Effect.provideContext(everything))
  return {
    run: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.flatMap(services, (running) => Effect.provideContext(effect, running)),
    stop: RcRef.invalidate(program)
  }
})

/** Returns the parts that all stories share, for one broker: the simulator, the account, and the printed steps. */
export const begin = Effect.fnUntraced(function* ({
  broker,
  chosen,
  environment: place
}: (typeof accounts)[AccountId]) {
  const simulator = yield* Simulator
  const { startAgain } = yield* Home
  const { note, refused, step } = yield* narrator(broker.title)
  const rows: Array<Row> = []
  const id = broker.id as AccountId

  /** Provides the credentials of an account as environment variables. */
  const environment = (other: Chosen = chosen) =>
    ConfigProvider.layer(ConfigProvider.fromEnvRecord(variablesOf(simulator, broker, other)))

  const journal = Effect.map(Effect.orDie(simulator.journal(id)), (entries) => entries.map(({ endpoint }) => endpoint))

  /** Name of the endpoint that the first login calls. */
  let loginCall: string | undefined

  /** Runs an effect, and fails if the broker's journal does not have the expected number of logins. */
  const withLogins = Effect.fnUntraced(function* <A, E extends { readonly message: string }, R>(
    expected: number,
    effect: Effect.Effect<A, E, R>
  ) {
    const before = (yield* journal).length
    const exit = yield* Effect.exit(effect)
    const calls = (yield* journal).slice(before)
    loginCall ??= calls[0]
    const logins = calls.filter((call) => call === loginCall).length
    if (logins === expected) return yield* exit
    const failure = Exit.isFailure(exit) ? ` ${complaint(exit.cause)}` : ""
    const message = `Expected ${plural(expected, "login")} in the broker's journal, but found ${logins}.${failure}`
    return yield* Effect.fail(new Unexpected({ message }))
  })

  const addRow = (session: Session.Session, how: string, happened: string) =>
    Effect.sync(() => {
      rows.push({
        broker: broker.title,
        account: session.account.id,
        "logged in with": how,
        ...expiryOf(session),
        "what happened": happened
      })
    })

  /** The newest code that was sent to the phone of an account. */
  const phone = (account: string) =>
    Effect.map(Effect.orDie(simulator.codes(id, account)), (codes) => Redacted.make(codes.at(-1) ?? ""))

  const wantChallenge = Effect.map(Login.login, (outcome) =>
    outcome._tag === "StepUpRequired" ? outcome.challenge : undefined
  ).pipe(
    Effect.flatMap((challenge) =>
      challenge === undefined ? Effect.die("The broker required no code.") : Effect.succeed(challenge)
    )
  )

  const verify = (challenge: Challenge, code: Redacted.Redacted<string>) =>
    Effect.flatMap(StepUp, (stepUp) => stepUp.verify(challenge, code))

  return {
    simulator,
    note,
    refused,
    step,
    accountOf: accountOf(simulator, broker, chosen),
    environment,
    origins: originsOf(simulator, broker, place),
    withLogins,
    addRow,
    rows: () => rows,
    /** Requests the first session of an account, which needs one login. */
    get: (how: string) => step(`log in with ${how}`, withLogins(1, SessionManager.session), describeSession),
    /** A new program finds the sessions in the vault. It uses them to request the profiles, but sends no login. */
    again: step("request a session in a new process", withLogins(0, startAgain), (found) => {
      const { name } = found[id]
      return `the vault contained the session, so no login was sent${name === undefined ? "" : `; the user is ${name}`}`
    }),
    login: <E extends { readonly message: string }, R>(how: string, login: Effect.Effect<Session.Session, E, R>) =>
      step(`log in ${how}`, login, describeSession),
    refresh: <R>(refresh: Effect.Effect<Session.Session, Failure, R>) =>
      step("refresh the session", refresh, describeSession),
    profile: (session: Session.Session, title = "request the profile") =>
      step(
        title,
        Profile.profile(session),
        ({ exchanges = [], name = session.account.id }) =>
          `the user is ${name}${exchanges.length === 0 ? "" : `; exchanges: ${exchanges.join(", ")}`}`
      ),
    /** Logs in with a code by SMS. The first answer has a wrong code, the second answer has the right code. */
    loginBySms: Effect.gen(function* () {
      const challenge = yield* step("log in with a code by SMS", wantChallenge, describeChallenge)
      yield* refused("answer with a wrong code", "InvalidStepUpCode", verify(challenge, Redacted.make("000000")))
      const code = yield* phone(challenge.account.id)
      return yield* step("answer with the code from the phone", verify(challenge, code), describeSession)
    }),
    /** Logs out through the manager, which also deletes the session from the vault. */
    logout: (how: string, before = "") =>
      Effect.flatMap(SessionManager.session, (session) =>
        Effect.flatMap(
          step(
            "log out",
            Effect.flatMap(SessionManager.SessionManager, ({ logout }) => logout),
            describeReceipt
          ),
          (receipt) => addRow(session, how, before + summarizeReceipt(receipt))
        )
      ),
    /** Logs out of a session that no manager stores. */
    logoutAlone: (session: Session.Session, how: string, before = "") =>
      Effect.flatMap(step("log out", Logout.logout(session), describeReceipt), (receipt) =>
        addRow(session, how, before + summarizeReceipt(receipt))
      )
  }
})
