/** The day that the brokers of `npm start` go through, side by side, and what all of their stories tell. */
import type { AuthError } from "@auth/broker-core/AuthError"
import type { Broker } from "@auth/broker-core/Broker"
import type { Challenge } from "@auth/broker-core/Challenge"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Login from "@auth/broker-core/Login"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import type * as Session from "@auth/broker-core/Session"
import { StepUp } from "@auth/broker-core/StepUp"
import { type BrokerId, Simulator } from "@auth/simulator/Simulator"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { inspect } from "node:util"
import { narrator, type Row, type Stage, type StepFailed } from "./stage.ts"

export interface Act {
  readonly id: "morning" | "step-up" | "trouble" | "closing" | "midnight" | "end"
  readonly title: string
  /** The act begins when it is next this time in India. Without it, time just goes on. */
  readonly at?: Parameters<typeof Expiry.dailyAt>[0]
}

// The clock is everybody's, so that it moves between acts alone. In an act an account has one code of its authenticator.
export const acts: ReadonlyArray<Act> = [
  { id: "morning", title: "The market is about to open: everybody logs in", at: "09:00" },
  { id: "step-up", title: "The other ways in: a code by SMS, and the browser", at: "09:05" },
  { id: "trouble", title: "What goes wrong, and what a person is told", at: "09:10" },
  { id: "closing", title: "The market has closed: all log out but one", at: "15:30" },
  { id: "midnight", title: "Past midnight: the session is over, and is healed", at: "00:05" },
  { id: "end", title: "The end" }
]

/** One broker's part. */
export interface Story {
  readonly title: string
  readonly acts: Readonly<Partial<Record<Act["id"], Effect.Effect<void, StepFailed, HttpClient.HttpClient>>>>
  /** Its rows of the table, when the day is over. */
  readonly rows: () => ReadonlyArray<Row>
}

export type MakeStory = Effect.Effect<Story, AuthError, Simulator | Stage | HttpClient.HttpClient | Scope.Scope>

/** How long it is until it is `time` in India. */
export const until = (time: NonNullable<Act["at"]>): Effect.Effect<Duration.Duration> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Duration.millis((Expiry.dailyAt(time)({ issuedAt: now, accessToken: Redacted.make("") })?.at ?? now) - now)
  )

const roughly = (millis: number): string => Duration.format(Duration.minutes(Math.round(millis / 60_000)))

/** What the table says of a session. */
const expiryOf = ({ expiresAt, issuedAt }: Session.Session): Pick<Row, "expires at" | "in"> =>
  expiresAt === undefined
    ? { "expires at": "unknown", in: "unknown" }
    : { "expires at": Expiry.toIst(expiresAt), in: roughly(expiresAt - issuedAt) }

const sessionTold = (session: Session.Session): string =>
  `until ${expiryOf(session)["expires at"]}, token ${inspect(session.tokens.access)}`

const challengeTold = ({ destinations, resendAt }: Challenge): string => {
  const where = destinations.length === 0 ? "" : ` to ${destinations.join(", ")}`
  return `a code is sent${where}${resendAt === undefined ? "" : `, the next from ${Expiry.toIst(resendAt).slice(11, 19)}`}`
}

const receiptTold = (receipt: Logout.LogoutReceipt): string => {
  if (receipt._tag === "Revoked") return "revoked by the broker"
  return receipt.why === "no-such-call" ? "forgotten here only: the broker has no call for it" : "was over already"
}

/** What of an account goes into the environment. */
export interface Chosen {
  /** The method of the descriptor, the first unless said otherwise. */
  readonly method?: string
  /** Which account, the first unless said otherwise. */
  readonly account?: number
  readonly without?: ReadonlyArray<string>
}

/** What all stories have: the simulator as this broker's program meets it, and the words to tell of it. */
export const begin = Effect.fnUntraced(function* (broker: Broker) {
  const simulator = yield* Simulator
  const { note, refused, step } = yield* narrator(broker.title)
  const rows: Array<Row> = []

  const accountOf = ({ account = 0 }: Chosen = {}) => simulator.brokers[broker.id]?.accounts[account] ?? {}

  /** The credentials of an account, as a user has them in the environment. */
  const environment = (chosen: Chosen = {}) => {
    const { credentials = {} } = broker.methods.find(({ id }) => id === chosen.method) ?? broker.methods[0] ?? {}
    const fields = Object.entries(credentials).filter(([name]) => !chosen.without?.includes(name))
    const account = accountOf(chosen)
    return ConfigProvider.layer(
      ConfigProvider.fromEnvRecord(Object.fromEntries(fields.map(([name, { env }]) => [env, account[name] ?? ""])))
    )
  }

  /** Where the simulator serves the hosts of an environment of the broker. */
  const originsOf = (environment: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(broker.environments[environment] ?? {}).map(([purpose, origin]) => [
        purpose,
        simulator.origins[origin] ?? ""
      ])
    )

  const addRow = (session: Session.Session, how: string, happened: string) =>
    Effect.sync(() => {
      rows.push({
        broker: broker.title,
        account: session.account.id,
        how,
        ...expiryOf(session),
        "what happened": happened
      })
    })

  /** The newest code that came to the phone of an account. */
  const phone = (account: string) =>
    Effect.map(Effect.orDie(simulator.codes(broker.id as BrokerId, account)), (codes) =>
      Redacted.make(codes.at(-1) ?? "")
    )

  const wantChallenge = Effect.map(Login.login, (outcome) =>
    outcome._tag === "StepUpRequired" ? outcome.challenge : undefined
  ).pipe(
    Effect.flatMap((challenge) =>
      challenge === undefined ? Effect.die("The broker asked for no code") : Effect.succeed(challenge)
    )
  )

  const verify = (challenge: Challenge, code: Redacted.Redacted<string>) =>
    Effect.flatMap(StepUp, (stepUp) => stepUp.verify(challenge, code))

  return {
    simulator,
    note,
    refused,
    step,
    accountOf,
    environment,
    originsOf,
    addRow,
    rows: () => rows,
    login: <R>(how: string, login: Effect.Effect<Session.Session, AuthError, R>) =>
      step(`log in ${how}`, login, sessionTold),
    refresh: <R>(refresh: Effect.Effect<Session.Session, AuthError, R>) =>
      step("refresh the session", refresh, sessionTold),
    profile: (session: Session.Session, more = "") =>
      step("ask for the profile", Profile.profile(session), ({ exchanges = [], name = session.account.id }) =>
        [`${name}${more}`, exchanges.join(" ")].filter((text) => text !== "").join(", ")
      ),
    /** A login whose code comes by SMS: mistyped first, then right. */
    loginBySms: Effect.gen(function* () {
      const challenge = yield* step("log in with a code by SMS", wantChallenge, challengeTold)
      yield* refused("mistype the code", "InvalidStepUpCode", verify(challenge, Redacted.make("000000")))
      const code = yield* phone(challenge.account.id)
      return yield* step("answer with the code on the phone", verify(challenge, code), sessionTold)
    }),
    logout: (session: Session.Session, how: string, before = "") =>
      Effect.flatMap(step("log out", Logout.logout(session), receiptTold), (receipt) =>
        addRow(
          session,
          how,
          `${before}logged out, ${receipt._tag === "Revoked" ? "revoked by the broker" : "here only"}`
        )
      )
  }
})
