import { assert, describe, it } from "@effect/vitest"
import { Login, Logout, Profile, type StepUp } from "@auth/broker-core"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as headers from "../src/internal/headers.ts"
import { codeNow, demo, hash, layer, layerApi, reasonOf, serve } from "./support.ts"

const origin = "https://openapi.motilaloswal.com"

const right: Readonly<Record<string, string>> = {
  ...Object.fromEntries(headers.table.flatMap(({ name, preset }) => (preset === undefined ? [] : [[name, preset]]))),
  "content-type": "application/json",
  accept: "application/json",
  "user-agent": "MOSL/V.1.1.0",
  vendorinfo: "AA017",
  apikey: demo.apiKey,
  apisecretkey: demo.apiSecret
}

interface Answer {
  readonly status?: string
  readonly message?: string
  readonly errorcode?: string
  readonly data?: unknown
  readonly AuthToken?: string
}

const ask = (
  fake: FakeBroker,
  path: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
    readonly method?: string
  } = {}
) =>
  Effect.promise(async () => {
    const { body, method = "POST" } = options
    const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body)
    const init = { method, headers: { ...right, ...options.headers }, body: text }
    const response = await fake.respond(new Request(origin + path, init))
    return (await response.json()) as Answer
  })

const login = "/rest/login/v7/authdirectapi"
const good = { userid: "AA017", password: hash, "2FA": "18/10/1988" }

describe("the fake's check of headers", () => {
  for (const { code, from, mandatory, name, sources } of headers.table) {
    if (from === "session" || from === "key") continue
    const source = sources[0] ?? "WEB"
    const complete = { sourceid: source, installedappid: "app-1", imeino: "490154203237518" }
    if (mandatory === "yes") {
      it.effect(`with identity: "strict", a blank ${name} is refused with ${code}`, () =>
        Effect.gen(function* () {
          const fake = yield* FakeMotilal.make({ identity: "strict" })
          const { errorcode } = yield* ask(fake, login, { headers: { ...complete, [name]: "" }, body: good })
          assert.strictEqual(errorcode, code)
        })
      )
    }
    it.effect(`an invalid ${name} is refused with ${code}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make()
        // `manufacturer` has at most 25 characters.
        const wrong = { ...complete, [name]: name === "manufacturer" ? "x".repeat(26) : "\u00e9" }
        assert.strictEqual((yield* ask(fake, login, { headers: wrong, body: good })).errorcode, code)
      })
    )
  }

  it.effect('a missing or wildcard Accept header is refused only with accept: "exact"', () =>
    Effect.gen(function* () {
      const { accept: _, ...silent } = right
      const lenient = yield* FakeMotilal.make({ limit: "none" })
      const exact = yield* FakeMotilal.make({ accept: "exact", limit: "none" })
      const send = (fake: FakeBroker, accept: Readonly<Record<string, string>>) =>
        Effect.promise(async () => {
          const init = { method: "POST", headers: { ...silent, ...accept }, body: JSON.stringify(good) }
          const response = await fake.respond(new Request(`${origin}${login}`, init))
          return ((await response.json()) as Answer).errorcode
        })
      for (const accept of [{}, { accept: "*/*" }, { accept: "text/html, application/*;q=0.9" }]) {
        assert.strictEqual(yield* send(lenient, accept), "", JSON.stringify(accept))
        assert.strictEqual(yield* send(exact, accept), "MO2003", JSON.stringify(accept))
      }
      for (const fake of [lenient, exact]) assert.strictEqual(yield* send(fake, { accept: "text/html" }), "MO2003")
    })
  )

  for (const [what, switches, ofSource, ofMachine] of [
    ["by default, empty header values of the Node SDK and source ids with lower-case letters are accepted", {}, "", ""],
    [
      'with sourceId: "upper-case", source ids with lower-case letters are refused',
      { sourceId: "upper-case" },
      "MO2011",
      ""
    ],
    ['with identity: "strict", empty header values of the Node SDK are refused', { identity: "strict" }, "", "MO2008"]
  ] as const) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make({ ...switches, limit: "none" })
        const said = (headers: Record<string, string>) =>
          Effect.map(ask(fake, login, { headers, body: good }), ({ errorcode }) => errorcode)
        for (const sourceid of ["Desktop", "desktop"]) {
          assert.strictEqual(yield* said({ sourceid, installedappid: "app-1" }), ofSource, sourceid)
        }
        assert.strictEqual(yield* said({ macaddress: "null", manufacturer: "" }), ofMachine)
        assert.strictEqual(yield* said({ sourceid: "TV" }), "MO2011")
      })
    )
  }

  it.effect("of several wrong headers, the first in the broker's table is reported", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make()
      const wrong = { "user-agent": "curl/8", sourceid: "TV", apikey: "badkey7" }
      assert.strictEqual((yield* ask(fake, login, { headers: wrong, body: good })).errorcode, "MO2004")
      const next = { ...wrong, "user-agent": "MOSL/V.1.0.0" }
      assert.strictEqual((yield* ask(fake, login, { headers: next, body: good })).errorcode, "MO2005")
    })
  )

  for (const [source, name] of [
    ["DESKTOP", "installedappid"],
    ["MOBILE", "imeino"],
    ["WEB", "browsername"]
  ] as const) {
    const other = source === "WEB" ? "DESKTOP" : "WEB"
    it.effect(`${name} is required for the source id ${source}, not for ${other}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make()
        const complete = { installedappid: "app-1", imeino: "490154203237518" }
        const without = (sourceid: string) =>
          ask(fake, login, { headers: { ...complete, sourceid, [name]: "" }, body: good })
        assert.notStrictEqual((yield* without(source)).errorcode, "")
        assert.strictEqual((yield* without(other)).errorcode, "")
      })
    )
  }
})

