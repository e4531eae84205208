/** Runs programs that resolve references to secrets, and programs that send notifications. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type ChildProcess, spawn } from "node:child_process"
import process from "node:process"
import * as children from "./children.ts"

/** Long, because some programs wait for the user's confirmation. */
export const Timeout: Context.Reference<Duration.Duration> = Context.Reference<Duration.Duration>(
  "@auth/cli/programs/Timeout",
  { defaultValue: () => Duration.seconds(30) }
)

/** In characters. */
const maxOutput = 65_536

/** Splits a command at blanks. Blanks in quotation marks are kept. */
export const wordsOf = (command: string): ReadonlyArray<string> =>
  Array.from(command.matchAll(/(?:"[^"]*"|'[^']*'|\S)+/g), ([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? "")
  )

/** Ending the process group of a program also ends the program's child processes. */
const hasGroup = process.platform !== "win32"

/**
 * On Windows, the program's child processes keep running. Open pipes to these processes would keep `broker-auth`
 * running, so the pipes are closed.
 */
const end = (child: ChildProcess): void => {
  const { pid } = child
  if (pid !== undefined) {
    // `kill` fails if the group has already ended.
    Result.try(() => (hasGroup ? process.kill(-pid, "SIGKILL") : child.kill("SIGKILL")))
  }
  child.stdout?.destroy()
  child.stdin?.destroy()
  child.unref()
}

const startProblem = (program: string, error: unknown): string =>
  (error as { readonly code?: unknown } | undefined)?.code === "ENOENT"
    ? `the program ${program} is not installed`
    : `${program} could not be run`

const exitProblem = (program: string, code: number | null): string =>
  code === null ? `${program} was ended by a signal` : `${program} ended with exit code ${code}`

export interface Options {
  /** Default: none. */
  readonly input?: string
  /** Default: `read`. */
  readonly output?: "read" | "ignored"
}

interface Started {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly options: Options
}

type Outcome = Result.Result<Redacted.Redacted<string>, string>

const outputOf = ({ args, options, program }: Started): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const started = Result.try(() =>
      spawn(program, args, {
        detached: hasGroup,
        env: children.environment(),
        // Standard error is ignored, because it may contain a secret.
        stdio: ["pipe", options.output === "ignored" ? "ignore" : "pipe", "ignore"],
        windowsHide: true
      })
    )
    if (Result.isFailure(started)) return resume(Effect.succeed(Result.fail(startProblem(program, started.failure))))
    const child = started.success
    let output = ""
    child.once("error", (error) => resume(Effect.succeed(Result.fail(startProblem(program, error)))))
    child.stdout?.setEncoding("utf8")
    child.stdout?.on("data", (text: string) => {
      output += text
      if (output.length <= maxOutput) return
      end(child)
      resume(Effect.succeed(Result.fail(`${program} printed too much`)))
    })
    child.once("close", (code) =>
      resume(
        Effect.succeed(code === 0 ? Result.succeed(Redacted.make(output)) : Result.fail(exitProblem(program, code)))
      )
    )
    child.stdin?.on("error", () => undefined)
    child.stdin?.end(options.input ?? "")
    return Effect.sync(() => end(child))
  })

/**
 * Runs a program without a shell, and returns its output. A time-out, too much output, or an interruption ends the
 * program.
 */
export const run = (words: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Outcome> => {
  const [program, ...args] = words
  if (program === undefined || program === "") return Effect.succeed(Result.fail("no program is named"))
  return Effect.flatMap(Timeout, (duration) =>
    Effect.timeoutOrElse(outputOf({ program, args, options }), {
      duration,
      orElse: () =>
        Effect.succeed(Result.fail(`${program} did not answer within ${Duration.toSeconds(duration)} seconds`))
    })
  )
}
