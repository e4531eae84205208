import { type ChildProcess, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { start, stop, watchOver } from "../packages/process.ts"
import { freePort } from "../vitest/freePort.ts"

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Changes with each `restart`. */
  readonly pid: () => number
  readonly folder: string
  /** Keeps the port. Keeps the data only with `keeps: "everything"`. */
  readonly restart: () => Promise<void>
  readonly kill: () => Promise<void>
  /** Connections stay open, but the server does not answer until `thaw`. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Also removes `folder`. */
  readonly stop: () => Promise<void>
}

const missing = "redis-server is not installed. Install it with: apt-get install redis-server (or: brew install redis)"

/** Without `redis-server`, the tests that need Redis fail in CI, and are skipped elsewhere. */
export const runsRedis = process.env["CI"] !== undefined || spawnSync("redis-server", ["--version"]).status === 0

export interface Options {
  readonly command?: string
  /** `everything`: the server writes each change to disk before it answers. Default: `nothing`. */
  readonly keeps?: "everything" | "nothing"
  /** `cluster`: the server is the only node of a Redis cluster without assigned slots. Default: `single`. */
  readonly mode?: "cluster" | "single"
}

const settingsFor = ({ keeps = "nothing", mode = "single" }: Options): ReadonlyArray<string> => [
  ...(keeps === "everything" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]),
  ...(mode === "cluster" ? ["--cluster-enabled", "yes"] : [])
]

/** Returns `undefined` if another process uses the port. */
const launch = async (port: number, folder: string, options: Options): Promise<ChildProcess | undefined> => {
  const settings = ["--bind", "127.0.0.1", "--save", "", "--dir", folder, ...settingsFor(options)]
  const child = start(options.command ?? "redis-server", ["--port", String(port), ...settings], { cwd: folder })
  let failure: NodeJS.ErrnoException | undefined
  let hasEnded = false
  let printed = ""
  child.once("error", (error) => (failure = error))
  child.once("close", () => (hasEnded = true))
  const keep = (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-2000))
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  const limit = Date.now() + 10_000
  while (Date.now() < limit) {
    if (failure !== undefined) throw new Error(failure.code === "ENOENT" ? missing : failure.message)
    if (hasEnded) {
      if (printed.includes("already in use")) return undefined
      throw new Error(`redis-server ended while it started.\n${printed}`)
    }
    // Another Redis on the port would answer a ping too, so only the output of this process counts.
    if (printed.includes("Ready to accept connections")) {
      child.once("close", watchOver(child.pid ?? 0, folder))
      return child
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await stop(child)
  throw new Error(`redis-server was not ready within 10 s.\n${printed}`)
}

export const startRedis = async (options: Options = {}): Promise<RedisServer> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-redis-"))
  const remove = () => fs.rmSync(folder, { recursive: true, force: true })
  let port = 0
  let child: ChildProcess | undefined
  try {
    for (let tries = 0; child === undefined && tries < 5; tries += 1) {
      port = await freePort()
      child = await launch(port, folder, options)
    }
    if (child === undefined) throw new Error("Found no free port for redis-server in 5 tries.")
  } catch (error) {
    remove()
    throw error
  }
  let running = child
  const signal = (name: NodeJS.Signals) => void running.kill(name)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    pid: () => running.pid ?? 0,
    restart: async () => {
      await stop(running)
      const next = await launch(port, folder, options)
      if (next === undefined) throw new Error(`Another process took port ${port} while redis-server restarted.`)
      running = next
    },
    kill: async () => {
      const closed = new Promise((resolve) => running.once("close", resolve))
      signal("SIGKILL")
      if (running.exitCode === null && running.signalCode === null) await closed
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    stop: async () => {
      signal("SIGCONT")
      await stop(running)
      remove()
    }
  }
}
