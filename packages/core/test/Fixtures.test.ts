import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import type * as Envelope from "@auth/broker-core/broker/Envelope"
import { Fixtures, TestHttp } from "@auth/broker-core/testing"
import type { Case } from "@auth/broker-core/testing/Contract"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import { login, loginOptions, profile, protocol, secrets, tokens } from "./tiny.ts"

type Subject = Fixtures.Subject<Fixtures.Fixture, HttpClient.HttpClient>

const connected = BrokerClient.make(protocol, { api: "https://api.tiny.example" })

const fixture = (
  endpoint: string,
  name: string,
  answer: object,
  expect: Fixtures.Fixture["expect"]
): Fixtures.Fixture => ({
  name,
  endpoint,
  source: "made up",
  asOf: "2026-11-21",
  confidence: "high",
  status: 200,
  headers: {},
  body: JSON.stringify(answer),
  expect
})

const yes = { ok: true, data: { token: "t", list: [1] } }
const data = { list: [1], token: "t" }
const said = (code: string, message?: string) => ({ ok: false, code, message })

const first = { ...fixture("login", "yes", yes, { data }), dialect: "tiny" }
const wrongPin = {
  ...fixture("login", "wrong PIN", said("T9153", "No luck"), {
    reason: "InvalidCredentials",
    field: "pin",
    brokerMessage: "No luck"
  }),
  dialect: "tiny"
}
const slow = {
  ...fixture("profile", "slow down", said("SLOW"), { reason: "RateLimited", retryAfter: 7 }),
  headers: { "retry-after": "7" }
}
const codes = protocol.codes.filter(({ code }) => code === "T9153" || code === "SLOW")

const sound: Subject = {
  ...protocol,
  codes,
  fixtures: [first, wrongPin, fixture("profile", "yes", yes, { data }), slow],
  endpoints: ["login", "profile"],
  calls: {
    login: Effect.flatMap(connected, (client) => client.call(login, loginOptions)),
    profile: Effect.flatMap(connected, (client) => client.call(profile, { account: "T1", tokens }))
  },
  layer: ({ body, headers, status }) => TestHttp.layerRespond(async () => new Response(body, { status, headers })),
  verdicts: { tiny: ["Yes", "No"] },
  // The PIN 9153 is left out: the failures show the error code T9153, which contains the PIN.
  secrets: [secrets.key, secrets.access]
}

const casesOf = (subject: Subject): ReadonlyArray<Case> => [
  ...Fixtures.fixtureCases(subject),
  ...Fixtures.dialectCases(subject),
  ...Fixtures.codeCases(subject),
  ...Fixtures.coverageCases(subject)
]

const having = (changed: Fixtures.Fixture, changes: Partial<Fixtures.Fixture>): Subject => ({
  ...sound,
  fixtures: sound.fixtures.map((each) => (each === changed ? { ...each, ...changes } : each))
})

const adding = (more: Fixtures.Fixture): Subject => ({ ...sound, fixtures: [...sound.fixtures, more] })

const row = codes[0] as ErrorTable.ErrorRow
const { code: _, ...bare } = row
const dialect = protocol.dialects[0] as Envelope.Dialect

const leaking = fixture("login", "with a secret", said("T9153", "No luck, 4711"), { reason: "InvalidCredentials" })

/** Adds the error rows O1 and O2. Only O1 has a fixture. */
const orders = (meaning: string, reason: ErrorTable.ErrorRow["reason"]): Subject => {
  const order = ErrorTable.rows("made up", "2026-11-21")
  return {
    ...sound,
    codes: [...codes, order("O1", "Concerns orders", ErrorTable.rejected), order("O2", meaning, reason)],
    fixtures: [...sound.fixtures, fixture("profile", "an order", said("O1"), { reason: "BrokerRejected", code: "O1" })]
  }
}

