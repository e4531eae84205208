/**
 * Compares candidates that do the same job. Each candidate has a separate process, so that its CPU time can be measured
 * separately. In every round, each candidate has its turn, so that a busy machine slows all candidates equally. The
 * result is the median of all rounds. Compare only ratios, because absolute times depend on the machine.
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { makeScratch, type Peer, startPeer, stopPeers } from "../interop/peer.ts"

/** Does the job `count` times. May return values for additional columns of the table, by column heading. */
export type Run = (turn: Turn) => Promise<void | Readonly<Record<string, number>>>

export interface Candidate {
  readonly title: string
  readonly nodeArgs?: ReadonlyArray<string>
  /** Prepares the candidate. It runs once, in the process of the candidate. */
  readonly prepare: (url: string) => Promise<Run>
}

export interface Turn {
  /** Title of the turn. Default: `concurrency` and its number. */
  readonly title?: string
  /** Number of jobs that run at the same time. */
  readonly concurrency: number
  /** Number of jobs. */
  readonly count: number
  /** Number of accounts. Each job uses one of them. */
  readonly accounts?: number
  /** A parameter of the bench, such as the state of the session. */
  readonly variant?: string
}

/** The result of one turn of one candidate. */
export interface Measured {
  /** Number of jobs for each second. */
  readonly perSecond: number
  /** User time and system time of the whole process for one job, in microseconds. */
  readonly cpuMicros: number
  /** Values of the additional columns, by column heading. */
  readonly notes: Readonly<Record<string, number>>
}

export interface Plan {
  readonly rounds: number
  /** Time limit in seconds. After the first round, a round does not start if it would probably exceed the limit. */
  readonly seconds: number
  /** Number of jobs that each candidate runs before the measurement, so that its code is compiled and optimized. */
  readonly warmUp: number
  readonly turns: ReadonlyArray<Turn>
}

export interface Bench {
  readonly summary: string
  /** Name of the job, such as `login`. */
  readonly job: string
  /** The name of the server's answer, and its delay in milliseconds. If absent, no server is started. */
  readonly answer?: { readonly body: string; readonly delay: number }
  readonly candidates: Readonly<Record<string, Candidate>>
  /** Names of candidates. The table shows the ratio of each candidate to these candidates. */
  readonly baselines: ReadonlyArray<string>
  readonly plans: Readonly<Record<"quick" | "full", Plan>>
  /** Packages whose versions are printed. */
  readonly versions: ReadonlyArray<string>
}

export interface Options {
  readonly quick: boolean
  readonly rounds: number | undefined
  /** Names of the candidates to run. If empty, all candidates run. */
  readonly only: ReadonlyArray<string>
  /** Folder to which CPU profiles are written. */
  readonly profile: string | undefined
}

/** Calls `once` for each job. As many loops as the concurrency call it at the same time. */
export const loops =
  (once: (index: number) => Promise<unknown>): Run =>
  async ({ concurrency, count }) => {
    let next = 0
    const loop = async () => {
      while (next < count) await once(next++)
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, loop))
  }

const here = path.dirname(fileURLToPath(import.meta.url))

const quantile = (values: ReadonlyArray<number>, at: number): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const position = (sorted.length - 1) * at
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  return low + (high - low) * (position - Math.floor(position))
}

const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** Interquartile range of the rounds, in per cent of the median. */
const spread = (values: ReadonlyArray<number>): string =>
  `${((100 * (quantile(values, 0.75) - quantile(values, 0.25))) / median(values)).toFixed(0)} %`

/**
 * Measures `once` for each key, and returns the time for the slowest key divided by the median time. The time for a key
 * is the shortest of three tries.
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

/** Returns the ratio for each round. Within a round, the load of the machine is about the same for all candidates. */
const ratios = (own: ReadonlyArray<number>, base: ReadonlyArray<number>): ReadonlyArray<number> =>
  own.map((value, round) => value / (base[round] ?? Number.NaN))

const printTable = (rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    )
    console.log(`  ${cells.join("  ")}`)
  }
}

const versionOf = async (name: string): Promise<string> => {
  const file = path.join(here, "../../node_modules", name, "package.json")
  const { version } = JSON.parse(await fs.readFile(file, "utf8")) as { readonly version: string }
  return `${name} ${version}`
}

