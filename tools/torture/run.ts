/** Runs scenarios, and prints a table of what each scenario counted, with the expected values. */
import { makeScratch } from "../interop/peer.ts"
import { makeRunner, type Options, type Row, type Scenario } from "./harness.ts"
import { condensed, isRight, summaryOf, tableOf } from "./report.ts"

export type Scenarios = ReadonlyArray<readonly [string, Scenario]>

export interface Output {
  readonly print: (text: string) => void
  readonly progress: (text: string) => void
  /** Whether to print every count on a separate line. If false, similar counts share a line: see `condensed`. */
  readonly details: boolean
}

const secondsSince = (began: number, digits: number): string =>
  `${((performance.now() - began) / 1000).toFixed(digits)} s`

/** Number of concurrent scenarios. Two cores are enough for them, because their processes mostly wait. */
const lanes = 2

const inTurn = async (
  scenarios: Scenarios,
  run: (name: string, scenario: Scenario) => Promise<void>
): Promise<void> => {
  for (const [name, scenario] of scenarios) if (scenario.alone) await run(name, scenario)
  const others = scenarios.filter(([, { alone }]) => alone !== true)
  const lane = async () => {
    for (let next = others.shift(); next !== undefined; next = others.shift()) await run(...next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

export const runAll = async (scenarios: Scenarios, options: Options, output: Output): Promise<boolean> => {
  const { details, print, progress } = output
  const again = `${options.size === "quick" ? "--quick " : ""}${options.broken ? "--broken " : ""}--seed ${options.seed}`
  print(`torture: ${options.size} run${options.broken ? " with broken parts" : ""}; to repeat it, use ${again}`)
  const runner = makeRunner(options, makeScratch("torture"), progress)
  const began = performance.now()
  const counted = new Map<string, ReadonlyArray<Row>>()
  let isAllRight = true
  await inTurn(scenarios, async (name, scenario) => {
    const start = performance.now()
    const rows = await runner.run(name, scenario)
    counted.set(name, rows)
    const right = isRight(rows, options)
    if (!right) isAllRight = false
    progress("")
    const verdict = `${right ? "ok    " : "FAILED"} ${counted.size}/${scenarios.length} ${name}`
    const broke = options.broken ? ` (${scenario.breaks})` : ""
    print(`${verdict}${broke}: ${summaryOf(rows)} (${secondsSince(start, 1)})`)
  })
  const all = scenarios.flatMap(([name]) => counted.get(name) ?? [])
  const shown = options.broken ? all.filter(({ verdict }) => verdict !== "ok") : all
  print(`\n${tableOf(details ? shown : condensed(shown))}`)
  print(`\n${summaryOf(all)}, in ${secondsSince(began, 0)}; to repeat it, use ${again}`)
  await runner.stop()
  return isAllRight
}