const unsound: ReadonlyArray<readonly [title: string, subject: Subject, name: string, message: RegExp]> = [
  ["wrong data", having(first, { expect: { data: { ...data, token: "u" } } }), "login: yes", /"u".*"t"/],
  ["additional data", having(first, { expect: { data: { token: "t" } } }), "login: yes", /list/],
  ["a success instead of a failure", having(first, { expect: { reason: "RateLimited" } }), "login: yes", /RateLimited/],
  ["a failure instead of a success", having(wrongPin, { expect: { data } }), "login: wrong PIN", /InvalidCredentials/],
  ["a wrong reason", having(wrongPin, { expect: { reason: "AccountLocked" } }), "login: wrong PIN", /AccountLocked/],
  [
    "a reason with a wrong field value",
    having(wrongPin, { expect: { reason: "InvalidCredentials", field: "otp" } }),
    "login: wrong PIN",
    /"otp".*"pin"/
  ],
  [
    "a reason that lacks a field",
    having(wrongPin, { expect: { reason: "InvalidCredentials", hint: null } }),
    "login: wrong PIN",
    /hint/
  ],
  [
    "a wrong delay",
    having(slow, { expect: { reason: "RateLimited", retryAfter: 8 } }),
    "profile: slow down",
    /"retryAfter":8.*"retryAfter":7/
  ],
  ["a wrong dialect", having(first, { dialect: "huge" }), "login: yes", /dialect.*"huge".*"tiny"/],
  [
    "a fixture whose endpoint has no call",
    having(first, { endpoint: "logon" }),
    "logon: yes",
    /no call for the endpoint logon/
  ],
  [
    "a failure from the call of another endpoint",
    { ...sound, calls: { ...sound.calls, login: sound.calls["profile"]! } },
    "login: wrong PIN",
    /operation.*"login".*"profile"/
  ],
  [
    "a failure that shows a secret",
    { ...adding(leaking), secrets: ["4711"] },
    "login: with a secret",
    /must not contain a secret/
  ],
  [
    "a dialect whose fixtures include no failure",
    { ...sound, fixtures: [first] },
    'a fixture in the dialect "tiny" has the verdict No',
    /no fixture in the dialect "tiny" has the verdict No/
  ],
  [
    "a dialect whose fixtures include no success",
    { ...sound, fixtures: [wrongPin] },
    'a fixture in the dialect "tiny" has the verdict Yes',
    /no fixture in the dialect "tiny" has the verdict Yes and expects a success/
  ],
  [
    "a dialect whose only successful answer is expected to fail",
    having(first, { expect: { reason: "MalformedResponse" } }),
    'a fixture in the dialect "tiny" has the verdict Yes',
    /no fixture in the dialect "tiny" has the verdict Yes and expects a success/
  ],
  [
    "a dialect if no failure fixture has the field `dialect`",
    having(wrongPin, { dialect: undefined as never }),
    'a fixture in the dialect "tiny" has the verdict No',
    /no fixture in the dialect "tiny" has the verdict No/
  ],
  [
    "a dialect without a source",
    { ...sound, dialects: [{ ...dialect, source: " " }] },
    'a fixture in the dialect "tiny" has the verdict No',
    /source/
  ],
  [
    "a dialect without a fixture",
    { ...sound, dialects: [dialect, { ...dialect, name: "huge" }] },
    'a fixture in the dialect "huge" has the verdict No',
    /no fixture in the dialect "huge" has the verdict No/
  ],
  ["an error row without a fixture", { ...sound, codes: protocol.codes }, "TOTP: made up", /no fixture/],
  [
    "a row for HTTP 503 if no fixture with HTTP 503 matches a dialect",
    { ...having(slow, { status: 503, body: "<h1>Busy</h1>" }), codes: [{ ...bare, status: 503 }] },
    "503: made up",
    /no fixture/
  ],
  [
    "a row whose fixtures all match an earlier row",
    { ...sound, codes: [{ ...row, meaning: "first" }, ...codes] },
    "T9153: made up",
    /no fixture/
  ],
  [
    "a row with the reason but not the meaning of a tested row",
    orders("Concerns funds", ErrorTable.rejected),
    "O2: Concerns funds",
    /no fixture/
  ],
  [
    "a row with the meaning but not the reason of a tested row",
    orders("Concerns orders", ErrorTable.unavailable),
    "O2: Concerns orders",
    /no fixture/
  ],
  [
    "a row that `codesFor` excludes for every fixture",
    { ...sound, codesFor: () => [] },
    "T9153: made up",
    /no fixture/
  ],
  ["a row without a source", { ...sound, codes: [{ ...row, source: "" }] }, "T9153: made up", /source/],
  ["a row with an incomplete date", { ...sound, codes: [{ ...row, asOf: "2026" }] }, "T9153: made up", /date/],
  [
    "an endpoint without a call",
    { ...sound, endpoints: [...sound.endpoints, "logout"] },
    "every endpoint has a call, and every call has an endpoint",
    /logout/
  ],
  [
    "a call without an endpoint",
    { ...sound, endpoints: ["login"] },
    "every endpoint has a call, and every call has an endpoint",
    /profile/
  ],
  [
    "an endpoint whose fixtures include no success",
    { ...sound, fixtures: [wrongPin] },
    "the fixtures of login include a success and a failure",
    /no fixture of login is a success/
  ],
  [
    "an endpoint whose fixtures include no failure",
    { ...sound, fixtures: [first] },
    "the fixtures of login include a success and a failure",
    /no fixture of login is a failure/
  ],
  [
    "a fixture without a source",
    having(first, { source: "" }),
    "each fixture has a source, a date and a confidence",
    /login: yes/
  ],
  [
    "a fixture whose source is undefined",
    having(first, { source: undefined as never }),
    "each fixture has a source, a date and a confidence",
    /login: yes/
  ],
  [
    "a fixture with an invalid date",
    having(slow, { asOf: "soon" }),
    "each fixture has a source, a date and a confidence",
    /slow down/
  ],
  [
    "a fixture with an unknown confidence",
    having(slow, { confidence: "none" as never }),
    "each fixture has a source, a date and a confidence",
    /slow down/
  ],
  [
    "two fixtures of one endpoint with the same name",
    adding(first),
    "no two fixtures of one endpoint have the same name",
    /login: yes/
  ]
]

describe("the test cases that Fixtures makes", () => {
  it.effect("all pass for a valid subject", () => Effect.forEach(casesOf(sound), ({ run }) => run, { discard: true }))

  it.effect("accept one fixture for BrokerRejected rows that differ only in `code`", () => {
    const subject = orders("Concerns orders", ErrorTable.rejected)
    return Effect.forEach(Fixtures.codeCases(subject), ({ run }) => run, { discard: true })
  })

  it("have unique names", () => {
    const names = casesOf(sound).map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
  })

  it.effect.each(unsound)("reject %s", ([, subject, wanted, message]) =>
    Effect.gen(function* () {
      const broken = casesOf(subject).find(({ name }) => name === wanted)
      assert.isDefined(broken, wanted)
      assert.match(String(yield* Effect.flip(broken.run)), message)
    })
  )
})

describe("Fixtures.read", () => {
  it("repairs the JSON defects that `quirks` names", () => {
    const curly = { ...first, body: "{“ok”: true}" }
    assert.isUndefined(Fixtures.read(sound, curly).verdict)
    assert.strictEqual(Fixtures.read({ ...sound, quirks: ["smart-quotes"] }, curly).verdict?._tag, "Yes")
  })
})