const printMachine = async (bench: Bench): Promise<void> => {
  const cpus = os.cpus()
  const memory = (os.totalmem() / 2 ** 30).toFixed(0)
  const versions = await Promise.all(bench.versions.map(versionOf))
  console.log(
    `machine   ${cpus.length} × ${cpus[0]?.model.trim()}, ${memory} GiB, ${os.type()} ${os.release()}, load ${os.loadavg()[0]?.toFixed(1)}`
  )
  console.log(
    `versions  Node ${process.versions.node}, built-in undici ${process.versions["undici"]}, ${versions.join(", ")}`
  )
}

/** On a terminal, updates one line. Otherwise prints one line for each milestone, such as the start of a round. */
const progress = (text: string, milestone: boolean): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(76)}`)
  else if (milestone) process.stderr.write(`${text}\n`)
}

/** The results of all rounds of one turn, by the name of the candidate. */
type Figures = Map<string, Array<Measured>>

/** Formats a number with three digits, because more digits would not be significant. */
const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

const printFigures = (bench: Bench, turn: Turn, figures: Figures): void => {
  const bases = bench.baselines.filter((base) => figures.has(base))
  const title = turn.title ?? `concurrency ${turn.concurrency}`
  console.log(`\n${title}, ${turn.count} ${bench.job}s in each round`)
  const of = (name: string, field: "perSecond" | "cpuMicros") =>
    (figures.get(name) ?? []).map((measured) => measured[field])
  const notes = Array.from(
    new Set(Array.from(figures.values(), (measured) => Object.keys(measured[0]?.notes ?? {})).flat())
  )
  const noteOf = (name: string, heading: string): string => {
    const values = (figures.get(name) ?? []).flatMap((measured) => measured.notes[heading] ?? [])
    return values.length === 0 ? "" : figure(median(values))
  }
  const headings = bases.flatMap((base) => [`÷ ${base}`, "spread", `CPU ÷ ${base}`, "spread"])
  printTable([
    ["", `${bench.job}s/s`, "spread", `CPU µs/${bench.job}`, "spread", ...headings, ...notes],
    ...Array.from(figures.keys(), (name) => [
      bench.candidates[name]?.title ?? name,
      median(of(name, "perSecond")).toFixed(0),
      spread(of(name, "perSecond")),
      figure(median(of(name, "cpuMicros"))),
      spread(of(name, "cpuMicros")),
      ...bases.flatMap((base) =>
        (["perSecond", "cpuMicros"] as const).flatMap((field) => {
          const values = ratios(of(name, field), of(base, field))
          return [median(values).toFixed(2), spread(values)]
        })
      ),
      ...notes.map((heading) => noteOf(name, heading))
    ])
  ])
}

interface Load {
  readonly requests: number
  /** The fraction of the time for which the server was busy. */
  readonly busy: number
}

/**
 * Prints how busy the server was. A saturated server slows only the fastest candidates, so the measured ratios would be
 * wrong.
 */
const printServer = (loads: ReadonlyMap<string, ReadonlyArray<number>>, bench: Bench): void => {
  const busiest = Array.from(loads, ([name, parts]) => ({ name, busy: median(parts) })).toSorted(
    (one, other) => other.busy - one.busy
  )[0]
  if (busiest === undefined) return
  const title = bench.candidates[busiest.name]?.title ?? busiest.name
  const verdict =
    busiest.busy < 0.8
      ? "the server did not slow any candidate"
      : "THE SERVER SLOWED THE FASTEST CANDIDATES: their rates are too low, but their CPU times are correct"
  console.log(`\nserver: at most ${(100 * busiest.busy).toFixed(0)} % busy, with the candidate "${title}": ${verdict}`)
}

const rotate = <A>(values: ReadonlyArray<A>, by: number): ReadonlyArray<A> => [
  ...values.slice(by % values.length),
  ...values.slice(0, by % values.length)
]

/** Time-out of a turn, in milliseconds. */
const turnLimit = 120_000

/** Returns the turns of the warm-up. Every turn of the plan is included, with fewer jobs. */
const warmUps = ({ turns, warmUp }: Plan): ReadonlyArray<Turn> =>
  turns.map((turn) => ({ ...turn, count: Math.ceil(warmUp / turns.length) }))

const start = async (file: string, name: string, url: string, scratch: string, bench: Bench, options: Options) => {
  const profile = options.profile === undefined ? undefined : path.resolve(options.profile, name)
  const peer = await startPeer(path.join(here, "candidate.ts"), {
    cwd: scratch,
    args: [file, name, url],
    nodeArgs: [
      ...(bench.candidates[name]?.nodeArgs ?? []),
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`])
    ]
  })
  return { name, peer }
}

