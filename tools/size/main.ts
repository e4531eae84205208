/** `npm run size`: compares the sizes of bundles and of installed packages with `budgets.json`. */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { stopAll } from "../packages/process.ts"
import { type Measured, measure } from "./bundle.ts"
import { type Budgets, overBudget, withSlack } from "./budgets.ts"
import { installedSizes } from "./packed.ts"
import { programs } from "./programs.ts"

const budgetFile = path.join(import.meta.dirname, "budgets.json")

const usage = `Usage: npm run size -- [program …] [option …]

Bundles programs with rolldown, minifies and compresses the bundles, measures the installed size of the packages, and
compares the sizes with tools/size/budgets.json. The run fails if a size is over its budget. If programs
are named, only these programs are measured, and no packages. The programs are: ${Object.keys(programs).join(", ")}

Options:
  --top <n>        shows the n largest modules that each program loads at its start. Default: 0
  --why <module>   shows the imports through which each program loads the module at its start, such as
                   --why effect/dist/Schema
  --write          sets the budgets to the measured sizes plus 2 percent, rounded up to a multiple of 100 bytes
  --help           prints this text`

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

const parse = () => {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        top: { type: "string", default: "0" },
        why: { type: "string" },
        write: { type: "boolean", default: false }
      }
    })
    const unknown = positionals.find((name) => !Object.hasOwn(programs, name))
    if (unknown !== undefined) return `There is no program "${unknown}".`
    if (!/^\d+$/.test(values.top)) return "--top must be a whole number."
    if (values.write && positionals.length > 0) return "--write needs all programs, so it accepts no names."
    return { ...values, top: Number(values.top), names: positionals }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const show = (name: string, measured: Measured, top: number, why: string | undefined): void => {
  const { later, modules, oneFile, own, total, unbundled } = measured
  console.log(
    `size: ${name.padEnd(14)}${kilobytes(total).padStart(8)}, of which ours ${kilobytes(own)}; loaded later ${kilobytes(later)}; if bundled into one file ${kilobytes(oneFile)}; without a bundler: ${unbundled.modules} modules, ${kilobytes(unbundled.bytes)}`
  )
  for (const { bytes, name: file, packedBytes } of modules.slice(0, top)) {
    console.log(`  ${String(packedBytes).padStart(6)} (${String(bytes).padStart(6)} not compressed)  ${file}`)
  }
  if (why === undefined) return
  const chain = measured.chainTo(why)
  console.log(chain === undefined ? `  ${why} is not loaded at the start.` : `  ${chain.join("\n    imports ")}`)
}

const measurePrograms = async (names: ReadonlyArray<string>, top: number, why: string | undefined) => {
  const sizes: Record<string, number> = {}
  for (const name of names) {
    const measured = await measure(programs[name]!)
    show(name, measured, top, why)
    sizes[name] = measured.total
  }
  return sizes
}

const measurePackages = async () => {
  const sizes = await installedSizes()
  for (const [name, bytes] of Object.entries(sizes)) {
    console.log(`size: package ${name.padEnd(10)}${kilobytes(bytes).padStart(9)}`)
  }
  return sizes
}

const main = async (): Promise<void> => {
  const parsed = parse()
  if (typeof parsed === "string") {
    console.error(`${parsed}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  if (parsed.help) return console.log(usage)
  const { names, top, why, write } = parsed
  const isWhole = names.length === 0
  const measured: Budgets = {
    programs: await measurePrograms(isWhole ? Object.keys(programs) : names, top, why),
    packages: isWhole ? await measurePackages() : {}
  }
  if (write) {
    fs.writeFileSync(budgetFile, `${JSON.stringify(withSlack(measured), null, 2)}\n`)
    return
  }
  const problems = overBudget(measured, JSON.parse(fs.readFileSync(budgetFile, "utf8")) as Budgets)
  if (problems.length === 0) return
  process.exitCode = 1
  console.error(["", ...problems].join("\n"))
  console.error(
    "To see which modules take the most space, run: npm run size -- NAME --top 30. If the growth is intended, run: npm run size -- --write"
  )
}

await main().finally(stopAll)
