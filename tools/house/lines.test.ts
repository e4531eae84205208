import { assert, it } from "@effect/vitest"
import { counts } from "./lines.ts"

it("the five largest broker packages have at most 5,500 source lines in total, excluding fake brokers", () => {
  const largest = counts.toSorted(([, one], [, other]) => other - one).slice(0, 5)
  const sum = largest.reduce((lines, [, own]) => lines + own, 0)
  assert.isAtMost(sum, 5500, largest.map(([name, lines]) => `${name} ${lines}`).join(", "))
})
