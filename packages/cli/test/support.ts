/** Runs the real command as a child process, against a real simulator. */
import { Simulator } from "@auth/simulator"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as TestConsole from "effect/testing/TestConsole"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const folder = path.join(import.meta.dirname, "..")

/** Time-out of a test in milliseconds. A process may take seconds to start on a busy machine. */
export const timeout = 90_000

export const bin = path.join(folder, "src/bin.ts")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A user of the command: an empty vault and an environment of their own. */
export interface User {
  readonly state: string
  readonly env: Readonly<Record<string, string>>
}

export const key = "00112233".repeat(8)

/** Makes a user whose files are removed at the end of the scope. */
export const makeUser = (env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.sync((): User => {
      const state = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-cli-"))
      return {
        state,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: state,
          XDG_STATE_HOME: state,
          BROKER_AUTH_KEY: key,
          // Without it, a login could open a browser on the machine of a developer.
          CI: "1",
          ...env
        }
      }
    }),
    ({ state }) => Effect.sync(() => fs.rmSync(state, { recursive: true, force: true }))
  )

/** A simulator of some brokers, and a user whose commands use it. */
export const world = Effect.fnUntraced(function* (options: Simulator.Options = {}) {
  const simulator = yield* Simulator.make(options)
  const user = yield* makeUser({ BROKER_AUTH_SIMULATOR: simulator.control })
  return { simulator, user }
})

const nodeArgs = ["--conditions=@auth/source", bin]

const collect = (child: ChildProcess): Promise<Ended> => {
  const printed = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk) => (printed[name] += String(chunk)))
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...printed })))
}

export interface RunOptions {
  readonly input?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the command without a terminal. */
export const run = (user: User, args: ReadonlyArray<string>, options: RunOptions = {}): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [...nodeArgs, ...args], {
      cwd: options.cwd ?? user.state,
      env: { ...user.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"]
    })
    void collect(child).then((ended) => resume(Effect.succeed(ended)))
    child.stdin.on("error", () => undefined)
    child.stdin.end(options.input ?? "")
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** Runs the handler of a command in this process. Starting a program takes longer. */
export const inProcess = <A, E>(user: User, handler: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(handler)
    const lines = (all: ReadonlyArray<unknown>) => all.map((line) => `${String(line)}\n`).join("")
    return { exit, stdout: lines(yield* TestConsole.logLines), stderr: lines(yield* TestConsole.errorLines) }
  }).pipe(Effect.provide([ConfigProvider.layer(ConfigProvider.fromEnv({ env: user.env })), TestConsole.layer]))

/** Time-out of a command in a terminal, in milliseconds. */
const screenTimeout = 60_000

/** A reply that is typed when the screen shows a text. */
export type Reply = readonly [shown: RegExp, reply: string | ((found: RegExpExecArray) => Promise<string>)]

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

export interface TerminalOptions {
  readonly columns?: number
  /** Words after the command, such as a redirection of its output. */
  readonly after?: string
  /** Type of the terminal. Default: `dumb`, which has no control sequences. */
  readonly term?: string
}

/**
 * Runs the command in a pseudo-terminal (`script` of util-linux), and types the replies in their order. Returns what the
 * screen shows.
 */
export const terminal = (
  user: User,
  args: ReadonlyArray<string>,
  replies: ReadonlyArray<Reply>,
  options: TerminalOptions = {}
): Effect.Effect<{ readonly code: number | null; readonly screen: string }> =>
  Effect.callback((resume) => {
    const command = [process.execPath, ...nodeArgs, ...args].map(quoted).join(" ")
    const size = `stty cols ${options.columns ?? 80} rows 24`
    const script = `${size}; ${command} ${options.after ?? ""}`
    const child = spawn("script", ["-qec", script, "/dev/null"], {
      cwd: user.state,
      env: { ...user.env, TERM: options.term ?? "dumb", SHELL: "/bin/sh" },
      stdio: ["pipe", "pipe", "pipe"]
    })
    let screen = ""
    let seen = 0
    let next = 0
    let pending = false
    // A reply whose text never appears would otherwise only show as a time-out, without the screen.
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      screen += `\n(no answer within ${screenTimeout / 1000} s; replies typed: ${next} of ${replies.length})`
    }, screenTimeout)
    const look = () => {
      const reply = replies[next]
      if (reply === undefined || pending) return
      const found = reply[0].exec(screen.slice(seen))
      if (found === null) return
      pending = true
      seen += found.index + found[0].length
      const [, typed] = reply
      void Promise.resolve(typeof typed === "string" ? typed : typed(found)).then((text) => {
        child.stdin.write(text)
        next += 1
        pending = false
        look()
      })
    }
    child.stdin.on("error", () => undefined)
    child.stdout.on("data", (chunk) => {
      screen += String(chunk)
      look()
    })
    child.once("close", (code) => {
      clearTimeout(timer)
      resume(Effect.succeed({ code, screen: screen.replaceAll("\r\n", "\n") }))
    })
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** The credentials of a fake account as lines `NAME=value`. */
export const linesOf = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("")

/** All files below a folder, with their content. */
export const filesOf = (state: string): ReadonlyArray<readonly [name: string, content: Buffer]> =>
  fs
    .readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [file, fs.readFileSync(file)] as const)
