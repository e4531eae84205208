/**
 * Real programs in trouble, and what came of it in numbers. A scenario says what it counted and what was wanted; the
 * run fails if one number is another.
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

/** One number, and whether it is the wanted one. */
export interface Row {
  readonly scenario: string
  /** What was tried: `angel, Redis`. */
  readonly title: string
  readonly what: string
  readonly found: string
  readonly wanted: string
  readonly verdict: "ok" | "WRONG" | "not run"
}

export interface Scenario {
  readonly summary: string
  /** What is broken when it is to fail. */
  readonly breaks: string
  /** Depends on how fast something is, and must have the machine for itself. */
  readonly alone?: true
  /** How long it may take, in seconds. */
  readonly seconds: Readonly<Record<Size, number>>
  readonly run: (torture: Torture) => Promise<void>
}

export type Size = "quick" | "full"

export interface Options {
  readonly size: Size
  readonly seed: number
  /** Runs with a part that is broken. */
  readonly broken: boolean
}

/** Counts for one thing that is tried. */
export interface Tally {
  readonly equal: (what: string, found: number, wanted: number) => void
  readonly atMost: (what: string, found: number, limit: number) => void
  readonly atLeast: (what: string, found: number, limit: number) => void
  /** Milliseconds. What the machine did not run us for is not counted. */
  readonly within: (what: string, found: number, limit: number) => Promise<void>
  /** For the reader only. */
  readonly note: (what: string, found: number | string) => void
}

/** An account at a broker of its own, with a place of its own. */
export interface Setup {
  /** What programs know it by. */
  readonly name: string
  readonly title: string
  readonly broker: Broker
  readonly place: Place
}

/** A program that was started: see `program.ts`. */
export interface Program {
  readonly pid: number
  readonly tell: (request: Request, limit?: number) => Promise<Outcome>
  readonly kill: () => Promise<void>
  readonly freeze: () => void
  readonly thaw: () => void
}

export interface Torture extends Options {
  readonly random: Random
  readonly pick: <A>(sizes: Readonly<Record<Size, A>>) => A
  /** Tries something, and counts what comes of it. What it throws is a wrong count. */
  readonly attempt: (title: string, run: (tally: Tally) => Promise<void>) => Promise<void>
  /** The same for several at once. */
  readonly each: (setups: ReadonlyArray<Setup>, run: (setup: Setup, tally: Tally) => Promise<void>) => Promise<void>
  /** One for each broker and each kind of place: programs have them all at once, so that they wait for them at once. */
  readonly setups: (options?: {
    readonly brokers?: ReadonlyArray<BrokerId>
    readonly places?: ReadonlyArray<Place["kind"]>
    /** Address of a Redis, in the place of one that all scenarios share. */
    readonly redis?: string
  }) => Promise<ReadonlyArray<Setup>>
  /** An empty folder. */
  readonly folder: () => string
  readonly programs: (count: number) => Promise<ReadonlyArray<Program>>
  /** A program in an environment of its own. */
  readonly special: (options: {
    readonly through?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
  }) => Promise<Program>
  readonly broker: (id: BrokerId) => Promise<Broker>
  /** A place where nothing is kept yet. */
  readonly place: (kind: Place["kind"]) => Promise<Place>
  /** A Redis for this scenario alone. */
  readonly redis: (keeps: "everything" | "nothing") => Promise<RedisServer>
  /** The key that all programs encrypt with, for the environment of others. */
  readonly key: string
  /** Where compiled code is kept for the next program. */
  readonly env: Readonly<Record<string, string>>
  readonly progress: (text: string) => void
  /** Runs at the end of the scenario, the newest first. */
  readonly defer: (run: () => unknown) => void
}

/** What this machine cannot do at all, whatever is installed on it. */
export class NotHere extends Error {}

const placeKinds = ["sqlite", "redis"] as const

const placeTitles: Readonly<Record<Place["kind"], string>> = { sqlite: "SQLite", redis: "Redis" }

const here = path.dirname(fileURLToPath(import.meta.url))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? ""

export const wait = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Looks until it is so, and tells how long that took, in milliseconds. */
export const waitUntil = async (what: string, isSo: () => Promise<boolean> | boolean, limit = 10_000) => {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > limit) throw new Error(`${what}: not within ${limit / 1000} s`)
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
    // Whoever waits for it hears that the program was killed. Nobody may.
    answer.catch(() => undefined)
    return answer
  },
  kill: peer.kill,
  freeze: () => process.kill(peer.pid, "SIGSTOP"),
  thaw: () => process.kill(peer.pid, "SIGCONT")
})

