import * as Expiry from "@auth/broker-core/login/Expiry"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const issuedAt = Date.UTC(2026, 10, 21, 4)

const issued = (
  fields: { readonly token?: string; readonly at?: number; readonly expiresIn?: Duration.Duration } = {}
) => ({
  issuedAt: fields.at ?? issuedAt,
  accessToken: Redacted.make(fields.token ?? "opaque"),
  expiresIn: fields.expiresIn
})

const token = (claims: unknown, header: unknown = { alg: "HS512" }) =>
  `${Base64Url.encode(JSON.stringify(header))}.${Base64Url.encode(JSON.stringify(claims))}.c2ln`

describe("Expiry.jwt", () => {
  const seconds = 1_795_000_000
  it.each([
    ["exp", token({ exp: seconds })],
    ["exp among other claims", token({ sub: "A123456", iat: 1, exp: seconds, roles: [0] })],
    ["the algorithm `none`", token({ exp: seconds }, { alg: "none" })],
    ["a header that is not JSON", `x.${Base64Url.encode(`{"exp":${seconds}}`)}.y`],
    ["a payload with padding", `x.${globalThis.btoa(`{"exp": ${seconds}}`)}.y`],
    ["no signature", `x.${Base64Url.encode(`{"exp":${seconds}}`)}`],
    ["exp as text", token({ exp: String(seconds) })],
    ["exp as text with spaces and a fraction", token({ exp: ` ${seconds}.0 ` })],
    ["exp in milliseconds", token({ exp: seconds * 1000 })],
    ["exp in milliseconds as text", token({ exp: String(seconds * 1000) })],
    ["letters that are not Latin", token({ name: "नमस्ते", exp: seconds })]
  ])("reads the expiry of a token with %s", (_, text) =>
    assert.deepStrictEqual(Expiry.jwt(issued({ token: text })), { at: seconds * 1000, source: "jwt" })
  )

  it.each([
    ["no exp", token({ sub: "A123456" })],
    ["exp as text that is not a number", token({ exp: "tomorrow" })],
    ["exp as a date in text", token({ exp: "2026-11-21T15:30:00Z" })],
    ["exp as empty text", token({ exp: "" })],
    ["exp as blank text", token({ exp: "  " })],
    ["exp as a hexadecimal number in text", token({ exp: "0x6afd" })],
    ["exp as a negative number in text", token({ exp: "-1" })],
    ["exp as a number of 400 digits in text", token({ exp: "9".repeat(400) })],
    ["exp in microseconds", token({ exp: seconds * 1_000_000 })],
    ["exp as a boolean", token({ exp: true })],
    ["exp as a list", token({ exp: [seconds] })],
    ["null as exp", token({ exp: null })],
    ["a negative exp", token({ exp: -1 })],
    ["zero as exp", token({ exp: 0 })],
    ["an exp in seconds beyond the range of Date", token({ exp: 1e15 })],
    ["an exp in milliseconds beyond the range of Date", token({ exp: 1e300 })],
    ["claims that are a list", token([seconds])],
    ["claims that are null", token(null)],
    ["a payload that is not base64url", "x.%%%.y"],
    ["a payload that is not JSON", `x.${Base64Url.encode("exp")}.y`],
    ["only one part", "opaque"],
    ["only dots", ".."],
    ["no characters", ""]
  ])("gives no expiry for a token with %s", (_, text) => assert.isUndefined(Expiry.jwt(issued({ token: text }))))
})

