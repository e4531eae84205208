/** References to secrets, which are resolved at each use: `env:NAME`, `op://…`, `pass:NAME`, `exec:COMMAND`. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { execFile } from "node:child_process"
import process from "node:process"
import { type CommandFailed, fail } from "./failure.ts"

/** Time-out of a program, in milliseconds. Some programs wait until the user has confirmed. */
const timeout = 30_000

/** The largest output of a program that is read, in bytes. */
const maxBuffer = 65_536

/** Splits a command into words at blanks. Text in quotation marks is one word. No shell is involved. */
const wordsOf = (command: string): ReadonlyArray<string> =>
  Array.from(
    command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
    ([, double, single, bare]) => double ?? single ?? bare ?? ""
  )

/** The environment of a program. The key of the vault is not for it. */
const environment = (): NodeJS.ProcessEnv => {
  const { BROKER_AUTH_KEY: _, ...others } = process.env
  return others
}

interface Program {
  readonly words: ReadonlyArray<string>
  /** The reference as the user wrote it. It contains no secret. */
  readonly reference: string
}

const problemOf = (error: { readonly code?: unknown; readonly killed?: boolean }, program: string): string => {
  if (error.killed === true) return `${program} did not answer within ${timeout / 1000} seconds`
  if (error.code === "ENOENT") return `the program ${program} is not installed`
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `${program} printed too much`
  return typeof error.code === "number"
    ? `${program} ended with exit code ${error.code}`
    : `${program} could not be run`
}

const failed = (reference: string, problem: string) =>
  fail(
    "input",
    `The reference ${reference} could not be resolved: ${problem}. Nothing was sent. Run it in a terminal to see why.`
  )

/** The first line that the program prints. Its standard error is dropped, because it may contain a secret. */
const run = ({ reference, words }: Program): Effect.Effect<Redacted.Redacted<string>, CommandFailed> => {
  const [program, ...args] = words
  if (program === undefined) return failed(reference, "it names no program")
  return Effect.flatMap(
    Effect.callback<Result.Result<string, string>>((resume) => {
      const child = execFile(
        program,
        args,
        { encoding: "utf8", env: environment(), maxBuffer, timeout, killSignal: "SIGKILL", windowsHide: true },
        (error, stdout) =>
          resume(Effect.succeed(error === null ? Result.succeed(stdout) : Result.fail(problemOf(error, program))))
      )
      child.stdin?.on("error", () => undefined)
      child.stdin?.end()
      return Effect.sync(() => void child.kill("SIGKILL"))
    }),
    (result) => {
      if (Result.isFailure(result)) return failed(reference, result.failure)
      const [line = ""] = result.success.split(/\r?\n/, 1)
      return line === "" ? failed(reference, `${program} printed nothing`) : Effect.succeed(Redacted.make(line))
    }
  )
}

const fromEnvironment = (name: string): Effect.Effect<Redacted.Redacted<string>, CommandFailed> =>
  Effect.flatMap(Effect.option(Config.Redacted(name)), (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : fail("input", `The reference env:${name} could not be resolved: the environment variable ${name} is not set.`)
  )

const verbatimPrefix = "text:"

/** Each kind of reference by its prefix. */
const kinds: ReadonlyArray<
  readonly [
    prefix: string,
    resolve: (rest: string, reference: string) => Effect.Effect<Redacted.Redacted<string>, CommandFailed>
  ]
> = [
  [verbatimPrefix, (rest) => Effect.succeed(Redacted.make(rest))],
  ["env:", (rest) => fromEnvironment(rest)],
  ["op://", (_, reference) => run({ reference, words: ["op", "read", reference] })],
  ["pass:", (rest, reference) => run({ reference, words: ["pass", "show", rest] })],
  ["exec:", (rest, reference) => run({ reference, words: wordsOf(rest) })]
]

/** The text of a reference, such as `env:NAME`. `undefined` if the value is the credential itself. */
export const referenceIn = (value: Redacted.Redacted<string>): string | undefined => {
  const text = Redacted.value(value)
  const [prefix] = kinds.find(([start]) => text.startsWith(start)) ?? []
  return prefix === undefined || prefix === verbatimPrefix ? undefined : text
}

/** Makes a value that is not a reference, whatever its text begins with. */
export const literal = (value: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.make(`${verbatimPrefix}${Redacted.value(value)}`)

/** The value itself, or the value that a reference stands for. */
export const resolve = (value: Redacted.Redacted<string>): Effect.Effect<Redacted.Redacted<string>, CommandFailed> => {
  const text = Redacted.value(value)
  const [prefix, resolver] = kinds.find(([start]) => text.startsWith(start)) ?? []
  return prefix === undefined || resolver === undefined
    ? Effect.succeed(value)
    : resolver(text.slice(prefix.length), text)
}

/** Resolves all values, one after the other, because programs may ask the user. */
export const resolveAll = (
  values: Readonly<Record<string, Redacted.Redacted<string>>>
): Effect.Effect<Readonly<Record<string, Redacted.Redacted<string>>>, CommandFailed> =>
  Effect.map(
    Effect.forEach(Object.entries(values), ([name, value]) =>
      Effect.map(resolve(value), (resolved) => [name, resolved] as const)
    ),
    (entries) => Object.fromEntries(entries)
  )
