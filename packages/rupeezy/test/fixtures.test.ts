import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Codes from "@auth/broker-core/Codes"
import type * as Envelope from "@auth/broker-core/Envelope"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import type * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as codes from "../src/internal/codes.ts"
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
  readonly options?: Partial<RupeezyApi.Options>
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** To the letter. */
  readonly body: string
  readonly expect: { readonly data: unknown } | ({ readonly reason: string } & Readonly<Record<string, unknown>>)
}

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixture>)

const rows = [...codes.make({}), ...codes.make({ forbidden: "session-over" })].filter(
  (row, index, all) => all.indexOf(row) === index
)

/** What is known of failures, as of 2026-11-21: no codes but one, statuses, and words in a login's message. */
const knownCodes = ["IP_NOT_ALLOWED"]
const knownStatuses = [400, 401, 403, 404, 422, 429, 500]
const knownWords = ["invalid cred", "password", "client", "totp", "otp", "2fa", "block", "lock", "disabled"]

/** Every call of the documents and of the official SDKs, and one that a client of a third party makes. */
const knownCalls = [
  "POST /v2/user/login",
  "POST /v2/user/session",
  "DELETE /v2/user/session",
  "GET /v2/user/funds",
  "GET /v2/user/profile/banks",
  "GET /v2/user/profile/brokerage",
  "GET /v2/user/profile"
]

/** What an answer gave, with its secrets in clear and without what is undefined. */
const plain = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value ?? null
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
  const no = verdict?._tag === "No" ? verdict : undefined
  const failure: Codes.Failure = {
    operation: fixture.endpoint,
    status: fixture.status,
    code: no?.code,
    message: no?.message,
    supportId: undefined,
    retryAfter: undefined,
    clockDrift: undefined,
    request: undefined
  }
  return codes.make(fixture.options ?? {}).find((row) => Codes.matches(row, failure))
}

const outcome = ({ body, endpoint, headers, options, status }: Fixture) => {
  const call = calls[endpoint]
  assert.isDefined(call, endpoint)
  return Effect.result(Effect.provide(call, layerAnswer(body, { status, headers }, options)))
}

const shownField = (value: unknown): unknown => (Duration.isDuration(value) ? value.toJSON() : value)

const fieldsOf = (error: AuthError, names: ReadonlyArray<string>) => {
  const reason = error.reason as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    names.map((name) => [name, name === "reason" ? error.reason._tag : shownField(reason[name])])
  )
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
        assert.notMatch(JSON.stringify([result.failure, result.failure.message]), /eyJ|of\.a\.test|demo-/)
      })
    )
  }
})

describe("dialects", () => {
  for (const dialect of dialects) {
    it(`answers in the dialect "${dialect.name}" are among the fixtures`, () => {
      assert.isNotEmpty(dialect.source)
      assert.isNotEmpty(fixtures.filter((fixture) => fixture.dialect === dialect.name))
    })
  }

  it("the ways to say no are among the fixtures", () => {
    const noes = fixtures.filter((fixture) => read(fixture).verdict?._tag === "No")
    assert.deepStrictEqual([...new Set(noes.flatMap((fixture) => read(fixture).dialect?.name ?? []))].toSorted(), [
      "address",
      "service"
    ])
  })
})

describe("codes", () => {
  for (const row of rows) {
    const where = row.operations === undefined ? "" : ` (${row.operations.join(", ")})`
    it(`${[row.code, row.status, row.message].filter(Boolean).join(" ")}: ${row.meaning}${where}`, () => {
      assert.isNotEmpty(fixtures.filter((fixture) => rowOf(fixture) === row))
      assert.isNotEmpty(row.source)
      assert.match(row.asOf, /^\d{4}-\d\d-\d\d$/)
    })
  }
})

describe("nothing that is known is left out", () => {
  it("every code that is known has a row, and no row is for another", () => {
    assert.deepStrictEqual([...new Set(rows.flatMap(({ code }) => code ?? []))], knownCodes)
  })

  it("every status that is known has a row and a fixture, and no row is for another", () => {
    const statuses = [...new Set(rows.flatMap(({ status }) => status ?? []))]
    assert.deepStrictEqual(
      statuses.toSorted((left, right) => left - right),
      knownStatuses
    )
    for (const status of knownStatuses) {
      assert.isTrue(
        fixtures.some((fixture) => fixture.status === status && "reason" in fixture.expect),
        String(status)
      )
    }
  })

  for (const word of knownWords) {
    it(`a login that is refused with the word "${word}" has a row and a fixture`, () => {
      const own = fixtures.filter(
        ({ body, endpoint, status }) => endpoint === "login" && status < 500 && body.toLowerCase().includes(word)
      )
      assert.isTrue(own.some((fixture) => rowOf(fixture)?.message?.test(word)))
    })
  }

  it("every call that is known has a row, a typed call and a handler, and there is no other", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const fake = yield* FakeRupeezy.make()
        assert.deepStrictEqual(
          endpoints.all.map(({ method, path }) => `${method} ${path}`),
          knownCalls
        )
        assert.deepStrictEqual(
          Object.keys(calls),
          endpoints.all.map(({ name }) => name)
        )
        for (const { name } of endpoints.all) assert.include(fake.endpoints, name)
      })
    ))

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