describe("Expiry.dailyAt", () => {
  const ist = (text: string) => Date.parse(`${text}+05:30`)
  it.each([
    ["00:00", "2026-11-21T23:59:59.999", "2026-11-22T00:00"],
    ["00:00", "2026-11-22T00:00", "2026-11-23T00:00"],
    ["00:00", "2026-11-22T00:00:00.001", "2026-11-23T00:00"],
    ["06:00", "2026-11-21T05:59:59.999", "2026-11-21T06:00"],
    ["06:00", "2026-11-21T06:00", "2026-11-22T06:00"],
    ["06:00", "2026-11-21T00:00", "2026-11-21T06:00"],
    ["08:00", "2026-11-21T07:59", "2026-11-21T08:00"],
    ["08:00", "2026-11-21T08:00", "2026-11-22T08:00"],
    ["08:00", "2026-11-21T23:30", "2026-11-22T08:00"],
    ["00:00", "2026-12-31T12:00", "2027-01-01T00:00"],
    ["06:00", "2026-12-31T06:00", "2027-01-01T06:00"],
    ["08:00", "2028-02-28T09:00", "2028-02-29T08:00"],
    ["00:00", "2028-02-29T00:00", "2028-03-01T00:00"],
    ["06:00", "2027-02-28T07:00", "2027-03-01T06:00"],
    ["23:59", "2026-11-21T23:59", "2026-11-22T23:59"],
    ["00:00", "1969-12-31T12:00", "1970-01-01T00:00"]
  ] as const)("with the cut-off %s IST: a session issued at %s ends at %s", (time, at, end) =>
    assert.deepStrictEqual(Expiry.dailyAt(time)(issued({ at: ist(at) })), { at: ist(end), source: "daily-cut-off" })
  )

  it.prop(
    "ends a session within one day, at the given time in India",
    [
      Schema.Int.check(Schema.isBetween({ minimum: -1e12, maximum: 1e13 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1439 }))
    ],
    ([at, minute]) => {
      const two = (value: number) => String(value).padStart(2, "0")
      const time = `${two(Math.floor(minute / 60))}:${two(minute % 60)}` as `${number}:${number}`
      const end = Expiry.dailyAt(time)(issued({ at }))?.at ?? NaN
      assert.isAbove(end, at)
      assert.isAtMost(end - at, 86_400_000)
      assert.strictEqual(Expiry.toIst(end).slice(11, 19), `${time}:00`)
    },
    { arbitrary: { runs: 500 } }
  )
})

describe("the lifetime of a session", () => {
  it("begins at the issue time with Expiry.after", () =>
    assert.deepStrictEqual(Expiry.after("3 hours")(issued()), { at: issuedAt + 10_800_000, source: "lifetime" }))

  it("begins at the issue time with Expiry.expiresIn", () => {
    assert.deepStrictEqual(Expiry.expiresIn(issued({ expiresIn: Duration.seconds(60) })), {
      at: issuedAt + 60_000,
      source: "expires-in"
    })
    assert.isUndefined(Expiry.expiresIn(issued()))
  })

  it("has no known end if infinite", () => {
    assert.isUndefined(Expiry.expiresIn(issued({ expiresIn: Duration.infinity })))
    assert.isUndefined(Expiry.after(Duration.infinity)(issued()))
  })
})

describe("Expiry.earliest", () => {
  const jwt = (seconds: number) => issued({ token: token({ exp: seconds }) })
  const rule = Expiry.earliest(Expiry.dailyAt("00:00"), Expiry.jwt)
  const midnight = Date.UTC(2026, 10, 21, 18, 30)
  it.each([
    [
      "the token's expiry if earlier than the cut-off",
      jwt(midnight / 1000 - 1),
      { at: midnight - 1000, source: "jwt" }
    ],
    [
      "the cut-off if earlier than the token's expiry",
      jwt(midnight / 1000 + 1),
      { at: midnight, source: "daily-cut-off" }
    ],
    ["the first rule's expiry if both rules agree", jwt(midnight / 1000), { at: midnight, source: "daily-cut-off" }],
    ["the known expiry if the other rule gives none", issued(), { at: midnight, source: "daily-cut-off" }]
  ] as const)("returns %s", (_, given, end) => assert.deepStrictEqual(rule(given), end))

  it("gives no expiry if no rule does", () => {
    assert.isUndefined(Expiry.earliest(Expiry.jwt, Expiry.expiresIn)(issued()))
    assert.isUndefined(Expiry.earliest()(issued()))
  })
})

it.each([
  [Date.UTC(2026, 10, 21, 10), "2026-11-21 15:30:00 IST"],
  [Date.UTC(2026, 11, 31, 18, 30), "2027-01-01 00:00:00 IST"],
  [Date.UTC(2026, 10, 21, 10, 0, 0, 999), "2026-11-21 15:30:00 IST"],
  [0, "1970-01-01 05:30:00 IST"]
])("Expiry.toIst writes %d as %s", (at, text) => assert.strictEqual(Expiry.toIst(at), text))

describe("invalid options of expiry rules:", () => {
  it.each(["25:99", "24:00", "12:60", "-1:00", "noon", "", "8", "08:00:00"])(
    "Expiry.dailyAt rejects the time %j",
    (time) => {
      assert.throws(() => Expiry.dailyAt(time as "08:00"), /from "00:00" to "23:59"/)
    }
  )

  it.each([NaN, -5, "10 secs" as "10 seconds", "-1 hour" as const])(
    "Expiry.after rejects the duration %s",
    (lifetime) => {
      assert.throws(() => Expiry.after(lifetime), /such as "8 hours"/)
    }
  )
})