type Entrant = Awaited<ReturnType<typeof start>>

interface Sample {
  readonly measured: Measured
  readonly busy: number
}

const takeTurn = async ({ name, peer }: Entrant, turn: Turn, server: Peer | undefined): Promise<Sample> => {
  if (server === undefined) return { measured: await peer.call<Measured>(turn, turnLimit), busy: 0 }
  // Opens the candidate's connections again, because the server may have closed them during the turns of other
  // candidates.
  await peer.call({ ...turn, count: Math.max(32, turn.concurrency) }, turnLimit)
  await server.call("load")
  const measured = await peer.call<Measured>(turn, turnLimit)
  const { busy, requests } = await server.call<Load>("load")
  if (requests !== turn.count)
    throw new Error(`${name}: the server received ${requests} requests instead of ${turn.count}`)
  return { measured, busy }
}

const startServer = async ({ answer }: Bench, scratch: string) => {
  if (answer === undefined) return { server: undefined, url: "" }
  const args = [answer.body, String(answer.delay)]
  const server = await startPeer(path.join(here, "server.ts"), { cwd: scratch, args })
  const { bytes, url } = await server.call<{ readonly url: string; readonly bytes: number }>("address")
  const delay = answer.delay === 0 ? "" : ` after ${answer.delay} ms`
  console.log(`server    a separate process on loopback, with answers of ${bytes} bytes${delay}`)
  return { server, url }
}

/** Runs the bench and prints the results. */
export const compare = async (file: string, bench: Bench, options: Options): Promise<void> => {
  const began = performance.now()
  const plan = bench.plans[options.quick ? "quick" : "full"]
  const rounds = options.rounds ?? plan.rounds
  const names = Object.keys(bench.candidates).filter((name) => options.only.length === 0 || options.only.includes(name))
  const titleOf = (name: string) => bench.candidates[name]?.title ?? name
  const scratch = makeScratch("bench")
  try {
    await printMachine(bench)
    const { server, url } = await startServer(bench, scratch)
    const entrants = await Promise.all(names.map((name) => start(file, name, url, scratch, bench, options)))
    for (const { name, peer } of entrants) {
      progress(`warm up: ${titleOf(name)}`, true)
      for (const turn of warmUps(plan)) await peer.call(turn, turnLimit)
    }

    const figures = plan.turns.map((): Figures => new Map(names.map((name) => [name, []])))
    const loads = new Map<string, Array<number>>(names.map((name) => [name, []]))
    let round = 0
    for (let longest = 0; round < rounds; round += 1) {
      const roundBegan = performance.now()
      const late = round > 0 && roundBegan - began + longest > plan.seconds * 1000
      // The option --rounds disables the time limit.
      if (late && options.rounds === undefined) break
      const title = `round ${round + 1} of ${rounds}`
      progress(title, true)
      for (const [index, turn] of plan.turns.entries()) {
        for (const entrant of rotate(entrants, round)) {
          progress(`${title}: ${titleOf(entrant.name)}, ${turn.title ?? `concurrency ${turn.concurrency}`}`, false)
          const { busy, measured } = await takeTurn(entrant, turn, server)
          figures[index]?.get(entrant.name)?.push(measured)
          if (server !== undefined && turn.concurrency > 1) loads.get(entrant.name)?.push(busy)
        }
      }
      longest = Math.max(longest, performance.now() - roundBegan)
    }
    progress("", false)
    const cut = round < rounds ? ` of ${rounds}, because of the time limit` : ""
    console.log(`rounds    ${round}${cut}; before them, each candidate ran ${plan.warmUp} ${bench.job}s as a warm-up`)
    for (const [index, turn] of plan.turns.entries()) printFigures(bench, turn, figures[index] ?? new Map())
    if (server !== undefined) printServer(loads, bench)
  } finally {
    await stopPeers()
  }
}
