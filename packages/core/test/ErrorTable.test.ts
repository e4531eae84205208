import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"

const failure: ErrorTable.Failure = {
  operation: "login",
  status: 403,
  code: "A1",
  message: "Access denied",
  supportId: undefined,
  retryAfter: undefined,
  clockDrift: undefined,
  request: undefined
}

describe("ErrorTable.matches", () => {
  const row = (fields: Partial<ErrorTable.ErrorRow>): ErrorTable.ErrorRow => ({
    meaning: "",
    source: "",
    asOf: "",
    reason: ErrorTable.rejected,
    ...fields
  })
  it.each([
    [{ code: "A1" }, true],
    [{ code: "a1" }, false],
    [{ message: /denied/i }, true],
    [{ message: /rate/i }, false],
    [{ status: 403 }, true],
    [{ status: 200 }, false],
    [{ code: "A1", operations: ["login"] }, true],
    [{ code: "A1", operations: ["logout"] }, false],
    [{ code: "A1", message: /rate/ }, false]
  ])('for the row %o and the login failure "403 A1 Access denied", returns %s', (fields, expected) =>
    assert.strictEqual(ErrorTable.matches(row(fields), failure), expected)
  )

  it("returns false for a message pattern if there is no message", () =>
    assert.isFalse(ErrorTable.matches(row({ message: /.*/ }), { ...failure, message: undefined })))

  it("ignores leading, trailing and repeated blanks in a message", () => {
    const spaced = { ...failure, message: " Access  \tDenied\n" }
    assert.isTrue(ErrorTable.matches(row({ message: /^access denied$/i }), spaced))
  })
})

describe("ErrorTable.totpHints", () => {
  const ids = (fields: Partial<ErrorTable.Failure>) =>
    ErrorTable.totpHints({ ...failure, ...fields }).map(({ id }) => id)
  const usual = ["ReEnrolled", "CodeReused"]
  it.each([
    ["an unknown clock drift and an unknown request", usual, {}],
    ["a clock within the tolerance", usual, { clockDrift: -15_000 }],
    ["a clock outside the tolerance", ["ClockDrift", ...usual], { clockDrift: 15_001 }],
    ["a request with a code", usual, { request: { totp: Redacted.make("123456") } }],
    [
      "a request with the TOTP secret instead of a code",
      ["SecretInsteadOfCode", ...usual],
      { request: { totp: Redacted.make("JBSWY3DPEHPK3PXP") } }
    ],
    ["a request with a code of the type number", usual, { request: { totp: 123456 } }]
  ] as const)("for %s, returns the hints %j", (_, expected, fields) =>
    assert.deepStrictEqual(ids(fields), [...expected])
  )

  it("says how far the user's clock is behind or ahead", () => {
    const text = (clockDrift: number) => ErrorTable.totpHints({ ...failure, clockDrift })[0]?.text
    assert.strictEqual(text(90_400), "Your clock is 90 seconds behind the broker's: set it by NTP.")
    assert.strictEqual(text(-60_000), "Your clock is 60 seconds ahead of the broker's: set it by NTP.")
    assert.strictEqual(text(-9 * 86_400_000), "Your clock is 9 days ahead of the broker's: set it by NTP.")
  })
})

const said = { code: "A1", brokerMessage: "Access denied" }

const reasons = [
  [ErrorTable.invalidCredentials("pin", "Do."), { _tag: "InvalidCredentials", field: "pin", advice: "Do.", ...said }],
  [ErrorTable.invalidCode("otp"), { _tag: "InvalidStepUpCode", kind: "otp", hints: [], ...said }],
  [ErrorTable.challengeExpired("attempts"), { _tag: "ChallengeExpired", why: "attempts", ...said }],
  [ErrorTable.locked("otp", "wait"), { _tag: "AccountLocked", scope: "otp", unlock: "wait", ...said }],
  [ErrorTable.sessionExpired("logged-out"), { _tag: "SessionExpired", why: "logged-out", ...said }],
  [ErrorTable.sessionLimit, { _tag: "SessionLimitReached", ...said }],
  [ErrorTable.rateLimited, { _tag: "RateLimited", by: "broker", ...said }],
  [ErrorTable.denied("ip"), { _tag: "PermissionDenied", why: "ip", ...said }],
  [ErrorTable.actionRequired("Consent"), { _tag: "ActionRequired", what: "Consent", ...said }],
  [ErrorTable.unavailable, { _tag: "BrokerUnavailable", why: "broker", status: 403, ...said }],
  [
    ErrorTable.invalidRequest("pin", "is short"),
    { _tag: "InvalidRequest", problems: [{ field: "pin", problem: "is short" }], ...said }
  ],
  [ErrorTable.rejected, { _tag: "BrokerRejected", status: 403, ...said }]
] as const

it.each(reasons.map(([reasonOf, fields]) => ({ tag: fields._tag, reasonOf, fields })))(
  "the reason $tag contains the broker's code and message",
  ({ fields, reasonOf }) => {
    const reason = reasonOf(failure)
    for (const [name, value] of Object.entries(fields)) assert.deepStrictEqual(Reflect.get(reason, name), value, name)
  }
)
