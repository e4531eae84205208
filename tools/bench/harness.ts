/**
 * Compares candidates that do the same job, each in its own process. In every round, the candidates run one after
 * another, so that a busy machine slows all of them equally.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { makeScratch, type Peer, startPeer, stopPeers } from "../interop/peer.ts"
import { certificate } from "./certificate.ts"
import { median } from "./statistics.ts"

export type Run = (turn: Turn) => Promise<void | Outcome>

export interface Outcome {
  /** Additional columns of the table. The keys are the headings. */
  readonly notes?: Readonly<Record<string, number>>
  /**
   * The totals of all jobs. They replace the measurements of `candidate.ts`. Set this field if each job is a process,
   * or if the run pauses before the jobs.
   */
  readonly jobs?: { readonly seconds: number; readonly cpuMicros: number }
  /** The durations of the jobs in milliseconds. */
  readonly latencies?: Float64Array
}

export interface Candidate {
  readonly title: string
  /**
   * Set if the candidate uses our library. With `--against`, the bench also runs a twin of this candidate. The twin
   * uses the library of another checkout.
   */
  readonly ours?: true
  readonly nodeArgs?: ReadonlyArray<string>
  /** Runs once, in the candidate's own process. If `Bench.programs` is set, `folder` contains the programs. */
  readonly prepare: (url: string, folder: string) => Promise<Run>
}

/** A part of a round, in which each candidate runs `count` jobs. */
export interface Turn {
  /** Default: the concurrency, such as `concurrency 64`. */
  readonly title?: string
  readonly concurrency: number
  readonly count: number
  /** Default: 1. */
  readonly requestsPerJob?: number
  readonly accounts?: number
  /**
   * A parameter of the run, such as the state of the session. With `timed`, the run records the duration of each job.
   */
  readonly variant?: string
}

export interface Measured {
  readonly perSecond: number
  /** User and system CPU time per job, in microseconds. */
  readonly cpuMicros: number
  readonly notes: Readonly<Record<string, number>>
}

export interface Plan {
  readonly rounds: number
  /**
   * Time limit for the bench with its warm-up. The first round always runs. A later round starts only if it will
   * probably end in time. With `--rounds`, the limit does not apply.
   */
  readonly seconds: number
  /** Number of jobs that each candidate runs before the measurement. */
  readonly warmUp: number
  readonly turns: ReadonlyArray<Turn>
}

export interface Bench {
  readonly summary: string
  readonly job: string
  /**
   * What the table shows. `rate`: jobs per second. `time`: milliseconds per job. `notes`: only the additional columns.
   * Default: `rate`.
   */
  readonly shows?: "rate" | "time" | "notes"
  /**
   * Writes to `folder` the programs that candidates start or measure. The programs use the library of the checkout
   * `root`.
   */
  readonly programs?: (root: string, folder: string) => Promise<void>
  /** The server of the bench, if any. `delay` is in milliseconds. */
  readonly answer?: { readonly delay: number; readonly tls?: true }
  readonly candidates: Readonly<Record<string, Candidate>>
  /** Names of candidates. The table compares every candidate with each baseline. */
  readonly baselines: ReadonlyArray<string>
  readonly plans: Readonly<Record<"quick" | "full", Plan>> & { readonly check?: Plan }
  /** Time-out of a turn. Default: 120. If set, the standard error of the candidates is printed. */
  readonly turnSeconds?: number
  /** If set, the bench runs only when the command names it. */
  readonly onlyByName?: true
  /** Packages whose versions are printed. */
  readonly versions: ReadonlyArray<string>
}

export interface Checkout {
  readonly root: string
  readonly label: string
}

export interface Entrant {
  /**
   * Unique in the run, such as `ours-node`. The name of a twin ends with the label of its checkout, such as
   * `ours-node@before`.
   */
  readonly name: string
  readonly title: string
  readonly script: string
  /** Path of the bench's file. */
  readonly file: string
  /** Name of the candidate in `file`. */
  readonly candidate: string
  readonly nodeArgs: ReadonlyArray<string>
  readonly checkout: Checkout
  /** A twin runs the same number of jobs as its candidate. */
  readonly turns: ReadonlyArray<Turn>
  /** Name of the twin: the same candidate with the library of the other checkout. A twin has no twin. */
  readonly twin: string | undefined
}

