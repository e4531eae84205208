/**
 * Runs programs that resolve references to secrets, and programs that send notifications. The standard input of each
 * program is a pipe. Its standard output is a pipe, or is ignored.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type ChildProcess, spawn } from "node:child_process"
import process from "node:process"
import * as children from "./children.ts"

/** Time-out of a program. It is long, because some programs wait for the user's confirmation. */
export const Timeout: Context.Reference<Duration.Duration> = Context.Reference<Duration.Duration>(
  "@auth/cli/programs/Timeout",
  { defaultValue: () => Duration.seconds(30) }
)

/** Maximum length of a program's output, in characters. */
const maxOutput = 65_536

/** Splits a command into words at blanks. Blanks in quotation marks are kept. No shell is involved. */
export const wordsOf = (command: string): ReadonlyArray<string> =>
  Array.from(command.matchAll(/(?:"[^"]*"|'[^']*'|\S)+/g), ([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? "")
  )

/** Whether a program gets its own process group. If so, its child processes can be ended together with the program. */
const hasGroup = process.platform !== "win32"

/**
 * Ends a program and its process group, and closes the pipes to the program. On Windows, the program has no process
 * group, so its child processes keep running. If the pipes stayed open, these child processes would keep `broker-auth`
 * running.
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
 * Runs a program without a shell, and returns its output. Ends the program and its process group if the program exceeds
 * the time-out, if it prints too much, or if this effect is interrupted. On Windows, ends only the program.
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
