/** The output of `npm start`. It consists of a line for each step, error messages, and a table at the end. */
import type { Failure } from "@auth/broker-core/session/SessionManager"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layout from "./layout.ts"

/** A step failed, and its failure was already printed. */
export class StepFailed extends Data.TaggedError("StepFailed")<{ readonly message: string }> {}

/** A step did not fail, but its result is not the expected one. */
export class Unexpected extends Data.TaggedError("Unexpected")<{ readonly message: string }> {}

/** Prints texts. On a terminal, the progress of each broker is below them. */
export class Stage extends Context.Service<
  Stage,
  {
    readonly print: (text: Layout.Text) => Effect.Effect<void>
    readonly complain: (text: Layout.Text) => Effect.Effect<void>
    readonly progress: (broker: string, change: (before: Layout.Progress) => Layout.Progress) => Effect.Effect<void>
    /** Removes the progress of all brokers. */
    readonly close: Effect.Effect<void>
  }
>()("tools/start/Stage") {}

/** Moves the cursor up by this number of lines, and erases everything below the cursor. */
const erase = (lines: number): string => (lines === 0 ? "" : `\u001B[${lines}A\u001B[J`)

export const make = (output: Layout.Output, errors: Layout.Output): Stage["Service"] => {
  const brokers = new Map<string, Layout.Progress>()
  let shown = 0

  const footer = (): string => {
    const width = Layout.widthOf(output)
    if (width === undefined) return ""
    const lines = Array.from(brokers, ([broker, progress]) => Layout.progressLine(broker, progress, width))
    shown = lines.length
    return lines.map((line) => `${line}\n`).join("")
  }

  /** Erases the progress, calls `write`, which prints a text, and prints the progress again below the text. */
  const above = (write?: () => void) => {
    output.write(erase(shown))
    shown = 0
    write?.()
    output.write(footer())
  }

  return {
    print: (text) => Effect.sync(() => above(() => output.write(`${text(Layout.pageOf(output, process.stdout))}\n`))),
    complain: (text) =>
      Effect.sync(() => above(() => errors.write(`${text(Layout.pageOf(errors, process.stderr))}\n`))),
    progress: (broker, change) =>
      Effect.sync(() => {
        brokers.set(broker, change(brokers.get(broker) ?? { done: 0, step: "" }))
        above()
      }),
    close: Effect.sync(() => {
      brokers.clear()
      above()
    })
  }
}

/** Returns the message of a failure without its stack trace. */
export const complaint = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const error: unknown = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

export interface Narrator {
  /** Runs a step, and prints its result. */
  readonly step: <A, E extends { readonly message: string }, R>(
    title: string,
    effect: Effect.Effect<A, E, R>,
    outcome: (value: A) => string
  ) => Effect.Effect<A, StepFailed, R>
  /** Runs a step that must fail with the given reason, and prints the error. */
  readonly refused: <A, E extends Failure, R>(
    title: string,
    reason: E["reason"]["_tag"],
    effect: Effect.Effect<A, E | Unexpected, R>
  ) => Effect.Effect<E, StepFailed, R>
  readonly note: (text: string) => Effect.Effect<void>
}

export const narrator = (broker: string): Effect.Effect<Narrator, never, Stage> =>
  Effect.map(Stage, ({ complain, print, progress }) => {
    const at = (step: string) => progress(broker, ({ done }) => ({ done, step }))
    const done = progress(broker, (before) => ({ done: before.done + 1, step: "" }))

    // All lines of a step are printed in one call. Between two calls, another broker could print its lines.
    const passed = (title: string, duration: Duration.Duration, outcome: string, ...notes: ReadonlyArray<string>) => {
      const millis = Duration.toMillis(duration)
      return Effect.andThen(done, print(Layout.passed({ broker, title, millis, outcome, notes })))
    }

    const failed = (title: string, message: string) =>
      Effect.andThen(
        complain(Layout.failed(broker, title, message)),
        Effect.fail(new StepFailed({ message: `${broker}, ${title}` }))
      )

    const timed = <A, E, R>(title: string, effect: Effect.Effect<A, E, R>) =>
      Effect.andThen(at(title), Effect.timed(effect))

    return {
      note: (text) => print(Layout.note(text)),
      step: (title, effect, outcome) =>
        timed(title, effect).pipe(
          Effect.tap(([duration, value]) => passed(title, duration, outcome(value))),
          Effect.map(([, value]) => value),
          Effect.catch((error) => failed(title, error.message))
        ),
      refused: (title, reason, effect) =>
        timed(title, Effect.result(effect)).pipe(
          Effect.flatMap(([duration, result]) => {
            if (result._tag === "Success") return failed(title, "The step was expected to fail, but it succeeded.")
            const error = result.failure
            if (error._tag === "Unexpected" || error.reason._tag !== reason) {
              return failed(title, `Expected the failure ${reason}, but got: ${error.message}`)
            }
            const { message, remedy } = error.reason
            return Effect.as(passed(title, duration, reason, message, `What to do: ${remedy}`), error)
          })
        )
    }
  })
