/** `npm run bench`: compares the speed of candidates on this machine. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { endPeersWithUs } from "../interop/peer.ts"
import { benchFile, entrantsOf, type Other, problemOf as problemOfCheckout, toCheckout, twinName } from "./entrants.ts"
import { type Bench, type Checkout, measure, type Options, type PlanName } from "./harness.ts"
import { printCheckouts, printMachine, printResult } from "./printing.ts"

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "benches")

const usage = (benches: ReadonlyArray<readonly [string, Bench]>) => `Usage: npm run bench -- [bench …] [option …]

Benches (default: all; "session" selects all benches whose names begin with "session-"):
${benches.map(([name, { summary }]) => `  ${name.padEnd(18)}${summary}`).join("\n")}

Options:
  --quick           runs fewer rounds, in half a minute, with less exact results
  --rounds <n>      runs this number of rounds
  --only <names>    runs only these candidates, separated by commas:
${benches.map(([name, { candidates }]) => `                    ${name}: ${Object.keys(candidates).join(", ")}`).join("\n")}
  --against <dir>   another checkout of this repository, with its node_modules. Each candidate that measures our
                    library gets a twin with the library of that checkout, such as ours@dir, in the same table.
                    A twin runs the bench file of that checkout, so the library may have other names there.
  --profile <dir>   writes a CPU profile of each candidate
  --help            prints this text

Absolute times depend on the machine. Compare only ratios, and only ratios from the same run.`

const loadFile = async (file: string): Promise<Bench> => {
  const { bench } = (await import(pathToFileURL(file).href)) as { readonly bench: Bench }
  return bench
}

const load = async (): Promise<ReadonlyArray<readonly [string, Bench]>> => {
  const files = (await fs.readdir(folder)).filter((file) => file.endsWith(".ts")).toSorted()
  return Promise.all(
    files.map(async (file) => [path.basename(file, ".ts"), await loadFile(path.join(folder, file))] as const)
  )
}

/** Loads the bench `name` of another checkout, if that checkout has it. */
const loadOther = async (checkout: Checkout, name: string): Promise<Other> => {
  const file = benchFile(checkout, name)
  const exists = await fs.access(file).then(
    () => true,
    () => false
  )
  return { checkout, bench: exists ? await loadFile(file) : undefined }
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
        rounds: { type: "string" }
      }
    })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Whether a name selects a bench. `session` selects `session-fiber`, `session-promise` and so on. */
const isOf = (bench: string, name: string): boolean => bench === name || bench.startsWith(`${name}-`)

/** Names that `--only` accepts. */
const namesOf = ({ candidates }: Bench, against: Checkout | undefined): ReadonlyArray<string> =>
  Object.entries(candidates).flatMap(([name, { ours }]) =>
    ours === true && against !== undefined ? [name, twinName(name, against)] : [name]
  )

const problemOf = (
  benches: ReadonlyArray<readonly [string, Bench]>,
  chosen: ReadonlyArray<string>,
  only: ReadonlyArray<string>,
  rounds: number | undefined,
  against: Checkout | undefined
): string | undefined => {
  const unknown = chosen.find((name) => !benches.some(([known]) => isOf(known, name)))
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
  if (positionals.length === 0)
    console.log(`benches: ${benches.map(([name]) => name).join(", ")} (--help describes them)`)
  endPeersWithUs()
  for (const [name, bench] of benches) {
    if (positionals.length > 0 && !positionals.some((chosen) => isOf(name, chosen))) continue
    const other = against === undefined ? undefined : await loadOther(against, name)
    const { entrants, missing } = entrantsOf(name, bench, { only, plan }, other)
    if (entrants.length === 0) continue
    console.log(`\n${name}: ${bench.summary}`)
    if (missing.length > 0)
      console.log(
        `missing   ${missing.join(", ")}: the other checkout does not have the same candidate with the same turns`
      )
    const began = performance.now()
    const options: Options = {
      profile: values.profile === undefined ? undefined : path.resolve(values.profile, name),
      plan,
      rounds
    }
    await printMachine(bench)
    await printCheckouts(bench, new Set(entrants.map(({ checkout }) => checkout)))
    const result = await measure(bench, entrants, options)
    printResult(bench, entrants, result, options)
    console.log(
      `\nspread: interquartile range of the rounds, in per cent of the median. CPU: user and system time of the process.\n` +
        `÷: median of the ratios of all rounds. The bench took ${((performance.now() - began) / 1000).toFixed(0)} s.`
    )
  }
}

await main()
