import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/AuthError"
import * as Codes from "@auth/broker-core/Codes"
import type * as Envelope from "@auth/broker-core/Envelope"
import { FakeSamco } from "@auth/samco/msw"
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

/** Every code of the broker's page on OAuth, as of 2026-11-21, and the name that stands for a list of faults. */
const documentedCodes = [
  "EOAUTH001 EOAUTH002 EOAUTH003 EOAUTH008 EOAUTH009 EOAUTH010 EOAUTH011 EOAUTH012 EOAUTH013 EOAUTH015 EOAUTH016",
  "EOAUTH017 EOAUTH030 EOAUTH999 validationErrors"
]
  .join(" ")
  .split(" ")

/** Every refusal that the broker prints or that was seen of it, and what it means. */
const documentedTexts: ReadonlyArray<readonly [text: string, operation: string, status: number, reason: string]> = [
  ["apiKey and apiSecret are required", "sessionToken", 400, "InvalidRequest"],
  ["Invalid API key", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid or inactive API key", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid API secret format", "sessionToken", 401, "InvalidCredentials"],
  ["Invalid API secret", "sessionToken", 401, "InvalidCredentials"],
  [
    "Unable to start your trading session. Please open the SAMCO mobile app, sign in once, and then retry.",
    "sessionToken",
    401,
    "ActionRequired"
  ],
  ["User not subscribed. Please subscribe to access trade API", "sessionToken", 403, "PermissionDenied"],
  ["User account is blocked", "sessionToken", 403, "AccountLocked"],
  ["User account is dormant", "sessionToken", 403, "AccountLocked"],
  ["Authorization code already used. All tokens revoked for security.", "oauthToken", 400, "InvalidStepUpCode"],
  ["Authorization code has expired", "oauthToken", 400, "InvalidStepUpCode"],
  ["Concurrent token exchange in progress. Please retry.", "oauthToken", 400, "BrokerUnavailable"],
  ["Secret key does not match", "accessToken", 200, "InvalidCredentials"],
  ["Invalid Password", "login", 200, "InvalidCredentials"],
  ["OTP expired. Please enter valid OTP.", "webSecretCodeValidation", 400, "InvalidStepUpCode"],
  ["Unauthorized. Session token is mandatory.", "getLimits", 401, "SessionExpired"],
  ["Unauthorized - Invalid token. sessId missing.", "getLimits", 401, "SessionExpired"],
  ["The IP is not the registered static IP", "getLimits", 403, "PermissionDenied"]
]

/** Every call of the documents, old and new, and of the document that this package began with: the old login. */
const documentedCalls = [
  "POST /session/token",
  "GET /oauth/authorize",
  "POST /oauth/authenticate",
  "POST /oauth/token",
  "POST /oauth/token",
  "POST /oauth/revoke",
  "POST /otp/generateOtp",
  "POST /otp/secretKeyGenerator",
  "POST /accessToken/token",
  "POST /login",
  "GET /webSecretCode",
  "POST /webSecretCodeValidation",
  "DELETE /logout",
  "GET /ip/whoami",
  "POST /ip/ipRegistration",
  "POST /ip/ipUpdate",
  "GET /limit/getLimits"
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

const read = ({ body, headers, status }: Pick<Fixture, "body" | "headers" | "status">) => {
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

const outcome = ({ body, endpoint, headers, status }: Pick<Fixture, "body" | "endpoint" | "headers" | "status">) => {
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

  for (const name of ["flat", "nested"]) {
    it(`a yes in the dialect "${name}" is among the fixtures`, () =>
      assert.isNotEmpty(fixtures.filter((fixture) => fixture.dialect === name && "data" in fixture.expect)))
  }

  for (const carrier of ["statusMessage", "message", "validationErrors"]) {
    it.effect(`a refusal in ${carrier} keeps the broker's words`, () =>
      Effect.gen(function* () {
        const said = "Invalid OTP. Please enter valid OTP."
        const body = JSON.stringify({ status: "Failure", [carrier]: carrier === "validationErrors" ? [said] : said })
        const result = yield* outcome({ endpoint: "webSecretCodeValidation", status: 400, headers: {}, body })
        assert.isTrue(result._tag === "Failure" && result.failure.reason.brokerMessage === said)
      })
    )
  }
})

describe("codes", () => {
  for (const row of codes) {
    it(`${[row.code, row.message, row.status].filter(Boolean).join(" ")}: ${row.meaning}`, () => {
      assert.isNotEmpty(fixtures.filter((fixture) => rowOf(fixture) === row))
      assert.isNotEmpty(row.source)
      assert.match(row.asOf, /^\d{4}-\d\d-\d\d$/)
    })
  }
})

describe("nothing that is documented is left out", () => {
  it("every code that is known has a row, and no row is for another", () => {
    const rows = new Set(codes.flatMap(({ code }) => code ?? []))
    assert.deepStrictEqual([...rows].toSorted(), documentedCodes.toSorted())
    assert.strictEqual(documentedCodes.length, 15)
  })

  for (const [text, endpoint, status, reason] of documentedTexts) {
    for (const carrier of ["statusMessage", "message"]) {
      it.effect(`"${text}" in ${carrier} is ${reason}, also without a code`, () =>
        Effect.gen(function* () {
          const body = JSON.stringify({ status: "Failure", [carrier]: text })
          const result = yield* outcome({ endpoint, status, headers: {}, body })
          assert.strictEqual<unknown>(result._tag === "Failure" && result.failure.reason._tag, reason)
        })
      )
    }
  }

  it("every call has a row, and no row is for another", () =>
    assert.deepStrictEqual(
      endpoints.all.map(({ method, path }) => `${method} ${path}`),
      documentedCalls
    ))

  it.effect("every call has a typed method and a handler of the fake", () =>
    Effect.gen(function* () {
      const fake = yield* FakeSamco.make()
      for (const { name } of endpoints.all) {
        assert.property(calls, name)
        assert.include(fake.endpoints, name)
      }
      assert.sameMembers(
        Object.keys(calls),
        endpoints.all.map(({ name }) => name)
      )
    })
  )

  for (const { name } of endpoints.all) {
    it(`${name} has a success and a failure among the fixtures`, () => {
      const own = fixtures.filter(({ endpoint }) => endpoint === name)
      assert.isTrue(own.some(({ expect }) => "data" in expect))
      assert.isTrue(own.some(({ expect }) => "reason" in expect))
    })
  }

  it("only what is harmless is ever sent twice", () =>
    assert.deepStrictEqual(
      endpoints.all.filter(({ safe }) => safe).map(({ name }) => name),
      ["whoami", "getLimits"]
    ))

  it("each fixture says where it comes from", () => {
    for (const { asOf, confidence, name, source } of fixtures) {
      assert.isNotEmpty(source, name)
      assert.match(asOf, /^\d{4}-\d\d-\d\d$/, name)
      assert.include(["high", "medium", "low"], confidence, name)
    }
    assert.strictEqual(new Set(fixtures.map(({ endpoint, name }) => `${endpoint} ${name}`)).size, fixtures.length)
  })
})