/** `check` is the plan of `npm run bench:check`. Only the benches in `kept.ts` have this plan. */
export type PlanName = "quick" | "full" | "check"

export const planOf = ({ plans }: Bench, name: PlanName): Plan => plans[name] ?? plans.quick

export const titleOf = ({ concurrency, title }: Turn): string => title ?? `concurrency ${concurrency}`

export interface Options {
  readonly plan: PlanName
  readonly rounds: number | undefined
  /** Folder for CPU profiles. */
  readonly profile: string | undefined
}

export const loops =
  (once: (index: number) => Promise<unknown>): Run =>
  async ({ concurrency, count, variant }) => {
    const latencies = variant === "timed" ? new Float64Array(count) : undefined
    let next = 0
    const loop = async () => {
      while (next < count) {
        const index = next++
        const began = latencies === undefined ? 0 : performance.now()
        await once(index)
        if (latencies !== undefined) latencies[index] = performance.now() - began
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, loop))
    return latencies && { latencies }
  }

const here = path.dirname(fileURLToPath(import.meta.url))

export const root = path.join(here, "../..")
/** The label of this checkout. Other checkouts have the name of their folder as the label. */
export const ownLabel = "."

/**
 * Returns the time for the slowest key divided by the median time. The time for a key is the shortest of three tries.
 */
export const slowestOf = async (keys: ReadonlyArray<string>, once: (key: string) => Promise<void>): Promise<number> => {
  const best = new Map<string, number>(keys.map((key) => [key, Infinity]))
  for (let tries = 0; tries < 3; tries++) {
    for (const key of keys) {
      const began = performance.now()
      await once(key)
      best.set(key, Math.min(best.get(key) ?? Infinity, performance.now() - began))
    }
  }
  const times = Array.from(best.values())
  return Math.max(...times) / median(times)
}

const progress = (text: string, milestone: boolean): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(76)}`)
  else if (milestone) process.stderr.write(`${text}\n`)
}

/** The results of one turn in all rounds, by the name of the entrant. */
export type Figures = ReadonlyMap<string, ReadonlyArray<Measured>>

export interface TurnResult {
  readonly turn: Turn
  readonly title: string
  readonly figures: Figures
}

export interface Result {
  readonly rounds: number
  readonly turns: ReadonlyArray<TurnResult>
  /** How busy the server was (`Load.busy`), by the name of the entrant. Turns without concurrent jobs are left out. */
  readonly loads: ReadonlyMap<string, ReadonlyArray<number>>
  /** `undefined` if the bench has no server. */
  readonly server: string | undefined
}

/** What the server did since the previous `server.call("load")`. */
interface Load {
  readonly requests: number
  /** The fraction of the time in which the server was busy. */
  readonly busy: number
}

/** Varies the order, so that a candidate does not always run after the same other candidate. */
export const orderOf = <A>(values: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const by = Math.floor(round / 2) % values.length
  const rotated = [...values.slice(by), ...values.slice(0, by)]
  return round % 2 === 0 ? rotated : rotated.toReversed()
}

/** In milliseconds. */
const turnLimit = ({ turnSeconds = 120 }: Bench): number => turnSeconds * 1000

/** Extends the time limit in proportion to the number of twins. */
const secondsOf = ({ seconds }: Plan, entrants: ReadonlyArray<Entrant>): number => {
  const twins = entrants.filter(({ twin }) => twin !== undefined).length
  return (seconds * entrants.length) / Math.max(1, entrants.length - twins)
}

const warmUps = ({ turns, warmUp }: Plan, own: ReadonlyArray<Turn>): ReadonlyArray<Turn> =>
  own.map((turn) => ({ ...turn, count: Math.ceil(warmUp / turns.length) }))

const start = async (bench: Bench, entrant: Entrant, url: string, scratch: string, options: Options) => {
  const { candidate, checkout, file, name, nodeArgs, script } = entrant
  const profile = options.profile === undefined ? undefined : path.resolve(options.profile, name)
  const peer = await startPeer(script, {
    cwd: scratch,
    args: [file, candidate, url, programsOf(checkout, scratch)],
    limit: turnLimit(bench),
    showsErrors: bench.turnSeconds !== undefined,
    ...(bench.answer?.tls && { env: { NODE_EXTRA_CA_CERTS: certificate.file } }),
    nodeArgs: [...nodeArgs, ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`])]
  })
  return { entrant, peer }
}