/** Programs that live on for the next scenario: starting one costs most of a second. */
const makePool = (scratch: string, env: Readonly<Record<string, string>>) => {
  const idle: Array<Peer> = []
  let isCompiled = false
  const start = (options: Parameters<Torture["special"]>[0] = {}) =>
    startPeer(path.join(here, "program.ts"), { cwd: scratch, ...options, env: { ...env, ...options.env } })

  const lend = async (count: number): Promise<ReadonlyArray<Peer>> => {
    const ready = idle.splice(0, count)
    while (ready.length < count) {
      // The first one compiles for all; then two at a time, as many as a small machine can start at once.
      const more = isCompiled ? Math.min(2, count - ready.length) : 1
      isCompiled = true
      ready.push(...(await Promise.all(Array.from({ length: more }, () => start()))))
    }
    return ready
  }

  /** Who does not answer is not lent again. */
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

/** What was tried at once is counted in any order. */
const byTitle = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const titles = Array.from(new Set(rows.map(({ title }) => title)))
  return titles.flatMap((title) => rows.filter((row) => row.title === title))
}

/** A scenario on its way. */
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
      const wanted = stood === 0 ? `≤ ${limit} ms` : `≤ ${limit} ms, and ${stood} ms of a machine that stood still`
      add(what, `${Math.round(found)} ms`, wanted, found <= limit + stood)
    },
    atLeast: (what, found, limit) => add(what, found, `≥ ${limit}`, found >= limit),
    note: (what, found) => add(what, found, "", true)
  }
}

/** What all scenarios of a run share. `scratch` is removed at the end. */
export const makeRunner = (options: Options, scratch: string, progress: (text: string) => void) => {
  // Of the scenario's name, too: which one begins first is not the seed's to say.
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
      // One wrong count is what a broken part is for.
      if (state.isOver || (options.broken && rows.some(({ verdict }) => verdict === "WRONG"))) return
      progress(`${name}: ${title}`)
      const before = stoodStill()
      const tally = makeTally(name, title, rows, async () => (await stoodStill()) - (await before))
      try {
        await run(tally)
      } catch (error) {
        const verdict = error instanceof NotHere ? "not run" : "WRONG"
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
    // What a broken part lets through need not wait for TOTP periods.
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

  /** Runs a scenario to its end, or to the end of its time, and gives what was counted. */
  const run = async (name: string, scenario: Scenario): Promise<ReadonlyArray<Row>> => {
    const course: Course = { rows: [], deferred: [], lent: [], state: { isOver: false } }
    const torture = makeTorture(name, course)
    const seconds = scenario.seconds[options.size]
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        course.state.isOver = true
        reject(new Error(`not done within ${seconds} s`))
      }, seconds * 1000)
    })
    await torture.attempt("", () => Promise.race([scenario.run(torture), tooLong]))
    clearTimeout(timer)
    // What still waits for a program of a scenario that was cut off must hear that it is gone.
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

/** A check that counts nothing would pass for ever. */
const nothingCounted: Row = {
  scenario: "",
  title: "",
  what: "nothing was counted",
  found: "0",
  wanted: "≥ 1",
  verdict: "WRONG"
}

/** Opens the session of an account in each program. */
export const openIn = async (programs: ReadonlyArray<Program>, setup: Setup, broken?: Broken): Promise<void> => {
  const outcomes = await Promise.all(programs.map((program) => tellOpen(program, setup, broken)))
  const failed = outcomes.find((outcome) => outcome !== undefined)
  if (failed !== undefined) throw new Error(`could not open: ${JSON.stringify(failed)}`)
}

/** The same for one, which may fail. */
export const tellOpen = (
  program: Program,
  { broker: { account, ahead, id, origin }, name, place }: Setup,
  broken?: Broken
): Promise<Outcome | undefined> =>
  program.tell({ do: "open", name, broker: id, origin, account, place, ahead: ahead(), broken })

/** Lets programs live in the broker's time. */
export const follow = async (programs: ReadonlyArray<Program>, { broker, name }: Setup): Promise<void> => {
  await Promise.all(programs.map((program) => program.tell({ do: "clock", name, ahead: broker.ahead() })))
}

/** One program that is there for sure. */
export const oneOf = async (programs: Promise<ReadonlyArray<Program>>): Promise<Program> => {
  const [program] = await programs
  if (program === undefined) throw new Error("there is no program")
  return program
}

/** Lets all programs ask at the same moment. */
export const askAtOnce = (
  programs: ReadonlyArray<Program>,
  name: string,
  call: "session" | "replace" = "session"
): Promise<ReadonlyArray<Outcome>> => {
  const at = Date.now() + 50
  return Promise.all(programs.map((program) => program.tell({ do: call, name, at }, 90_000)))
}

/** The different tokens among outcomes. */
export const tokensOf = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  Array.from(new Set(outcomes.flatMap((outcome) => (outcome._tag === "Session" ? [outcome.token] : []))))

export const failuresOf = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Outcome> =>
  outcomes.filter(({ _tag }) => _tag === "Failed")
