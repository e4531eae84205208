/** Runs a program of `examples` as a child process, against a simulator in this process. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Broker } from "@auth/broker-core/broker/Broker"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { start, stop } from "../packages/process.ts"

/** Time limit of each wait for an example, in milliseconds. */
const timeout = 30_000

export interface Place {
  readonly folder: string
  /** With these arguments, Node finds the packages that the examples import. */
  readonly nodeArgs: ReadonlyArray<string>
}

export interface Running {
  /** Waits until the output matches the pattern. Returns the first group, or the whole match if there is no group. */
  readonly prints: (pattern: RegExp) => Promise<string>
  readonly type: (line: string) => void
  readonly ends: () => Promise<void>
}

export type Variables = Readonly<Record<string, string>>

export interface World {
  readonly simulator: Simulator.Simulator["Service"]
  /** The simulator's address for each origin of a broker. A scenario of `scenarios.ts` can replace an address. */
  readonly origins: Record<string, string>
  readonly start: (command: string, variables: Variables) => Running
  /** Returns the endpoints of the requests since the last call to `sent` or `forget`. */
  readonly sent: () => Promise<ReadonlyArray<string>>
  /** Advances the clock to a later TOTP period, for the brokers and for the examples that start later. */
  readonly wait: () => Promise<void>
  /** Resets the brokers to `seed` and removes their sessions. Advances the clock to a later TOTP period. */
  readonly forget: (seed?: object) => Promise<void>
}

export const variablesOf = ({ methods }: Broker, account: object): Variables =>
  Object.fromEntries(
    methods.flatMap(({ credentials }) =>
      Object.entries(credentials).flatMap(([field, { env }]) => {
        const value = (account as Variables)[field === "totp" ? "totpSecret" : field]
        return typeof value === "string" ? [[env, value]] : []
      })
    )
  )

const startIn = (
  { folder, nodeArgs }: Place,
  command: string,
  variables: Variables
): { readonly running: Running; readonly stop: () => Promise<void> } => {
  const [file = "", ...args] = command.split(" ")
  const preload = path.join(folder, "preload.ts")
  const imports = ["--import", fs.existsSync(preload) ? preload : path.join(import.meta.dirname, "preload.ts")]
  const own = path.join(folder, file)
  const program = fs.existsSync(own) ? own : path.join(import.meta.dirname, file)
  const child = start(process.execPath, [...nodeArgs, ...imports, program, ...args], {
    cwd: folder,
    input: true,
    env: { ...variables, NO_COLOR: "1" }
  })
  let printed = ""
  const listeners = new Set<() => void>()
  const keep = (chunk: Buffer) => {
    printed += chunk.toString()
    for (const listener of listeners) listener()
  }
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  let end: number | string | undefined
  child.once("close", (code, signal) => {
    end = code ?? signal ?? "unknown"
    for (const listener of listeners) listener()
  })
  const until = <A>(what: string, read: () => A | undefined): Promise<A> =>
    new Promise((resolve, reject) => {
      const settle = (done: () => void) => {
        listeners.delete(check)
        clearTimeout(timer)
        done()
      }
      const failed = (why: string) => settle(() => reject(new Error(`${command} ${why}\n${printed}`.trim())))
      const check = () => {
        const found = read()
        if (found !== undefined) settle(() => resolve(found))
        else if (end !== undefined) failed(`ended with ${end} before it ${what}`)
      }
      const timer = setTimeout(() => failed(`never ${what}`), timeout)
      listeners.add(check)
      check()
    })
  return {
    stop: () => stop(child),
    running: {
      prints: (pattern) =>
        until(`printed ${String(pattern)}`, () => {
          const found = pattern.exec(printed)
          return found === null ? undefined : (found[1] ?? found[0])
        }),
      type: (line) => void child.stdin?.write(`${line}\n`),
      ends: async () => {
        await until("ended", () => end)
        assert.equal(end, 0, `${command} ended with ${end}\n${printed}`)
      }
    }
  }
}

/** Returns how many times `play` started an example. */
export const inWorld = (place: Place, play: (world: World) => Promise<void>): Promise<number> => {
  const home = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-examples-"))
  const stops: Array<() => Promise<void>> = []
  const program = Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const origins = { ...simulator.origins }
    let ahead = 0
    let known = 0
    // In milliseconds: one second longer than a TOTP period.
    const period = 31_000
    const world: World = {
      simulator,
      origins,
      start: (command, variables) => {
        const started = startIn(place, command, {
          XDG_STATE_HOME: home,
          BROKER_AUTH_KEY: "00112233".repeat(8),
          EXAMPLES_ORIGINS: JSON.stringify(origins),
          EXAMPLES_AHEAD: String(ahead),
          ...variables
        })
        stops.push(started.stop)
        return started.running
      },
      sent: async () => {
        const entries = await Effect.runPromise(simulator.journal())
        const added = entries.slice(known).map(({ endpoint }) => endpoint)
        known = entries.length
        return added
      },
      wait: async () => {
        ahead += period
        await Effect.runPromise(simulator.advance(period))
      },
      forget: async (seed = { brokers: {} }) => {
        ahead += period
        // `simulator.seed` resets the clock.
        await Effect.runPromise(Effect.andThen(simulator.seed(seed), simulator.advance(ahead)))
        known = 0
      }
    }
    yield* Effect.promise(() => play(world))
    return stops.length
  })
  return Effect.runPromise(Effect.scoped(program)).finally(async () => {
    await Promise.all(stops.map((end) => end()))
    fs.rmSync(home, { recursive: true, force: true })
  })
}
