import { assert, describe, it } from "@effect/vitest"
import * as Authorize from "@auth/broker-core/login/Authorize"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker } from "@auth/rupeezy/RupeezyBroker"
import type * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as endpoints from "../src/internal/endpoints.ts"
import {
  browse,
  calls,
  codeOf,
  layer,
  layerAnswer,
  loginRequest,
  partnerLayer,
  printed,
  reasonOf,
  serve,
  session,
  statuses
} from "./support.ts"

const demo = FakeRupeezy.demoAccount
const morning = Date.UTC(2026, 10, 21, 4)

const start = (options?: Parameters<typeof serve>[0]) => Effect.andThen(TestClock.setTime(morning), serve(options))

const fullProfile = {
  id: "XX9999",
  name: "DEMO TRADER",
  email: "demo@example.com",
  mobile: "9800000000",
  exchanges: ["NSE_EQ", "NSE_FO", "MCX_FO", "NSE_CUR"],
  products: ["INTRADAY", "DELIVERY", "MTF"],
  flags: {
    userId: "XX9999",
    userCode: "NXAAE",
    poa: "2",
    tradingActive: true,
    isDematActive: true,
    mfTradeActive: true,
    mfaType: "totp"
  }
}

describe("the life of a session:", () => {
  it.effect("login, profile, funds, banks, brokerage and logout succeed", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const own = yield* Login.session
        const api = yield* RupeezyApi.RupeezyApi
        assert.deepStrictEqual(own.profile, fullProfile)
        assert.deepStrictEqual(yield* Profile.profile(own), fullProfile)
        assert.strictEqual((yield* api.getFunds(own)).nse?.["net_available"], 22382.72)
        assert.strictEqual((yield* api.getBanks(own)).nse[0]?.bank_name, "DEMO BANK")
        assert.deepStrictEqual(yield* api.getBrokerage(own), {})
        assert.strictEqual((yield* Logout.logout(own))._tag, "Revoked")
      }).pipe(Effect.provide(layer()))
      assert.strictEqual((yield* fake.journal).length, 6)
    })
  )

  it.effect("loginAt is login_time, read as IST, in milliseconds since the epoch", () =>
    Effect.gen(function* () {
      yield* start()
      const request = { ...loginRequest, totp: Redacted.make(yield* codeOf(demo)) }
      const answer = yield* Effect.flatMap(RupeezyApi.RupeezyApi, (api) => api.login(request)).pipe(
        Effect.provide(layer())
      )
      assert.strictEqual(answer.login_time, "2026-Nov-21 09:30:00")
      assert.strictEqual(answer.loginAt, morning)
      assert.isTrue(Redacted.isRedacted(answer.oc_token))
    })
  )

  const ends: ReadonlyArray<readonly [string, RupeezyAuth.Options, "in-token" | "absent", number | undefined, string]> =
    [
      ["the token's exp", {}, "in-token", morning + 8 * 3_600_000, "jwt"],
      ["an unknown time if the token has no exp", {}, "absent", undefined, "unknown"],
      [
        "dailyEnd if the token's exp is later",
        { dailyEnd: "15:30" },
        "in-token",
        Date.UTC(2026, 10, 21, 10),
        "daily-cut-off"
      ],
      ["the token's exp if dailyEnd is later", { dailyEnd: "08:00" }, "in-token", morning + 8 * 3_600_000, "jwt"],
      [
        "dailyEnd if the token has no exp",
        { dailyEnd: "08:00" },
        "absent",
        Date.UTC(2026, 10, 22, 2, 30),
        "daily-cut-off"
      ],
      [
        "the time that the option `expiry` sets",
        { expiry: Expiry.after("1 hour") },
        "in-token",
        morning + 3_600_000,
        "lifetime"
      ]
    ]
  for (const [what, options, tokenEnd, at, source] of ends) {
    it.effect(`a session expires at ${what}`, () =>
      Effect.gen(function* () {
        yield* start({ tokenEnd })
        const own = yield* Effect.provide(Login.session, layer({}, options))
        assert.deepStrictEqual([own.expiresAt, own.expirySource], [at, source])
      })
    )
  }

  it.effect("a session of fromTokens has the token's expiry, and a profile with only the account id", () =>
    Effect.gen(function* () {
      yield* start()
      const own = yield* Effect.provide(Login.session, layer())
      const other = RupeezyAuth.fromTokens({
        userId: demo.clientCode,
        accessToken: Redacted.make(`Bearer ${Redacted.value(own.tokens.access)}`),
        issuedAt: morning
      })
      assert.strictEqual(other.expiresAt, own.expiresAt)
      assert.deepStrictEqual(yield* Effect.provide(Profile.profile(other), layer()), { id: demo.clientCode })
    })
  )

  it.effect("the token is sent only to the broker's hosts", () =>
    Effect.gen(function* () {
      const carried = (url: string) =>
        Effect.map(
          Effect.provide(Authorize.request(HttpClientRequest.get(url), session), layer()),
          ({ headers }) => headers["authorization"]
        )
      assert.strictEqual(yield* carried("https://vortex-api.rupeezy.in/v2/user/funds"), "Bearer access.of.a.test")
      assert.isUndefined(yield* carried("https://evil.example/v2/user/funds"))
    })
  )

  it.effect('requests with a session contain the API key unless apiKeyHeader is "logins"', () =>
    Effect.gen(function* () {
      const names = (options: RupeezyAuth.Options) =>
        Effect.map(Effect.provide(Authorize.Authorize, layer({}, options)), ({ headers }) =>
          Object.keys(headers(session))
        )
      assert.include(yield* names({}), "x-api-key")
      assert.notInclude(yield* names({ apiKeyHeader: "logins" }), "x-api-key")
    })
  )
})

