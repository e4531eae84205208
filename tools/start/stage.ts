/** What `npm start` prints: a line for each step, what a person is told, and a table at the end. */
import type { Failure } from "@auth/broker-core/session/SessionManager"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"

/** A step did not go as it should. It has been told where it happened. */
export class StepFailed extends Data.TaggedError("StepFailed")<{ readonly message: string }> {}

/** A step went well, but not in the way that it should have. */
export class Unexpected extends Data.TaggedError("Unexpected")<{ readonly message: string }> {}

/** Where lines go. A terminal shows besides what every broker is at. */
export interface Output {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

interface Progress {
  readonly done: number
  readonly step: string
}

/** Prints, and shows below what is printed how far each broker is. */
export class Stage extends Context.Service<
  Stage,
  {
    readonly print: (text: string) => Effect.Effect<void>
    readonly complain: (text: string) => Effect.Effect<void>
    readonly progress: (broker: string, change: (before: Progress) => Progress) => Effect.Effect<void>
    /** Leaves the lines alone. */
    readonly close: Effect.Effect<void>
  }
>()("tools/start/Stage") {}

const brokerWidth = 15
const titleWidth = 48
const lineWidth = 120
const indent = " ".repeat(4 + brokerWidth)

/** Moves the cursor up, and erases everything from there. */
const erase = (lines: number): string => (lines === 0 ? "" : `\u001B[${lines}A\u001B[J`)

const progressLine = ([broker, { done, step }]: readonly [string, Progress], columns: number): string =>
  `  ${step === "" ? "·" : "▸"} ${broker.padEnd(brokerWidth)}${"■".repeat(done)} ${step}`
    .slice(0, columns - 1)
    .trimEnd()

export const make = (output: Output, errors: Output): Stage["Service"] => {
  const brokers = new Map<string, Progress>()
  let shown = 0

  const footer = (): string => {
    if (output.isTTY !== true) return ""
    // Some terminals say that they have no column at all.
    const columns = output.columns === undefined || output.columns === 0 ? 80 : output.columns
    const lines = Array.from(brokers, (broker) => progressLine(broker, columns))
    shown = lines.length
    return lines.map((line) => `${line}\n`).join("")
  }

  /** The progress is taken away, the text goes where it stood, and the progress below it. */
  const above = (target: Output, text: string) => {
    output.write(erase(shown))
    shown = 0
    if (text !== "") target.write(`${text}\n`)
    output.write(footer())
  }

  return {
    print: (text) => Effect.sync(() => above(output, text)),
    complain: (text) => Effect.sync(() => above(errors, text)),
    progress: (broker, change) =>
      Effect.sync(() => {
        brokers.set(broker, change(brokers.get(broker) ?? { done: 0, step: "" }))
        above(output, "")
      }),
    close: Effect.sync(() => {
      brokers.clear()
      above(output, "")
    })
  }
}

/** What went wrong, in a line. */
export const complaint = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const error: unknown = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

export interface Narrator {
  /** Runs a step, and tells what came of it. */
  readonly step: <A, E extends { readonly message: string }, R>(
    title: string,
    effect: Effect.Effect<A, E, R>,
    outcome: (value: A) => string
  ) => Effect.Effect<A, StepFailed, R>
  /** Runs a step that must fail for this reason, and tells what the error says. */
  readonly refused: <A, E extends Failure, R>(
    title: string,
    reason: E["reason"]["_tag"],
    effect: Effect.Effect<A, E | Unexpected, R>
  ) => Effect.Effect<E, StepFailed, R>
  readonly note: (text: string) => Effect.Effect<void>
}

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

export const narrator = (broker: string): Effect.Effect<Narrator, never, Stage> =>
  Effect.map(Stage, ({ complain, print, progress }) => {
    const at = (step: string) => progress(broker, ({ done }) => ({ done, step }))
    const done = progress(broker, (before) => ({ done: before.done + 1, step: "" }))

    // What belongs together is one call: other brokers' lines come in between calls.
    const passed = (title: string, duration: Duration.Duration, outcome: string, ...notes: ReadonlyArray<string>) => {
      const head = `  ${ok()} ${broker.padEnd(brokerWidth)}${title.padEnd(titleWidth)}`
      const lines = [`${head}${dim(took(duration).padStart(7))}  ${outcome}`, ...notes.map(wrap)]
      return Effect.andThen(done, print(lines.join("\n")))
    }

    const failed = (title: string, message: string) =>
      Effect.andThen(
        complain(`  ${bad()} ${broker.padEnd(brokerWidth)}${title}\n${wrap(message)}`),
        Effect.fail(new StepFailed({ message: `${broker}, ${title}` }))
      )

    const timed = <A, E, R>(title: string, effect: Effect.Effect<A, E, R>) =>
      Effect.andThen(at(title), Effect.timed(effect))

    return {
      note: (text) => print(wrap(text)),
      step: (title, effect, outcome) =>
        timed(title, effect).pipe(
          Effect.tap(([duration, value]) => passed(title, duration, outcome(value))),
          Effect.map(([, value]) => value),
          Effect.catch((error) => failed(title, error.message))
        ),
      refused: (title, reason, effect) =>
        timed(title, Effect.result(effect)).pipe(
          Effect.flatMap(([duration, result]) => {
            if (result._tag === "Success") return failed(title, "It was expected to be refused, but it went through.")
            const error = result.failure
            if (error._tag === "Unexpected" || error.reason._tag !== reason) {
              return failed(title, `Expected ${reason}, not this: ${error.message}`)
            }
            const { message, remedy } = error.reason
            return Effect.as(passed(title, duration, reason, message, `What to do: ${remedy}`), error)
          })
        )
    }
  })

export const heading = (text: string): string => `\n${styleText("bold", text)}`

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
