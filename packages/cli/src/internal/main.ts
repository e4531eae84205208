import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Exit from "effect/Exit"
import process from "node:process"
import * as ExitCode from "../ExitCode.ts"
import * as cli from "./cli.ts"
import { handlers } from "./commands.ts"
import type { Name } from "./commandTable.ts"
import { codeOf, type Failure, messageOf } from "./failure.ts"
import { program as name, rowOf } from "./helpText.ts"
import { printable, say } from "./output.ts"

const complain = (message: string) => say(`${name}: ${message}`)

const signals = {
  SIGHUP: ExitCode.table.hungUp.code,
  SIGINT: ExitCode.table.interrupted.code,
  SIGTERM: ExitCode.table.terminated.code
} as const
const signalNames = Object.keys(signals) as ReadonlyArray<keyof typeof signals>

const usageOf = (error: { readonly message: string; readonly errors?: ReadonlyArray<{ readonly message: string }> }) =>
  error.errors?.[0]?.message ?? error.message

/** Adds `--` after `simulate`, so that all further options go to the simulator. */
const withEnd = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args[0] === "simulate" && args[1] !== "--" ? ["simulate", "--", ...args.slice(1)] : args

/** Shows only the error's name, because the message may contain a secret. */
const tellDefect = (defect: unknown): void => {
  process.exitCode = ExitCode.table.defect.code
  const kind = defect instanceof Error ? defect.name : typeof defect
  Effect.runSync(Console.error(`${name}: this is a fault of the command (${printable(kind)}). Please report it.`))
}

export const run = (args: ReadonlyArray<string>): void => {
  // Without this listener, Node prints the error's message and stack, which may contain a secret.
  process.on("uncaughtException", (error) => {
    tellDefect(error)
    process.exit()
  })
  let code: number = ExitCode.table.ok.code
  let account: string | undefined
  const handle = (command: Name, input: Readonly<Record<string, unknown>>): Effect.Effect<void, Failure> => {
    account = Predicate.isString(input["account"]) ? input["account"] : undefined
    return Effect.map(
      (handlers[command] as (given: never) => Effect.Effect<number | void, Failure>)(input as never),
      (result) => {
        code = result ?? code
      }
    )
  }

  const program = Effect.catch(cli.run(withEnd(args), handle), (error) => {
    if (error._tag === "CommandFailed" || error._tag === "AuthError" || error._tag === "VaultError") {
      return Effect.as(complain(messageOf(error, account)), void (code = codeOf(error)))
    }
    code = ExitCode.table.usage.code
    const row = rowOf(args.filter((word) => !word.startsWith("-")))
    return complain(`${usageOf(error)}. See ${[name, ...(row === undefined ? [] : [row.name])].join(" ")} --help.`)
  })

  const fiber = Effect.runFork(program)
  let stopped: keyof typeof signals | undefined
  const stop = (signal: keyof typeof signals) => {
    stopped ??= signal
    fiber.interruptUnsafe()
  }
  for (const signal of signalNames) process.on(signal, stop)
  fiber.addObserver((exit) => {
    for (const signal of signalNames) process.off(signal, stop)
    // A prompt in raw mode reads Ctrl-C as a character, and interrupts the command without a signal.
    if (stopped === undefined && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) stopped = "SIGINT"
    if (stopped !== undefined) {
      process.exitCode = signals[stopped]
      Effect.runSync(Console.error(`\n${name}: stopped.`))
      return
    }
    if (Exit.isSuccess(exit)) {
      process.exitCode = code
      return
    }
    tellDefect(Cause.squash(exit.cause))
  })
}
