/**
 * The CPU ratios that `npm run bench:check` compares with `kept.json`. On a busy machine, ratios of CPU time vary less
 * than ratios of elapsed time.
 */
import { type Figure, type Results, valuesOf } from "./figures.ts"
import { type Summary, summaryOf } from "./statistics.ts"

const cpu = (bench: string, turn: string, of: string, to: string): Figure => ({ bench, turn, field: "cpu", of, to })

/**
 * `npm run bench:check` runs only these benches, with the settings `plans.check` in the file of each bench. Logins over
 * HTTP are not checked, because their ratios can differ by 50 percent between two runs.
 */
export const checked: ReadonlyArray<Figure> = [
  cpu("login-cpu", "concurrency 1", "ours", "json"),
  cpu("session-fiber", "one account", "ours", "map"),
  cpu("session-promise", "one account", "ours", "google")
]

export const keyOf = ({ bench, of, to }: Figure): string => `${bench}: ${of} ÷ ${to}`

export interface Kept {
  readonly date: string
  readonly node: string
  readonly ratios: Readonly<Record<string, Summary>>
}

const rounded = (value: number): number => Number(value.toFixed(3))

export const ratiosOf = (results: Results): Kept["ratios"] =>
  Object.fromEntries(
    checked.flatMap((figure) => {
      const values = valuesOf(results, figure)
      if (values.length === 0) return []
      const { high, low, median } = summaryOf(values)
      return [[keyOf(figure), { low: rounded(low), median: rounded(median), high: rounded(high) }]]
    })
  )

/**
 * A fraction of the kept ratio. Two runs on one machine differ by up to 10 percent. The check must find a change such
 * as a new tracing span in each login, which makes the ratio 25 percent larger.
 */
export const defaultMargin = 0.2

export type Judgement = "ok" | "slower" | "faster" | "not kept" | "not measured"

export const judge = (
  kept: Summary | undefined,
  now: Summary | undefined,
  margin: number = defaultMargin
): Judgement => {
  if (now === undefined) return "not measured"
  if (kept === undefined) return "not kept"
  if (now.median > kept.median * (1 + margin) && now.low > kept.high) return "slower"
  if (now.median * (1 + margin) < kept.median && now.high < kept.low) return "faster"
  return "ok"
}

export const isFailure = (judgement: Judgement): boolean =>
  judgement === "slower" || judgement === "not kept" || judgement === "not measured"
