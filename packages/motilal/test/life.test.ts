import { assert, describe, it } from "@effect/vitest"
import { Login, Logout, Profile, StepUp } from "@auth/broker-core"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { demo, layer, reasonOf, serve } from "./support.ts"

const bySms = layer({ totp: undefined })

/** 2026-11-23 09:30 IST. */
const morning = Date.UTC(2026, 10, 23, 4)
/** 2026-11-24 06:00 IST. */
const cutOff = Date.UTC(2026, 10, 24, 0, 30)

const challenged = Effect.gen(function* () {
  const outcome = yield* Login.login
  assert(outcome._tag === "StepUpRequired")
  return { ...(yield* StepUp.StepUp), challenge: outcome.challenge }
})

describe("logins and sessions:", () => {
  it.effect("a TOTP login, profile and logout send four requests", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* TestClock.setTime(morning)
      yield* Effect.gen(function* () {
        const session = yield* Login.session
        assert.deepStrictEqual([session.expiresAt, session.expirySource], [cutOff, "daily-cut-off"])
        assert.deepStrictEqual(yield* Profile.profile(session), {
          id: "AA017",
          name: "DEMO TRADER",
          exchanges: ["NSE", "BSE", "NSEFO", "NSECD"],
          products: ["NORMAL", "DELIVERY"],
          flags: { userType: "Investor Client", powerOfAttorney: "YES" }
        })
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
      }).pipe(Effect.provide(layer()))
      const asked = (yield* fake.journal).map(({ endpoint }) => endpoint)
      assert.deepStrictEqual(asked, ["authdirectapi", "getaccesstoken", "getprofile", "logout"])
    })
  )

  it.effect("a login by SMS calls verifyotp before getaccesstoken", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* TestClock.setTime(morning)
      const respond = () => Effect.map(fake.codes(demo.userId), (codes) => Redacted.make(codes.at(-1) ?? ""))
      const session = yield* Effect.provide(Login.withStepUp(respond), bySms)
      assert.strictEqual(session.expiresAt, cutOff)
      assert.match(Redacted.value(session.tokens.access), /^[0-9a-f]{32}_M$/)
      assert.notStrictEqual(
        Redacted.value(session.tokens.login ?? session.tokens.access),
        Redacted.value(session.tokens.access)
      )
      const asked = (yield* fake.journal).map(({ endpoint }) => endpoint)
      assert.deepStrictEqual(asked, ["authdirectapi", "verifyotp", "getaccesstoken"])
    })
  )

  for (const generation of ["v4", "v3"] as const) {
    it.effect(`a login by SMS in generation ${generation} gives one token`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        const respond = () => Effect.map(fake.codes(demo.userId), (codes) => Redacted.make(codes.at(-1) ?? ""))
        const session = yield* Effect.provide(
          Login.withStepUp(respond),
          layer({ totp: undefined, apiSecret: undefined }, { generation })
        )
        assert.deepStrictEqual(Object.keys(session.tokens), ["access"])
        const asked = (yield* fake.journal).map(({ endpoint }) => endpoint)
        assert.deepStrictEqual(asked, ["authdirectapi", "verifyotp"])
      })
    )
  }

  it.effect("the session of a login at 05:50 IST expires at 06:00 IST", () =>
    Effect.gen(function* () {
      yield* serve()
      yield* TestClock.setTime(cutOff - 600_000)
      yield* Effect.gen(function* () {
        const session = yield* Login.session
        assert.strictEqual(session.expiresAt, cutOff)
        yield* TestClock.setTime(cutOff - 1)
        yield* Profile.profile(session)
        yield* TestClock.setTime(cutOff)
        reasonOf(yield* Effect.flip(Profile.profile(session)), "SessionExpired")
      }).pipe(Effect.provide(layer()))
    })
  )

  it.effect("the challenge of a login at 05:59 IST expires at 06:00 IST", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* TestClock.setTime(cutOff - 60_000)
      yield* Effect.gen(function* () {
        const { challenge, verify } = yield* challenged
        assert.strictEqual(challenge.expiresAt, cutOff)
        yield* TestClock.setTime(cutOff)
        const code = Redacted.make((yield* fake.codes(demo.userId)).at(-1) ?? "")
        reasonOf(yield* Effect.flip(verify(challenge, code)), "ChallengeExpired")
      }).pipe(Effect.provide(bySms))
      assert.strictEqual((yield* fake.journal).length, 1)
    })
  )

  it.effect("the lifetime of a session begins at the login request, not at verifyotp", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* TestClock.setTime(morning)
      yield* Effect.gen(function* () {
        const { challenge, verify } = yield* challenged
        yield* TestClock.adjust("30 minutes")
        const code = Redacted.make((yield* fake.codes(demo.userId)).at(-1) ?? "")
        assert.strictEqual((yield* verify(challenge, code)).expiresAt, morning + 3_600_000)
      }).pipe(Effect.provide(layer({ totp: undefined }, { expiry: Expiry.after("1 hour") })))
    })
  )

  it.effect("a resend works after 30 seconds, and only the new code is accepted", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const { challenge, resend, verify } = yield* challenged
        yield* TestClock.adjust("30 seconds")
        const second = yield* resend(challenge)
        assert.strictEqual(second.resendAt, (challenge.resendAt ?? 0) + 30_000)
        const [first = "", latest = ""] = yield* fake.codes(demo.userId)
        reasonOf(yield* Effect.flip(verify(second, Redacted.make(first))), "InvalidStepUpCode")
        assert.strictEqual((yield* verify(second, Redacted.make(latest))).method, "password")
      }).pipe(Effect.provide(bySms))
      const asked = (yield* fake.journal).map(({ endpoint }) => endpoint)
      assert.deepStrictEqual(asked, ["authdirectapi", "resendotp", "verifyotp", "verifyotp", "getaccesstoken"])
    })
  )

  for (const [what, fault] of [
    ["HTTP 503", { kind: "status", status: 503 }],
    ["connection cut before the broker processes the request", { kind: "reset" }],
    ["connection cut after the broker has processed the request", { kind: "lost" }]
  ] as const) {
    it.effect(`after a failed resend (${what}), the latest code is accepted`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        yield* Effect.gen(function* () {
          const { challenge, resend, verify } = yield* challenged
          yield* TestClock.adjust("30 seconds")
          yield* fake.inject("resendotp", fault)
          reasonOf(yield* Effect.flip(resend(challenge)), "BrokerUnavailable")
          // A resend that the broker has processed makes the first code invalid.
          const code = Redacted.make((yield* fake.codes(demo.userId)).at(-1) ?? "")
          assert.strictEqual((yield* verify(challenge, code)).method, "password")
        }).pipe(Effect.provide(bySms))
      })
    )
  }

  it.effect("a resend works at once if resendAfter is 0", () =>
    Effect.gen(function* () {
      yield* serve()
      yield* Effect.gen(function* () {
        const { challenge, resend } = yield* challenged
        yield* resend(challenge)
      }).pipe(Effect.provide(layer({ totp: undefined }, { resendAfter: 0 })))
    })
  )

  for (const [what, credentials, endpoints] of [
    ["a login with TOTP", {}, ["authdirectapi", "getaccesstoken"]],
    ["a login by SMS", { totp: undefined }, ["authdirectapi", "verifyotp", "getaccesstoken"]]
  ] as const) {
    it.effect(`${what} repeats no request if getaccesstoken fails with RateLimited`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        yield* fake.inject("getaccesstoken", { kind: "rate-limit" })
        const respond = () => Effect.map(fake.codes(demo.userId), (codes) => Redacted.make(codes.at(-1) ?? ""))
        yield* Effect.gen(function* () {
          const error = yield* Effect.flip(Login.withStepUp(respond))
          assert.strictEqual(error.operation, "getaccesstoken")
          reasonOf(error, "RateLimited")
        }).pipe(Effect.provide(layer(credentials)))
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(
          (yield* fake.journal).map(({ endpoint }) => endpoint),
          [...endpoints]
        )
      })
    )
  }

  it.effect("an accepted code is used up even if getaccesstoken fails", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* fake.inject("getaccesstoken", { kind: "rate-limit" })
      yield* Effect.gen(function* () {
        const { challenge, verify } = yield* challenged
        const code = Redacted.make((yield* fake.codes(demo.userId)).at(-1) ?? "")
        reasonOf(yield* Effect.flip(verify(challenge, code)), "RateLimited")
        reasonOf(yield* Effect.flip(verify(challenge, code)), "ChallengeExpired")
      }).pipe(Effect.provide(bySms))
    })
  )

  it.effect('if otpType is "number", the code is sent as a number and hidden in errors', () =>
    Effect.gen(function* () {
      const fake = yield* serve({ otpType: "number" })
      yield* Effect.gen(function* () {
        const { challenge, verify } = yield* challenged
        const code = Redacted.make((yield* fake.codes(demo.userId)).at(-1) ?? "")
        yield* fake.inject("verifyotp", { kind: "quote", as: "page" })
        assert.notInclude(
          (yield* Effect.flip(verify(challenge, code))).message,
          Redacted.value(code).replace(/^0+/, "")
        )
      }).pipe(Effect.provide(layer({ totp: undefined }, { otpType: "number" })))
      assert.match((yield* fake.journal).at(-1)?.body ?? "", /^\{"otp":\d+\}$/)
    })
  )

  it.effect("for a dealer, profile sends the client code and logout sends the user id", () =>
    Effect.gen(function* () {
      const fake = yield* serve({ accounts: [{ ...demo, role: "dealer", client: "Q02429" }] })
      yield* Effect.gen(function* () {
        const session = yield* Login.session
        const profile = yield* Profile.profile(session)
        assert.deepStrictEqual([profile.id, profile.flags?.["userType"]], ["Q02429", "Dealer"])
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
      }).pipe(Effect.provide(layer({ secondFactor: undefined }, { dealer: { clientCode: " q02429 " } })))
      assert.deepStrictEqual(
        (yield* fake.journal).slice(2).map(({ body }) => body),
        [`{"clientcode":"Q02429"}`, `{"userid":"AA017"}`]
      )
    })
  )

  for (const environment of ["production", "uat", "uat-old"] as const) {
    it.effect(`a login in ${environment} uses one host, and the account contains the environment`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        const session = yield* Effect.provide(Login.session, layer({}, { environment }))
        assert.strictEqual(session.account.environment, environment)
        assert.strictEqual(new Set((yield* fake.journal).map(({ url }) => new URL(url).host)).size, 1)
      })
    )
  }
})
