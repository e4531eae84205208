/** Runs the checks on runtimes and with compilers, and formats the outcomes. Each check fills one cell of a table. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { within } from "./child.ts"
import type { Project } from "./project.ts"
import type { Ready, Row } from "./runtimes.ts"

export type Outcome =
  | { readonly state: "yes" }
  /** The check cannot pass on this runtime, for a known reason. */
  | { readonly state: "no"; readonly reason: string }
  | { readonly state: "failed"; readonly reason: string }
  /** The runtime or the compiler could not be prepared. */
  | { readonly state: "not run"; readonly reason: string }

export interface Result {
  readonly row: Row
  readonly version: string
  /** Columns that were not chosen are absent. */
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/** A choice of rows, columns and cells, such as `["bun", "deno/node"]`. An empty list chooses everything. */
export type Only = ReadonlyArray<string>

export const isChosen = (only: Only, row: string, column: string): boolean =>
  only.length === 0 || [row, column, `${row}/${column}`].some((name) => only.includes(name))

export const chosenColumns = (only: Only, { columns, name }: Row): ReadonlyArray<string> =>
  columns.filter((column) => isChosen(only, name, column))

/** Omits the reason for a failed check. This reason can have several lines, and is printed below the table. */
export const textOf = (outcome: Outcome): string => {
  if (outcome.state === "yes" || outcome.state === "failed") return outcome.state
  const [first = ""] = outcome.reason.split("\n")
  return `${outcome.state}: ${first}`
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const linesKept = 20

const lastLines = (error: unknown): string => messageOf(error).trimEnd().split("\n").slice(-linesKept).join("\n")

/** Time limit for the preparation of a row, such as a download, in milliseconds. */
const downloadLimit = 300_000

const atOnce = Math.max(2, os.availableParallelism())

const runCell = async (row: Row, ready: Ready, column: string, project: Project): Promise<Outcome> => {
  const known = row.impossible?.[column]
  try {
    await within(ready.check(column, project))
    if (known === undefined) return { state: "yes" }
    return { state: "failed", reason: `The check passed, but it was expected to fail: ${known.reason}` }
  } catch (error) {
    return known?.error?.test(messageOf(error)) === true
      ? { state: "no", reason: known.reason }
      : { state: "failed", reason: lastLines(error) }
  }
}

/** If the row cannot be prepared, `report` gets the seconds that the preparation took. */
export const runRow = async (
  row: Row,
  chosen: ReadonlyArray<string>,
  project: Project,
  report: (column: string, outcome: Outcome, seconds: number) => void
): Promise<Result> => {
  const outcomes = new Map<string, Outcome>()
  const settle = (column: string, outcome: Outcome, began: number) => {
    outcomes.set(column, outcome)
    report(column, outcome, (performance.now() - began) / 1000)
  }
  const possible: Array<string> = []
  for (const column of chosen) {
    const known = row.impossible?.[column]
    if (known === undefined || known.error !== undefined) possible.push(column)
    else settle(column, { state: "no", reason: known.reason }, performance.now())
  }
  const began = performance.now()
  const ready = await within(row.prepare(), downloadLimit).catch((error: unknown) => ({ reason: lastLines(error) }))
  if ("reason" in ready) {
    for (const column of possible) settle(column, { state: "not run", reason: ready.reason }, began)
    return { row, version: "", outcomes }
  }
  const waiting = [...possible]
  const work = async (): Promise<void> => {
    for (let column = waiting.shift(); column !== undefined; column = waiting.shift()) {
      const start = performance.now()
      settle(column, await runCell(row, ready, column, project), start)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { row, version: ready.version, outcomes }
}

export const withFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-runtimes-"))
  try {
    return await use(folder)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
