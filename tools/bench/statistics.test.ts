import { assert, describe, it } from "@effect/vitest"
import { type Figure, valuesOf } from "./figures.ts"
import type { Measured, Result } from "./harness.ts"
import { checked, isFailure, judge, keyOf, ratiosOf } from "./kept.ts"
import { quantile, ratios, spread, summaryOf } from "./statistics.ts"
import { assess, type Target } from "./targets.ts"

const measured = (perSecond: number, cpuMicros: number, notes: Measured["notes"] = {}): Measured => ({
  perSecond,
  cpuMicros,
  notes
})

const resultOf = (title: string, figures: Readonly<Record<string, ReadonlyArray<Measured>>>): Result => ({
  rounds: 3,
  turns: [{ turn: { concurrency: 1, count: 1 }, title, figures: new Map(Object.entries(figures)) }],
  loads: new Map(),
  server: undefined
})

describe("statistics", () => {
  it("quantile sorts, interpolates, and returns NaN without values", () => {
    assert.strictEqual(quantile([3, 1, 2], 0.5), 2)
    assert.strictEqual(quantile([1, 2], 0.5), 1.5)
    assert.strictEqual(quantile(Float64Array.from([10, 9, 1]), 1), 10)
    assert.isNaN(quantile([], 0.5))
  })

  it("summaryOf and spread ignore the slowest and fastest of five rounds", () => {
    assert.deepStrictEqual(summaryOf([1000, 4, 5, 6, 0]), { low: 4, median: 5, high: 6 })
    assert.strictEqual(spread([1000, 4, 5, 6, 0]), "40 %")
  })

  it("`ratios` divides values of the same round", () => {
    assert.deepStrictEqual(ratios([2, 30], [1, 10]), [2, 3])
  })
})

describe("valuesOf", () => {
  const results = new Map([
    ["some", resultOf("turn", { ours: [measured(100, 5, { p99: 8 })], base: [measured(50, 10, { p99: 4 })] })]
  ])
  const figure: Figure = { bench: "some", turn: "turn", field: "rate", of: "ours" }

  it("returns a candidate's values, or their ratios to a second candidate", () => {
    assert.deepStrictEqual(valuesOf(results, figure), [100])
    assert.deepStrictEqual(valuesOf(results, { ...figure, to: "base" }), [2])
    assert.deepStrictEqual(valuesOf(results, { ...figure, to: "base", field: "time" }), [0.5])
    assert.deepStrictEqual(valuesOf(results, { ...figure, to: "base", field: "cpu" }), [0.5])
    assert.deepStrictEqual(valuesOf(results, { ...figure, to: "base", field: "p99" }), [2])
  })

  it("returns an empty list if the figure was not measured", () => {
    for (const missing of [{ bench: "other" }, { turn: "other" }, { of: "other" }, { to: "other" }, { field: "other" }])
      assert.deepStrictEqual(valuesOf(results, { ...figure, ...missing }), [])
  })
})

describe("assess", () => {
  const target: Target = { name: "P0", job: "a job", bench: "some", turn: "turn", field: "rate", of: "ours" }
  const results = new Map([["some", resultOf("turn", { ours: [measured(1, 1), measured(2, 1), measured(9, 1)] })]])

  it("compares the median with `atLeast` and `atMost`", () => {
    assert.strictEqual(assess({ ...target, atLeast: 2 }, results).verdict, "met")
    assert.strictEqual(assess({ ...target, atLeast: 2.1 }, results).verdict, "not met")
    assert.strictEqual(assess({ ...target, atMost: 2 }, results).verdict, "met")
    assert.strictEqual(assess({ ...target, atMost: 1.9 }, results).verdict, "not met")
  })

  it("reports `not measured` if the candidate was not measured", () => {
    assert.strictEqual(assess({ ...target, of: "other", atMost: 2 }, results).verdict, "not measured")
  })
})

describe("judge", () => {
  const kept = { low: 0.9, median: 1, high: 1.1 }

  it("reports `slower` only if the median is beyond the margin and the interquartile ranges are disjoint", () => {
    assert.strictEqual(judge(kept, { low: 1.15, median: 1.21, high: 1.4 }), "slower")
    assert.strictEqual(judge(kept, { low: 1.15, median: 1.19, high: 1.4 }), "ok")
    assert.strictEqual(judge(kept, { low: 1.05, median: 1.5, high: 2 }), "ok")
    assert.strictEqual(judge(kept, { low: 1.15, median: 1.21, high: 1.4 }, 0.6), "ok")
  })

  it("reports `faster` only if the median is beyond the margin and the interquartile ranges are disjoint", () => {
    assert.strictEqual(judge(kept, { low: 0.5, median: 0.6, high: 0.7 }), "faster")
    assert.strictEqual(judge(kept, { low: 0.8, median: 0.84, high: 0.88 }), "ok")
    assert.strictEqual(judge(kept, { low: 0.5, median: 0.6, high: 0.95 }), "ok")
  })

  it("reports `not measured` if the new ratio is missing, and `not kept` if the kept ratio is missing", () => {
    assert.strictEqual(judge(kept, undefined), "not measured")
    assert.strictEqual(judge(undefined, kept), "not kept")
  })

  it("isFailure() returns false only for `ok` and `faster`", () => {
    assert.deepStrictEqual((["slower", "not kept", "not measured"] as const).map(isFailure), [true, true, true])
    assert.deepStrictEqual((["ok", "faster"] as const).map(isFailure), [false, false])
  })
})

it("ratiosOf returns the CPU ratios of the measured benches", () => {
  const [first] = checked
  assert.isDefined(first)
  const figures = { [first.of]: [measured(1, 30)], [first.to ?? ""]: [measured(1, 20)] }
  const ratio = { low: 1.5, median: 1.5, high: 1.5 }
  assert.deepStrictEqual(ratiosOf(new Map([[first.bench, resultOf(first.turn, figures)]])), { [keyOf(first)]: ratio })
})
