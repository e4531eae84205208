#!/usr/bin/env node
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { readFile } from "node:fs/promises"
import process from "node:process"
import { parseArgs } from "node:util"
import { brokerIds, isBrokerId } from "./internal/brokers.ts"
import * as Seed from "./internal/seed.ts"
import { isHostName, isOriginName } from "./internal/guard.ts"
import * as text from "./internal/text.ts"
import * as Simulator from "./Simulator.ts"

const name = "broker-auth-simulator"

class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}

const misused = (message: string) => Effect.fail(new UsageError({ message }))

const readFlags = (args: ReadonlyArray<string>) =>
  Effect.try({
    try: () =>
      parseArgs({
        args: [...args],
        options: {
          port: { type: "string", multiple: true },
          broker: { type: "string", multiple: true },
          seed: { type: "string" },
          "print-seed": { type: "boolean" },
          "allow-host": { type: "string", multiple: true },
          "allow-origin": { type: "string", multiple: true },
          json: { type: "boolean" },
          help: { type: "boolean", short: "h" }
        }
      }).values,
    catch: (error) =>
      new UsageError({
        message: (error as Error).message
          .replace(/\.? To specify.*$/s, "")
          .split("\n", 1)
          .join("")
          .replace(/\.$/, "")
      })
  })

const highestPort = 65_535

const readPort = (given: ReadonlyArray<string> = []) => {
  const [port] = given
  if (port === undefined) return Effect.succeed(undefined)
  if (given.length > 1) return misused("--port is given more than once")
  return /^\d{1,5}$/.test(port) && Number(port) <= highestPort
    ? Effect.succeed(Number(port))
    : misused(`--port takes a number from 0 to ${highestPort}, not ${JSON.stringify(port)}`)
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
    : misused(`${flag} takes a value such as ${sample}, not ${JSON.stringify(wrong)}`)
}

const readBrokers = (given: ReadonlyArray<string> | undefined) =>
  given === undefined
    ? Effect.succeed(undefined)
    : Effect.forEach(Array.from(new Set(given)), (id) =>
        isBrokerId(id) ? Effect.succeed(id) : misused(`--broker takes ${brokerIds.join(", ")}, not "${id}"`)
      )

const readSeed = (path: string | undefined) =>
  path === undefined
    ? Effect.succeed(undefined)
    : Effect.flatMap(
        Effect.tryPromise({
          try: () => readFile(path, "utf8"),
          catch: () => new UsageError({ message: "--seed takes a file that can be read" })
        }),
        Seed.parse
      )

const signals = ["SIGINT", "SIGTERM"] as const

const stopped = Effect.callback<void>((resume) => {
  const stop = () => resume(Effect.void)
  for (const signal of signals) process.once(signal, stop)
  return Effect.sync(() => {
    for (const signal of signals) process.off(signal, stop)
  })
})

const serve = Effect.fnUntraced(function* (options: Simulator.Options, format: "json" | "text") {
  const { brokers, control, origins } = yield* Simulator.make(options)
  const info = { control, origins, brokers }
  yield* Console.log(format === "json" ? JSON.stringify(info) : text.ready(info))
  return yield* Effect.never
}, Effect.scoped)

const main = Effect.gen(function* () {
  const flags = yield* readFlags(process.argv.slice(2))
  if (flags.help === true) return yield* Console.log(text.usage)
  const port = yield* readPort(flags.port)
  const brokers = yield* readBrokers(flags.broker)
  if (flags["print-seed"] === true) {
    return yield* Console.log(JSON.stringify(Seed.demo(brokers ?? brokerIds), undefined, 2))
  }
  const seed = yield* readSeed(flags.seed)
  const allowHosts = yield* readNames("--allow-host", flags["allow-host"], isHostName, "simulator.test")
  const allowOrigins = yield* readNames("--allow-origin", flags["allow-origin"], isOriginName, "http://127.0.0.1:3000")
  return yield* Effect.raceFirst(
    stopped,
    serve({ port, brokers, seed, allowHosts, allowOrigins }, flags.json === true ? "json" : "text")
  )
})

const complain = (line: string) => Console.error(`${name}: ${line}`)

const program = main.pipe(
  Effect.as(0),
  Effect.catchTags({
    UsageError: ({ message }) => Effect.as(complain(`${message}. See ${name} --help.`), 2),
    SimulatorError: ({ message }) => Effect.as(complain(message), 1)
  }),
  Effect.catchCause((cause) => Effect.as(complain(Cause.pretty(cause)), 1))
)

Effect.runCallback(program, {
  onExit: (exit) => {
    process.exitCode = Exit.isSuccess(exit) ? exit.value : 1
  }
})
