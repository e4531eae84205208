import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Codes from "@auth/broker-core/Codes"
import type * as Envelope from "@auth/broker-core/Envelope"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

interface Fixture {
  readonly name: string
  readonly source: string
  readonly asOf: string
  readonly confidence: "high" | "medium" | "low"
  readonly dialect?: string
  readonly endpoint: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** To the letter. */
  readonly body: string
  readonly expect: { readonly data: unknown } | ({ readonly reason: string } & Readonly<Record<string, unknown>>)
}

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixture>)

/** Every code on the broker's page and every code that users have seen beside it, as of 2026-11-21. */
const documentedCodes = [
  "AG8001 AG8002 AG8003 AB8050 AB8051",
  "AB1000 AB1001 AB1002 AB1003 AB1004 AB1005 AB1006 AB1007 AB1008 AB1009 AB1010 AB1011 AB1012 AB1013 AB1014 AB1015",
  "AB1016 AB1017 AB1018 AB1031 AB1032 AB2000 AB2001 AB2002 AB4008"
]
  .join(" ")
  .split(" ")
const undocumentedCodes = "AG8004 AG7002 AB1021 AB1034 AB1050 AB1053 AB4006".split(" ")

/** What an answer gave, with its secrets in clear and without what is undefined. */
const plain = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value ?? null
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]))
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""))
  } catch {
    return undefined
  }
}

const read = ({ body, headers, status }: Fixture) => {
  const answer: Envelope.Answer = { status, headers, text: body, json: parse(body) }
  const dialect = dialects.find((candidate) => candidate.read(answer) !== undefined)
  return { dialect, verdict: dialect?.read(answer) }
}

const rowOf = (fixture: Fixture): Codes.CodeRow | undefined => {
  const { verdict } = read(fixture)
  if (verdict?._tag !== "No") return undefined
  const failure: Codes.Failure = {
    operation: fixture.endpoint,
    status: fixture.status,
    code: verdict.code,
    message: verdict.message,
    supportId: undefined,
    retryAfter: undefined,
    clockDrift: undefined,
    request: undefined
  }
  return codes.find((row) => Codes.matches(row, failure))
}

const outcome = ({ body, endpoint, headers, status }: Fixture) => {
  const call = calls[endpoint]
  assert.isDefined(call, endpoint)
  return Effect.result(Effect.provide(call, layerAnswer(body, { status, headers })))
}

const fieldsOf = (error: AuthError, names: ReadonlyArray<string>) => {
  const reason = error.reason as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(names.map((name) => [name, name === "reason" ? error.reason._tag : reason[name]]))
}

describe("fixtures", () => {
  for (const fixture of fixtures) {
    it.effect(`${fixture.endpoint}: ${fixture.name}`, () =>
      Effect.gen(function* () {
        const result = yield* outcome(fixture)
        const expected: Readonly<Record<string, unknown>> = fixture.expect
        if (fixture.dialect !== undefined) assert.strictEqual(read(fixture).dialect?.name, fixture.dialect)
        if (result._tag === "Success") return assert.deepStrictEqual({ data: plain(result.success) }, expected)
        assert.deepStrictEqual(fieldsOf(result.failure, Object.keys(expected)), expected)
        assert.strictEqual(result.failure.operation, fixture.endpoint)
        assert.isNotEmpty(result.failure.remedy)
        assert.notMatch(JSON.stringify([result.failure, result.failure.message]), /eyJ|of\.a\.test/)
      })
    )
  }
})

describe("dialects", () => {
  for (const dialect of dialects) {
    it(`a no in the dialect "${dialect.name}" is among the fixtures`, () =>
      assert.isNotEmpty(
        fixtures.filter((fixture) => fixture.dialect === dialect.name && read(fixture).verdict?._tag === "No")
      ))
  }
})

describe("codes", () => {
  for (const row of codes) {
    it(`${[row.code, row.message].filter(Boolean).join(" ")}: ${row.meaning}`, () => {
      assert.isNotEmpty(fixtures.filter((fixture) => rowOf(fixture) === row))
      assert.isNotEmpty(row.source)
      assert.match(row.asOf, /^\d{4}-\d\d-\d\d$/)
    })
  }
})

describe("nothing that is documented is left out", () => {
  it("every code that is known has a row, and no row is for another", () => {
    const rows = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...rows].toSorted(), [...documentedCodes, ...undocumentedCodes].toSorted())
    assert.strictEqual(documentedCodes.length, 30)
  })

  for (const { name } of endpoints.all) {
    it(`${name} has a success and a failure among the fixtures`, () => {
      const own = fixtures.filter(({ endpoint }) => endpoint === name)
      assert.isTrue(own.some(({ expect }) => "data" in expect))
      assert.isTrue(own.some(({ expect }) => "reason" in expect))
    })
  }

  it("each fixture says where it comes from", () => {
    for (const { asOf, confidence, name, source } of fixtures) {
      assert.isNotEmpty(source, name)
      assert.match(asOf, /^\d{4}-\d\d-\d\d$/, name)
      assert.include(["high", "medium", "low"], confidence, name)
    }
    assert.strictEqual(new Set(fixtures.map(({ endpoint, name }) => `${endpoint} ${name}`)).size, fixtures.length)
  })
})
