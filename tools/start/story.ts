/** The day that every broker of `npm start` goes through, side by side. */
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Expiry from "@auth/broker-core/Expiry"
import type * as Session from "@auth/broker-core/Session"
import type { Simulator } from "@auth/simulator/Simulator"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Row, StepFailed } from "./stage.ts"

export interface Act {
  readonly id: "morning" | "trouble" | "midnight" | "evening"
  readonly title: string
  /** The act begins when it is next this time in India. Without it, time just goes on. */
  readonly at?: Parameters<typeof Expiry.dailyAt>[0]
}

export const acts: ReadonlyArray<Act> = [
  { id: "morning", title: "The market is about to open", at: "09:00" },
  { id: "trouble", title: "What goes wrong, and what a person is told" },
  { id: "midnight", title: "Past midnight: the session is over, and is healed", at: "00:05" },
  { id: "evening", title: "The end" }
]

/** One broker's part, by its usual way to log in. */
export interface Story {
  readonly acts: Readonly<Record<Act["id"], Effect.Effect<void, StepFailed, HttpClient.HttpClient>>>
  /** Its rows of the table, when the day is over. */
  readonly rows: () => ReadonlyArray<Row>
}

export type MakeStory = Effect.Effect<Story, AuthError, Simulator | HttpClient.HttpClient | Scope.Scope>

/** How long it is until it is `time` in India. */
export const until = (time: NonNullable<Act["at"]>): Effect.Effect<Duration.Duration> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Duration.millis((Expiry.dailyAt(time)({ issuedAt: now, accessToken: Redacted.make("") })?.at ?? now) - now)
  )

const roughly = (millis: number): string => Duration.format(Duration.minutes(Math.round(millis / 60_000)))

/** What the table says of a session. */
export const expiryOf = ({ expiresAt, issuedAt }: Session.Session): Pick<Row, "expires at" | "in"> =>
  expiresAt === undefined
    ? { "expires at": "unknown", in: "" }
    : { "expires at": Expiry.toIst(expiresAt), in: roughly(expiresAt - issuedAt) }
