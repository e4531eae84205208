/** `npm run bench`: compares this library with other libraries on this machine. */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { fill } from "../docs/markdown.ts"
import { endPeersWithUs } from "../interop/peer.ts"
import { runTool } from "../packages/process.ts"
import { load, loadFile, type Named } from "./benches.ts"
import { keep, keptFile } from "./check.ts"
import { benchFile, entrantsOf, type Other, problemOf as problemOfCheckout, toCheckout, twinName } from "./entrants.ts"
import type { Results } from "./figures.ts"
import { type Bench, type Checkout, measure, type Options, type PlanName, type Result, root } from "./harness.ts"
import { pagePath, parts, plot, plotPath, targetTable, verdict } from "./page.ts"
import { machine, printCheckouts, printMachine, printResult, versionsOf } from "./printing.ts"

const usage = (benches: ReadonlyArray<Named>) => `Usage: npm run bench -- [bench …] [option …]

If you name no bench, all benches run, except those with a "*". The name "session" selects all benches whose names begin
with "session-".

Benches:
${benches.map(([name, { onlyByName, summary }]) => `  ${`${name}${onlyByName ? " *" : ""}`.padEnd(18)}${summary}`).join("\n")}

After the benches, the command prints which targets of the project are met.

Options:
  --quick           runs fewer rounds, in about half a minute for each bench, with less exact results
  --write           runs all benches without a "*", in about fifteen minutes. Writes ${pagePath}, ${plotPath} and
                    ${path.relative(root, keptFile)} (for npm run bench:check)
  --rounds <n>      runs this number of rounds
  --only <names>    runs only the named candidates. Separate the names by commas. The candidates of each bench:
${benches.map(([name, { candidates }]) => `                    ${name}: ${Object.keys(candidates).join(", ")}`).join("\n")}
  --against <dir>   compares with the library of another checkout of this repository. The checkout needs its own
                    node_modules. Each candidate that measures our library gets a twin, which measures the library of
                    the other checkout. The twin of the candidate "ours" is named "ours@dir", and is in the same table.
                    Usually, a twin runs the bench file of the other checkout, because the API may be different there.
                    But in benches that write programs (cli-start, cold-start, size), a twin runs the bench file of
                    this checkout.
  --profile <dir>   writes a CPU profile of each candidate
  --help            prints this text

Absolute times depend on the machine. Compare only ratios, and only ratios from the same run.`

const loadOther = async (checkout: Checkout, name: string): Promise<Other> => {
  const file = benchFile(checkout, name)
  return { checkout, bench: fs.existsSync(file) ? await loadFile(file) : undefined }
}

const parse = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        against: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
        only: { type: "string", default: "" },
        profile: { type: "string" },
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        write: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const selectedBy = (name: string, benches: ReadonlyArray<Named>): ReadonlyArray<Named> => {
  const own = benches.filter(([bench]) => bench === name)
  return own.length > 0 ? own : benches.filter(([bench]) => bench.startsWith(`${name}-`))
}

const namesOf = ({ candidates }: Bench, against: Checkout | undefined): ReadonlyArray<string> =>
  Object.entries(candidates).flatMap(([name, { ours }]) =>
    ours === true && against !== undefined ? [name, twinName(name, against)] : [name]
  )

const problemOf = (
  benches: ReadonlyArray<Named>,
  chosen: ReadonlyArray<string>,
  only: ReadonlyArray<string>,
  rounds: number | undefined,
  against: Checkout | undefined
): string | undefined => {
  const unknown = chosen.find((name) => selectedBy(name, benches).length === 0)
  if (unknown !== undefined) return `There is no bench "${unknown}".`
  const problem = against === undefined ? undefined : problemOfCheckout(against)
  if (problem !== undefined) return problem
  const candidates = benches.flatMap(([, bench]) => namesOf(bench, against))
  const stranger = only.find((name) => !candidates.includes(name))
  if (stranger !== undefined) return `There is no candidate "${stranger}".`
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0 && rounds <= 1000)) {
    return "--rounds must be a whole number from 1 to 1000."
  }
  return undefined
}

