/** A Redis for tests and tools: on loopback, on a free port. It writes nothing to a disk unless persistence is on. */
import { type ChildProcess, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { start, stop, watchOver } from "../packages/process.ts"

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Changes after each `restart`. */
  readonly pid: () => number
  /** Folder of its data. */
  readonly folder: string
  /**
   * Stops it if it runs, and starts it again on the same port. With persistence, it has its old data, otherwise none.
   */
  readonly restart: () => Promise<void>
  /** Kills it with -9. */
  readonly kill: () => Promise<void>
  /** Suspends it: connections stay open, but it does not answer. */
  readonly freeze: () => void
  readonly thaw: () => void
  readonly stop: () => Promise<void>
}

const missing = "redis-server is not installed. Install it with: apt-get install redis-server (or: brew install redis)"

/**
 * Whether tests that need `redis-server` run. Without the command they are skipped. In CI they run and fail with an
 * error that names the package to install.
 */
export const runsRedis = process.env["CI"] !== undefined || spawnSync("redis-server", ["--version"]).status === 0

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const answersPing = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("data", (data: Buffer) => end(data.toString().startsWith("+PONG")))
    socket.once("error", () => end(false))
    socket.setTimeout(1000, () => end(false))
  })

export interface Options {
  readonly command?: string
  /** Data on disk, which survives a restart: every write before it is answered, or nothing. */
  readonly keeps?: "everything" | "nothing"
}

const settingsFor = ({ keeps = "nothing" }: Options): ReadonlyArray<string> =>
  keeps === "everything" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]

/** `undefined` if the server exited itself, as it does if its port was taken meanwhile. */
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
      throw new Error(`redis-server ended at once\n${printed}`)
    }
    if (await answersPing(port)) {
      child.once("close", watchOver(child.pid ?? 0, folder))
      return child
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await stop(child)
  throw new Error(`redis-server did not answer within 10 s\n${printed}`)
}

/** Starts a server. If there is no `redis-server`, fails with an error that names the package to install. */
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
  } catch (error) {
    remove()
    throw error
  }
  if (child === undefined) throw new Error("found no free port for redis-server")
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
      if (next === undefined) throw new Error(`port ${port} was taken while redis-server restarted`)
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
