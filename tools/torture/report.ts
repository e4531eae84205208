import { styleText } from "node:util"
import type { Options, Row } from "./harness.ts"

const columns = ["scenario", "title", "what", "found", "wanted", "verdict"] as const

const heads: Record<(typeof columns)[number], string> = {
  scenario: "scenario",
  title: "case",
  what: "counted",
  found: "found",
  wanted: "wanted",
  verdict: ""
}

const paint = (verdict: string, line: string): string => {
  if (verdict === "WRONG" || verdict === "FAILED") return styleText("red", line)
  return verdict === "not run" ? styleText("yellow", line) : line
}

export const tableOf = (rows: ReadonlyArray<Row>): string => {
  const lines = [heads, ...rows]
  const widths = columns.map((column) => Math.max(...lines.map((line) => line[column].length)))
  return lines
    .map((line) => {
      const cells = columns.map((column, index) => line[column].padEnd(widths[index] ?? 0))
      return paint(line.verdict, `  ${cells.join("  ")}`.trimEnd())
    })
    .join("\n")
}

/** Formats values as a range, such as `33 to 628 ms`. */
const rangeOf = (found: ReadonlyArray<string>): string => {
  const sorted = Array.from(new Set(found)).toSorted((one, other) => Number.parseFloat(one) - Number.parseFloat(other))
  const [first = "", last = ""] = [sorted[0], sorted.at(-1)]
  return sorted.length === 1 ? first : `${Number.parseFloat(first)} to ${last}`
}

export const condensed = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const groups = new Map<string, Array<Row>>()
  for (const row of rows) {
    const alike = row.verdict === "ok" ? [row.scenario, row.what, row.wanted] : [row.scenario, row.what, row.title]
    const key = JSON.stringify([row.verdict, ...alike])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return Array.from(groups.values()).flatMap((group) => {
    const [first] = group
    if (first === undefined || group.length === 1) return group
    const titles = new Set(group.map(({ title }) => title)).size
    const times = group.length === titles ? "" : `, ${group.length} times`
    const title = titles === 1 ? `${first.title}${times}` : `${titles} cases${times}`
    return [{ ...first, title, found: rangeOf(group.map(({ found }) => found)) }]
  })
}

export const summaryOf = (rows: ReadonlyArray<Row>): string => {
  const of = (verdict: Row["verdict"]) => rows.filter((row) => row.verdict === verdict).length
  const more = (["FAILED", "not run"] as const).filter((verdict) => of(verdict) > 0)
  return [
    `${of("ok")} right`,
    `${of("WRONG")} wrong`,
    ...more.map((verdict) => `${of(verdict)} ${verdict.toLowerCase()}`)
  ].join(", ")
}

/**
 * Whether a scenario has passed. With `broken`, a scenario causes a fault on purpose, so a count must be wrong. If no
 * case could run, the scenario passes.
 */
export const isRight = (rows: ReadonlyArray<Row>, { broken }: Pick<Options, "broken">): boolean => {
  const has = (wanted: Row["verdict"]) => rows.some(({ verdict }) => verdict === wanted)
  return broken ? has("WRONG") || rows.every(({ verdict }) => verdict === "not run") : !has("WRONG") && !has("FAILED")
}