describe("the fake's check of logins", () => {
  const account = (changes: Partial<FakeMotilal.Account>) => ({ accounts: [{ ...demo, ...changes }] })
  const rows: ReadonlyArray<
    readonly [
      what: string,
      code: string,
      options: Parameters<typeof FakeMotilal.make>[0],
      body: unknown,
      heads?: Readonly<Record<string, string>>
    ]
  > = [
    ["a body that is not JSON", "MO2002", {}, "{"],
    ["an unknown user id", "MO1001", {}, { ...good, userid: "ZZ999" }],
    ["a user id in lower case", "MO1001", {}, { ...good, userid: "aa017" }],
    ["a plain-text password", "MO1002", {}, { ...good, password: demo.password }],
    ["a wrong password", "MO1000", {}, { ...good, password: hash.replace(/^./, "0").replace(/.$/, "0") }],
    ["a hash in upper case", "MO1000", {}, { ...good, password: hash.toUpperCase() }],
    ["a missing second factor", "MO1007", {}, { userid: "AA017", password: hash }],
    ["a date of birth as yyyy-mm-dd", "MO1007", {}, { ...good, "2FA": "1988-10-18" }],
    ["a PAN in lower case", "MO1007", {}, { ...good, "2FA": "abcde1234f" }],
    ["a TOTP code of five digits", "MO1099", {}, { ...good, totp: "12345" }],
    ["a wrong TOTP code", "MO1093", {}, { ...good, totp: "000000" }],
    ["a TOTP code for an account without TOTP", "MO1094", account({ totpSecret: "" }), { ...good, totp: "000000" }],
    ["an app that is not authorized for live use", "MO1006", account({ state: "not-live" }), good],
    ["an account without consent", "MO1092", account({ state: "no-consent" }), good],
    ["a missing API secret", "MO2006", {}, good, { apisecretkey: "" }],
    [
      'with loginWithoutSecret: "accepted", a wrong API secret',
      "MO2006",
      { loginWithoutSecret: "accepted" },
      good,
      { apisecretkey: "x" }
    ],
    [
      'with loginWithoutSecret: "accepted", a missing API secret',
      "",
      { loginWithoutSecret: "accepted" },
      good,
      { apisecretkey: "" }
    ],
    [
      'with addressCheck: "all", an unregistered IP address',
      "MO2035",
      { ...account({ ip: "unregistered" }), addressCheck: "all" },
      good
    ],
    ["an unregistered IP address with the default addressCheck", "", account({ ip: "unregistered" }), good],
    ["a blank TOTP code, which requests a code by SMS", "", {}, { ...good, totp: "" }],
    ["the PAN in place of the date of birth", "", {}, { ...good, "2FA": "ABCDE1234F" }]
  ]
  for (const [what, code, options, body, heads = {}] of rows) {
    it.effect(`${what}: ${code === "" ? "accepted" : `refused with ${code}`}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make(options)
        const { errorcode, status } = yield* ask(fake, login, { body, headers: heads })
        assert.strictEqual(errorcode, code)
        assert.strictEqual(status, code === "" ? "SUCCESS" : code === "MO1007" ? "ERROR" : "FAILURE")
      })
    )
  }

  it.effect("a PAN not linked to Aadhaar is refused without an error code", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make(account({ state: "pan-not-linked" }))
      const { errorcode, message } = yield* ask(fake, login, { body: good })
      assert.deepStrictEqual([errorcode, message], ["", "Not a valid account number"])
    })
  )

  it.effect("a method other than POST is refused with MO2001", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make()
      assert.strictEqual((yield* ask(fake, login, { method: "GET" })).errorcode, "MO2001")
    })
  )

  it.effect("v3 and v4 logins do not check the API secret", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make({ limit: "none" })
      for (const version of ["v3", "v4"]) {
        const path = `/rest/login/${version}/authdirectapi`
        assert.strictEqual((yield* ask(fake, path, { body: good, headers: { apisecretkey: "" } })).errorcode, "")
      }
    })
  )
})

const against = <A>(
  options: Parameters<typeof FakeMotilal.make>[0],
  effect: (
    fake: FakeBroker
  ) => Effect.Effect<A, unknown, Login.Login | StepUp.StepUp | Profile.Profile | Logout.Logout | MotilalApi.MotilalApi>,
  credentials: Parameters<typeof layer>[0] = {}
) =>
  Effect.flatMap(serve(options), (fake) => Effect.provide(effect(fake), layer(credentials, { requestsPerSecond: 20 })))

const sms = { totp: undefined }

const challenged = Effect.gen(function* () {
  const outcome = yield* Login.login
  assert(outcome._tag === "StepUpRequired")
  return outcome.challenge
})

describe("the fake's switches and reset", () => {
  for (const refusals of ["FAILURE", "ERROR"] as const) {
    it.effect(`with refusals: "${refusals}", a refusal has the status ${refusals}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make({ refusals })
        const answer = yield* ask(fake, login, { body: { ...good, "2FA": "01/01/1980" } })
        assert.deepStrictEqual([answer.status, answer.data], [refusals, "null"])
      })
    )
  }

  for (const unverified of ["MO1097", "MO8003", "MO1100"] as const) {
    it.effect(`with unverified: "${unverified}", getaccesstoken before verifyotp is refused with ${unverified}`, () =>
      against(
        { unverified },
        () =>
          Effect.gen(function* () {
            const { account, stepToken } = yield* challenged
            const api = yield* MotilalApi.MotilalApi
            const waiting = { account, tokens: { access: stepToken } }
            assert.strictEqual((yield* Effect.flip(api.getaccesstoken(waiting))).reason.code, unverified)
          }),
        sms
      )
    )
  }

  it.effect("with maxSessions: 2, a third login is refused until a logout", () =>
    against({ maxSessions: 2, reusedCode: "accepted" }, () =>
      Effect.gen(function* () {
        const first = yield* Login.session
        yield* TestClock.adjust("1 minute")
        yield* Login.session
        yield* TestClock.adjust("1 minute")
        const error = yield* Effect.flip(Login.session)
        assert.strictEqual(reasonOf(error, "SessionLimitReached").code, "MO2000")
        yield* Logout.logout(first)
        yield* TestClock.adjust("1 minute")
        yield* Login.session
      })
    )
  )

  for (const reusedCode of ["refused", "accepted"] as const) {
    it.effect(`with reusedCode: "${reusedCode}", a reused code is ${reusedCode}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make({ reusedCode })
        const body = { ...good, totp: yield* codeNow() }
        assert.strictEqual((yield* ask(fake, login, { body })).errorcode, "")
        assert.strictEqual((yield* ask(fake, login, { body })).errorcode, reusedCode === "refused" ? "MO1093" : "")
      })
    )
  }

  for (const [otpType, given, code] of [
    ["text", 1, "MO1099"],
    ["number", "text", "MO1099"],
    ["either", 1, ""],
    ["either", "text", ""]
  ] as const) {
    it.effect(
      `with otpType: "${otpType}", a code sent as ${given === 1 ? "a number" : "text"} is ${code === "" ? "accepted" : "refused"}`,
      () =>
        Effect.gen(function* () {
          const fake = yield* FakeMotilal.make({ otpType })
          const { AuthToken = "" } = yield* ask(fake, login, { body: good })
          const [otp = ""] = yield* fake.codes("AA017")
          const body = { otp: given === 1 ? Number(otp) : otp }
          const answer = yield* ask(fake, "/rest/login/v5/verifyotp", { body, headers: { authorization: AuthToken } })
          assert.strictEqual(answer.errorcode, code)
        })
    )
  }

  it.effect("by default, an order from an unregistered IP address is refused", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make({ accounts: [{ ...demo, ip: "unregistered" }] })
      const { AuthToken = "" } = yield* ask(fake, login, { body: good })
      const [otp] = yield* fake.codes("AA017")
      const authorization = { headers: { authorization: AuthToken } }
      yield* ask(fake, "/rest/login/v5/verifyotp", { body: { otp }, ...authorization })
      assert.strictEqual((yield* ask(fake, "/rest/trans/v1/placeorder", authorization)).errorcode, "MO2035")
    })
  )

  for (const writing of ["typographic-quotes", "trailing-bytes"] as const) {
    it.effect(`with writing: "${writing}", the client can read the invalid JSON`, () =>
      against({ writing }, (fake) =>
        Effect.gen(function* () {
          const raw = yield* Effect.promise(() => fake.respond(new Request(origin + login, { method: "POST" })))
          const text = yield* Effect.promise(() => raw.text())
          assert.throws(() => JSON.parse(text), SyntaxError)
          const session = yield* Login.session
          yield* Profile.profile(session)
          assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
          assert.strictEqual((yield* fake.journal).length, 5)
        })
      )
    )
  }

  for (const [limit, status] of [
    ["two-a-second", 429],
    ["none", 200]
  ] as const) {
    it.effect(`with limit: "${limit}", the third call in a second gives HTTP ${status}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeMotilal.make({ limit })
        const third = Effect.promise(async () => {
          const request = () =>
            fake.respond(new Request(origin + login, { method: "POST", headers: right, body: JSON.stringify(good) }))
          await request()
          await request()
          return (await request()).status
        })
        assert.strictEqual(yield* third, status)
      })
    )
  }

  it.effect("a reset clears sessions and codes", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make()
      const { AuthToken = "" } = yield* ask(fake, login, { body: good })
      yield* fake.reset
      assert.deepStrictEqual(yield* fake.codes("AA017"), [])
      const answer = yield* ask(fake, "/rest/login/v5/resendotp", { headers: { authorization: AuthToken } })
      assert.strictEqual(answer.errorcode, "MO8001")
    })
  )
})

