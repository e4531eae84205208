import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Codes from "@auth/broker-core/Codes"
import type * as Envelope from "@auth/broker-core/Envelope"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as Duration from "effect/Duration"
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

/** Every call of the broker's document, and the newer one of its API page, as of 2026-11-21. */
const documentedCalls = [
  "POST /auth/v1/sso/vendor/auth/getUserDetails",
  "POST /auth/v1/access/pwd/validate",
  "POST /auth/v1/access/otp/send",
  "POST /auth/v1/access/otp/validate",
  "POST /auth/v1/access/topt/verify",
  "POST /auth/v1/access/bio/enable",
  "POST /auth/v1/access/bio/pwd/validate",
  "GET /auth/v1/access/qr/generate",
  "POST /auth/v1/access/qr/login",
  "POST /auth/v1/access/client/unblock",
  "POST /auth/v1/access/client/unblock/verify",
  "POST /auth/v1/access/pwd/forgot",
  "POST /auth/v1/access/pwd/forgot/verify",
  "POST /auth/v1/access/pwd/reset",
  "POST /open-api/od/v1/vendor/getUserDetails"
]

/** What the back end is known to say, as of 2026-11-21; where only a part is known, that part. */
const knownMessages = [
  "Invalid userId or password",
  "Enter valid password",
  "Please Enter Valid Credentials",
  "Invalid User",
  "User does not exists",
  "Invalid PAN",
  "Invalid OTP",
  "Invalid totp",
  "OTP interval exceeded.",
  "Invalid auth code",
  "T-OTP Not Enabled",
  "Enable/Login with TOTP",
  "User blocked",
  "Your account has been blocked by adminstrator",
  "Unblock Accout option wont work",
  "You have exceeded maximun limit.Please try again after 5 mins.",
  "Retry after 30 seconds",
  "Unauthorized",
  "Invalid user session",
  "Session Expired",
  "EC087",
  "Invalid vendor name or vendor key",
  "Invalid Parameter",
  "Given mobile linked with multiple client Id's",
  "Failed",
  "Failed to validate. Please try again later",
  "Something went wrong",
  "Can't send OTP"
]

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

const shownField = (value: unknown) => (Duration.isDuration(value) ? Duration.toSeconds(value) : value)

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
        assert.notMatch(JSON.stringify([result.failure, result.failure.message]), /eyJ|of\.a\.test|STEP0|Demo@101/)
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

  it("every spelling of yes and no that was seen is among the fixtures", () => {
    const seen = new Set(fixtures.flatMap(({ body }) => /"stat(?:us)?": ?"((?:not.?)?ok)"/i.exec(body)?.[1] ?? []))
    for (const spelling of ["Ok", "Not ok", "Not_ok", "Not_Ok", "not_ok"]) assert.isTrue(seen.has(spelling), spelling)
  })
})

describe("codes", () => {
  for (const row of codes) {
    it(`${[row.status, row.code, row.message, row.operations?.[0]].filter(Boolean).join(" ")}: ${row.meaning}`, () => {
      assert.isNotEmpty(fixtures.filter((fixture) => rowOf(fixture) === row))
      assert.isNotEmpty(row.source)
      assert.match(row.asOf, /^\d{4}-\d\d-\d\d$/)
    })
  }

  for (const message of knownMessages) {
    it(`"${message}" has a row and a fixture`, () => {
      const own = fixtures.filter((fixture) => {
        const { verdict } = read(fixture)
        return verdict?._tag === "No" && verdict.message?.includes(message)
      })
      assert.isNotEmpty(own)
      for (const fixture of own) {
        // Where no token is wanted, what the status says is enough.
        if (fixture.endpoint !== "pwdValidate" || fixture.status !== 401) assert.isDefined(rowOf(fixture), fixture.name)
      }
    })
  }
})

describe("nothing that is documented is left out", () => {
  it("every documented call has a row, and no row is for another", () => {
    const rows = endpoints.all.map(({ method, path }) => `${method} ${path}`)
    assert.deepStrictEqual(rows.toSorted(), documentedCalls.toSorted())
    assert.strictEqual(documentedCalls.length, 15)
  })

  it.effect("every documented call is typed, and the fake has a handler for it", () =>
    Effect.gen(function* () {
      const fake = yield* FakeRmoney.make()
      const names = endpoints.all.map(({ name }) => name)
      assert.includeMembers([...fake.endpoints], names)
      assert.sameMembers(Object.keys(calls), [...names, "logout"])
      const api = yield* Effect.provide(RmoneyApi.RmoneyApi, layerAnswer(""))
      for (const name of names) assert.isFunction(api[name as keyof typeof api], name)
    })
  )

  for (const name of [...endpoints.all.map((endpoint) => endpoint.name), "logout"]) {
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
