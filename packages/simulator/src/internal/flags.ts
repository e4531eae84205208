import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { type BrokerId, brokerIds, isBrokerId } from "./brokers.ts"
import { isHostName, isOriginName } from "./guard.ts"
import { largestJournal } from "./limits.ts"

/** The message is one line, without a period at the end. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "print-seed"; readonly brokers: ReadonlyArray<BrokerId> }
  | {
      readonly kind: "serve"
      readonly format: "json" | "text"
      readonly seedFile: string | undefined
      readonly options: {
        readonly port: number | undefined
        readonly journalLimit: number | undefined
        readonly brokers: ReadonlyArray<BrokerId> | undefined
        readonly allowHosts: ReadonlyArray<string> | undefined
        readonly allowOrigins: ReadonlyArray<string> | undefined
      }
    }

const failUsage = (message: string) => Effect.fail(new UsageError({ message }))

// Every flag is `multiple`, so that `checkRepeats` finds repetitions.
const flags = {
  port: { type: "string", multiple: true },
  journal: { type: "string", multiple: true },
  broker: { type: "string", multiple: true },
  seed: { type: "string", multiple: true },
  "print-seed": { type: "boolean", multiple: true },
  "allow-host": { type: "string", multiple: true },
  "allow-origin": { type: "string", multiple: true },
  json: { type: "boolean", multiple: true },
  help: { type: "boolean", short: "h", multiple: true }
} as const

const repeatable: ReadonlySet<string> = new Set(["broker", "allow-host", "allow-origin"])

/** Returns Node's message, without its advice about arguments that begin with a dash. */
const firstSentence = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  return message
    .replace(/\.? To specify.*$/s, "")
    .split("\n", 1)
    .join("")
    .replace(/\.$/, "")
}

const parse = (args: ReadonlyArray<string>) =>
  Effect.try({
    try: () => parseArgs({ args: [...args], options: flags }).values,
    catch: (error) => new UsageError({ message: firstSentence(error) })
  })

const checkRepeats = (given: Readonly<Record<string, ReadonlyArray<string | boolean> | undefined>>) => {
  for (const [name, values = []] of Object.entries(given)) {
    if (values.length > 1 && !repeatable.has(name)) return failUsage(`--${name} is given more than once`)
    const twice = values.find((value, index) => values.indexOf(value) !== index)
    if (twice !== undefined) return failUsage(`--${name} is given twice with ${JSON.stringify(twice)}`)
  }
  return Effect.void
}

const readNumber = (flag: string, given: string | undefined, range: readonly [least: number, most: number]) => {
  if (given === undefined) return Effect.succeed(undefined)
  const [least, most] = range
  const number = /^\d{1,7}$/.test(given) ? Number(given) : Number.NaN
  return number >= least && number <= most
    ? Effect.succeed(number)
    : failUsage(`${flag} must be a number from ${least} to ${most}, not ${JSON.stringify(given)}`)
}

const readNames = (
  flag: string,
  given: ReadonlyArray<string> | undefined,
  accepts: (value: string) => boolean,
  sample: string
) => {
  const wrong = given?.find((value) => !accepts(value))
  return wrong === undefined
    ? Effect.succeed(given)
    : failUsage(`${flag} must be a value such as ${sample}, not ${JSON.stringify(wrong)}`)
}

const readBrokers = (given: ReadonlyArray<string> | undefined) =>
  given === undefined
    ? Effect.succeed(undefined)
    : Effect.forEach(given, (id) =>
        isBrokerId(id)
          ? Effect.succeed(id)
          : failUsage(`--broker must be one of ${brokerIds.join(", ")}, not ${JSON.stringify(id)}`)
      )

/** Checks every flag, even if the command does not use it. */
export const read = Effect.fnUntraced(function* (args: ReadonlyArray<string>): Effect.fn.Return<Command, UsageError> {
  const given = yield* parse(args)
  yield* checkRepeats(given)
  const port = yield* readNumber("--port", given.port?.[0], [0, 65_535])
  const journalLimit = yield* readNumber("--journal", given.journal?.[0], [1, largestJournal])
  const brokers = yield* readBrokers(given.broker)
  const allowHosts = yield* readNames("--allow-host", given["allow-host"], isHostName, "simulator.test")
  const allowOrigins = yield* readNames("--allow-origin", given["allow-origin"], isOriginName, "http://127.0.0.1:3000")
  const [seedFile] = given.seed ?? []
  if (seedFile === "") return yield* failUsage("--seed needs a file that can be read")
  if (given.help !== undefined) return { kind: "help" }
  if (given["print-seed"] !== undefined) {
    const other = Object.keys(given).find((name) => name !== "print-seed" && name !== "broker")
    if (other !== undefined)
      return yield* failUsage(`--print-seed can be combined only with --broker, not with --${other}`)
    return { kind: "print-seed", brokers: brokers ?? brokerIds }
  }
  return {
    kind: "serve",
    format: given.json === undefined ? "text" : "json",
    seedFile,
    options: { port, journalLimit, brokers, allowHosts, allowOrigins }
  }
})
