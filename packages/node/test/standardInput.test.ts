import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { PassThrough } from "node:stream"
import * as standardInput from "../src/internal/standardInput.ts"

const withInput = (isTerminal: boolean) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const own = Object.getOwnPropertyDescriptor(process, "stdin")
      const modes: Array<boolean> = []
      const input = Object.assign(new PassThrough(), {
        isTTY: isTerminal,
        setRawMode: (mode: boolean) => void modes.push(mode)
      })
      Object.defineProperty(process, "stdin", { value: input, configurable: true })
      return { input, modes, own }
    }),
    ({ own }) => Effect.sync(() => void (own && Object.defineProperty(process, "stdin", own)))
  )

const textOf = (line: Option.Option<Redacted.Redacted<string>>): string | undefined =>
  Option.getOrUndefined(Option.map(line, Redacted.value))

describe("standard input", () => {
  it.live("returns the lines of a pipe, then None", () =>
    Effect.gen(function* () {
      const { input } = yield* withInput(false)
      const readLine = yield* standardInput.lines
      input.end("one\ntwo\nthree")
      const read = [yield* readLine, yield* readLine, yield* readLine, yield* readLine, yield* readLine]
      assert.deepStrictEqual(read.map(textOf), ["one", "two", "three", undefined, undefined])
    })
  )

  it.live("returns a long line from a terminal, and ends raw mode", () =>
    Effect.gen(function* () {
      const { input, modes } = yield* withInput(true)
      const long = `https://app.example.com/callback?code=${"x".repeat(9000)}`
      yield* Effect.scoped(
        Effect.gen(function* () {
          const readLine = yield* standardInput.lines
          input.write(`${long}\r`)
          assert.strictEqual(textOf(yield* readLine), long)
        })
      )
      assert.deepStrictEqual(modes, [true, false])
    })
  )

  it.live("interrupts the reader on Ctrl-C, and returns None on Ctrl-D", () =>
    Effect.gen(function* () {
      const { input, modes } = yield* withInput(true)
      const interrupted = yield* Effect.exit(
        Effect.scoped(
          Effect.flatMap(standardInput.lines, (readLine) => {
            input.write("\u0003")
            return readLine
          })
        )
      )
      assert.isTrue(Exit.hasInterrupts(interrupted))
      const ended = yield* Effect.scoped(
        Effect.flatMap(standardInput.lines, (readLine) => {
          input.write("\u0004")
          return readLine
        })
      )
      assert.isTrue(Option.isNone(ended))
      assert.deepStrictEqual(modes, [true, false, true, false])
    })
  )

  it.live("is paused and has no `keypress` or `end` listeners after the reader is interrupted", () =>
    Effect.gen(function* () {
      const { input } = yield* withInput(true)
      const fiber = yield* Effect.forkChild(Effect.scoped(Effect.flatten(standardInput.lines)))
      yield* Effect.sleep("20 millis")
      assert.isAbove(input.listenerCount("keypress"), 0)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(input.listenerCount("keypress") + input.listenerCount("end"), 0)
      assert.isTrue(input.isPaused())
    })
  )
})
