import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionJson from "@auth/broker-core/login/SessionJson"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { account, session, shown } from "./support.ts"

const issuedAt = Date.UTC(2026, 10, 21, 4)

const make = (expiry: Expiry.Expiry, expiresIn?: Duration.Duration) =>
  Session.make({
    account,
    method: "totp",
    tokens: { access: Redacted.make("access-canary") },
    issuedAt,
    expiry,
    expiresIn
  })

describe("Session.make", () => {
  it("computes the expiry and its source with the expiry rule", () => {
    const { expiresAt, expirySource, profile } = make(Expiry.dailyAt("00:00"))
    assert.deepStrictEqual(
      { expiresAt, expirySource, profile },
      { expiresAt: Date.UTC(2026, 10, 21, 18, 30), expirySource: "daily-cut-off", profile: undefined }
    )
  })

  it("passes expiresIn to the expiry rule", () => {
    const { expiresAt, expirySource } = make(Expiry.expiresIn, Duration.minutes(1))
    assert.deepStrictEqual([expiresAt, expirySource], [issuedAt + 60_000, "expires-in"])
  })

  it("sets the expiry source `unknown` if the rule returns no expiry", () => {
    const { expiresAt, expirySource } = make(Expiry.jwt)
    assert.deepStrictEqual([expiresAt, expirySource], [undefined, "unknown"])
  })
})

it.effect("Session.issue sets issuedAt to the start of the call if no request is sent", () =>
  Effect.gen(function* () {
    const asked = Date.UTC(2026, 10, 21, 18, 29, 59)
    yield* TestClock.setTime(asked)
    const slow = Effect.as(TestClock.adjust("2 seconds"), {
      tokens: { access: Redacted.make("access-canary") },
      profile: { id: "T1" }
    })
    const issued = yield* Session.issue({ account, method: "totp", expiry: Expiry.dailyAt("00:00") }, slow)
    assert.strictEqual(issued.issuedAt, asked)
    assert.strictEqual(issued.expiresAt, asked + 1000)
    assert.deepStrictEqual(issued.profile, { id: "T1" })
  })
)

it("Session.isExpired is true from the expiry on, and false if the expiry is unknown", () => {
  const known = make(Expiry.after("1 hour"))
  const end = issuedAt + 3_600_000
  assert.deepStrictEqual(
    [end - 1, end, end + 1].map((now) => Session.isExpired(known, now)),
    [false, true, true]
  )
  assert.isFalse(Session.isExpired(make(Expiry.jwt), Number.MAX_SAFE_INTEGER))
})

/** Some non-ASCII characters are invisible in the name of a test. */
const escaped = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const bareTokens: ReadonlyArray<readonly [token: string, bare: string]> = [
  ['Bearer "Bearer x"', "x"],
  ["\"Bearer 'bearer x'\"", "x"],
  ['Bearer ""', ""],
  ["eyJ.a.b", "eyJ.a.b"],
  ["Bearer eyJ.a.b", "eyJ.a.b"],
  ["bearer  Bearer\tBEARER eyJ.a.b\n", "eyJ.a.b"],
  ["Bearerless", "Bearerless"],
  ["\u200beyJ.a.b\u202c", "eyJ.a.b"],
  ["\u00a0eyJ.a.b\u3000\u00ad", "eyJ.a.b"],
  ['"Bearer eyJ.a.b"', "eyJ.a.b"],
  ["\u201ceyJ.a.b\u201d", "eyJ.a.b"],
  ["Bearer 'eyJ.a.b'", "eyJ.a.b"],
  ["eyJ\u200b.a.b", "eyJ\u200b.a.b"],
  ["", ""],
  ["Bearer", ""],
  [" bearer Bearer ", ""],
  ['"Bearer "', ""],
  ["&quot;abc&quot;", "abc"],
  ["&#39;Bearer abc&#39;", "abc"],
  ["\\u0022abc\\u0022", "abc"],
  ['\\"abc\\"', "abc"],
  ["&abc;", "&abc;"]
]

for (const [token, bare] of bareTokens) {
  it(`Session.bareToken returns ${escaped(bare)} for ${escaped(token)}`, () =>
    assert.strictEqual(Redacted.value(Session.bareToken(Redacted.make(token))), bare))
}

it.each([
  ["null", null],
  ["undefined", undefined],
  ["a number", 5],
  ["a token that is not Redacted", "eyJ.a.b"],
  ["a Redacted null", Redacted.make(null)],
  ["a Redacted number", Redacted.make(5)]
])("Session.bareToken returns an empty token for %s", (_, wrong) =>
  assert.strictEqual(Redacted.value(Session.bareToken(wrong as never)), "")
)

