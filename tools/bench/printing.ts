import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { run } from "../packages/process.ts"
import {
  type Bench,
  type Checkout,
  type Entrant,
  type Options,
  ownLabel,
  planOf,
  type Result,
  root,
  type TurnResult
} from "./harness.ts"
import { median, ratios, spread } from "./statistics.ts"

export const printTable = (rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    )
    console.log(`  ${cells.join("  ")}`)
  }
}

const versionOf = async (checkout: string, name: string): Promise<string> => {
  const file = path.join(checkout, "node_modules", name, "package.json")
  const { version } = JSON.parse(await fs.readFile(file, "utf8")) as { readonly version: string }
  return `${name} ${version}`
}

const commitOf = async ({ root }: Checkout): Promise<string> => {
  try {
    return (await run("git", ["describe", "--always", "--dirty"], { cwd: root })).trim()
  } catch {
    return "not a git checkout"
  }
}

export const printCheckouts = async (bench: Bench, checkouts: Iterable<Checkout>): Promise<void> => {
  for (const checkout of checkouts) {
    const versions = await Promise.all(
      bench.versions.map(async (name) => {
        const version = await versionOf(checkout.root, name).catch(() => `no ${name}`)
        return version === (await versionOf(root, name)) ? [] : [version]
      })
    )
    const title = checkout.label === ownLabel ? "ours" : `@${checkout.label}`
    console.log([`${title.padEnd(9)} ${checkout.root} at ${await commitOf(checkout)}`, ...versions.flat()].join(", "))
  }
}

export const machine = (): string => {
  const cpus = os.cpus()
  const memory = (os.totalmem() / 2 ** 30).toFixed(0)
  const load = os.loadavg()[0]?.toFixed(1)
  return `${cpus.length} × ${cpus[0]?.model.trim()}, ${memory} GiB, ${os.type()} ${os.release()}, load ${load}`
}

export const versionsOf = async (names: Iterable<string>): Promise<ReadonlyArray<string>> => [
  `Node ${process.versions.node}`,
  `built-in undici ${process.versions["undici"]}`,
  ...(await Promise.all(Array.from(names, (name) => versionOf(root, name))))
]

export const printMachine = async (bench: Bench): Promise<void> => {
  console.log(`machine   ${machine()}`)
  console.log(`versions  ${(await versionsOf(bench.versions)).join(", ")}`)
}

