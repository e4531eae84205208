import { assert, describe, it } from "@effect/vitest"
import { Fixtures } from "@auth/broker-core/testing"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as Effect from "effect/Effect"
import { codes } from "../src/internal/codes.ts"
import { dialects } from "../src/internal/dialects.ts"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, layerAnswer, readFixtures } from "./support.ts"

const files = ["success", "dialects", "codes", "statuses", "oddities"]
const fixtures = files.flatMap((file) => readFixtures(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)

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
  "POST /open-api/od/v1/vendor/getUserDetails",
  "GET /open-api/od/v1/profile"
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

const subject: Fixtures.Subject<Fixtures.Fixture, RmoneyApi.RmoneyApi> = {
  fixtures,
  endpoints: [...Object.values(endpoints.table).map(({ name }) => name), "logout"],
  calls,
  layer: ({ body, headers, status }) => layerAnswer(body, { status, headers }),
  dialects,
  codes,
  secrets: ["eyJ", "of.a.test", "STEP0", "Demo@101"]
}

describe("fixtures", () => {
  for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
})

describe("a token is not lost to another field", () => {
  const essential = Object.fromEntries(
    Object.values(endpoints.table).map(({ essential, name }) => [name, essential] as const)
  )
  for (const { name, run } of Fixtures.typeCases(subject, { essential, envelope: ["status", "stat", "result"] }))
    it.effect(name, () => run)
})

describe("dialects", () => {
  for (const { name, run } of Fixtures.dialectCases(subject)) it.effect(name, () => run)

  it("every spelling of yes and no that was seen is among the fixtures", () => {
    const seen = new Set(fixtures.flatMap(({ body }) => /"stat(?:us)?": ?"((?:not.?)?ok)"/i.exec(body)?.[1] ?? []))
    for (const spelling of ["Ok", "Not ok", "Not_ok", "Not_Ok", "not_ok"]) assert.isTrue(seen.has(spelling), spelling)
  })
})

describe("codes", () => {
  for (const { name, run } of Fixtures.codeCases(subject)) it.effect(name, () => run)

  for (const message of knownMessages) {
    it(`"${message}" has a row and a fixture`, () => {
      const own = fixtures.filter((fixture) => {
        const { verdict } = Fixtures.read(subject, fixture)
        return verdict?._tag === "No" && verdict.message?.includes(message)
      })
      assert.isNotEmpty(own)
      for (const fixture of own) {
        // Where no token is wanted, what the status says is enough.
        if (fixture.endpoint !== "pwdValidate" || fixture.status !== 401)
          assert.isDefined(Fixtures.rowOf(subject, fixture), fixture.name)
      }
    })
  }
})

describe("nothing that is documented is left out", () => {
  it("every documented call has a row, and no row is for another", () => {
    const rows = Object.values(endpoints.table).map(({ method, path }) => `${method} ${path}`)
    assert.deepStrictEqual(rows.toSorted(), documentedCalls.toSorted())
    assert.strictEqual(documentedCalls.length, 16)
  })

  it.effect("every documented call is typed, and the fake has a handler for it", () =>
    Effect.gen(function* () {
      const fake = yield* FakeRmoney.make()
      const names = Object.values(endpoints.table).map(({ name }) => name)
      assert.includeMembers([...fake.endpoints], names)
      const api = yield* Effect.provide(RmoneyApi.RmoneyApi, layerAnswer(""))
      for (const name of names) assert.isFunction(api[name as keyof typeof api], name)
    })
  )

  for (const { name, run } of Fixtures.coverageCases(subject)) it.effect(name, () => run)
})