describe("the fake's check of sessions", () => {
  it.effect("getaccesstoken needs a verified login, and getprofile v5 needs an access token", () =>
    Effect.gen(function* () {
      const fake = yield* FakeMotilal.make()
      const { AuthToken = "" } = yield* ask(fake, login, { body: good })
      const authorization = { authorization: AuthToken }
      const exchange = (more: Readonly<Record<string, string>> = {}) =>
        ask(fake, "/rest/login/v1/getaccesstoken", { headers: { ...authorization, ...more } })
      assert.strictEqual((yield* exchange()).errorcode, "MO1097")
      yield* ask(fake, "/rest/login/v5/verifyotp", {
        body: { otp: (yield* fake.codes("AA017"))[0] },
        headers: authorization
      })
      assert.strictEqual((yield* exchange({ apisecretkey: "" })).errorcode, "MO2006")
      assert.strictEqual((yield* exchange({ authorization: "" })).errorcode, "MO2007")
      assert.strictEqual((yield* exchange({ authorization: `Bearer ${AuthToken}` })).errorcode, "MO8001")
      assert.strictEqual((yield* exchange()).errorcode, "")
      const profile = (path: string, more: Readonly<Record<string, string>> = {}) =>
        ask(fake, path, { headers: { ...authorization, ...more } })
      assert.strictEqual((yield* profile("/rest/login/v5/getprofile")).errorcode, "MO8003")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* profile("/rest/login/v5/getprofile", { accesstoken: "x_M" })).errorcode, "MO8001")
      assert.strictEqual((yield* profile("/rest/login/v1/getprofile")).errorcode, "")
    })
  )

  it.effect("after an accepted code, verifyotp and resendotp are refused with MO1095", () =>
    against(
      {},
      (fake) =>
        Effect.gen(function* () {
          const { account, stepToken } = yield* challenged
          const api = yield* MotilalApi.MotilalApi
          const waiting = { account, tokens: { access: stepToken } }
          const otp = Redacted.make((yield* fake.codes("AA017"))[0] ?? "")
          yield* api.verifyotp({ otp }, waiting)
          assert.strictEqual((yield* Effect.flip(api.verifyotp({ otp }, waiting))).reason.code, "MO1095")
          assert.strictEqual((yield* Effect.flip(api.resendotp(waiting))).reason.code, "MO1095")
        }),
      sms
    )
  )

  it.effect("a dealer's profile call without a client code is refused with MO1062", () =>
    Effect.gen(function* () {
      yield* serve({ accounts: [{ ...demo, role: "dealer", client: "Q02429" }] })
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(Profile.profile(yield* Login.session))
        assert.strictEqual(reasonOf(error, "InvalidRequest").code, "MO1062")
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("a token of another app is refused with MO8001", () =>
    Effect.gen(function* () {
      const other = { ...demo, userId: "BB018", apiKey: "otherKey", apiSecret: "otherSecret" }
      yield* serve({ accounts: [demo, other] })
      const session = yield* Effect.provide(Login.session, layer())
      const otherApp = layerApi({ apiKey: Redacted.make("otherKey"), apiSecret: Redacted.make("otherSecret") })
      const error = yield* Effect.flip(
        Effect.provide(
          Effect.flatMap(MotilalApi.MotilalApi, (api) => api.getprofile({}, session)),
          otherApp
        )
      )
      assert.strictEqual(error.reason.code, "MO8001")
    })
  )
})
