/** `npm run bench:check`: measures the ratios that `kept.ts` lists, and compares them with `kept.json`. See `usage`. */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { endPeersWithUs } from "../interop/peer.ts"
import { runTool } from "../packages/process.ts"
import { load, type Named } from "./benches.ts"
import { entrantsOf } from "./entrants.ts"
import type { Results } from "./figures.ts"
import { measure, planOf, type Result, root } from "./harness.ts"
import { checked, defaultMargin, isFailure, judge, type Judgement, type Kept, keyOf, ratiosOf } from "./kept.ts"
import { printTable } from "./printing.ts"
import type { Summary } from "./statistics.ts"

export const keptFile = path.join(import.meta.dirname, "kept.json")

export const measureChecked = async (benches: ReadonlyArray<Named>, times = 1): Promise<Kept["ratios"]> => {
  const results = new Map<string, Result>()
  for (const [name, bench] of benches) {
    const figures = checked.filter((figure) => figure.bench === name)
    if (figures.length === 0) continue
    const only = figures.flatMap(({ of, to }) => (to === undefined ? [of] : [of, to]))
    const { entrants } = entrantsOf(name, bench, { only, plan: "check" })
    // If `rounds` is set, `measure` runs all rounds, even on a busy machine.
    const rounds = planOf(bench, "check").rounds * times
    console.log(`${name}: ${only.join(", ")}`)
    results.set(name, await measure(bench, entrants, { plan: "check", rounds, profile: undefined }))
  }
  return ratiosOf(results satisfies Results)
}

const shown = (summary: Summary | undefined): string =>
  summary === undefined ? "" : `${summary.median.toFixed(2)} (${summary.low.toFixed(2)} to ${summary.high.toFixed(2)})`

const change = (kept: Summary | undefined, now: Summary | undefined): string => {
  if (kept === undefined || now === undefined) return ""
  const percent = 100 * (now.median / kept.median - 1)
  return `${percent < 0 ? "" : "+"}${percent.toFixed(0)} %`
}

const print = (kept: Kept, now: Kept["ratios"], judgements: ReadonlyMap<string, Judgement>): void =>
  printTable([
    ["CPU time", "kept median (quartiles)", "median now (quartiles)", "change", ""],
    ...Array.from(judgements, ([key, judgement]) => [
      key,
      shown(kept.ratios[key]),
      shown(now[key]),
      change(kept.ratios[key], now[key]),
      judgement
    ])
  ])

const usage = `Usage: npm run bench:check

Measures ratios of CPU time, and compares them with tools/bench/kept.json. This takes about half a minute. The
option --write and "npm run bench -- --write" write kept.json. A ratio is a loss if its median is larger than the
median in kept.json by more than the margin, and its lower quartile is larger than the upper quartile in kept.json.
The table shows a loss as "slower". A bench with a loss is run a second time, with three times as many rounds.

Options:
  --margin <per cent>  default: ${100 * defaultMargin}; use a larger margin if kept.json was written on another machine
  --write              writes the measured ratios to tools/bench/kept.json, and compares nothing
  --help               prints this text

Exit codes: 0 if the check succeeds, 1 if a ratio is a loss or is missing, 2 if the options are wrong.`

export const keep = async (benches: ReadonlyArray<Named>): Promise<void> => {
  const ratios = await measureChecked(benches)
  const kept: Kept = { date: new Date().toISOString().slice(0, 10), node: process.versions.node, ratios }
  fs.writeFileSync(keptFile, `${JSON.stringify(kept, undefined, 2)}\n`)
  await runTool("oxfmt/bin/oxfmt", [keptFile], { cwd: root })
}

const readKept = (): Kept => {
  try {
    return JSON.parse(fs.readFileSync(keptFile, "utf8")) as Kept
  } catch (error) {
    throw new Error(`${keptFile} cannot be read. Write it with: npm run bench:check -- --write`, { cause: error })
  }
}

const judgeAll = (kept: Kept, now: Kept["ratios"], margin: number): ReadonlyMap<string, Judgement> =>
  new Map(
    checked.map((figure) => {
      const key = keyOf(figure)
      return [key, judge(kept.ratios[key], now[key], margin)]
    })
  )

const parse = () => {
  try {
    const flag = { type: "boolean", default: false } as const
    const { values } = parseArgs({
      options: {
        help: { ...flag, short: "h" },
        margin: { type: "string", default: String(100 * defaultMargin) },
        write: flag
      }
    })
    const margin = Number(values.margin) / 100
    return margin > 0 && margin < 10 ? { ...values, margin } : "--margin must be a percentage above 0 and below 1000."
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const main = async (): Promise<number> => {
  const parsed = parse()
  if (typeof parsed === "string") {
    console.error(`${parsed}\n\n${usage}`)
    return 2
  }
  if (parsed.help) {
    console.log(usage)
    return 0
  }
  endPeersWithUs()
  if (parsed.write) {
    await keep(await load())
    console.log(`written: ${path.relative(root, keptFile)}`)
    return 0
  }
  const began = performance.now()
  const kept = readKept()
  const benches = await load()
  let now = await measureChecked(benches)
  let judgements = judgeAll(kept, now, parsed.margin)
  const slower = new Set(
    checked.filter((figure) => judgements.get(keyOf(figure)) === "slower").map(({ bench }) => bench)
  )
  if (slower.size > 0) {
    print(kept, now, judgements)
    console.log("\nThe benches with a loss are measured again, with more rounds.")
    now = {
      ...now,
      ...(await measureChecked(
        benches.filter(([name]) => slower.has(name)),
        3
      ))
    }
    judgements = judgeAll(kept, now, parsed.margin)
  }
  console.log()
  print(kept, now, judgements)
  console.log(
    `\nkept on ${kept.date} with Node ${kept.node}; measured now with Node ${process.versions.node}, in ${((performance.now() - began) / 1000).toFixed(0)} s`
  )
  const failures = Array.from(judgements.values()).filter(isFailure)
  if (failures.length === 0) return 0
  console.error(
    "\nA ratio is a loss, or is missing in this run or in kept.json. To find the cause, compare with an older checkout:\n" +
      "npm run bench -- <bench> --against <dir>. If the change is intended, keep the new ratios: npm run bench:check -- --write"
  )
  return 1
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main()
