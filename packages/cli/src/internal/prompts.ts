/** Questions for the person at the terminal. They are written to standard error. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as Readline from "node:readline"
import { Writable } from "node:stream"
import { type CommandFailed, fail } from "./failure.ts"
import { printable, say } from "./output.ts"

export const isTerminal: Effect.Effect<boolean> = Effect.sync(() => process.stdin.isTTY && process.stderr.isTTY)

export type Ask = (text: string, kind: "shown" | "secret") => Effect.Effect<string, CommandFailed>

const ended = fail("person", "Standard input has ended, so the question has no answer. Nothing was stored.")

/** One reader reads all answers. A reader for each question would lose lines that a person types or pastes ahead. */
export const open: Effect.Effect<Ask, CommandFailed, Scope.Scope> = Effect.gen(function* () {
  if (!(yield* isTerminal)) {
    return yield* fail("person", "This command has to ask a question, but it does not run in a terminal.")
  }
  const answers = yield* Queue.unbounded<string, Cause.Done>()
  let isShown = true
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      if (isShown) process.stderr.write(chunk as Uint8Array)
      done()
    }
  })
  const reader = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const opened = Readline.createInterface({ input: process.stdin, output, terminal: true, historySize: 0 })
      opened.on("line", (text) => {
        // A person may paste several lines. The next line may be a secret, so input is hidden until the next question.
        isShown = false
        Queue.offerUnsafe(answers, text)
      })
      // In raw mode, Ctrl-C is a character and not a signal.
      opened.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
      opened.on("close", () => Queue.endUnsafe(answers))
      return opened
    }),
    (opened) => Effect.sync(() => opened.close())
  )
  return (text, kind) =>
    Effect.gen(function* () {
      const isShort = text.length < (process.stderr.columns || 80) / 2
      if (!isShort) yield* say(text)
      const question = isShort ? `${printable(text)}: ` : "> "
      if (kind === "shown") {
        isShown = true
        reader.setPrompt(question)
        reader.prompt()
      } else {
        process.stderr.write(question)
        isShown = false
      }
      const answer = yield* Effect.catch(Queue.take(answers), () => ended)
      if (kind === "secret") process.stderr.write("\n")
      return answer
    })
})
