/**
 * Injects faults into real programs, and counts the results. By default, the run fails if a scenario finds a wrong
 * count. With the option --broken, each scenario also causes the fault that its `breaks` describes. The scenario must
 * then find a wrong count.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { type Peer, startPeer } from "../interop/peer.ts"
import { type RedisServer, startRedis } from "../redis/server.ts"
import { watchStalls } from "../stalls/stalls.ts"
import { type Broker, brokerIds, startBroker } from "./broker.ts"
import type { BrokerId, Broken, Outcome, Place, Request } from "./protocol.ts"
import { makeRandom, type Random } from "./random.ts"

export interface Row {
  readonly scenario: string
  /** Title of the case, such as `angel, Redis`. */
  readonly title: string
  readonly what: string
  readonly found: string
  readonly wanted: string
  /** `FAILED`: the case threw an error, or nothing was counted. */
  readonly verdict: "ok" | "WRONG" | "FAILED" | "not run"
}

export interface Scenario {
  readonly summary: string
  /** Describes the fault that the option --broken causes. */
  readonly breaks: string
  /** Set if no other scenario may run at the same time. */
  readonly alone?: true
  /** Time limit in seconds. */
  readonly seconds: Readonly<Record<Size, number>>
  readonly run: (torture: Torture) => Promise<void>
}

export type Size = "quick" | "full"

export interface Options {
  readonly size: Size
  readonly seed: number
  /** Set by the option --broken. */
  readonly broken: boolean
}

export interface Tally {
  readonly equal: (what: string, found: number, wanted: number) => void
  readonly atMost: (what: string, found: number, limit: number) => void
  readonly atLeast: (what: string, found: number, limit: number) => void
  /** In milliseconds. Adds the stall time of this process to the limit: see `stalls.ts`. */
  readonly within: (what: string, found: number, limit: number) => Promise<void>
  readonly note: (what: string, found: number | string) => void
}

/** An account with its own simulated broker and its own vault. */
export interface Setup {
  /** The name under which programs open the account's session. */
  readonly name: string
  readonly title: string
  readonly broker: Broker
  readonly place: Place
}

/** A process that runs `program.ts`. */
export interface Program {
  readonly pid: number
  /** Fails if the program does not answer within `limit` milliseconds. */
  readonly tell: (request: Request, limit?: number) => Promise<Outcome>
  readonly kill: () => Promise<void>
  readonly freeze: () => void
  readonly thaw: () => void
}

export interface Torture extends Options {
  readonly random: Random
  readonly pick: <A>(sizes: Readonly<Record<Size, A>>) => A
  /** If `run` throws `NotHere`, the case is recorded as `not run`. Any other error is recorded as `FAILED`. */
  readonly attempt: (title: string, run: (tally: Tally) => Promise<void>) => Promise<void>
  /** Calls `attempt` for all setups concurrently. */
  readonly each: (setups: ReadonlyArray<Setup>, run: (setup: Setup, tally: Tally) => Promise<void>) => Promise<void>
  /** Makes one setup for each pair of a broker and a kind of vault. */
  readonly setups: (options?: {
    readonly brokers?: ReadonlyArray<BrokerId>
    readonly places?: ReadonlyArray<Place["kind"]>
    /** Address of a Redis server. Default: the server that all scenarios share. */
    readonly redis?: string
  }) => Promise<ReadonlyArray<Setup>>
  readonly folder: () => string
  /** Starts programs, or reuses running programs. */
  readonly programs: (count: number) => Promise<ReadonlyArray<Program>>
  /** Starts a new program. The words of `through` stand before `node` in the command. */
  readonly special: (options: {
    readonly through?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
  }) => Promise<Program>
  readonly broker: (id: BrokerId) => Promise<Broker>
  readonly place: (kind: Place["kind"]) => Promise<Place>
  /** Starts a Redis server that only this scenario uses. */
  readonly redis: (keeps: "everything" | "nothing") => Promise<RedisServer>
  /** The encryption key of all programs: the value of `BROKER_AUTH_KEY`. */
  readonly key: string
  readonly env: Readonly<Record<string, string>>
  readonly progress: (text: string) => void
  /** Registers a function that runs after the scenario. The last registered function runs first. */
  readonly defer: (run: () => unknown) => void
}

/** Thrown by a case that cannot run on this machine, for example because the case needs Linux. */
export class NotHere extends Error {}

const placeKinds = ["sqlite", "redis"] as const

const placeTitles: Readonly<Record<Place["kind"], string>> = { sqlite: "SQLite", redis: "Redis" }

const here = path.dirname(fileURLToPath(import.meta.url))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? ""

export const wait = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Returns the elapsed milliseconds. Throws after `limit` milliseconds. */
export const waitUntil = async (what: string, isSo: () => Promise<boolean> | boolean, limit = 10_000) => {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > limit) throw new Error(`waited ${limit / 1000} s for ${what} without success`)
    await wait(2)
  }
  return performance.now() - began
}