const write = async (
  benches: ReadonlyArray<Named>,
  results: Results,
  seconds: Map<string, number>,
  plan: PlanName
): Promise<void> => {
  console.log(`\nratios for ${path.relative(root, keptFile)}`)
  const began = performance.now()
  await keep(benches)
  seconds.set("bench:check", (performance.now() - began) / 1000)
  const date = new Date().toISOString().slice(0, 10)
  const versions = await versionsOf(new Set(benches.flatMap(([, bench]) => bench.versions)))
  const page = path.join(root, pagePath)
  const filled = Object.entries(parts({ date, machine: machine(), versions, plan, seconds }, results, benches)).reduce(
    (text, [part, content]) => fill(text, part, content),
    fs.readFileSync(page, "utf8")
  )
  const written = [
    [page, filled],
    [path.join(root, plotPath), plot(results, benches)]
  ] as const
  for (const [file, text] of written) fs.writeFileSync(file, text)
  await runTool("oxfmt/bin/oxfmt", [page], { cwd: root })
  console.log(
    `\n${verdict(results)}\nwritten: ${path.relative(root, keptFile)}, ${written.map(([file]) => path.relative(root, file)).join(", ")}`
  )
}

const main = async (): Promise<void> => {
  const benches = await load()
  const parsed = parse()
  if (typeof parsed !== "string" && parsed.values.help) {
    console.log(usage(benches))
    return
  }
  const refuse = (problem: string) => {
    console.error(`${problem}\n\n${usage(benches)}`)
    process.exitCode = 2
  }
  if (typeof parsed === "string") {
    refuse(parsed)
    return
  }
  const { positionals, values } = parsed
  const only = values.only.split(",").filter((name) => name !== "")
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  const plan: PlanName = values.quick ? "quick" : "full"
  const against = values.against === undefined ? undefined : toCheckout(values.against)
  const problem = problemOf(benches, positionals, only, rounds, against)
  if (problem !== undefined) {
    refuse(problem)
    return
  }
  if (values.write && [...positionals, ...only, values.against, values.profile].some((value) => value !== undefined)) {
    refuse("--write needs all benches and candidates: use it without names, --only, --against and --profile.")
    return
  }
  const named = new Set(positionals.flatMap((name) => selectedBy(name, benches)))
  const chosen = benches.filter((bench) => (positionals.length > 0 ? named.has(bench) : bench[1].onlyByName !== true))
  if (positionals.length === 0)
    console.log(`benches: ${chosen.map(([name]) => name).join(", ")} (--help describes them)`)
  endPeersWithUs()
  const results = new Map<string, Result>()
  const seconds = new Map<string, number>()
  for (const [name, bench] of chosen) {
    const other = against === undefined ? undefined : await loadOther(against, name)
    const { entrants, missing } = entrantsOf(name, bench, { only, plan }, other)
    if (entrants.length === 0 && missing.length === 0) continue
    console.log(`\n${name}: ${bench.summary}`)
    if (missing.length > 0)
      console.log(
        `missing   ${missing.join(", ")}: the other checkout does not have the candidate, or measures it with other numbers of turns, accounts or concurrent jobs`
      )
    if (entrants.length === 0) continue
    const began = performance.now()
    const options: Options = {
      profile: values.profile === undefined ? undefined : path.resolve(values.profile, name),
      plan,
      rounds
    }
    await printMachine(bench)
    await printCheckouts(bench, new Set(entrants.map(({ checkout }) => checkout)))
    const result = await measure(bench, entrants, options)
    results.set(name, result)
    printResult(bench, entrants, result, options)
    const took = (performance.now() - began) / 1000
    seconds.set(name, took)
    console.log(
      `\nspread: interquartile range of the rounds, as a percentage of the median.\n` +
        `CPU: user and system time of the process. ÷: ratio to the named candidate or checkout (median of all rounds). The bench took ${took.toFixed(0)} s.`
    )
  }
  const measured = targetTable(results, "measured")
  if (measured !== "") console.log(`\ntargets (medians and quartiles of the rounds)\n\n${measured}`)
  if (values.write) await write(chosen, results, seconds, plan)
}

await main()
