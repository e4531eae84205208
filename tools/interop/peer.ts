/** Starts child processes that answer calls. */
import { type ChildProcess, fork } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const running = new Set<ChildProcess>()

export class PeerEnded extends Error {
  readonly output: string
  constructor(message: string, output: string) {
    super(`${message}\n${output}`.trim())
    this.output = output
  }
}

export interface Peer {
  readonly pid: number
  /** `limit`: time-out in milliseconds. Default: 30 seconds. */
  readonly call: <Answer>(request: unknown, limit?: number) => Promise<Answer>
  /** Asks the child process to end. Kills it if it still runs after 3 seconds. */
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
}

const farewell = "farewell"

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

interface Answer {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

/** Registers a child process that `startPeer` did not start. `end` and `stopPeers` can then end it. */
export const adopt = (child: ChildProcess): void => {
  running.add(child)
  child.once("close", () => running.delete(child))
}

export const end = async (child: ChildProcess): Promise<void> => {
  if (!running.has(child)) return
  const closed = new Promise((resolve) => child.once("close", resolve))
  // The parent must not call `disconnect`, because Node 24 never emits "close" after this call.
  if (child.connected) child.send(farewell, () => undefined)
  else child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000)
  await closed
  clearTimeout(timer)
}

const kill = async (child: ChildProcess): Promise<void> => {
  if (!running.has(child)) return
  const closed = new Promise((resolve) => child.once("close", resolve))
  child.kill("SIGKILL")
  await closed
}

export const startPeer = async (
  script: string,
  options: {
    readonly cwd: string
    readonly args?: ReadonlyArray<string>
    readonly nodeArgs?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
    /** A command that starts Node, such as `perl -e …`. The Node command is appended. */
    readonly through?: ReadonlyArray<string>
    /** Time-out for the start, in milliseconds. Default: 30 seconds. */
    readonly limit?: number
    readonly showsErrors?: boolean
  }
): Promise<Peer> => {
  const [execPath, ...before] = [...(options.through ?? []), process.execPath]
  const child = fork(script, options.args ?? [], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    execPath,
    execArgv: [...before, "--conditions=@auth/source", ...(options.nodeArgs ?? [])],
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  running.add(child)
  const waiting = new Map<number, Waiting>()
  let calls = 0
  let output = ""
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000))
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  if (options.showsErrors === true) child.stderr?.pipe(process.stderr, { end: false })
  child.on("message", ({ answer, error, id }: Answer) => {
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) caller?.resolve(answer)
    else caller?.reject(new Error(error))
  })
  child.once("error", (error) => (output += error.message))
  child.once("close", (code, signal) => {
    running.delete(child)
    for (const { reject } of waiting.values()) reject(new PeerEnded(`${script} ended with ${code ?? signal}.`, output))
    waiting.clear()
  })

  const expect = <Result>(id: number, limit: number): Promise<Result> =>
    new Promise((resolve, reject) => {
      if (!running.has(child)) {
        reject(new PeerEnded(`${script} has already ended.`, output))
        return
      }
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new Error(`${script} took longer than ${limit / 1000} s.\n${output}`))
      }, limit)
      const settle = () => clearTimeout(timer)
      waiting.set(id, {
        resolve: (answer) => {
          settle()
          resolve(answer as Result)
        },
        reject: (error) => {
          settle()
          reject(error)
        }
      })
    })

  const call = <Result>(request: unknown, limit = 30_000): Promise<Result> => {
    calls += 1
    const answered = expect<Result>(calls, limit)
    // If the child process is disconnected, the call fails when the child process ends.
    if (child.connected) child.send({ id: calls, request }, () => undefined)
    return answered
  }

  await expect(0, options.limit ?? 30_000)
  return { pid: child.pid ?? -1, call, stop: () => end(child), kill: () => kill(child) }
}

export const stopPeers = async (): Promise<void> => {
  await Promise.all(Array.from(running, end))
}

/** Runs in the child process, and answers calls with `handle`. Exits when the parent process ends. */
export const servePeer = (handle: (request: never) => unknown): void => {
  const send = (message: Answer) => process.send?.(message)
  const answer = async (id: number, request: unknown) => {
    try {
      send({ id, answer: await handle(request as never) })
    } catch (error) {
      send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }
  process.on("message", (message: typeof farewell | { readonly id: number; readonly request: unknown }) => {
    if (message === farewell) process.exit()
    else void answer(message.id, message.request)
  })
  process.once("disconnect", () => process.exit())
  send({ id: 0 })
}

export const endPeersWithUs = (): void => {
  process.once("exit", () => {
    for (const child of running) child.kill("SIGKILL")
  })
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    process.once(signal, () => void stopPeers().finally(() => process.exit(code)))
  }
}

export const makeScratch = (name: string): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`))
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}
