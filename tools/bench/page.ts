/** Makes `docs/performance.md` and `docs/performance.svg` from the results of the benches. */
import { table } from "../docs/markdown.ts"
import type { Named } from "./benches.ts"
import { type Field, type Results, valuesOf } from "./figures.ts"
import type { Candidate, TurnResult } from "./harness.ts"
import { type Bar, description, draw, type Panel, toText } from "./plot.ts"
import { summaryOf } from "./statistics.ts"
import { type Assessed, assess, type Target, targets } from "./targets.ts"

export interface Run {
  readonly date: string
  readonly machine: string
  readonly versions: ReadonlyArray<string>
  /** Name of the plan, such as `full`. */
  readonly plan: string
  /** Duration of each bench in seconds. */
  readonly seconds: ReadonlyMap<string, number>
}

export const pagePath = "docs/performance.md"
export const plotPath = "docs/performance.svg"

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : value === 0 ? "0" : toText(value)

const limitOf = ({ atLeast, atMost, unit }: Target): string => {
  const limit = [
    ...(atLeast === undefined || atLeast === atMost ? [] : [`at least ${number(atLeast)}`]),
    ...(atMost === undefined ? [] : [`${atLeast === atMost ? "exactly" : "at most"} ${number(atMost)}`])
  ].join(", ")
  return unit === undefined ? limit : `${limit} ${unit}`
}

const row = ({ summary, target, verdict }: Assessed): ReadonlyArray<string> => [
  target.name,
  target.job,
  limitOf(target),
  summary === undefined ? "" : number(summary.median),
  summary === undefined ? "" : `${number(summary.low)} to ${number(summary.high)}`,
  verdict
]

export const targetTable = (results: Results, only?: "measured"): string => {
  const assessed = targets.map((target) => assess(target, results))
  const rows = assessed.filter(({ verdict }) => only === undefined || verdict !== "not measured")
  const heads = ["target", "job", "wanted", "median", "quartiles", "result"]
  return rows.length === 0 ? "" : table([heads, ...rows.map(row)])
}

export const verdict = (results: Results): string => {
  const assessed = targets.map((target) => assess(target, results))
  const of = (wanted: Assessed["verdict"]) => assessed.filter((one) => one.verdict === wanted)
  const names = (some: ReadonlyArray<Assessed>) => Array.from(new Set(some.map(({ target }) => target.name))).join(", ")
  const [met, missed, unmeasured] = [of("met"), of("not met"), of("not measured")]
  const parts = [`${met.length} of ${assessed.length} figures ${met.length === 1 ? "meets its" : "meet their"} target.`]
  if (missed.length > 0) parts.push(`${missed.length} ${missed.length === 1 ? "does" : "do"} not (${names(missed)}).`)
  if (unmeasured.length > 0)
    parts.push(`${unmeasured.length} ${unmeasured.length === 1 ? "was" : "were"} not measured (${names(unmeasured)}).`)
  return parts.join(" ")
}

const panelOf = (
  results: Results,
  title: string,
  note: string,
  field: Field,
  { bench, to, turn }: { readonly bench: string; readonly turn: string; readonly to: string },
  candidates: Readonly<Record<string, Candidate>>
): ReadonlyArray<Panel> => {
  const bars = Object.entries(candidates).flatMap(([of, { ours = false, title: label }]): ReadonlyArray<Bar> => {
    const values = valuesOf(results, { bench, turn, field, of, to })
    return values.length === 0 ? [] : [{ label, ours, summary: summaryOf(values) }]
  })
  return bars.length === 0 ? [] : [{ title, note, bars }]
}

export const panels = (results: Results, benches: ReadonlyArray<Named>): ReadonlyArray<Panel> => {
  const candidates = (name: string) => benches.find(([known]) => known === name)?.[1].candidates ?? {}
  const plain = { bench: "login", turn: "concurrency 64", to: "undici" }
  const overTls = { bench: "login-tls", turn: "concurrency 64", to: "undici" }
  const [logins, tls] = [candidates("login"), candidates("login-tls")]
  const longer = "undici.request = 1. A longer bar is faster. The thin lines show the quartiles."
  const shorter = "undici.request = 1. A shorter bar needs less CPU time. The thin lines show the quartiles."
  return [
    ...panelOf(results, "Logins per second, 64 at a time", longer, "rate", plain, logins),
    ...panelOf(results, "CPU time of a login, 64 at a time", shorter, "cpu", plain, logins),
    ...panelOf(results, "CPU time of a login over TLS, 64 at a time", shorter, "cpu", overTls, tls)
  ]
}

const turnTable = ([name, bench]: Named, { figures, title }: TurnResult, results: Results): string => {
  const [to] = bench.baselines.filter((base) => figures.has(base))
  const headings = Array.from(
    new Set(Array.from(figures.values(), ([first]) => Object.keys(first?.notes ?? {})).flat())
  )
  const columns: ReadonlyArray<{ readonly heading: string; readonly field: Field; readonly to?: string }> = [
    ...(to === undefined || bench.shows === "notes"
      ? []
      : [
          bench.shows === "time" ? { heading: "time ÷", field: "time", to } : { heading: "rate ÷", field: "rate", to },
          { heading: "CPU time ÷", field: "cpu", to }
        ]),
    ...headings.map((heading) => ({ heading, field: heading }))
  ]
  const cells = (of: string) =>
    columns.flatMap((column) => {
      const values = valuesOf(results, { bench: name, turn: title, of, ...column })
      if (values.length === 0) return ["", ""]
      const { high, low, median } = summaryOf(values)
      return [number(median), `${number(low)} to ${number(high)}`]
    })
  const rows = Array.from(figures.keys(), (of) => [bench.candidates[of]?.title ?? of, ...cells(of)])
  const heads = columns.flatMap(({ heading }) => [heading, "quartiles"])
  const compared = to === undefined ? "" : ` \`÷\` means: divided by the figure of “${bench.candidates[to]?.title}”.`
  return `${title[0]?.toUpperCase()}${title.slice(1)}.${compared}\n\n${table([["candidate", ...heads], ...rows])}`
}

export const benchSections = (results: Results, benches: ReadonlyArray<Named>): string =>
  benches
    .flatMap((named) => {
      const [name, { summary }] = named
      const result = results.get(name)
      if (result === undefined) return []
      const tables = result.turns.map((turn) => turnTable(named, turn, results))
      const rounds = `${result.rounds} ${result.rounds === 1 ? "round" : "rounds"}`
      return [`### ${name}\n\n${summary[0]?.toUpperCase()}${summary.slice(1)}. ${rounds}.\n\n${tables.join("\n\n")}`]
    })
    .join("\n\n")

const runText = ({ date, machine, plan, seconds, versions }: Run): string => {
  const durations = Array.from(seconds, ([name, took]) => `\`${name}\` ${took.toFixed(0)} s`).join(", ")
  const quick = plan === "full" ? "" : " This was a quick run, so its figures are less exact."
  return (
    `Measured on ${date}.${quick}\n\n- Machine: ${machine}\n- Versions: ${versions.join(", ")}\n` +
    `- Duration of the benches: ${durations}`
  )
}

export const plot = (results: Results, benches: ReadonlyArray<Named>): string =>
  draw("Speed of a login, compared with other clients", panels(results, benches))

export const parts = (run: Run, results: Results, benches: ReadonlyArray<Named>): Readonly<Record<string, string>> => ({
  run: runText(run),
  targets: `${verdict(results)}\n\n${targetTable(results)}`,
  plot: `![${description(panels(results, benches)).replaceAll(/[[\]]/g, "")}](performance.svg)`,
  benches: benchSections(results, benches)
})