describe("Profile.profile", () => {
  for (const probe of ["funds", "banks", "profile"] as const) {
    const endpoint = { funds: "getFunds", banks: "getBanks", profile: "getProfile" }[probe]
    it.effect(`calls ${endpoint} if probe is "${probe}", and detects an invalid token`, () =>
      Effect.gen(function* () {
        const fake = yield* start({ profileCall: "present" })
        const own = layer({}, { probe })
        const live = yield* Effect.provide(Login.session, own)
        assert.deepStrictEqual(yield* Effect.provide(Profile.profile(live), own), fullProfile)
        const error = yield* Effect.flip(Effect.provide(Profile.profile(session), own))
        assert.strictEqual(reasonOf(error, "SessionExpired").why, "invalid")
        assert.deepStrictEqual(yield* statuses(fake, endpoint), [200, 401])
      })
    )
  }

  it.effect('returns the full profile for a session of fromTokens if probe is "profile"', () =>
    Effect.gen(function* () {
      yield* start({ profileCall: "present" })
      const own = layer({}, { probe: "profile" })
      const bare = RupeezyAuth.fromTokens({
        userId: demo.clientCode,
        accessToken: (yield* Effect.provide(Login.session, own)).tokens.access,
        issuedAt: morning
      })
      assert.deepStrictEqual(yield* Effect.provide(Profile.profile(bare), own), fullProfile)
    })
  )

  it.effect('treats HTTP 403 as PermissionDenied, or as SessionExpired if forbidden is "session-over"', () =>
    Effect.gen(function* () {
      yield* start({ deadToken: 403 })
      const asked = (options: RupeezyAuth.Options) =>
        Effect.flip(Effect.provide(Profile.profile(session), layer({}, options)))
      assert.strictEqual(reasonOf(yield* asked({}), "PermissionDenied").why, "unknown")
      assert.strictEqual(reasonOf(yield* asked({ forbidden: "session-over" }), "SessionExpired").why, "unknown")
      assert.strictEqual(
        (yield* Effect.provide(Logout.logout(session), layer({}, { forbidden: "session-over" })))._tag,
        "LocalOnly"
      )
    })
  )
})

describe("a refused login", () => {
  for (const refusedLogin of [200, 400, 401] as const) {
    it.effect(`is classified by its message if its HTTP status is ${refusedLogin}`, () =>
      Effect.gen(function* () {
        yield* start({ refusedLogin, lockAfter: 1 })
        const refused = (overrides: Parameters<typeof layer>[0]) =>
          Effect.andThen(TestClock.adjust("31 seconds"), Effect.flip(Effect.provide(Login.session, layer(overrides))))
        const code = yield* refused({ totp: Redacted.make("JBSWY3DPEHPK3PXP") })
        assert.strictEqual(reasonOf(code, "InvalidStepUpCode").kind, "totp")
        const password = yield* refused({ password: Redacted.make("wrong") })
        assert.strictEqual(reasonOf(password, "InvalidCredentials").field, "clientCode or password")
        assert.strictEqual(reasonOf(yield* refused({}), "AccountLocked").scope, "account")
      })
    )
  }

  it.effect.each(["Client IP address is not registered", "Your IP is blocked", "IP_NOT_ALLOWED"])(
    "fails with PermissionDenied if its message is: %s",
    (message) =>
      Effect.gen(function* () {
        const fake = yield* start()
        const body = JSON.stringify({ status: "error", code: message, message })
        yield* fake.inject("login", { kind: "answer", status: 403, body }, 1)
        const error = yield* Effect.flip(Effect.provide(Login.session, layer()))
        assert.strictEqual(reasonOf(error, "PermissionDenied").why, "ip")
      })
  )

  it.effect("fails with the hint ClockDrift if the machine's clock is behind", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const date = new Date(morning + 90_000).toUTCString()
      const answer = JSON.stringify({ status: "error", message: "Invalid TOTP" })
      const error = yield* Effect.flip(
        Effect.provide(calls["login"] ?? Effect.void, layerAnswer(answer, { headers: { date } }))
      )
      const { hints } = reasonOf(error, "InvalidStepUpCode")
      assert.deepStrictEqual(
        hints.map(({ id }) => id),
        ["ClockDrift", "ReEnrolled", "CodeReused"]
      )
      assert.include(error.remedy, "90 seconds behind")
    })
  )
})

