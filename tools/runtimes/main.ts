/** `npm run runtimes`: checks the packed packages on every runtime and with every compiler. See `--help`. */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { stopAll } from "../packages/process.ts"
import { root } from "../packages/workspace.ts"
import { chosenColumns, isChosen, type Outcome, type Result, runRow, textOf, withFolder } from "./cells.ts"
import { pagePath, pageText, resultTable } from "./page.ts"
import { makeProject } from "./project.ts"
import { closeBrowser, columns, compilers, type Row, rows, typeColumns } from "./runtimes.ts"

const allRows = [...rows, ...compilers]
const allColumns = { ...columns, ...typeColumns }

const usage = `Usage: npm run runtimes -- [option …]

Packs the packages, installs them from the tarballs, and checks them on every runtime and with every compiler. The
result is a table. Chromium must be installed. The checks also use the Node that runs this program, and the TypeScript
of this repository. All other runtimes and compilers are downloaded from npm.

Options:
  --only <names>  checks only these rows, columns and cells, separated by commas; the name of a cell is row/column
  --list          prints the names of the rows and the columns
  --write         also writes the table to ${pagePath}, if every cell was checked and none failed
  --help          prints this text

Exit codes: 0 if each cell is "yes", or is "no" for a known reason; 1 if a cell failed; 2 if the options are wrong; 3 if
no cell failed, but a cell was not run.`

const list = `Rows:
${allRows.map(({ name, title }) => `  ${name.padEnd(16)}${title}`).join("\n")}

Columns of the runtimes:
${Object.entries(columns)
  .map(([name, title]) => `  ${name.padEnd(16)}${title}`)
  .join("\n")}

Columns of the compilers:
${Object.entries(typeColumns)
  .map(([name, title]) => `  ${name.padEnd(16)}${title}`)
  .join("\n")}`

const isKnown = (name: string): boolean =>
  Object.keys(allColumns).includes(name) ||
  allRows.some((row) => row.name === name || row.columns.some((column) => `${row.name}/${column}` === name))

const parse = () => {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean", short: "h", default: false },
        list: { type: "boolean", default: false },
        only: { type: "string", default: "" },
        write: { type: "boolean", default: false }
      }
    })
    const only = values.only.split(",").filter((name) => name !== "")
    const unknown = only.find((name) => !isKnown(name))
    if (unknown !== undefined) return `There is no row, column or cell "${unknown}". --list prints the names.`
    if (values.write && only.length > 0) return "--write needs all cells: use it without --only."
    return { ...values, only }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const seconds = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`

const say = (line: string): void => console.log(`runtimes: ${line}`)

const check = async (only: ReadonlyArray<string>, folder: string) => {
  const began = performance.now()
  const project = await makeProject(folder)
  say(`packed and installed the packages (${seconds(began)})`)
  const runAll = async (some: ReadonlyArray<Row>): Promise<ReadonlyArray<Result>> => {
    const results: Array<Result> = []
    for (const row of some) {
      const chosen = chosenColumns(only, row)
      if (chosen.length === 0) continue
      const report = (column: string, outcome: Outcome, took: number) =>
        say(`${row.title}, ${allColumns[column as keyof typeof allColumns]}: ${textOf(outcome)} (${took.toFixed(1)} s)`)
      results.push(await runRow(row, chosen, project, report))
    }
    return results
  }
  return { runtimes: await runAll(rows), compilers: await runAll(compilers), effect: project.version("effect") }
}

const shown = (only: ReadonlyArray<string>, some: ReadonlyArray<Row>, titles: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(titles).filter(([column]) => some.some(({ name }) => isChosen(only, name, column))))

const main = async (): Promise<number> => {
  const parsed = parse()
  if (typeof parsed === "string") {
    console.error(`${parsed}\n\n${usage}`)
    return 2
  }
  if (parsed.help || parsed.list) {
    console.log(parsed.help ? usage : list)
    return 0
  }
  const began = performance.now()
  const { compilers: checkedTypes, effect, runtimes } = await withFolder((folder) => check(parsed.only, folder))
  const tables = [
    runtimes.length > 0 && resultTable("runtime", runtimes, shown(parsed.only, rows, columns)),
    checkedTypes.length > 0 && resultTable("compiler", checkedTypes, shown(parsed.only, compilers, typeColumns))
  ].filter((text) => text !== false)
  console.log(["", ...tables].join("\n\n"))

  const cells = [...runtimes, ...checkedTypes].flatMap(({ outcomes, row }) =>
    Array.from(outcomes, ([column, outcome]) => ({ name: `${row.name}/${column}`, outcome }))
  )
  for (const { name, outcome } of cells) {
    if (outcome.state !== "failed" && outcome.state !== "not run") continue
    console.log(`\n${name}: ${outcome.state}\n${outcome.reason.replaceAll(/^/gm, "  ")}`)
  }
  const count = (state: Outcome["state"]) => cells.filter(({ outcome }) => outcome.state === state).length
  say(
    `${count("yes")} yes, ${count("no")} no, ${count("failed")} failed, ${count("not run")} not run (${seconds(began)})`
  )
  if (count("failed") > 0) return 1
  if (count("not run") > 0) return 3
  if (parsed.write) {
    const text = pageText({
      date: new Date().toISOString().slice(0, 10),
      machine: `${process.platform} ${process.arch}`,
      effect,
      runtimes,
      columns,
      compilers: checkedTypes,
      typeColumns
    })
    fs.writeFileSync(path.join(root, pagePath), text)
    say(`wrote ${pagePath}`)
  }
  return 0
}

const end = async (code: number): Promise<never> => {
  await Promise.all([stopAll(), closeBrowser()])
  process.exit(code)
}
process.once("SIGINT", () => void end(130))
process.once("SIGTERM", () => void end(143))

await main().then(end, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return end(1)
})
