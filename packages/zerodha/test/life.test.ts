import * as Authorize from "@auth/broker-core/login/Authorize"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { browse, demo, layer, layerPlatform, printed, reasonOf, serve } from "./support.ts"

/** 2026-11-27 08:15:14 IST. */
const morning = Date.UTC(2026, 10, 27, 2, 45, 14)

const start = (options?: Parameters<typeof serve>[0], at = morning) =>
  Effect.andThen(TestClock.setTime(at), serve(options))

const platform = { ...demo, platform: "approved" } as const

const logIn = (fake: FakeBroker, account = demo) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const session = yield* redirect.complete(request, yield* browse(fake, request, account))
    yield* TestClock.adjust("31 seconds")
    return session
  })

const expectedProfile = {
  id: "ZZ0001",
  name: "DEMO TRADER",
  email: "demo@example.com",
  exchanges: ["NSE", "BSE", "NFO", "BFO", "MCX", "MF"],
  products: ["CNC", "NRML", "MIS", "BO", "CO", "MTF"],
  flags: { userType: "individual", dematConsent: "consent" }
}

describe("a session", () => {
  it.effect("can be used for every read call until its logout", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake)
        const api = yield* ZerodhaApi.ZerodhaApi
        assert.deepStrictEqual(session.profile, expectedProfile)
        assert.deepStrictEqual(yield* Profile.profile(session), expectedProfile)
        const margins = yield* api.getMargins(session)
        assert.strictEqual(margins.equity?.available?.cash, 25_000)
        assert.strictEqual((yield* api.getEquityMargins(session)).utilised?.debits, 33.25)
        assert.isTrue((yield* api.getCommodityMargins(session)).enabled)
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
        assert.strictEqual((yield* Effect.flip(api.getMargins(session))).reason._tag, "SessionExpired")
        const again = yield* Logout.logout(session)
        assert.deepStrictEqual(again, { _tag: "LocalOnly", account: session.account, why: "already-over" })
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect.each([
    ["at 08:15:14 IST", "2026-11-27T02:45:14Z", 1_795_825_800_000],
    ["at 05:10 IST", "2026-11-27T23:40:00Z", 1_795_825_800_000],
    ["at exactly 06:00 IST", "2026-11-28T00:30:00Z", 1_795_912_200_000]
  ] as const)("ends at the next 06:00 IST if it begins %s", ([, at, end]) =>
    Effect.gen(function* () {
      const fake = yield* start({}, Date.parse(at))
      const session = yield* Effect.provide(logIn(fake), layer())
      assert.strictEqual(session.expiresAt, end)
      assert.strictEqual(session.expirySource, "daily-cut-off")
    })
  )

  it.effect("counts as expired if the broker refuses its token", () =>
    Effect.gen(function* () {
      const fake = yield* start({ dailyEnd: "07:30" }, Date.UTC(2026, 10, 27, 1))
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake)
        yield* TestClock.adjust("1 hour")
        const error = yield* Effect.flip(Profile.profile(session))
        assert.strictEqual(reasonOf(error, "SessionExpired").why, "invalid")
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("ends at the next login with the same API key", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const first = yield* logIn(fake)
        const second = yield* logIn(fake)
        yield* Profile.profile(second)
        reasonOf(yield* Effect.flip(Profile.profile(first)), "SessionExpired")
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("authorizes calls that the program itself sends to the broker", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake)
        const { headers, origins } = yield* Authorize.Authorize
        const { authorization = "", ...others } = headers(session)
        const access = Redacted.value(session.tokens.access)
        assert.strictEqual(Redacted.value(authorization as Redacted.Redacted<string>), `token ${demo.apiKey}:${access}`)
        assert.deepStrictEqual(others, { accept: "application/json", "x-kite-version": "3" })
        assert.deepStrictEqual(origins, ["https://api.kite.trade", "https://kite.zerodha.com"])
      }).pipe(Effect.provide(layer()))
    })
  )
})