it("Session.isSession returns true only for a session", () => {
  assert.isTrue(Session.isSession(session()))
  for (const other of [null, undefined, "session", {}, { ...account }]) assert.isFalse(Session.isSession(other))
})

it("no printed form of a session contains its tokens", () => {
  const text = shown(session({ access: "access-canary", refresh: "refresh-canary" }))
  assert.notInclude(text, "canary")
  assert.include(text, "T1")
})

const encode = Schema.encodeSync(SessionJson.SessionFromJson)
const decode = Schema.decodeResult(SessionJson.SessionFromJson)

/** Unwraps the tokens, because an assertion treats all `Redacted` values as equal. */
const plain = (value: Session.Session) => ({
  ...value,
  tokens: Object.fromEntries(Object.entries(value.tokens).map(([name, token]) => [name, Redacted.value(token)]))
})

describe("SessionJson.SessionFromJson", () => {
  it("decodes an encoded session", () => {
    const stored = session({ access: "access-canary", refresh: "refresh-canary" })
    const json = encode(stored)
    assert.include(json, `"access":"access-canary"`)
    const restored = Result.getOrThrow(decode(json))
    assert.isTrue(Session.isSession(restored))
    assert.deepStrictEqual(plain(restored), plain(stored))
  })

  const Text = Schema.String
  const Fields = Schema.Struct({
    access: Schema.NonEmptyString,
    refresh: Schema.NonEmptyString,
    method: Text,
    id: Text,
    issuedAt: Schema.Int,
    lifetime: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e12 })),
    name: Text,
    flag: Text,
    exchanges: Schema.Array(Text)
  })
  it.prop("decodes every encoded session", [Fields], ([fields]) => {
    const { access, exchanges, flag, id, issuedAt: at, lifetime, method, name, refresh } = fields
    const stored = Session.make({
      account: { ...account, id },
      method,
      tokens: { access: Redacted.make(access), refresh: Redacted.make(refresh) },
      // Changes -0 to 0, because JSON cannot represent -0.
      issuedAt: at + 0,
      expiry: Expiry.earliest(Expiry.after(lifetime), Expiry.jwt),
      profile: { id, name, exchanges, flags: { [flag]: true } }
    })
    assert.deepStrictEqual(plain(Result.getOrThrow(decode(encode(stored)))), plain(stored))
  })

  const valid = JSON.parse(encode(session({ access: "access-canary" }))) as Record<string, object>
  const without = (name: string) => JSON.stringify({ ...valid, [name]: undefined })
  it.each([
    ["text that is not JSON", "access-canary"],
    ["a truncated session", encode(session()).slice(0, -20)],
    ["JSON that ends inside a token", `{"tokens":{"access":"access-canary`],
    ["empty text", ""],
    ["null", "null"],
    ["a list", `["access-canary"]`],
    ["a session without tokens", without("tokens")],
    ["a session without an account", without("account")],
    ["a session without an issue time", without("issuedAt")],
    ["a session with an empty access token", JSON.stringify({ ...valid, tokens: { access: "" } })],
    ["a session whose token is not text", JSON.stringify({ ...valid, tokens: { access: ["access-canary"] } })],
    ["a session whose expiry is text", JSON.stringify({ ...valid, expiresAt: "access-canary" })],
    ["a session with an unknown expiry source", JSON.stringify({ ...valid, expirySource: "access-canary" })]
  ])("rejects %s, and the SchemaError contains no token", (_, json) => {
    const error = Result.getOrThrow(Result.flip(decode(json)))
    assert.strictEqual(error._tag, "SchemaError")
    assert.notInclude(shown(error), "canary")
  })
})

it.effect.each([
  ["a no-break space at its end", "canary\u00a0"],
  ["a soft hyphen inside", "can\u00adary"],
  ["a blank inside", "can ary"],
  ["an accent", "can\u00e4ry"],
  ["a zero-width space", "canary\u200b"],
  ["an ellipsis", "canary\u2026"]
] as const)("Session.required rejects a token with %s, and does not print the token", ([, access]) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Session.required("tiny", "logout", session({ access })))
    assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "tokens.access" })
    assert.notInclude(shown(error), "can")
  })
)

it.effect("Session.required rejects an empty access token", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Session.required("tiny", "logout", session({ access: "" })))
    assert.deepInclude(error.reason, { _tag: "SessionExpired", why: "missing" })
  })
)

it.effect("Session.required rejects a token with a line break, and does not print the token", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Session.required("tiny", "logout", session({ access: "canary\nhalf" })))
    assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "tokens.access" })
    assert.notInclude(shown(error), "canary")
  })
)
