import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { constants } from "node:os"
import process from "node:process"
import { say } from "./output.ts"

/** A program that this command starts must not get the key of the vault, nor the next key during a change of keys. */
const keys: ReadonlySet<string> = new Set(["BROKER_AUTH_KEY", "BROKER_AUTH_NEW_KEY"])

/** The environment of a program that this command starts. On Windows, names of variables are in upper or lower case. */
export const environment = (add: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !keys.has(name.toUpperCase()))),
  ...add
})

/**
 * Signals that must not end this process while `run` runs a program. This process forwards SIGTERM and SIGHUP to the
 * program. The terminal itself sends SIGINT to the program.
 */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/**
 * Runs a program, and returns its exit code. As in a shell, the result is 128 plus the number of the signal if a signal
 * ended the program. The result is 127 if the program cannot be started.
 */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  add: Readonly<Record<string, string>> = {}
): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    const failed = ({ code = "unknown" }: NodeJS.ErrnoException) => {
      const why = code === "ENOENT" ? "is not installed" : `cannot be started (${code})`
      resume(Effect.as(say(`broker-auth: the program ${program === "" ? '""' : program} ${why}.`), 127))
    }
    // For example, `spawn` throws if the name of the program is empty.
    const started = Result.try(() => spawn(program, args, { env: environment(add), stdio: "inherit" }))
    if (Result.isFailure(started)) return failed(started.failure as NodeJS.ErrnoException)
    const child = started.success
    const forward = (signal: NodeJS.Signals) => {
      if (signal !== "SIGINT") child.kill(signal)
    }
    // The listeners that this process already has would end it on Ctrl-C, so they are removed until the program has
    // ended.
    const own = signals.map((signal) => [signal, process.listeners(signal)] as const)
    for (const signal of signals) process.removeAllListeners(signal).on(signal, forward)
    const done = () => {
      for (const [signal, listeners] of own) {
        process.off(signal, forward)
        for (const listener of listeners) process.on(signal, listener)
      }
    }
    child.on("error", (error: NodeJS.ErrnoException) => {
      // Node also emits this event if a signal cannot be sent to a running program, for example to `sudo`.
      if (child.pid !== undefined) return
      done()
      failed(error)
    })
    child.once("exit", (code, signal) => {
      done()
      resume(Effect.succeed(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
  }).pipe(Effect.uninterruptible)
