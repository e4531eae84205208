/** Reads lines from standard input. They are not echoed to the terminal, because they are secrets. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as Readline from "node:readline"
import { Writable } from "node:stream"

/** `None`: the input has ended. */
export type ReadLine = Effect.Effect<Option.Option<Redacted.Redacted<string>>>

export const isTerminal: Effect.Effect<boolean> = Effect.sync(() => process.stdin.isTTY && process.stderr.isTTY)

const noEcho = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

/**
 * Reads a terminal in raw mode, because the normal mode cuts lines after 4095 bytes on Linux and 1024 bytes on macOS.
 * In raw mode, Ctrl-C sends no signal. So on Ctrl-C, this module interrupts the fiber that reads.
 */
export const lines: Effect.Effect<ReadLine, never, Scope.Scope> = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<Redacted.Redacted<string>, Cause.Done>()
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const { stdin } = process
      const reader = Readline.createInterface({ input: stdin, output: noEcho(), terminal: stdin.isTTY })
      reader.on("line", (line) => Queue.offerUnsafe(queue, Redacted.make(line)))
      reader.on("SIGINT", () => Queue.failCauseUnsafe(queue, Cause.interrupt()))
      reader.on("close", () => Queue.endUnsafe(queue))
      return reader
    }),
    (reader) => Effect.sync(() => reader.close())
  )
  return Queue.take(queue).pipe(
    Effect.map(Option.some),
    Effect.catch(() => Effect.succeed(Option.none<Redacted.Redacted<string>>()))
  )
})
