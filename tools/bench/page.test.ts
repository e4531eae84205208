import { assert, describe, it } from "@effect/vitest"
import { load } from "./benches.ts"
import { type Measured, planOf, type Result, titleOf } from "./harness.ts"
import { checked } from "./kept.ts"
import { parts, targetTable, verdict } from "./page.ts"
import { description, draw, type Panel } from "./plot.ts"
import { targets } from "./targets.ts"

const benches = await load()
const benchOf = (name: string) => benches.find(([known]) => known === name)?.[1]

describe("targets and checked ratios:", () => {
  it("each names an existing bench, turn and candidates", () => {
    for (const { bench: name, of, to = of, turn } of [...targets, ...checked]) {
      const bench = benchOf(name)
      assert.isDefined(bench, name)
      assert.containsAllKeys(bench.candidates, [of, to], name)
      assert.include(bench.plans.full.turns.map(titleOf), turn)
    }
  })

  it("the turn of each checked ratio is in the bench's plan `check`", () => {
    for (const { bench: name, turn } of checked) {
      const bench = benchOf(name)
      assert.isDefined(bench?.plans.check, name)
      assert.include(planOf(bench, "check").turns.map(titleOf), turn)
    }
  })

  it("`npm run bench -- --write` runs the bench of every target", () => {
    for (const { bench } of targets) assert.isUndefined(benchOf(bench)?.onlyByName, bench)
  })
})

const measured = (perSecond: number): Measured => ({ perSecond, cpuMicros: 1000 / perSecond, notes: {} })

/** Our library makes `rate` times as many logins as `undici`. */
const logins = (rate: number): ReadonlyMap<string, Result> => {
  const figures = new Map([
    ["undici", [measured(100)]],
    ["ours-node", [measured(100 * rate)]]
  ])
  const turns = [{ turn: { concurrency: 64, count: 1 }, title: "concurrency 64", figures }]
  return new Map([["login", { rounds: 1, turns, loads: new Map(), server: undefined }]])
}

describe("page", () => {
  it("says which targets are met, not met and not measured", () => {
    const [met, missed] = [targetTable(logins(1.2), "measured"), targetTable(logins(0.5), "measured")]
    assert.match(met, /^\| P1 +\| logins per second, 64 .*\| at least 1\.10 +\| 1\.20 +\| 1\.20 to 1\.20 +\| met +\|$/m)
    assert.match(missed, /^\| P1 +\| logins per second, 64 .*\| 0\.50 +\| 0\.50 to 0\.50 +\| not met +\|$/m)
    assert.match(targetTable(logins(1)), /^\| P13 .*\| not measured +\|$/m)
    assert.match(verdict(logins(1.2)), /^1 of \d+ figures meets its target\. \d+ were not measured/)
    assert.match(verdict(logins(0.5)), /1 does not \(P1\)\. \d+ were not measured/)
  })

  it("shows the run's date, our ratio and the picture's description", () => {
    const run = { date: "2026-11-28", machine: "a machine", versions: ["Node 24"], plan: "quick", seconds: new Map() }
    const made = parts(run, logins(1.2), benches)
    assert.include(made["run"], "Measured on 2026-11-28. This was a quick run")
    assert.match(made["benches"] ?? "", /^\| ours on NodeHttpClient +\| 1\.20 +\|/m)
    assert.include(made["plot"], "ours on NodeHttpClient: 1.20")
  })
})

const panel: Panel = {
  title: "CPU time & more",
  note: "A shorter bar is better.",
  bars: [
    { label: "one", ours: false, summary: { low: 0.9, median: 1, high: 1.1 } },
    { label: "a <longer> label of ours", ours: true, summary: { low: 3, median: 4, high: 8 } }
  ]
}

const numbers = (svg: string, element: RegExp): ReadonlyArray<number> =>
  Array.from(svg.matchAll(element), ([, value]) => Number(value))

describe("picture", () => {
  const svg = draw("Speed", [panel, panel])

  it("has a title and a description, and escapes all text", () => {
    assert.include(svg, '<title id="title">Speed</title>')
    assert.include(svg, "CPU time &amp; more: one: 1.00; a &lt;longer&gt; label of ours: 4.00.")
    assert.notInclude(svg, "<longer>")
    assert.strictEqual(description([panel]), "CPU time & more: one: 1.00; a <longer> label of ours: 4.00.")
  })

  it("draws bars in proportion to the medians", () => {
    const [one, ours] = numbers(svg, /<rect class="bar[^"]*"[^>]* width="([\d.]+)"/g)
    assert.closeTo((ours ?? 0) / (one ?? 1), 4, 0.01)
  })

  it("keeps labels and numbers inside the picture and beside the bars", () => {
    const [start = 0] = numbers(svg, /<rect class="bar[^"]*" x="([\d.]+)"/g)
    const labels = Array.from(svg.matchAll(/x="([\d.]+)" y="([\d.]+)" text-anchor="end">([^<]+)</g))
    for (const [, x, , text = ""] of labels) {
      assert.isBelow(Number(x), start)
      assert.isAbove(Number(x) - text.replaceAll(/&\w+;/g, "_").length * 8, 0)
    }
    const tops = labels.map(([, , y]) => Number(y))
    for (const [index, top] of tops.entries()) if (index > 0) assert.isAbove(top - (tops[index - 1] ?? 0), 20)
    const ends = numbers(svg, /class="quartiles" d="M[\d.]+ [\d.]+H([\d.]+)/g)
    const values = numbers(svg, /<text x="([\d.]+)" y="[\d.]+">[\d.]+</g)
    assert.strictEqual(values.length, 4)
    for (const [index, value] of values.entries()) {
      assert.isAbove(value, ends[index] ?? Infinity)
      assert.isBelow(value + 40, 760)
    }
  })

  it("has a background, and colors for dark mode", () => {
    assert.include(svg, "(prefers-color-scheme: dark) {")
    assert.match(svg, /<rect class="card"/)
  })

  it("refuses a label that is too long", () => {
    const long = { ...panel, bars: panel.bars.map((bar) => ({ ...bar, label: "x".repeat(80) })) }
    assert.throws(() => draw("Speed", [long]), /80 characters/)
  })
})
