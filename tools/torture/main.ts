/** `npm run torture`: real programs that are killed, stopped, crowded and starved, and what came of it in numbers. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs, styleText } from "node:util"
import { endPeersWithUs, makeScratch, stopPeers } from "../interop/peer.ts"
import { stopAll } from "../packages/process.ts"
import { makeRunner, type Options, type Row, type Scenario } from "./harness.ts"

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "scenarios")

type Scenarios = ReadonlyArray<readonly [string, Scenario]>

const usage = (scenarios: Scenarios) => `Usage: npm run torture -- [option …]

Scenarios:
${scenarios.map(([name, { summary }]) => `  ${name.padEnd(18)}${summary}`).join("\n")}

Options:
  --quick         fewer of everything: less than a minute
  --seed <n>      repeats what chance did in an earlier run
  --only <names>  only these scenarios, separated by commas
  --broken        breaks a part for each scenario, and fails unless the scenario notices:
${scenarios.map(([name, { breaks }]) => `                    ${name}: ${breaks}`).join("\n")}
  --help          this text

Everything runs on 127.0.0.1 and in temporary folders, and is gone at the end.`

const load = async (): Promise<Scenarios> => {
  const files = (await fs.readdir(folder)).filter((file) => file.endsWith(".ts")).toSorted()
  return Promise.all(
    files.map(async (file) => {
      const { scenario } = (await import(pathToFileURL(path.join(folder, file)).href)) as {
        readonly scenario: Scenario
      }
      return [path.basename(file, ".ts"), scenario] as const
    })
  )
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        broken: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        only: { type: "string", default: "" },
        quick: { type: "boolean", default: false },
        seed: { type: "string" }
      }
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const largestSeed = 2 ** 32 - 1

const seedOf = (given: string | undefined): number | string => {
  if (given === undefined) return Math.floor(Math.random() * (largestSeed + 1))
  const seed = Number(given)
  return /^\d+$/.test(given) && seed <= largestSeed ? seed : `--seed wants a number from 0 to ${largestSeed}.`
}

/** On a terminal one line that changes, elsewhere nothing but the results. */
const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text.slice(0, 100)}`)
}

const columns = ["scenario", "title", "what", "found", "wanted", "verdict"] as const
const heads: Row = {
  scenario: "scenario",
  title: "tried",
  what: "counted",
  found: "found",
  wanted: "wanted",
  verdict: "" as "ok"
}

const paint = (row: Row, line: string): string => {
  if (row.verdict === "WRONG") return styleText("red", line)
  return row.verdict === "not run" ? styleText("yellow", line) : line
}

const printTable = (rows: ReadonlyArray<Row>): void => {
  const widths = columns.map((column) => Math.max(...[heads, ...rows].map((row) => row[column].length)))
  for (const row of [heads, ...rows]) {
    const cells = columns.map((column, index) => row[column].padEnd(widths[index] ?? 0))
    console.log(paint(row, `  ${cells.join("  ")}`.trimEnd()))
  }
}

const verdictOf = (rows: ReadonlyArray<Row>): string => {
  const of = (verdict: Row["verdict"]) => rows.filter((row) => row.verdict === verdict).length
  const notRun = of("not run")
  return `${of("ok")} right, ${of("WRONG")} wrong${notRun === 0 ? "" : `, ${notRun} not run`}`
}

/** With a broken part a scenario is right if it finds that something is wrong. */
const isRight = (rows: ReadonlyArray<Row>, { broken }: Options): boolean => {
  const isWrong = rows.some(({ verdict }) => verdict === "WRONG")
  return broken ? isWrong || rows.every(({ verdict }) => verdict === "not run") : !isWrong
}

const runAll = async (scenarios: Scenarios, options: Options): Promise<void> => {
  const again = `${options.size === "quick" ? "--quick " : ""}--seed ${options.seed}`
  console.log(`torture: ${options.size} run, repeated by ${again}${options.broken ? ", with broken parts" : ""}`)
  const runner = makeRunner(options, makeScratch("torture"), progress)
  const all: Array<Row> = []
  const began = performance.now()
  for (const [index, [name, scenario]] of scenarios.entries()) {
    const start = performance.now()
    const rows = await runner.run(name, scenario)
    all.push(...rows)
    const right = isRight(rows, options)
    if (!right) process.exitCode = 1
    const took = ((performance.now() - start) / 1000).toFixed(1)
    progress("")
    const broke = options.broken ? ` (${scenario.breaks})` : ""
    console.log(
      `${right ? "ok    " : "FAILED"} ${index + 1}/${scenarios.length} ${name}${broke}: ${verdictOf(rows)} (${took} s)`
    )
  }
  console.log("")
  printTable(options.broken ? all.filter(({ verdict }) => verdict !== "ok") : all)
  console.log(`\n${verdictOf(all)}, in ${((performance.now() - began) / 1000).toFixed(0)} s; ${again}`)
  await runner.stop()
}

const main = async (): Promise<void> => {
  const scenarios = await load()
  const values = parse()
  const refuse = (problem: string) => {
    console.error(`${problem}\n\n${usage(scenarios)}`)
    process.exitCode = 2
  }
  if (typeof values === "string") return refuse(values)
  if (values.help) return console.log(usage(scenarios))
  const only = values.only.split(",").filter((name) => name !== "")
  const stranger = only.find((name) => !scenarios.some(([known]) => known === name))
  if (stranger !== undefined) return refuse(`There is no scenario "${stranger}".`)
  const seed = seedOf(values.seed)
  if (typeof seed === "string") return refuse(seed)
  endPeersWithUs()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stopAll())
  process.once("uncaughtException", (error) => {
    console.error(error)
    void Promise.all([stopPeers(), stopAll()]).finally(() => process.exit(1))
  })
  const chosen = scenarios.filter(([name]) => only.length === 0 || only.includes(name))
  try {
    await runAll(chosen, { size: values.quick ? "quick" : "full", seed, broken: values.broken })
  } finally {
    await Promise.all([stopPeers(), stopAll()])
  }
}

await main()
// What was cut off may still wait for something.
process.exit()
