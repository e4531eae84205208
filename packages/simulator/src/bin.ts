#!/usr/bin/env node
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { readFile } from "node:fs/promises"
import process from "node:process"
import * as Flags from "./internal/flags.ts"
import * as Seed from "./internal/seed.ts"
import * as text from "./internal/text.ts"
import * as Simulator from "./Simulator.ts"

const name = "broker-auth-simulator"

const readSeed = (path: string | undefined) =>
  path === undefined
    ? Effect.succeed(undefined)
    : Effect.flatMap(
        Effect.tryPromise({
          try: () => readFile(path, "utf8"),
          catch: () => new Flags.UsageError({ message: "--seed needs a file that can be read" })
        }),
        Seed.parse
      )

const signals = ["SIGHUP", "SIGINT", "SIGTERM"] as const

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
  const command = yield* Flags.read(process.argv.slice(2))
  if (command.kind === "help") return yield* Console.log(text.usage)
  if (command.kind === "print-seed") {
    return yield* Console.log(JSON.stringify(Seed.demo(command.brokers), undefined, 2))
  }
  const seed = yield* readSeed(command.seedFile)
  return yield* Effect.raceFirst(stopped, serve({ ...command.options, seed }, command.format))
})

const printError = (line: string) => Console.error(`${name}: ${line}`)

const program = main.pipe(
  Effect.as(0),
  Effect.catchTags({
    UsageError: ({ message }) => Effect.as(printError(`${message}. See ${name} --help.`), 2),
    SimulatorError: ({ message }) => Effect.as(printError(message), 1)
  }),
  Effect.catchCause((cause) => Effect.as(printError(Cause.pretty(cause)), 1))
)

Effect.runCallback(program, {
  onExit: (exit) => {
    process.exitCode = Exit.isSuccess(exit) ? exit.value : 1
  }
})
