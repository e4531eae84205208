import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import process from "node:process"
import { styleText } from "node:util"
import { type CommandFailed, fail } from "../failure.ts"
import { wrap } from "../helpText.ts"
import { line, printable, widthOf } from "../output.ts"

/** In a terminal with fewer columns, `block` prints the texts below the title, not beside the title. */
const narrow = 60

const markWidth = 4
const nameWidth = 15

/** `styleText` respects NO_COLOR. A pipe gets no color, even if FORCE_COLOR is set. */
const styled = (stream: NodeJS.WriteStream, format: "bold" | "green" | "red", text: string): string =>
  stream.isTTY ? styleText(format, text, { stream }) : text

export const heading = (text: string): Effect.Effect<void> =>
  Effect.andThen(
    line(""),
    Effect.suspend(() =>
      Console.log(
        wrap(text, widthOf(process.stdout))
          .map((row) => styled(process.stdout, "bold", row))
          .join("\n")
      )
    )
  )

const block = (stream: NodeJS.WriteStream, mark: string, title: string, texts: ReadonlyArray<string>): string => {
  const width = widthOf(stream)
  const isNarrow = width < narrow
  const indent = isNarrow ? markWidth : markWidth + nameWidth
  const rows = texts.flatMap((text) => wrap(printable(text), width - indent))
  const below = rows.map((row) => " ".repeat(indent) + row).join("\n")
  return isNarrow ? `  ${mark} ${title}\n${below}` : `  ${mark} ${title.padEnd(nameWidth)}${below.slice(indent)}`
}

const print = (title: string, texts: ReadonlyArray<string>) =>
  Effect.suspend(() => Console.log(block(process.stdout, styled(process.stdout, "green", "✓"), title, texts)))

const failed = (title: string, name: string, message: string): Effect.Effect<never, CommandFailed> =>
  Effect.andThen(
    Effect.suspend(() =>
      Console.error(block(process.stderr, styled(process.stderr, "red", "✗"), title, [`${name}: ${message}`]))
    ),
    fail("defect", `The demo failed: ${title}, ${name}`)
  )

/** `reason` is the reason of an `AuthError`. */
interface StepError {
  readonly message: string
  readonly reason?: { readonly _tag: string; readonly message?: string; readonly remedy?: string }
}

export const step = <A, E extends StepError, R>(
  title: string,
  name: string,
  effect: Effect.Effect<A, E, R>,
  outcome: (value: A) => string
): Effect.Effect<A, CommandFailed, R> =>
  effect.pipe(
    Effect.catch((error) => failed(title, name, error.message)),
    Effect.tap((value) => print(title, [`${name}: ${outcome(value)}`]))
  )

export const refused = <A, E extends StepError, R>(
  title: string,
  name: string,
  expected: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<void, CommandFailed, R> =>
  Effect.flatMap(Effect.result(effect), (result) => {
    if (result._tag === "Success") return failed(title, name, "The step was expected to fail, but it succeeded.")
    const { message, reason } = result.failure
    return reason?._tag === expected
      ? print(title, [`${name}: ${expected}`, reason.message ?? message, `What to do: ${reason.remedy ?? ""}`])
      : failed(title, name, `Expected the failure ${expected}, but got: ${message}`)
  })