type Started = Awaited<ReturnType<typeof start>>

const programsOf = ({ label }: Checkout, scratch: string): string => path.join(scratch, `programs-${label}`)

const writePrograms = async ({ programs }: Bench, entrants: ReadonlyArray<Entrant>, scratch: string): Promise<void> => {
  if (programs === undefined) return
  for (const checkout of new Set(entrants.map((entrant) => entrant.checkout))) {
    progress(`build: ${checkout.root}`, true)
    const folder = programsOf(checkout, scratch)
    await fs.mkdir(folder)
    await programs(checkout.root, folder)
  }
}

interface Sample {
  readonly measured: Measured
  readonly busy: number
}

const takeTurn = async (
  bench: Bench,
  { entrant, peer }: Started,
  turn: Turn,
  server: Peer | undefined
): Promise<Sample> => {
  if (server === undefined) return { measured: await peer.call<Measured>(turn, turnLimit(bench)), busy: 0 }
  // Reopens connections that were closed during other turns. Benches with programs keep no connections.
  if (bench.programs === undefined)
    await peer.call({ ...turn, count: Math.max(32, turn.concurrency) }, turnLimit(bench))
  await server.call("load")
  const measured = await peer.call<Measured>(turn, turnLimit(bench))
  const { busy, requests } = await server.call<Load>("load")
  const expected = turn.count * (turn.requestsPerJob ?? 1)
  if (requests !== expected) {
    throw new Error(`${entrant.name}: the server received ${requests} of ${expected} requests`)
  }
  return { measured, busy }
}

const startServer = async ({ answer }: Bench, scratch: string) => {
  if (answer === undefined) return { server: undefined, url: "", title: undefined }
  const args = [String(answer.delay), ...(answer.tls === true ? ["tls"] : [])]
  const server = await startPeer(path.join(here, "server.ts"), { cwd: scratch, args })
  const { bytes, url } = await server.call<{ readonly url: string; readonly bytes: number }>("address")
  const delay = answer.delay === 0 ? "" : ` after ${answer.delay} ms`
  const tls = answer.tls === true ? " over TLS" : ""
  return { server, url, title: `a separate process on loopback, with answers of ${bytes} bytes${tls}${delay}` }
}

export const measure = async (bench: Bench, entrants: ReadonlyArray<Entrant>, options: Options): Promise<Result> => {
  const began = performance.now()
  const plan = planOf(bench, options.plan)
  const rounds = options.rounds ?? plan.rounds
  const scratch = makeScratch("bench")
  try {
    const { server, title: serverTitle, url } = await startServer(bench, scratch)
    await writePrograms(bench, entrants, scratch)
    const started: Array<Started> = []
    for (const entrant of entrants) {
      progress(`warm up: ${entrant.title}`, true)
      const one = await start(bench, entrant, url, scratch, options)
      for (const turn of warmUps(plan, entrant.turns)) await one.peer.call(turn, turnLimit(bench))
      started.push(one)
    }

    const figures = plan.turns.map(() => new Map<string, Array<Measured>>(entrants.map(({ name }) => [name, []])))
    const loads = new Map<string, Array<number>>(entrants.map(({ name }) => [name, []]))
    let round = 0
    for (let longest = 0; round < rounds; round += 1) {
      const roundBegan = performance.now()
      const late = round > 0 && roundBegan - began + longest > secondsOf(plan, entrants) * 1000
      if (late && options.rounds === undefined) break
      const title = `round ${round + 1} of ${rounds}`
      progress(title, true)
      for (const [index, planned] of plan.turns.entries()) {
        for (const one of orderOf(started, round)) {
          const { name, turns } = one.entrant
          const turn = turns[index] ?? planned
          progress(`${title}: ${one.entrant.title}, ${turn.title ?? `${turn.concurrency} at a time`}`, false)
          const { busy, measured } = await takeTurn(bench, one, turn, server)
          figures[index]?.get(name)?.push(measured)
          if (server !== undefined && turn.concurrency > 1) loads.get(name)?.push(busy)
        }
      }
      longest = Math.max(longest, performance.now() - roundBegan)
    }
    progress("", false)
    return {
      rounds: round,
      turns: plan.turns.map((turn, index) => ({ turn, title: titleOf(turn), figures: figures[index] ?? new Map() })),
      loads,
      server: serverTitle
    }
  } finally {
    await stopPeers()
  }
}