const toProgram = (peer: Peer): Program => ({
  pid: peer.pid,
  tell: (request, limit) => {
    const answer = peer.call<Outcome>(request, limit).catch((error: unknown) => {
      throw new Error(`${request.do}: ${messageOf(error)}`, { cause: error })
    })
    // Prevents an unhandled rejection if the program is killed while no caller waits.
    answer.catch(() => undefined)
    return answer
  },
  kill: peer.kill,
  freeze: () => process.kill(peer.pid, "SIGSTOP"),
  thaw: () => process.kill(peer.pid, "SIGCONT")
})

/** Scenarios reuse programs, because the start of a program takes almost a second. */
const makePool = (scratch: string, env: Readonly<Record<string, string>>) => {
  const idle: Array<Peer> = []
  let isCompiled = false
  const start = (options: Parameters<Torture["special"]>[0] = {}) =>
    startPeer(path.join(here, "program.ts"), { cwd: scratch, ...options, env: { ...env, ...options.env } })

  const lend = async (count: number): Promise<ReadonlyArray<Peer>> => {
    const ready = idle.splice(0, count)
    while (ready.length < count) {
      // The first program starts alone, and fills the compile cache.
      const more = isCompiled ? Math.min(2, count - ready.length) : 1
      isCompiled = true
      ready.push(...(await Promise.all(Array.from({ length: more }, () => start()))))
    }
    return ready
  }

  const takeBack = async (peer: Peer): Promise<void> => {
    try {
      await peer.call({ do: "close" }, 3000)
      idle.push(peer)
    } catch {
      await peer.kill()
    }
  }

  const stop = async (): Promise<void> => {
    await Promise.all(idle.splice(0).map((peer) => peer.stop()))
  }

  return { start, lend, takeBack, stop }
}

/** Groups the counts by case, because concurrent cases add their counts in any order. */
const byTitle = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const titles = Array.from(new Set(rows.map(({ title }) => title)))
  return titles.flatMap((title) => rows.filter((row) => row.title === title))
}

interface Course {
  readonly rows: Array<Row>
  readonly deferred: Array<() => unknown>
  readonly lent: Array<Peer>
  readonly state: { isOver: boolean }
}

const makeTally = (scenario: string, title: string, rows: Array<Row>, stoodStill: () => Promise<number>): Tally => {
  const add = (what: string, found: number | string, wanted: string, isRight: boolean) =>
    void rows.push({ scenario, title, what, found: String(found), wanted, verdict: isRight ? "ok" : "WRONG" })
  return {
    equal: (what, found, wanted) => add(what, found, String(wanted), found === wanted),
    atMost: (what, found, limit) => add(what, found, `≤ ${limit}`, found <= limit),
    within: async (what, found, limit) => {
      const stood = Math.round(await stoodStill())
      const wanted = stood === 0 ? `≤ ${limit} ms` : `≤ ${limit} ms, plus ${stood} ms of stalls`
      add(what, `${Math.round(found)} ms`, wanted, found <= limit + stood)
    },
    atLeast: (what, found, limit) => add(what, found, `≥ ${limit}`, found >= limit),
    note: (what, found) => add(what, found, "", true)
  }
}

