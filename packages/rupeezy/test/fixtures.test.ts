import { assert, describe, it } from "@effect/vitest"
import { Fixtures } from "@auth/broker-core/testing"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import type * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as Effect from "effect/Effect"
import * as codes from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

interface Fixture extends Fixtures.Fixture {
  readonly options?: Partial<RupeezyApi.Options>
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

const subject: Fixtures.Subject<Fixture, RupeezyApi.RupeezyApi> = {
  fixtures,
  endpoints: Object.values(endpoints.make("+05:30")).map(({ name }) => name),
  calls,
  layer: ({ body, headers, options, status }) => layerAnswer(body, { status, headers }, options),
  dialects,
  verdicts: { service: ["Yes", "No"], acknowledgement: ["Yes"], bare: ["Yes"] },
  codes: rows,
  codesFor: ({ options = {} }) => codes.make(options),
  secrets: ["eyJ", "of.a.test", "demo-"]
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(
    Object.values(endpoints.make("+05:30")).map(({ essential, name }) => [name, essential] as const)
  )
  for (const { name, run } of Fixtures.typeCases(subject, { essential, envelope: ["status"] }))
    it.effect(name, () => run)
})

describe("dialects", () => {
  for (const { name, run } of Fixtures.dialectCases(subject)) it.effect(name, () => run)

  it("the ways to say no are among the fixtures", () => {
    const noes = fixtures.filter((fixture) => Fixtures.read(subject, fixture).verdict?._tag === "No")
    assert.deepStrictEqual(
      [...new Set(noes.flatMap((fixture) => Fixtures.read(subject, fixture).dialect?.name ?? []))].toSorted(),
      ["address", "service"]
    )
  })
})

describe("codes", () => {
  for (const { name, run } of Fixtures.codeCases(subject)) it.effect(name, () => run)
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
      assert.isTrue(own.some((fixture) => Fixtures.rowOf(subject, fixture)?.message?.test(word)))
    })
  }

  it("every call that is known has a row and a handler, and there is no other", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const fake = yield* FakeRupeezy.make()
        assert.deepStrictEqual(
          Object.values(endpoints.make("+05:30")).map(({ method, path }) => `${method} ${path}`),
          knownCalls
        )
        for (const { name } of Object.values(endpoints.make("+05:30"))) assert.include(fake.endpoints, name)
      })
    ))

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