describe("the rate limits of the client", () => {
  it("limit each login call to one per second, each GET call to 50,000 per day", () => {
    const limits = Object.fromEntries(Object.values(endpoints.make("+05:30")).map(({ limits, name }) => [name, limits]))
    const once = [{ requests: 1, per: "1 second" as const }]
    const capped = [{ requests: 50_000, per: "1 day" as const }]
    assert.deepStrictEqual(limits, {
      login: once,
      createSession: once,
      deleteSession: [],
      getFunds: capped,
      getBanks: capped,
      getBrokerage: capped,
      getProfile: capped
    })
  })

  for (const name of ["login", "createSession"] as const) {
    it.effect(`put one second between two concurrent calls to ${name}`, () =>
      Effect.gen(function* () {
        const fake = yield* start()
        const call = calls[name] ?? Effect.void
        const both = yield* Effect.forkChild(
          Effect.all([Effect.exit(call), Effect.exit(call)], { concurrency: 2 }).pipe(Effect.provide(layer()))
        )
        yield* TestClock.withLive(Effect.sleep("50 millis"))
        assert.strictEqual((yield* fake.journal).length, 1)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(both)
        assert.notInclude(yield* statuses(fake, name), 429)
        assert.strictEqual((yield* fake.journal).length, 2)
      })
    )
  }

  it.effect("reject a login that would wait longer than queueTimeout", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const twice = Effect.andThen(Effect.exit(calls["login"] ?? Effect.void), calls["login"] ?? Effect.void)
      const error = yield* Effect.flip(Effect.provide(twice, layer({}, { queueTimeout: 0 })))
      assert.strictEqual(reasonOf(error, "RateLimited").by, "client")
      assert.strictEqual((yield* fake.journal).length, 1)
    })
  )
})