export const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`

export const figure = (value: number): string => (value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3))

type Field = "perSecond" | "cpuMicros"

/**
 * A twin runs the same candidate with the library of another checkout. The table compares rates, times and CPU times
 * with each baseline and with the twin. The table compares values from `notes` only with the twin.
 */
const printFigures = (bench: Bench, { figures, title, turn }: TurnResult, entrants: ReadonlyArray<Entrant>): void => {
  const isTime = bench.shows === "time"
  const of = (name: string, field: Field): ReadonlyArray<number> =>
    (figures.get(name) ?? []).map((measured) =>
      isTime && field === "perSecond" ? 1000 / measured.perSecond : measured[field]
    )
  const quotients = (name: string, base: string): ReadonlyArray<string> =>
    (["perSecond", "cpuMicros"] as const).flatMap((field) => {
      const values = ratios(of(name, field), of(base, field))
      return [median(values).toFixed(2), spread(values)]
    })
  const quotientHeadings = (base: string) => [`${isTime ? "time " : ""}÷ ${base}`, "spread", "CPU ÷", "spread"]

  const bases = bench.baselines.filter((base) => figures.has(base))
  const twins = new Set(entrants.map(({ twin }) => twin))
  const other = entrants.find(({ name }) => twins.has(name))?.checkout.label
  const headings = Array.from(
    new Set(Array.from(figures.values(), (measured) => Object.keys(measured[0]?.notes ?? {})).flat())
  )
  const notesOf = (name: string, heading: string): ReadonlyArray<number> =>
    (figures.get(name) ?? []).flatMap((measured) => measured.notes[heading] ?? [])
  const noteOf = (name: string, heading: string): string => {
    const values = notesOf(name, heading)
    return values.length === 0 ? "" : figure(median(values))
  }
  const noteRatioOf = ({ name, twin }: Entrant, heading: string): ReadonlyArray<string> => {
    const values = twin === undefined ? [] : ratios(notesOf(name, heading), notesOf(twin, heading))
    return values.length === 0 ? ["", ""] : [median(values).toFixed(2), spread(values)]
  }

  console.log(`\n${title}, ${plural(turn.count, bench.job)} a round`)
  const noteHeadings = headings.flatMap((heading) =>
    other === undefined ? [heading] : [heading, `÷ ${other}`, "spread"]
  )
  const noteCells = (entrant: Entrant) =>
    headings.flatMap((heading) => [
      noteOf(entrant.name, heading),
      ...(other === undefined ? [] : noteRatioOf(entrant, heading))
    ])
  if (bench.shows === "notes") {
    printTable([["", ...noteHeadings], ...entrants.map((entrant) => [entrant.title, ...noteCells(entrant)])])
    return
  }
  printTable([
    [
      "",
      isTime ? `ms a ${bench.job}` : `${bench.job}s/s`,
      "spread",
      isTime ? "CPU ms each" : "CPU µs each",
      "spread",
      ...bases.flatMap(quotientHeadings),
      ...(other === undefined ? [] : quotientHeadings(other)),
      ...noteHeadings
    ],
    ...entrants.map((entrant) => {
      const { name, title: entrantTitle, twin } = entrant
      const cpu = median(of(name, "cpuMicros"))
      return [
        entrantTitle,
        isTime ? figure(median(of(name, "perSecond"))) : median(of(name, "perSecond")).toFixed(0),
        spread(of(name, "perSecond")),
        figure(isTime ? cpu / 1000 : cpu),
        spread(of(name, "cpuMicros")),
        ...bases.flatMap((base) => quotients(name, base)),
        ...(other === undefined ? [] : twin === undefined ? ["", "", "", ""] : quotients(name, twin)),
        ...noteCells(entrant)
      ]
    })
  ])
}

/** A saturated server slows down only the fastest candidates. */
const printServer = (loads: ReadonlyMap<string, ReadonlyArray<number>>, entrants: ReadonlyArray<Entrant>): void => {
  const busiest = entrants
    .map(({ name, title }) => ({ title, recorded: loads.get(name) ?? [] }))
    // No load is recorded for turns that run one job at a time.
    .filter(({ recorded }) => recorded.length > 0)
    .map(({ recorded, title }) => ({ title, busy: median(recorded) }))
    .toSorted((one, other) => other.busy - one.busy)[0]
  if (busiest === undefined) return
  const verdict =
    busiest.busy < 0.8
      ? "it did not slow down any candidate"
      : "IT SLOWED DOWN THE FASTEST CANDIDATES: their rates are too low, but their CPU times are right"
  console.log(`\nserver: at most ${(100 * busiest.busy).toFixed(0)} % busy (with ${busiest.title}): ${verdict}`)
}

export const printResult = (
  bench: Bench,
  entrants: ReadonlyArray<Entrant>,
  { loads, rounds, server, turns }: Result,
  options: Options
): void => {
  const plan = planOf(bench, options.plan)
  const planned = options.rounds ?? plan.rounds
  if (server !== undefined) console.log(`server    ${server}`)
  const cut = rounds < planned ? ` of ${planned}, because the next round would probably exceed the time limit` : ""
  console.log(`rounds    ${rounds}${cut}; before them, each candidate ran ${plural(plan.warmUp, bench.job)} to warm up`)
  for (const turn of turns) printFigures(bench, turn, entrants)
  if (server !== undefined) printServer(loads, entrants)
}
