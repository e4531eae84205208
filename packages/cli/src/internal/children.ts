import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { constants } from "node:os"
import process from "node:process"
import { say } from "./output.ts"

/** Programs that this command starts must not get the keys of the vault. */
const keys: ReadonlySet<string> = new Set(["BROKER_AUTH_KEY", "BROKER_AUTH_NEW_KEY"])

/** Names are compared in upper case, because Windows ignores case in names of variables. */
export const environment = (add: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !keys.has(name.toUpperCase()))),
  ...add
})

/** These signals must not end this process while a program runs. The terminal itself sends SIGINT to the program. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/**
 * Returns the program's exit code. As in a shell, this code is 127 if the program cannot be started, and 128 plus the
 * signal's number if a signal ended the program.
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
    // The existing listeners would end this process on Ctrl-C, so they are removed while the program runs.
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
