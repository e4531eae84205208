import { assert, describe, it } from "@effect/vitest"
import type { AngelApi } from "@auth/angel/AngelApi"
import { Fixtures } from "@auth/broker-core/testing"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)

/** Every code on the broker's page and every code that users have seen beside it, as of 2026-11-21. */
const documentedCodes = [
  "AG8001 AG8002 AG8003 AB8050 AB8051",
  "AB1000 AB1001 AB1002 AB1003 AB1004 AB1005 AB1006 AB1007 AB1008 AB1009 AB1010 AB1011 AB1012 AB1013 AB1014 AB1015",
  "AB1016 AB1017 AB1018 AB1031 AB1032 AB2000 AB2001 AB2002 AB4008"
]
  .join(" ")
  .split(" ")
const undocumentedCodes = "AG8004 AG7002 AB1021 AB1034 AB1050 AB1053 AB4006".split(" ")

const subject: Fixtures.Subject<Fixtures.Fixture, AngelApi> = {
  fixtures,
  endpoints: Object.values(endpoints.table).map(({ name }) => name),
  calls,
  layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
  dialects,
  codes,
  secrets: ["eyJ", "of.a.test"]
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(
    Object.values(endpoints.table).map(({ essential, name }) => [name, essential] as const)
  )
  for (const { name, run } of Fixtures.typeCases(subject, { essential, envelope: ["status", "success"] }))
    it.effect(name, () => run)
})

describe("dialects", () => {
  for (const { name, run } of Fixtures.dialectCases(subject)) it.effect(name, () => run)
})

describe("codes", () => {
  for (const { name, run } of Fixtures.codeCases(subject)) it.effect(name, () => run)
})

describe("nothing that is documented is left out", () => {
  it("every code that is known has a row, and no row is for another", () => {
    const rows = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...rows].toSorted(), [...documentedCodes, ...undocumentedCodes].toSorted())
    assert.strictEqual(documentedCodes.length, 30)
  })

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