/** The runner's function `stop` ends all programs, and removes the folder `scratch`. */
export const makeRunner = (options: Options, scratch: string, progress: (text: string) => void) => {
  // Each scenario has its own seed, so other scenarios do not change its random numbers.
  const seedFor = (name: string): Buffer => createHash("sha256").update(`${options.seed} ${name}`).digest()
  const key = seedFor("key").toString("hex")
  const env = { BROKER_AUTH_KEY: key, NODE_COMPILE_CACHE: path.join(scratch, "compiled") }
  const pool = makePool(scratch, env)
  const stalls = watchStalls()
  const stoodStill = () => stalls.then(({ total }) => total())
  let shared: Promise<RedisServer> | undefined
  let places = 0

  const folder = () => fs.mkdtempSync(path.join(scratch, "place-"))

  const makeTorture = (name: string, { deferred, lent, rows, state }: Course): Torture => {
    const defer = (run: () => unknown) => void deferred.unshift(run)
    const attempt: Torture["attempt"] = async (title, run) => {
      if (state.isOver || (options.broken && rows.some(({ verdict }) => verdict === "WRONG"))) return
      progress(`${name}: ${title}`)
      const before = stoodStill()
      const tally = makeTally(name, title, rows, async () => (await stoodStill()) - (await before))
      try {
        await run(tally)
      } catch (error) {
        const verdict = error instanceof NotHere ? "not run" : "FAILED"
        rows.push({ scenario: name, title, what: firstLine(messageOf(error)), found: "", wanted: "", verdict })
      }
    }
    const broker = async (id: BrokerId) => {
      const started = await startBroker(id)
      defer(started.stop)
      return started
    }
    const place = async (kind: Place["kind"], redis?: string): Promise<Place> => {
      if (kind === "sqlite") return { kind, folder: folder() }
      if (redis === undefined) shared ??= startRedis()
      places += 1
      return { kind, url: redis ?? (await shared)?.url ?? "", prefix: `torture-${places}` }
    }
    // By default, --broken uses only Samco, because a login at Samco never waits for a new TOTP code.
    const usual: ReadonlyArray<BrokerId> = options.broken ? ["samco"] : brokerIds
    const setups: Torture["setups"] = async ({ brokers = usual, places = placeKinds, redis } = {}) => {
      const made: Array<Setup> = []
      for (const id of brokers) {
        for (const kind of places) {
          const title = `${id}, ${placeTitles[kind]}`
          await attempt(title, async () => {
            made.push({ name: `${id} ${kind}`, title, broker: await broker(id), place: await place(kind, redis) })
          })
        }
      }
      return made
    }
    return {
      ...options,
      random: makeRandom(seedFor(name).readUInt32LE()),
      pick: (sizes) => sizes[options.size],
      attempt,
      each: async (setups, run) => {
        await Promise.all(setups.map((setup) => attempt(setup.title, (tally) => run(setup, tally))))
      },
      setups,
      folder,
      programs: async (count) => {
        const peers = await pool.lend(count)
        lent.push(...peers)
        return peers.map(toProgram)
      },
      special: async (options) => {
        const peer = await pool.start(options)
        defer(peer.kill)
        return toProgram(peer)
      },
      broker,
      place,
      redis: async (keeps) => {
        const server = await startRedis({ keeps })
        defer(server.stop)
        return server
      },
      key,
      env,
      progress: (text) => progress(`${name}: ${text}`),
      defer
    }
  }

  const run = async (name: string, scenario: Scenario): Promise<ReadonlyArray<Row>> => {
    const course: Course = { rows: [], deferred: [], lent: [], state: { isOver: false } }
    const torture = makeTorture(name, course)
    const seconds = scenario.seconds[options.size]
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        course.state.isOver = true
        reject(new Error(`the scenario did not end within ${seconds} s`))
      }, seconds * 1000)
    })
    await torture.attempt("", () => Promise.race([scenario.run(torture), tooLong]))
    clearTimeout(timer)
    // After a time-out, the programs are killed, so that pending calls fail.
    await Promise.all(course.lent.map((peer) => (course.state.isOver ? peer.kill() : pool.takeBack(peer))))
    course.state.isOver = true
    const rows = byTitle(course.rows)
    for (const end of course.deferred) await Promise.resolve(end()).catch(() => undefined)
    return rows.length > 0 ? rows : [{ ...nothingCounted, scenario: name }]
  }

  const stop = async (): Promise<void> => {
    await Promise.all([pool.stop(), shared?.then((server) => server.stop()), stalls.then(({ stop }) => stop())])
    fs.rmSync(scratch, { recursive: true, force: true })
  }

  return { run, stop }
}

const nothingCounted: Row = {
  scenario: "",
  title: "",
  what: "nothing was counted",
  found: "0",
  wanted: "≥ 1",
  verdict: "FAILED"
}

export const openIn = async (programs: ReadonlyArray<Program>, setup: Setup, broken?: Broken): Promise<void> => {
  const outcomes = await Promise.all(programs.map((program) => tellOpen(program, setup, broken)))
  const failed = outcomes.find((outcome) => outcome !== undefined)
  if (failed !== undefined) throw new Error(`a program could not open its session: ${JSON.stringify(failed)}`)
}

/** Returns the failure if the vault fails, otherwise `undefined`. */
export const tellOpen = (
  program: Program,
  { broker: { account, ahead, id, origin }, name, place }: Setup,
  broken?: Broken
): Promise<Outcome | undefined> =>
  program.tell({ do: "open", name, broker: id, origin, account, place, ahead: ahead(), broken })

export const follow = async (programs: ReadonlyArray<Program>, { broker, name }: Setup): Promise<void> => {
  await Promise.all(programs.map((program) => program.tell({ do: "clock", name, ahead: broker.ahead() })))
}

export const oneOf = async (programs: Promise<ReadonlyArray<Program>>): Promise<Program> => {
  const [program] = await programs
  if (program === undefined) throw new Error("There is no program.")
  return program
}

export const askAtOnce = (
  programs: ReadonlyArray<Program>,
  name: string,
  call: "session" | "replace" = "session"
): Promise<ReadonlyArray<Outcome>> => {
  const at = Date.now() + 50
  return Promise.all(programs.map((program) => program.tell({ do: call, name, at }, 90_000)))
}

export const tokensOf = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  Array.from(new Set(outcomes.flatMap((outcome) => (outcome._tag === "Session" ? [outcome.token] : []))))

export const failuresOf = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Outcome> =>
  outcomes.filter(({ _tag }) => _tag === "Failed")
