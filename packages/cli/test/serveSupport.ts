import { assert } from "@effect/vitest"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as http from "node:http"
import { bin, linesOf, run, type User, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

export interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests read JSON of many shapes
  readonly body: any
}

export interface Request {
  readonly method?: string
  readonly body?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly agent?: http.Agent
}

export interface Served {
  /** The path of a socket, or an HTTP address. */
  readonly where: string
  readonly child: ChildProcess
  readonly printed: () => string
  readonly ended: Promise<number | string>
  readonly ask: (path: string, request?: Request) => Promise<Reply>
}

export const placeOf = (where: string): http.RequestOptions =>
  where.startsWith("http") ? { host: "127.0.0.1", port: new URL(where).port } : { socketPath: where }

/** `EAGAIN` means that the queue of new connections is full. */
const isQueueFull = (error: unknown) => error instanceof Error && "code" in error && error.code === "EAGAIN"

const send = (where: string, path: string, { agent, body, headers, method = "GET" }: Request): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = http.request(
      { ...placeOf(where), path, method, ...(headers && { headers }), ...(agent && { agent }) },
      (response) => {
        let text = ""
        response.on("data", (chunk) => (text += String(chunk)))
        response.on("error", reject)
        response.on("end", () => {
          const isJson = response.headers["content-type"] === "application/json"
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: isJson ? JSON.parse(text) : undefined
          })
        })
      }
    )
    request.on("error", reject)
    request.end(body)
  })

export const ask =
  (where: string) =>
  async (path: string, request: Request = {}): Promise<Reply> => {
    for (let tries = 0; tries < 200; tries++) {
      try {
        return await send(where, path, request)
      } catch (error) {
        if (!isQueueFull(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    return send(where, path, request)
  }

export const serve = (user: User, args: ReadonlyArray<string> = [], env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Served> => {
      const child = spawn(process.execPath, ["--conditions=@auth/source", bin, "serve", ...args], {
        cwd: user.state,
        env: { ...user.env, ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      let printed = ""
      child.stderr.on("data", (chunk) => (printed += String(chunk)))
      const ended = new Promise<number | string>((resolve) =>
        child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"))
      )
      const where = await Promise.race([
        new Promise<string>((resolve) =>
          child.stdout.on("data", (chunk) => {
            printed += String(chunk)
            stdout += String(chunk)
            if (stdout.includes("\n")) resolve(stdout.split("\n", 1)[0] ?? "")
          })
        ),
        ended.then((code) => Promise.reject(new Error(`broker-auth serve ended with ${code}: ${printed}`)))
      ])
      return { where, child, printed: () => printed, ended, ask: ask(where) }
    }),
    ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
  )

export const end = ({ child, ended }: Served, signal: NodeJS.Signals = "SIGTERM"): Effect.Effect<number | string> =>
  Effect.promise(() => {
    child.kill(signal)
    return ended
  })

export const wayOf = (broker: string, method: string) =>
  ways.find((way) => way.broker === broker && way.method === method)!

interface Added {
  readonly broker: Simulator.BrokerId
  readonly method: string
  readonly name: string
  /** Index among the broker's accounts in the simulator. Default: the index in `ways.ts`, or 0. */
  readonly account?: number
  /** A credential that `ways.ts` lacks: its environment variable, and its field in the fake account. */
  readonly more?: readonly [variable: string, field: string]
}

export const add = Effect.fnUntraced(function* (
  simulator: Simulator.Simulator["Service"],
  user: User,
  { account, broker, method, more, name }: Added
) {
  const way = wayOf(broker, method)
  const found = simulator.brokers[broker]?.accounts[account ?? way.account ?? 0] ?? {}
  const values = { ...valuesOf(way, found), ...(more !== undefined && { [more[0]]: found[more[1]] ?? "" }) }
  const added = yield* run(user, ["add", broker, "--method", method, "--name", name], { input: linesOf(values) })
  assert.strictEqual(added.code, 0, added.stderr)
})

/** Uses Samco, because a login to Samco needs no one-time code. */
export const withSamco = Effect.fnUntraced(function* (options: Simulator.Options = {}) {
  const { simulator, user } = yield* world({ brokers: ["samco"], ...options })
  yield* add(simulator, user, { broker: "samco", method: "api-key", name: "mine" })
  const logins = Effect.map(
    simulator.journal("samco"),
    (entries) => entries.filter(({ endpoint }) => endpoint === "sessionToken").length
  )
  return { simulator, user, logins }
})
