/**
 * A reference says where a credential comes from. Its forms are `env:NAME`, `op://…`, `pass:NAME`,
 * `keyring:SERVICE/ACCOUNT` and `exec:COMMAND`. The credential itself is not stored. The references of an account are
 * resolved again each time the account is opened.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import process from "node:process"
import { type CommandFailed, fail } from "./failure.ts"
import * as programs from "./programs.ts"

const failed = (reference: string, problem: string) =>
  fail(
    "input",
    `The reference ${reference} could not be resolved: ${problem}. Nothing was sent. Run the program of this reference in a terminal to see why.`
  )

/** `reference` is the text that the user wrote, and contains no secret. */
const run = (
  reference: string,
  words: ReadonlyArray<string>
): Effect.Effect<Redacted.Redacted<string>, CommandFailed> =>
  Effect.flatMap(programs.run(words), (printed) => {
    if (Result.isFailure(printed)) return failed(reference, printed.failure)
    const [line = ""] = Redacted.value(printed.success).split(/\r?\n/, 1)
    return line === ""
      ? failed(reference, `${words[0]} printed nothing on its first line`)
      : Effect.succeed(Redacted.make(line))
  })

const keyrings: Readonly<Record<string, (service: string, account: string) => ReadonlyArray<string>>> = {
  darwin: (service, account) => ["security", "find-generic-password", "-s", service, "-a", account, "-w"],
  linux: (service, account) => ["secret-tool", "lookup", "service", service, "account", account]
}

const fromKeyring = (rest: string, reference: string): Effect.Effect<Redacted.Redacted<string>, CommandFailed> => {
  const at = rest.lastIndexOf("/")
  const [service, account] = [rest.slice(0, Math.max(at, 0)), rest.slice(at + 1)]
  if (service === "" || account === "") {
    return fail("input", `The reference ${reference} is not complete: write keyring:SERVICE/ACCOUNT. Nothing was sent.`)
  }
  const words = keyrings[process.platform]
  return words === undefined
    ? fail(
        "input",
        `The reference ${reference} could not be resolved: the prefix keyring: works on macOS and Linux only. Nothing was sent. Use another kind of reference.`
      )
    : run(reference, words(service, account))
}

const fromEnvironment = (name: string): Effect.Effect<Redacted.Redacted<string>, CommandFailed> =>
  Effect.flatMap(Effect.option(Config.Redacted(name)), (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : fail(
          "input",
          `The reference env:${name} could not be resolved: the environment variable ${name} is not set or is empty. Nothing was sent. Set the variable, or use another kind of reference.`
        )
  )

/** The text after this prefix is the credential itself, even if that text begins like a reference. */
const verbatimPrefix = "text:"

const kinds: ReadonlyArray<
  readonly [
    prefix: string,
    resolve: (rest: string, reference: string) => Effect.Effect<Redacted.Redacted<string>, CommandFailed>
  ]
> = [
  [verbatimPrefix, (rest) => Effect.succeed(Redacted.make(rest))],
  ["env:", (rest) => fromEnvironment(rest)],
  ["op://", (_, reference) => run(reference, ["op", "read", reference])],
  ["pass:", (rest, reference) => run(reference, ["pass", "show", rest])],
  ["keyring:", fromKeyring],
  ["exec:", (rest, reference) => run(reference, programs.wordsOf(rest))]
]

const kindOf = (text: string) => kinds.find(([start]) => text.startsWith(start))

/** `undefined` if the value is not a reference. */
export const prefixOf = (value: Redacted.Redacted<string>): string | undefined => {
  const [prefix] = kindOf(Redacted.value(value)) ?? []
  return prefix === verbatimPrefix ? undefined : prefix
}

export const runsProgram = (value: Redacted.Redacted<string>): boolean => {
  const prefix = prefixOf(value)
  return prefix !== undefined && prefix !== "env:"
}

export const referenceIn = (value: Redacted.Redacted<string>): string | undefined =>
  prefixOf(value) === undefined ? undefined : Redacted.value(value)

/** Adds the prefix `text:`, so that the value is not read as a reference. */
export const literal = (value: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.make(`${verbatimPrefix}${Redacted.value(value)}`)

/** Resolves a reference. Any other value is returned without the prefix `text:`. */
export const resolve = (value: Redacted.Redacted<string>): Effect.Effect<Redacted.Redacted<string>, CommandFailed> => {
  const text = Redacted.value(value)
  const [prefix, resolver] = kindOf(text) ?? []
  return prefix === undefined || resolver === undefined
    ? Effect.succeed(value)
    : resolver(text.slice(prefix.length), text)
}

/** Resolves all values one after the other, because programs that resolve references may ask questions. */
export const resolveAll = (
  values: Readonly<Record<string, Redacted.Redacted<string>>>
): Effect.Effect<Readonly<Record<string, Redacted.Redacted<string>>>, CommandFailed> =>
  Effect.map(
    Effect.forEach(Object.entries(values), ([name, value]) =>
      Effect.map(resolve(value), (resolved) => [name, resolved] as const)
    ),
    (entries) => Object.fromEntries(entries)
  )