describe("a callback", () => {
  const complete = (query: (state: string) => string) =>
    Effect.gen(function* () {
      const fake = yield* start()
      const error = yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const callback = Redacted.make(`${demo.redirectUrl}?${query(Redacted.value(request.state))}`)
        return yield* Effect.flip(redirect.complete(request, callback))
      }).pipe(Effect.provide(layer()))
      assert.notInclude(printed(error), "canary")
      assert.lengthOf(yield* fake.journal, 0)
      return reasonOf(error, "RedirectRejected").why
    })

  it.effect.each([
    ["the status `cancelled` and no state", () => "status=cancelled", "denied"],
    ["the status `cancelled` and the right state", (state: string) => `status=cancelled&state=${state}`, "denied"],
    ["an unknown status", (state: string) => `status=error&request_token=canary&state=${state}`, "denied"],
    ["no state", () => "status=success&request_token=canary", "state"],
    ["the state of another login", () => "status=success&request_token=canary&state=other", "state"],
    ["no status", (state: string) => `request_token=canary&state=${state}`, "missing-token"],
    ["no request token", (state: string) => `status=success&state=${state}`, "missing-token"],
    ["a blank request token", (state: string) => `status=success&request_token=%20&state=${state}`, "missing-token"],
    [
      "two request tokens",
      (state: string) => `status=success&request_token=canary&request_token=x&state=${state}`,
      "repeated"
    ],
    [
      "the action `basket`",
      (state: string) => `action=basket&status=success&request_token=canary&state=${state}`,
      "missing-token"
    ]
  ] as const)("with %s is rejected, and nothing is sent", ([, query, why]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* complete(query), why)
    })
  )

  it.effect("may omit `action` and `type`, and add or reorder parameters", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const url = new URL(Redacted.value(yield* browse(fake, request)))
        const token = url.searchParams.get("request_token")
        const state = Redacted.value(request.state)
        const query = `state=${state}&user_id=ZZ0001&request_token=${token}&n=1&status=success`
        yield* redirect.complete(request, Redacted.make(`${demo.redirectUrl}?${query}`))
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("is rejected if the user cancels, but the login can be completed later", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const cancelled = yield* browse(fake, request, demo, { cancel: "1" })
        assert.strictEqual(Redacted.value(cancelled), `${demo.redirectUrl}?status=cancelled`)
        yield* Effect.flip(redirect.complete(request, cancelled))
        yield* redirect.complete(request, yield* browse(fake, request))
      }).pipe(Effect.provide(layer()))
    })
  )
})

describe("an exchange of a request token", () => {
  it.effect("is rejected if the user logged in to another account", () =>
    Effect.gen(function* () {
      const other = { ...demo, userId: "ZZ0002" }
      const fake = yield* start({ accounts: [demo, other] })
      const error = yield* Effect.flip(Effect.provide(logIn(fake, other), layer()))
      assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
    })
  )

  it.effect("is rejected if the answer names another API key", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const data = { user_id: "ZZ0001", access_token: "canary-access", api_key: "otherkey" }
      const body = JSON.stringify({ status: "success", data })
      yield* fake.inject("sessionToken", { kind: "answer", status: 200, body })
      const error = yield* Effect.flip(Effect.provide(logIn(fake), layer()))
      assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
      assert.notInclude(printed(error), "canary-access")
    })
  )

  it.effect("accepts a configured user id in lower case", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const session = yield* Effect.provide(logIn(fake), layer({ userId: " zz0001 " }))
      assert.strictEqual(session.account.id, "ZZ0001")
    })
  )

  it.effect.each(["TokenException", "InputException"] as const)(
    "reports a wrong API secret if the broker refuses the checksum with %s",
    (wrongChecksum) =>
      Effect.gen(function* () {
        const fake = yield* start({ wrongChecksum })
        const wrong = layer({ apiSecret: Redacted.make("canary-secret") })
        const error = yield* Effect.flip(Effect.provide(logIn(fake), wrong))
        assert.strictEqual(reasonOf(error, "InvalidCredentials").field, "apiSecret")
        assert.notInclude(printed(error), "canary-secret")
      })
  )

  it.effect("fails if the request token is two minutes old", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const callback = yield* browse(fake, request)
        yield* TestClock.adjust("2 minutes")
        const { reason, remedy } = yield* Effect.flip(redirect.complete(request, callback))
        assert.strictEqual(reason._tag, "InvalidStepUpCode")
        assert.include(remedy, "Begin the browser login again")
      }).pipe(Effect.provide(layer()))
    })
  )
})

