/** What `npm start` prints: a line for each step, what a person is told, and a table at the end. */
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"

/** A step did not go as it should. It has been told where it happened. */
export class StepFailed extends Data.TaggedError("StepFailed")<{ readonly message: string }> {}

export interface Narrator {
  /** Runs a step, and tells what came of it. */
  readonly step: <A, R>(
    title: string,
    effect: Effect.Effect<A, AuthError, R>,
    outcome: (value: A) => string
  ) => Effect.Effect<A, StepFailed, R>
  /** Runs a step that must fail for this reason, and tells what the error says. */
  readonly refused: <A, R>(
    title: string,
    reason: AuthError["reason"]["_tag"],
    effect: Effect.Effect<A, AuthError, R>
  ) => Effect.Effect<AuthError, StepFailed, R>
  readonly note: (text: string) => Effect.Effect<void>
}

const brokerWidth = 11
const titleWidth = 46
const lineWidth = 116
const indent = " ".repeat(4 + brokerWidth)

const wrap = (text: string): string => {
  const lines: Array<string> = [""]
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? ""
    if (last === "") lines[lines.length - 1] = word
    else if (indent.length + last.length + word.length < lineWidth) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => indent + line).join("\n")
}

const took = (duration: Duration.Duration): string => `${Math.round(Duration.toMillis(duration))} ms`

// Colour only where there is a terminal: styleText looks for itself.
const ok = () => styleText("green", "✓")
const bad = () => styleText("red", "✗", { stream: process.stderr })
const dim = (text: string) => styleText("dim", text)

export const narrator = (broker: string): Narrator => {
  // What belongs together is one call: other brokers' lines come in between calls.
  const passed = (title: string, duration: Duration.Duration, outcome: string, ...notes: ReadonlyArray<string>) => {
    const head = `  ${ok()} ${broker.padEnd(brokerWidth)}${title.padEnd(titleWidth)}`
    return Console.log([`${head}${dim(took(duration).padStart(7))}  ${outcome}`, ...notes.map(wrap)].join("\n"))
  }

  const failed = (title: string, message: string) =>
    Effect.andThen(
      Console.error(`  ${bad()} ${broker.padEnd(brokerWidth)}${title}\n${wrap(message)}`),
      Effect.fail(new StepFailed({ message: `${broker}, ${title}` }))
    )

  const note = (text: string) => Console.log(wrap(text))

  return {
    note,
    step: (title, effect, outcome) =>
      Effect.timed(effect).pipe(
        Effect.tap(([duration, value]) => passed(title, duration, outcome(value))),
        Effect.map(([, value]) => value),
        Effect.catchTag("AuthError", (error: AuthError) => failed(title, error.message))
      ),
    refused: (title, reason, effect) =>
      Effect.timed(Effect.result(effect)).pipe(
        Effect.flatMap(([duration, result]) => {
          if (result._tag === "Success") return failed(title, "It was expected to be refused, but it went through.")
          const error = result.failure
          if (error.reason._tag !== reason) return failed(title, `Expected ${reason}, not this: ${error.message}`)
          const { message, remedy } = error.reason
          return Effect.as(passed(title, duration, reason, message, `What to do: ${remedy}`), error)
        })
      )
  }
}

export const heading = (text: string) => Console.log(`\n${styleText("bold", text)}`)

/** A row of the table at the end. */
export interface Row {
  readonly broker: string
  readonly account: string
  readonly how: string
  readonly "expires at": string
  readonly in: string
  readonly "what happened": string
}

const columns = ["broker", "account", "how", "expires at", "in", "what happened"] as const

export const table = (rows: ReadonlyArray<Row>): string => {
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
  const line = (cells: ReadonlyArray<string>) =>
    `  ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd()
  return [
    line(columns),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.map((row) => line(columns.map((column) => row[column])))
  ].join("\n")
}
