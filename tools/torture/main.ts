/** `npm run torture`: runs real programs, injects faults such as kills and full disks, and checks the outcome. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { endPeersWithUs, stopPeers } from "../interop/peer.ts"
import { stopAll } from "../packages/process.ts"
import type { Scenario } from "./harness.ts"
import { runAll, type Scenarios } from "./run.ts"

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "scenarios")

const usage = (scenarios: Scenarios) => `Usage: npm run torture -- [option …]

Scenarios:
${scenarios.map(([name, { summary }]) => `  ${name.padEnd(18)}${summary}`).join("\n")}

Options:
  --quick         repeats each fault less often; the run takes less than a minute
  --seed <n>      makes the same random choices as the run that printed this seed
  --only <names>  runs only these scenarios, separated by commas
  --broken        breaks one part in each scenario; the scenario must detect the broken part:
${scenarios.map(([name, { breaks }]) => `                    ${name}: ${breaks}`).join("\n")}
  --details       prints each count of a scenario, with its expected value, on a separate line
  --help          prints this text

All servers listen on 127.0.0.1 or on a Unix socket. All files are temporary, and are removed at the end.`

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
        details: { type: "boolean", default: false },
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
  return /^\d+$/.test(given) && seed <= largestSeed ? seed : `--seed must be a whole number from 0 to ${largestSeed}.`
}

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text.slice(0, 100)}`)
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
  const unknown = only.find((name) => !scenarios.some(([known]) => known === name))
  if (unknown !== undefined) return refuse(`There is no scenario "${unknown}".`)
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
    const options = { size: values.quick ? ("quick" as const) : ("full" as const), seed, broken: values.broken }
    const output = { print: console.log, progress, details: values.details }
    if (!(await runAll(chosen, options, output))) process.exitCode = 1
  } finally {
    await Promise.all([stopPeers(), stopAll()])
  }
}

await main()
// Scenarios that exceeded their time limit can still have timers, which would prevent an exit.
process.exit()
