/** Prints results on standard output, and everything else on standard error. */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import process from "node:process"
import { wrap } from "./helpText.ts"

/**
 * Removes or replaces characters that could control the terminal or forge a line. Some printed text comes from
 * brokers.
 */
export const printable = (text: string): string =>
  text
    .replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
    .replace(/\p{Cf}/gu, "")
    .replace(/[\p{Cc}\p{Cs}]/gu, "\ufffd")

/** Returns the width of a terminal in characters. For a pipe, returns `Infinity`: each message stays on one line. */
export const widthOf = (stream: NodeJS.WriteStream): number =>
  stream.isTTY ? Math.max(24, stream.columns || 80) : Infinity

const fitted = (stream: NodeJS.WriteStream, text: string): string => {
  const [, blanks = "", words = ""] = /^( *)(.*)$/.exec(printable(text)) ?? []
  const lines = wrap(words, Math.max(20, widthOf(stream) - blanks.length), 2)
  return lines.map((row) => blanks + row).join("\n")
}

export const say = (text: string): Effect.Effect<void> =>
  Effect.suspend(() => Console.error(fitted(process.stderr, text)))

export const line = (text: string): Effect.Effect<void> =>
  Effect.suspend(() => Console.log(fitted(process.stdout, text)))

/** Prints the text unchanged, because a program may read it. */
export const raw = (text: string): Effect.Effect<void> => Console.log(text)

export const json = (value: unknown): Effect.Effect<void> => raw(JSON.stringify(value, undefined, 2))

/** `at` is in milliseconds since the epoch. */
export const toIso = (at: number | undefined): string | null =>
  at === undefined ? null : DateTime.formatIso(DateTime.makeUnsafe(at))