describe("a browser login", () => {
  const complete = (
    options: RupeezyPartner.Options,
    tamper: (url: URL) => void = () => {},
    overrides: Parameters<typeof partnerLayer>[0] = {}
  ) =>
    Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const request = yield* redirect.begin
      const url = new URL(Redacted.value(yield* browse(demo, request.url)))
      tamper(url)
      return yield* redirect.complete(request, Redacted.make(url.href))
    }).pipe(Effect.provide(partnerLayer(overrides, options)))

  const rejected = (...parameters: Parameters<typeof complete>) =>
    Effect.map(Effect.flip(complete(...parameters)), (error) => reasonOf(error, "RedirectRejected").why)

  it.effect("gives a session with the user's profile and the token's expiry", () =>
    Effect.gen(function* () {
      yield* start()
      const own = yield* complete({})
      assert.deepStrictEqual(own.profile, fullProfile)
      assert.deepStrictEqual([own.method, own.expirySource], ["partner", "jwt"])
    })
  )

  it.effect('needs no state in its callback unless the option state is "required"', () =>
    Effect.gen(function* () {
      yield* start({ cbParam: "dropped", reusedCode: "accepted" })
      assert.strictEqual((yield* complete({})).account.id, demo.clientCode)
      assert.strictEqual(yield* rejected({ state: "required" }), "state")
    })
  )

  it.effect("is rejected for a wrong state, even if the state is optional", () =>
    Effect.gen(function* () {
      const fake = yield* start({ reusedCode: "accepted" })
      const tamper = (url: URL) => url.searchParams.set("cb_param", "0".repeat(32))
      assert.strictEqual(yield* rejected({}, tamper), "state")
      assert.strictEqual(yield* rejected({ state: "required" }, tamper), "state")
      assert.deepStrictEqual(yield* statuses(fake, "createSession"), [])
    })
  )

  it.effect('works without a state if the option state is "not-sent"', () =>
    Effect.gen(function* () {
      yield* start()
      assert.strictEqual((yield* complete({ state: "not-sent" })).account.id, demo.clientCode)
    })
  )

  for (const [what, tamper, why] of [
    ["no auth code", (url: URL) => url.searchParams.delete("auth"), "missing-token"],
    ["a blank auth code", (url: URL) => url.searchParams.set("auth", ""), "missing-token"],
    ["two auth codes", (url: URL) => url.searchParams.append("auth", "another"), "repeated"]
  ] as const) {
    it.effect(`is rejected, and sends nothing, if its callback has ${what}`, () =>
      Effect.gen(function* () {
        const fake = yield* start()
        assert.strictEqual(yield* rejected({}, tamper), why)
        assert.deepStrictEqual(yield* statuses(fake, "createSession"), [])
      })
    )
  }

  it.effect('is rejected for another account unless otherAccount is "accept"', () =>
    Effect.gen(function* () {
      yield* start({ reusedCode: "accepted" })
      const other = { clientCode: "YY0000" }
      assert.strictEqual(yield* rejected({}, undefined, other), "other-account")
      yield* TestClock.adjust("1 second")
      const own = yield* complete({ otherAccount: "accept" }, undefined, other)
      assert.deepStrictEqual([own.account.id, own.profile?.flags?.["userId"]], ["YY0000", "XX9999"])
    })
  )

  it.effect("accepts the client code in lower case", () =>
    Effect.gen(function* () {
      yield* start()
      assert.strictEqual((yield* complete({}, undefined, { clientCode: "xx9999" })).account.id, "xx9999")
    })
  )

  it.effect("fails with InvalidCredentials if the auth code was already used", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const { callback, request } = yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const callback = yield* browse(demo, request.url)
        yield* redirect.complete(request, callback)
        return { callback, request }
      }).pipe(Effect.provide(partnerLayer()))
      yield* TestClock.adjust("2 seconds")
      // A new layer with empty `CompletedStates` does not know that the auth code was already sent.
      const error = yield* Effect.flip(
        Effect.flatMap(RedirectLogin.RedirectLogin, ({ complete }) => complete(request, callback)).pipe(
          Effect.provide(partnerLayer()),
          Effect.provideService(RedirectLogin.CompletedStates, [])
        )
      )
      assert.strictEqual(reasonOf(error, "InvalidCredentials").field, "apiKey, applicationId or auth code")
      assert.deepStrictEqual(yield* statuses(fake, "createSession"), [200, 401])
    })
  )

  const mishaps: ReadonlyArray<readonly [string, Fault]> = [
    ["the connection is cut before the request is processed", { kind: "reset" }],
    ["the connection is cut after the request is processed", { kind: "lost" }],
    ["the broker answers HTTP 503", { kind: "status", status: 503 }],
    ["the answer is a page that repeats the request", { kind: "quote", as: "page" }],
    ["the answer is JSON that repeats the request", { kind: "quote", as: "json" }],
    ["the answer is a refusal that repeats the request", { kind: "quote", as: "refusal" }],
    ["the answer is truncated", { kind: "answer", status: 200, body: `{"status":"success","data":{"access_to` }]
  ]
  for (const [what, fault] of mishaps) {
    it.effect(`sends its auth code once and shows no secret if ${what}`, () =>
      Effect.gen(function* () {
        const fake = yield* start()
        yield* fake.inject("createSession", fault)
        const error = yield* Effect.flip(complete({}))
        const sent = (yield* fake.journal).filter(({ endpoint }) => endpoint === "createSession")
        assert.strictEqual(sent.length, 1)
        const { checksum, token } = JSON.parse(sent[0]?.body ?? "") as Record<string, string>
        const shown = printed(error)
        for (const secret of [checksum, token, demo.apiKey]) assert.notInclude(shown, String(secret))
      })
    )
  }
})

describe("the descriptor", () => {
  it("has assumptions with unique ids, and names the options that change them", () => {
    const ids = broker.assumptions.map(({ id }) => id)
    assert.strictEqual(new Set(ids).size, ids.length)
    const options = broker.assumptions.map(({ option }) => option)
    for (const option of [
      "origins",
      "refusals",
      "state",
      "otherAccount",
      "expiry",
      "dailyEnd",
      "forbidden",
      "probe",
      "loginTimeOffset"
    ]) {
      assert.include(options, option)
    }
    for (const { asOf } of broker.assumptions) assert.strictEqual(asOf, "2026-11-21")
  })
})
