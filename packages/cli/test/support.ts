import { SessionStore } from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import { Simulator } from "@auth/simulator"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestConsole from "effect/testing/TestConsole"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const folder = path.join(import.meta.dirname, "..")

/** In milliseconds. A process may take seconds to start on a busy machine. */
export const timeout = 90_000

export const bin = path.join(folder, "src/bin.ts")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Each user has its own environment variables and its own vault. */
export interface User {
  readonly state: string
  readonly env: Readonly<Record<string, string>>
  readonly runtime: string
  /** The arguments with which the runtime runs the command. */
  readonly command: ReadonlyArray<string>
}

const fromSource: ReadonlyArray<string> = ["--conditions=@auth/source", bin]

export const key = "00112233".repeat(8)

const compileCache = process.env["NODE_COMPILE_CACHE"] ?? path.join(os.tmpdir(), "broker-auth-compile-cache")

export const makeUser = (
  env: Readonly<Record<string, string>> = {},
  command = fromSource,
  runtime: string = process.execPath
) =>
  Effect.acquireRelease(
    Effect.sync((): User => {
      // The name is short, because the path of a socket in the folder may have at most 103 bytes.
      const state = fs.mkdtempSync(path.join(os.tmpdir(), "auth-"))
      return {
        state,
        runtime,
        command,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: state,
          XDG_STATE_HOME: state,
          BROKER_AUTH_KEY: key,
          // Prevents a login from opening a browser on a developer's machine.
          CI: "1",
          // Roughly halves the CPU time that a command needs to start.
          NODE_COMPILE_CACHE: compileCache,
          ...env
        }
      }
    }),
    ({ state }) => Effect.sync(() => fs.rmSync(state, { recursive: true, force: true }))
  )

export const world = Effect.fnUntraced(function* (
  options: Simulator.Options = {},
  command = fromSource,
  runtime: { readonly file?: string; readonly env?: Readonly<Record<string, string>> } = {}
) {
  const simulator = yield* Simulator.make(options)
  const user = yield* makeUser({ BROKER_AUTH_SIMULATOR: simulator.control, ...runtime.env }, command, runtime.file)
  return { simulator, user }
})

export const withStore = <A, E>(user: User, use: (store: SessionStore["Service"]) => Effect.Effect<A, E>) => {
  const keyLayer = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make(key), "a key of a test"))
  const name = user.env["BROKER_AUTH_SIMULATOR"] === undefined ? "broker-auth" : "broker-auth-simulator"
  const folder = path.join(user.state, name)
  return Effect.flatMap(SessionStore, use).pipe(
    Effect.provide(Layer.provide(NodeVault.layerStore({ folder }), keyLayer))
  )
}

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

export const run = (user: User, args: ReadonlyArray<string>, options: RunOptions = {}): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(user.runtime, [...user.command, ...args], {
      cwd: options.cwd ?? user.state,
      env: { ...user.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"]
    })
    void collect(child).then((ended) => resume(Effect.succeed(ended)))
    child.stdin.on("error", () => undefined)
    child.stdin.end(options.input ?? "")
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** Faster than `run`, which starts a process. */
export const inProcess = <A, E>(user: User, handler: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(handler)
    const lines = (all: ReadonlyArray<unknown>) => all.map((line) => `${String(line)}\n`).join("")
    return { exit, stdout: lines(yield* TestConsole.logLines), stderr: lines(yield* TestConsole.errorLines) }
  }).pipe(Effect.provide([ConfigProvider.layer(ConfigProvider.fromEnv({ env: user.env })), TestConsole.layer]))

/**
 * In milliseconds. Shorter than the time-out of a test, because the error of a test that timed out does not show the
 * screen.
 */
const screenTimeout = 60_000

export type Reply = readonly [shown: RegExp, reply: string | ((found: RegExpExecArray) => Promise<string>)]

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

export interface TerminalOptions {
  readonly columns?: number
  /** Words after the command, such as a redirection of its output. */
  readonly after?: string
  /** The variable `TERM` of the command. Default: `dumb`, a terminal without control sequences. */
  readonly term?: string
}

/** Runs the command in a pseudo-terminal (`script` of util-linux), and types the replies in their order. */
export const terminal = (
  user: User,
  args: ReadonlyArray<string>,
  replies: ReadonlyArray<Reply>,
  options: TerminalOptions = {}
): Effect.Effect<{ readonly code: number | null; readonly screen: string }> =>
  Effect.callback((resume) => {
    const command = [user.runtime, ...user.command, ...args].map(quoted).join(" ")
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
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      screen += `\n(killed after ${screenTimeout / 1000} s; replies typed: ${next} of ${replies.length})`
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

const hook = `
import { registerHooks } from "node:module"
import { writeSync } from "node:fs"
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
process.on("exit", () => writeSync(2, loaded.join("\\n")))
`

export const modulesOf = (
  { command, env }: Pick<User, "command" | "env">,
  args: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const preload = `data:text/javascript,${encodeURIComponent(hook)}`
  const { stderr } = spawnSync(process.execPath, ["--import", preload, ...command, ...args], { encoding: "utf8", env })
  return stderr.split("\n").filter((line) => /^(file|node|data):/.test(line))
}

export const linesOf = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("")

export const filesOf = (state: string): ReadonlyArray<readonly [name: string, content: Buffer]> =>
  fs
    .readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [file, fs.readFileSync(file)] as const)
