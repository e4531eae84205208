import { assert, describe, it } from "@effect/vitest"
import { Fixtures } from "@auth/broker-core/testing"
import { FakeMotilal } from "@auth/motilal/msw"
import type * as MotilalApi from "@auth/motilal/MotilalApi"
import * as Effect from "effect/Effect"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import * as headers from "../src/internal/headers.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

interface Fixture extends Fixtures.Fixture {
  readonly generation?: MotilalApi.Generation
}

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixture>)

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `MO${first + index}`)

/** Every code of the broker's table, of its sample and of its FAQ, as of 2026-11-21. */
const documentedCodes = [
  "MO1000 MO1001 MO1002 MO1004 MO1005 MO1006 MO1007 MO1008 MO1011 MO1050 MO1062 MO1087 MO1088".split(" "),
  "MO1092 MO1093 MO1094 MO1095 MO1096 MO1097 MO1098 MO1099 MO1100 MO2000 MO2001 MO2002 MO2003".split(" "),
  "MO2004 MO2005 MO2006 MO2007 MO2008 MO2009 MO2010 MO2011 MO2012 MO2013 MO2014 MO2015 MO2016".split(" "),
  "MO2017 MO2018 MO2019 MO2020 MO2021 MO2022 MO2023 MO2024 MO2025 MO2026 MO2035 MO3001".split(" "),
  "MO5000 MO5001 MO5002 MO8000 MO8001 MO8002 MO8003 MO8050 MO8051 MO8052 MOSL100".split(" ")
].flat()

const orderCodes = [
  "MO1003",
  ...numbers(1012, 1016),
  ...numbers(1051, 1061),
  ...numbers(1063, 1086),
  ...numbers(1089, 1091),
  ...numbers(1101, 1104),
  "MO5003"
]

/** Every path of the documentation of 2024 (the first five) and of that of 2026, as of 2026-11-21. */
const documentedPaths = [
  "/rest/login/v3/authdirectapi",
  "/rest/login/v3/resendotp",
  "/rest/login/v3/verifyotp",
  "/rest/login/v1/getprofile",
  "/rest/login/v1/logout",
  "/rest/login/v7/authdirectapi",
  "/rest/login/v1/getaccesstoken",
  "/rest/login/v5/resendotp",
  "/rest/login/v5/verifyotp",
  "/rest/login/v5/getprofile",
  "/rest/login/v5/logout"
]

const subject: Fixtures.Subject<Fixture, MotilalApi.MotilalApi> = {
  fixtures,
  endpoints: Object.keys(endpoints.make("v7", 2)),
  calls,
  layer: ({ body, generation, headers: own, status }) => layerAnswer(body, { status, headers: own }, { generation }),
  dialects,
  verdicts: { success: ["Yes"] },
  codes,
  quirks: ["smart-quotes", "trailing-bytes"],
  secrets: ["774aac4a", "of-a-test"]
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(
    Object.values(endpoints.make("v7", 2)).map(({ essential, name }) => [name, essential] as const)
  )
  for (const { name, run } of Fixtures.typeCases(subject, { essential, envelope: ["status"] }))
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
    assert.deepStrictEqual([...rows].toSorted(), [...documentedCodes, ...orderCodes].toSorted())
    assert.deepStrictEqual([documentedCodes.length, orderCodes.length], [62, 49])
  })

  it("each header that a code names is in the table of headers", () => {
    const named = headers.table.map(({ code }) => code).filter((code) => code.startsWith("MO20"))
    // 2013 names a version, and 2035 an address.
    const own = documentedCodes.filter((code) => /^MO20(?:0[3-9]|1\d|2\d)$/.test(code) && code !== "MO2013")
    assert.deepStrictEqual(named.toSorted(), own)
  })

  it("every path that is documented has a typed call, and the fake answers it", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const tables = endpoints.generations.flatMap((generation) => Object.values(endpoints.make(generation, 2)))
        const paths = new Set(tables.map(({ path }) => path))
        // The one path of generation v4 that no other generation has.
        assert.deepStrictEqual([...paths].toSorted(), [...documentedPaths, "/rest/login/v4/authdirectapi"].toSorted())
        const fake = yield* FakeMotilal.make()
        for (const path of paths) {
          for (const origin of fake.origins.filter((candidate) => candidate.includes("openapi"))) {
            const response = yield* Effect.promise(() => fake.respond(new Request(origin + path, { method: "POST" })))
            assert.strictEqual(response.status, 200, origin + path)
          }
        }
      })
    ))

  for (const generation of endpoints.generations) {
    it(`generation ${generation} has a success of each of its calls among the fixtures`, () => {
      const own = fixtures.filter((fixture) => fixture.generation === generation && "data" in fixture.expect)
      const names = Object.keys(endpoints.make(generation, 2)).filter((name) => name !== "getaccesstoken")
      assert.deepStrictEqual([...new Set(own.map(({ endpoint }) => endpoint))].toSorted(), names.toSorted())
    })
  }

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
