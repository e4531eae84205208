import { Fixtures } from "@auth/broker-core/testing"
import { FakeZerodha } from "@auth/zerodha/msw"
import type { ZerodhaApi } from "@auth/zerodha/ZerodhaApi"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import { table } from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)

const rows = Object.values(table)

/** Every type of error that the documents, the SDKs or the login page name, as of 2026-11-27. */
const documentedTypes = [
  "TokenException UserException TwoFAException PermissionException ForbiddenError InputException OrderException",
  "MarginException HoldingException NetworkException DataException GeneralException"
]
  .join(" ")
  .split(" ")

const documentedCalls = [
  "POST /session/token",
  "POST /session/refresh_token",
  "DELETE /session/token",
  "DELETE /session/token",
  "GET /user/profile",
  "GET /user/margins",
  "GET /user/margins/equity",
  "GET /user/margins/commodity"
]

const subject: Fixtures.Subject<Fixtures.Fixture, ZerodhaApi> = {
  fixtures,
  endpoints: rows.map(({ name }) => name),
  calls,
  layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
  dialects,
  verdicts: { kite: ["Yes", "No"] },
  codes,
  secrets: ["TokFake", "of.a.test", "EncFake", "fakekey"]
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(rows.map(({ essential, name }) => [name, essential] as const))
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
  it("every type of error that is known has a row, and no row is for another", () => {
    const known = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...known].toSorted(), documentedTypes.toSorted())
  })

  it("every call has a row, and no row is for another", () =>
    assert.deepStrictEqual(
      rows.map(({ method, path }) => `${method} ${path}`),
      documentedCalls
    ))

  it("each call is limited to ten in a second, and only reads may be sent again", () => {
    for (const { limits } of rows) assert.deepStrictEqual(limits, [{ requests: 10, per: "1 second" }])
    const safe = rows.filter((row) => row.safe).map(({ name }) => name)
    assert.deepStrictEqual(safe, ["getProfile", "getMargins", "getEquityMargins", "getCommodityMargins"])
  })

  it.effect("every call has a handler of the fake", () =>
    Effect.gen(function* () {
      const fake = yield* FakeZerodha.make()
      for (const { name } of rows) assert.include(fake.endpoints, name)
    })
  )

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