describe("a refresh", () => {
  it.effect("renews a session that expired at 06:00 IST", () =>
    Effect.gen(function* () {
      const fake = yield* start({ accounts: [platform] })
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake, platform)
        yield* TestClock.adjust("1 day")
        const renewed = yield* Refresh.refresh(session)
        assert.strictEqual((yield* Profile.profile(renewed)).id, "ZZ0001")
        assert.deepStrictEqual(renewed.profile, expectedProfile)
        assert.strictEqual((yield* Renewal.Renewal).afterCutOff, true)
      }).pipe(Effect.provide(layerPlatform()))
    })
  )

  it.effect("keeps the old refresh token if the new refresh token is empty", () =>
    Effect.gen(function* () {
      const fake = yield* start({ accounts: [platform], refreshToken: "stays" })
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake, platform)
        const data = { user_id: "ZZ0001", access_token: "other-access", refresh_token: "" }
        const body = JSON.stringify({ status: "success", data })
        yield* fake.inject("refreshToken", { kind: "answer", status: 200, body })
        const renewed = yield* Refresh.refresh(session)
        assert.strictEqual(Redacted.value(renewed.tokens.access), "other-access")
        const tokens = [renewed, session].map(({ tokens: { refresh } }) => refresh && Redacted.value(refresh))
        assert.strictEqual(tokens[0], tokens[1])
        yield* Refresh.refresh(renewed)
      }).pipe(Effect.provide(layerPlatform()))
    })
  )

  it.effect("fails, and sends no request, if the session has no refresh token", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake)
        assert.notProperty(session.tokens, "refresh")
        const error = yield* Effect.flip(Refresh.refresh(session))
        assert.strictEqual(reasonOf(error, "SessionExpired").why, "refresh-invalid")
      }).pipe(Effect.provide(layerPlatform()))
      assert.notInclude(
        (yield* fake.journal).map(({ endpoint }) => endpoint),
        "refreshToken"
      )
    })
  )

  it.effect("fails if the broker refuses the refresh token or returns another account", () =>
    Effect.gen(function* () {
      const fake = yield* start({ accounts: [platform] })
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake, platform)
        const data = { user_id: "ZZ0002", access_token: "other-access" }
        const body = JSON.stringify({ status: "success", data })
        yield* fake.inject("refreshToken", { kind: "answer", status: 200, body })
        const other = yield* Effect.flip(Refresh.refresh(session))
        assert.strictEqual(reasonOf(other, "SessionExpired").why, "refresh-invalid")
        yield* Refresh.refresh(session)
        const refused = yield* Effect.flip(Refresh.refresh(session))
        assert.strictEqual(reasonOf(refused, "SessionExpired").why, "refresh-invalid")
      }).pipe(Effect.provide(layerPlatform()))
    })
  )

  it.effect("fails after the refresh token was revoked", () =>
    Effect.gen(function* () {
      const fake = yield* start({ accounts: [platform] })
      yield* Effect.gen(function* () {
        const session = yield* logIn(fake, platform)
        const api = yield* ZerodhaApi.ZerodhaApi
        const { refresh = Redacted.make("") } = session.tokens
        assert.strictEqual(yield* api.deleteRefreshToken({ refresh_token: refresh }, session), true)
        const error = yield* Effect.flip(Refresh.refresh(session))
        assert.strictEqual(reasonOf(error, "SessionExpired").why, "refresh-invalid")
      }).pipe(Effect.provide(layerPlatform()))
    })
  )
})

describe("tokens of another program", () => {
  const given = { userId: " zz0001", accessToken: Redacted.make(" access "), issuedAt: morning }

  it("become a session that expires at 06:00 IST", () => {
    const session = ZerodhaAuth.fromTokens(given)
    assert.strictEqual(session.account.id, "ZZ0001")
    assert.strictEqual(session.method, "browser")
    assert.strictEqual(Redacted.value(session.tokens.access), "access")
    assert.strictEqual(session.expiresAt, 1_795_825_800_000)
    assert.notProperty(session.tokens, "refresh")
  })

  it("with a blank refresh token become a session without a refresh token", () => {
    const empty = ZerodhaPlatform.fromTokens({ ...given, refreshToken: Redacted.make(" ") })
    assert.notProperty(empty.tokens, "refresh")
    const full = ZerodhaPlatform.fromTokens({ ...given, refreshToken: Redacted.make("refresh"), app: "second" })
    assert.strictEqual(full.tokens.refresh && Redacted.value(full.tokens.refresh), "refresh")
    assert.strictEqual(full.method, "platform")
    assert.strictEqual(full.account.app, "second")
  })
})
