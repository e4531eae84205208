import { assert, describe, it } from "@effect/vitest"
import { Fixtures } from "@auth/broker-core/testing"
import { FakeSamco } from "@auth/samco/msw"
import type { SamcoApi } from "@auth/samco/SamcoApi"
import * as Effect from "effect/Effect"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)

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
  ["Concurrent token exchange in progress. Please retry.", "oauthToken", 400, "InvalidStepUpCode"],
  ["Concurrent token exchange in progress. Please retry.", "oauthRefresh", 400, "BrokerUnavailable"],
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

const subject: Fixtures.Subject<Fixtures.Fixture, SamcoApi> = {
  fixtures,
  endpoints: Object.values(endpoints.table).map(({ name }) => name),
  calls,
  layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
  dialects,
  verdicts: { flat: ["Yes", "No"], nested: ["Yes", "No"] },
  codes,
  secrets: ["eyJ", "of.a.test"]
}

const refused = (endpoint: string, status: number, answer: object) => {
  const call = calls[endpoint]
  assert.isDefined(call, endpoint)
  return Effect.flip(Effect.provide(call, layerAnswer(JSON.stringify({ status: "Failure", ...answer }), { status })))
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(
    Object.values(endpoints.table).map(({ essential, name }) => [name, essential] as const)
  )
  for (const { name, run } of Fixtures.typeCases(subject, { essential, envelope: ["status"] }))
    it.effect(name, () => run)
})

describe("dialects", () => {
  for (const { name, run } of Fixtures.dialectCases(subject)) it.effect(name, () => run)

  for (const carrier of ["statusMessage", "message", "validationErrors"]) {
    it.effect(`a refusal in ${carrier} keeps the broker's words`, () =>
      Effect.gen(function* () {
        const said = "Invalid OTP. Please enter valid OTP."
        const answer = { [carrier]: carrier === "validationErrors" ? [said] : said }
        const { reason } = yield* refused("webSecretCodeValidation", 400, answer)
        assert.strictEqual(reason.brokerMessage, said)
      })
    )
  }
})

describe("codes", () => {
  for (const { name, run } of Fixtures.codeCases(subject)) it.effect(name, () => run)
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
          const failure = yield* refused(endpoint, status, { [carrier]: text })
          assert.strictEqual<string>(failure.reason._tag, reason)
        })
      )
    }
  }

  it("every call has a row, and no row is for another", () =>
    assert.deepStrictEqual(
      Object.values(endpoints.table).map(({ method, path }) => `${method} ${path}`),
      documentedCalls
    ))

  it.effect("every call has a handler of the fake", () =>
    Effect.gen(function* () {
      const fake = yield* FakeSamco.make()
      for (const { name } of Object.values(endpoints.table)) assert.include(fake.endpoints, name)
    })
  )

  it("only what is harmless is ever sent twice", () =>
    assert.deepStrictEqual(
      Object.values(endpoints.table)
        .filter(({ safe }) => safe)
        .map(({ name }) => name),
      ["whoami", "getLimits"]
    ))

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
