import { assert, describe, it } from "@effect/vitest"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import type { FakeBroker, Fault } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, demo, legacyCredentials, oauthCredentials, printed, reasonOf } from "./support.ts"

/** `morning` is 09:30 IST. `nextCutOff` is the first 08:00 IST after `morning`. */
const morning = Date.UTC(2026, 10, 21, 4)
const nextCutOff = Date.UTC(2026, 10, 22, 2, 30)

const begin = Effect.fnUntraced(function* (options?: Parameters<typeof FakeSamco.make>[0]) {
  yield* TestClock.setTime(morning)
  return yield* FakeSamco.make(options)
})

const withFake = <R>(
  fake: FakeBroker,
  layer: Layer.Layer<R, AuthError, Layer.Services<ReturnType<typeof SamcoAuth.layer>>>
) => Layer.provide(layer, TestHttp.layerFake(fake))

const direct = (fake: FakeBroker, options: SamcoAuth.Options = {}) =>
  withFake(fake, SamcoAuth.layer({ ...options, credentials }))

const browser = (fake: FakeBroker, options: SamcoOAuth.Options = {}) =>
  withFake(fake, SamcoOAuth.layer({ ...options, credentials: oauthCredentials }))

const submit = (fake: FakeBroker, { url }: RedirectLogin.AuthorizationRequest, form: Record<string, string>) =>
  Effect.promise(async () => {
    const body = new URLSearchParams(form)
    const response = await fake.respond(new Request(Redacted.value(url), { method: "POST", body }))
    return Redacted.make(response.headers.get("location") ?? "")
  })

const consent = (fake: FakeBroker, request: RedirectLogin.AuthorizationRequest) =>
  submit(fake, request, { apiSecret: demo.apiSecret })

const signIn = Effect.fnUntraced(function* (fake: FakeBroker) {
  const redirect = yield* RedirectLogin.RedirectLogin
  const request = yield* redirect.begin
  const callback = yield* consent(fake, request)
  return { callback, complete: redirect.complete(request, callback), request }
})

const asked = (fake: FakeBroker, endpoint: string) =>
  Effect.map(fake.journal, (journal) => journal.filter((entry) => entry.endpoint === endpoint).length)

const answer = (body: object, status = 400): Fault => ({ kind: "answer", status, body: JSON.stringify(body) })

const concurrent = answer({
  status: "Failure",
  message: "Concurrent token exchange in progress. Please retry.",
  errorCode: "EOAUTH030"
})

describe("a login with key and secret", () => {
  it.effect("returns a session with a profile, valid until 08:00 IST", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const session = yield* Effect.provide(Login.session, direct(fake))
      assert.strictEqual(session.expiresAt, nextCutOff)
      assert.deepStrictEqual(session.profile, {
        id: "DV99999",
        name: "DEMO TRADER",
        exchanges: ["BFO", "BSE", "CDS", "MCX", "NSE", "NFO"],
        products: ["MIS", "CNC", "NRML", "CO", "BO"]
      })
    })
  )

  it.effect("at 06:30 IST returns a session that expires 90 minutes later", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ tokenEnd: "absent" })
      yield* TestClock.setTime(Date.UTC(2026, 10, 22, 1))
      const session = yield* Effect.provide(Login.session, direct(fake))
      assert.strictEqual(session.expiresAt, nextCutOff)
      assert.strictEqual(session.expirySource, "daily-cut-off")
    })
  )

  it.effect("fails with ActionRequired until the user signs in to the mobile app", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...demo, appSignIn: "needed" }] })
      const error = yield* Effect.flip(Effect.provide(Login.session, direct(fake)))
      const reason = reasonOf(error, "ActionRequired")
      assert.include(reason.remedy, "SAMCO mobile app")
      assert.strictEqual((yield* fake.journal)[0]?.status, 401)
    })
  )

  it.effect('accepts a session of another account only with accountCheck: "off"', () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...demo, userId: "AB1234" }] })
      const error = yield* Effect.flip(Effect.provide(Login.session, direct(fake)))
      assert.strictEqual(reasonOf(error, "InvalidRequest").field, "userId")
      const session = yield* Effect.provide(Login.session, direct(fake, { accountCheck: "off" }))
      assert.strictEqual(session.account.id, "DV99999")
    })
  )

  for (const probe of [undefined, "getLimits", "whoami"] as const) {
    it.effect(
      `returns a session that Profile.profile checks with ${probe ?? "getLimits"} ${probe ? `if probe is "${probe}"` : "by default"}`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin()
          yield* Effect.gen(function* () {
            const session = yield* Login.session
            assert.deepStrictEqual(yield* Profile.profile(session), session.profile)
            const bare = SamcoAuth.fromTokens({ userId: "dv99999", accessToken: session.tokens.access, issuedAt: 0 })
            assert.deepStrictEqual(yield* Profile.profile(bare), { id: "DV99999" })
          }).pipe(Effect.provide(direct(fake, { probe })))
          assert.strictEqual(yield* asked(fake, probe ?? "getLimits"), 2)
        })
    )
  }

  it.effect("returns a token that fromTokens accepts with the prefix Bearer", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const { tokens } = yield* Login.session
        const sessionToken = Redacted.make(`Bearer ${Redacted.value(tokens.access)}`)
        yield* Profile.profile(
          SamcoAuth.fromTokens({ userId: "DV99999", accessToken: sessionToken, issuedAt: morning })
        )
      }).pipe(Effect.provide(direct(fake)))
    })
  )
})

describe("a browser login", () => {
  it.effect("returns a session that expires at 08:00 IST, although expires_in is a day", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete).pipe(
        Effect.provide(browser(fake))
      )
      assert.strictEqual(session.expiresAt, nextCutOff)
      assert.strictEqual(session.profile?.name, "DEMO TRADER")
      assert.isDefined(session.tokens.refresh)
    })
  )

  it.effect("returns a session that expires before 08:00 IST if expires_in is short", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const data = { access_token: "opaque-token", expires_in: 600, user_id: "DV99999" }
      yield* fake.inject("oauthToken", answer({ status: "Success", message: "ok", data }, 200))
      const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete).pipe(
        Effect.provide(browser(fake))
      )
      assert.strictEqual(session.expiresAt, morning + 600_000)
      assert.strictEqual(session.expirySource, "expires-in")
    })
  )

  it.effect("sends no key, secret or redirect URL with the code", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { callback } = yield* Effect.flatMap(signIn(fake), (all) => Effect.as(all.complete, all)).pipe(
        Effect.provide(browser(fake))
      )
      const code = new URL(Redacted.value(callback)).searchParams.get("code")
      const sent = (yield* fake.journal).find(({ endpoint }) => endpoint === "oauthToken")
      assert.strictEqual(sent?.body, JSON.stringify({ grant_type: "authorization_code", code }))
      for (const value of [demo.apiKey, demo.apiSecret, demo.redirectUrl]) {
        assert.notInclude(JSON.stringify([sent?.url, sent?.headers]), value)
      }
    })
  )

  it.effect("does not resend a code after the error EOAUTH030", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ codeExchange: "concurrent" })
      const running = yield* Effect.provide(Login.session, direct(fake))
      yield* Effect.gen(function* () {
        const { complete } = yield* signIn(fake)
        const error = yield* Effect.flip(TestHttp.settle(complete))
        const reason = reasonOf(error, "InvalidStepUpCode")
        assert.deepStrictEqual([reason.code, reason.isRetryable], ["EOAUTH030", false])
        assert.include(reason.remedy, "Begin the browser login again")
        assert.strictEqual(reasonOf(yield* Effect.flip(complete), "InvalidStepUpCode").kind, "authorization-code")
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthToken"), 1)
      const profile = yield* Effect.exit(Effect.provide(Profile.profile(running), direct(fake)))
      assert.strictEqual(profile._tag, "Success")
    })
  )

  it.effect("does not resend a code after a message about a concurrent exchange", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* fake.inject("oauthToken", answer({ status: "Failure", message: "Concurrent token exchange in progress." }))
      const error = yield* Effect.flatMap(signIn(fake), ({ complete }) => Effect.flip(TestHttp.settle(complete))).pipe(
        Effect.provide(browser(fake))
      )
      assert.strictEqual(reasonOf(error, "InvalidStepUpCode").code, "EOAUTH030")
      assert.strictEqual(yield* asked(fake, "oauthToken"), 1)
    })
  )

  it.effect("does not resend a used code if the callback has a new state", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const first = yield* signIn(fake)
        yield* first.complete
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const mixed = new URL(Redacted.value(first.callback))
        mixed.searchParams.set("state", Redacted.value(request.state))
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(mixed.href)))
        reasonOf(error, "InvalidStepUpCode")
        yield* redirect.complete(request, yield* consent(fake, request))
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthToken"), 2)
    })
  )

  for (const [what, fault] of [
    ["HTTP 503", { kind: "status", status: 503 }],
    ["a lost answer", { kind: "lost" }],
    ["a cut connection", { kind: "reset" }],
    ["a truncated answer", { kind: "truncated" }]
  ] as const) {
    it.effect(`does not resend a code after ${what}`, () =>
      Effect.gen(function* () {
        const fake = yield* begin()
        yield* fake.inject("oauthToken", fault)
        yield* Effect.gen(function* () {
          const { complete } = yield* signIn(fake)
          yield* Effect.flip(complete)
          const again = yield* Effect.flip(complete)
          const reason = reasonOf(again, "InvalidStepUpCode")
          assert.strictEqual(reason.kind, "authorization-code")
          assert.include(reason.remedy, "Begin the browser login again")
        }).pipe(Effect.provide(browser(fake)))
        assert.strictEqual(yield* asked(fake, "oauthToken"), 1)
      })
    )
  }

  it.effect("fails with PermissionDenied if the program's IP address is unregistered", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...FakeSamco.demoAccount, ip: "unregistered-server" }] })
      yield* Effect.gen(function* () {
        const { complete } = yield* signIn(fake)
        const reason = reasonOf(yield* Effect.flip(complete), "PermissionDenied")
        assert.deepInclude(reason, { why: "ip", code: "EOAUTH009" })
        assert.match(reason.remedy, /public IP address of the machine that exchanges the code/)
      }).pipe(Effect.provide(browser(fake)))
    })
  )

  it.effect("exchanges a code only once if complete is called 20 times concurrently", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const { complete } = yield* signIn(fake)
        const exits = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.exit(complete), {
          concurrency: "unbounded"
        })
        const sessions = exits.flatMap((exit) => (exit._tag === "Success" ? [exit.value] : []))
        assert.strictEqual(sessions.length, 1)
        for (const session of sessions) yield* Profile.profile(session)
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthToken"), 1)
    })
  )

  it.effect("advises deleting the stored sessions if a code is used twice", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { callback, request, session } = yield* Effect.gen(function* () {
        const all = yield* signIn(fake)
        return { ...all, session: yield* all.complete }
      }).pipe(Effect.provide(browser(fake)))
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const error = yield* Effect.flip(redirect.complete(request, callback))
        const reason = reasonOf(error, "InvalidStepUpCode")
        assert.strictEqual(reason.code, "EOAUTH012")
        assert.include(reason.remedy, "Delete the stored sessions")
        reasonOf(yield* Effect.flip(Profile.profile(session)), "SessionExpired")
        reasonOf(yield* Effect.flip(Refresh.refresh(session)), "SessionExpired")
      }).pipe(Effect.provide(browser(fake)), Effect.provideService(RedirectLogin.CompletedStates, []))
    })
  )

  it.effect("fails if complete is called eleven minutes after the consent", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const error = yield* Effect.gen(function* () {
        const { complete } = yield* signIn(fake)
        yield* TestClock.adjust("11 minutes")
        return yield* Effect.flip(complete)
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(reasonOf(error, "InvalidStepUpCode").code, "EOAUTH013")
    })
  )

  it.effect('accepts tokens of another account only with accountCheck: "off"', () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...demo, userId: "AB1234" }] })
      const complete = Effect.flatMap(signIn(fake), (all) => all.complete)
      const error = yield* Effect.flip(Effect.provide(complete, browser(fake)))
      assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
      const session = yield* Effect.provide(complete, browser(fake, { accountCheck: "off" }))
      assert.strictEqual(session.account.id, "DV99999")
    })
  )

  it.effect("reports a denied consent with the broker's message", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const error = yield* Effect.flip(redirect.complete(request, yield* submit(fake, request, { deny: "1" })))
        const reason = reasonOf(error, "RedirectRejected")
        assert.deepStrictEqual(
          [reason.why, reason.code, reason.brokerMessage],
          ["denied", "access_denied", "The user denied the request"]
        )
        assert.notInclude(printed(error), Redacted.value(request.state))
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthToken"), 0)
    })
  )

  it.effect("fails with InvalidRequest if the app lacks a scope", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const error = yield* Effect.flip(redirect.complete(request, yield* consent(fake, request)))
        assert.strictEqual(reasonOf(error, "InvalidRequest").code, "invalid_request")
      }).pipe(Effect.provide(browser(fake, { scopes: ["orders"] })))
    })
  )

  it.effect("removes the state from the broker's error message", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const state = Redacted.value(request.state)
        const query = new URLSearchParams({ error: "access_denied", errorMessage: `no ${state}`, state })
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(`${demo.redirectUrl}?${query}`)))
        assert.notInclude(printed(error), state)
      }).pipe(Effect.provide(browser(fake)))
    })
  )

  for (const [what, query] of [
    ["without a code", ""],
    ["with an empty code", "&code="]
  ] as const) {
    it.effect(`sends no request after a callback ${what}`, () =>
      Effect.gen(function* () {
        const fake = yield* begin()
        yield* Effect.gen(function* () {
          const redirect = yield* RedirectLogin.RedirectLogin
          const request = yield* redirect.begin
          const callback = `${demo.redirectUrl}?state=${Redacted.value(request.state)}${query}`
          const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback)))
          assert.strictEqual(reasonOf(error, "RedirectRejected").why, "missing-token")
        }).pipe(Effect.provide(browser(fake)))
        assert.deepStrictEqual(yield* fake.journal, [])
      })
    )
  }
})

describe("a refresh", () => {
  const renewing = (options: SamcoOAuth.Options, switches: Partial<FakeSamco.Switches> = {}) =>
    Effect.gen(function* () {
      const fake = yield* begin(switches)
      const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete).pipe(
        Effect.provide(browser(fake))
      )
      yield* TestClock.setTime(nextCutOff + 60_000)
      const result = yield* Effect.result(Effect.provide(Refresh.refresh(session), browser(fake, options)))
      return { fake, result, session }
    })

  it.effect("at 08:01 IST returns a session that expires the next day", () =>
    Effect.gen(function* () {
      const { result } = yield* renewing({})
      assert.strictEqual(result._tag === "Success" && result.success.expiresAt, nextCutOff + 86_400_000)
    })
  )

  it.effect("fails with SessionExpired if the broker refuses it at 08:01 IST", () =>
    Effect.gen(function* () {
      const { result } = yield* renewing({}, { refreshAfterEnd: "refused" })
      if (result._tag === "Success") throw new Error("the session was refreshed")
      assert.strictEqual(reasonOf(result.failure, "SessionExpired").why, "refresh-expired")
    })
  )

  it.effect('is not sent at 08:01 IST if refreshAfterEnd is "refuse"', () =>
    Effect.gen(function* () {
      const { fake, result } = yield* renewing({ refreshAfterEnd: "refuse" })
      if (result._tag === "Success") throw new Error("the session was refreshed")
      assert.strictEqual(reasonOf(result.failure, "SessionExpired").why, "refresh-expired")
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 0)
    })
  )

  it.effect("fails with SessionExpired seven days after the login", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        yield* TestClock.adjust("7 days")
        assert.strictEqual(reasonOf(yield* Effect.flip(Refresh.refresh(session)), "SessionExpired").code, "EOAUTH017")
      }).pipe(Effect.provide(browser(fake)))
    })
  )

  it.effect("is resent once after the error EOAUTH030", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        const before = yield* asked(fake, "oauthRefresh")
        yield* fake.inject("oauthRefresh", concurrent)
        yield* TestHttp.settle(Refresh.refresh(session))
        assert.strictEqual((yield* asked(fake, "oauthRefresh")) - before, 2)
      }).pipe(Effect.provide(browser(fake)))
    })
  )

  it.effect("returns a session without the old refresh token", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        const renewed = yield* Refresh.refresh(session)
        const [before, after] = [session, renewed].map(({ tokens }) => Redacted.value(tokens.refresh as never))
        assert.notStrictEqual(before, after)
        const data = { access_token: "opaque-token", user_id: "DV99999" }
        yield* fake.inject("oauthRefresh", answer({ status: "Success", message: "ok", data }, 200))
        assert.isUndefined((yield* Refresh.refresh(renewed)).tokens.refresh)
      }).pipe(Effect.provide(browser(fake)))
    })
  )

  it.effect("fails after a second error EOAUTH030", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        yield* fake.inject("oauthRefresh", concurrent, 5)
        const error = yield* Effect.flip(TestHttp.settle(Refresh.refresh(session)))
        const reason = reasonOf(error, "BrokerUnavailable")
        assert.deepStrictEqual([reason.code, reason.isRetryable], ["EOAUTH030", true])
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 2)
    })
  )

  it.effect('is not resent after the error EOAUTH030 if concurrentExchange is "fail"', () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        yield* fake.inject("oauthRefresh", concurrent)
        const error = yield* Effect.flip(Refresh.refresh(session))
        assert.isTrue(reasonOf(error, "BrokerUnavailable").isRetryable)
      }).pipe(Effect.provide(browser(fake, { concurrentExchange: "fail" })))
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 1)
    })
  )

  it.effect("is not sent while another refresh is pending", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        yield* fake.inject("oauthRefresh", { kind: "latency", duration: "5 seconds" })
        const first = yield* Effect.forkChild(Refresh.refresh(session))
        const second = yield* Effect.forkChild(Effect.exit(Refresh.refresh(session)))
        yield* TestClock.withLive(Effect.sleep("20 millis"))
        assert.strictEqual(yield* asked(fake, "oauthRefresh"), 1)
        yield* TestHttp.settle(Fiber.join(first))
        yield* Fiber.join(second)
      }).pipe(Effect.provide(browser(fake)))
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 2)
    })
  )
})

describe("a logout", () => {
  it.effect("revokes a browser session and its refresh token", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
        reasonOf(yield* Effect.flip(Refresh.refresh(session)), "SessionExpired")
      }).pipe(Effect.provide(browser(fake)))
      const sent = (yield* fake.journal).find(({ endpoint }) => endpoint === "oauthRevoke")
      assert.match(sent?.body ?? "", /^\{"token":"[^"]+","token_type":"access_token"\}$/)
      assert.notProperty(sent?.headers, "x-session-token")
    })
  )

  it.effect('returns already-over for an ended session if the option logout is "delete"', () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const session = yield* Effect.flatMap(signIn(fake), ({ complete }) => complete)
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
        const again = yield* Logout.logout(session)
        assert.deepStrictEqual(again, { _tag: "LocalOnly", account: session.account, why: "already-over" })
      }).pipe(Effect.provide(browser(fake, { logout: "delete" })))
      assert.strictEqual(yield* asked(fake, "logout"), 2)
    })
  )
})

describe("the legacy login", () => {
  const legacy = (fake: FakeBroker, changes: Partial<SamcoLegacy.LegacyCredentials> = {}) =>
    withFake(fake, SamcoLegacy.layer({ credentials: { ...legacyCredentials, ...changes } }))

  it.effect("succeeds with an access token from SamcoApi.accessToken", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { accessToken } = yield* Effect.gen(function* () {
        const api = yield* SamcoApi.SamcoApi
        yield* api.generateOtp({ uid: demo.userId })
        const [otp = ""] = yield* fake.codes(demo.userId)
        assert.match(otp, /^\d{4}$/)
        yield* api.secretKeyGenerator({ uid: demo.userId, otp: Redacted.make(otp) })
        return yield* api.accessToken({ uid: demo.userId, secretApiKey: Redacted.make(demo.secretApiKey) })
      }).pipe(Effect.provide(withFake(fake, SamcoApi.layer())))
      const session = yield* Effect.provide(Login.session, legacy(fake, { accessToken, yob: Redacted.make("1980") }))
      assert.match(Redacted.value(session.tokens.access), /^[0-9a-f]{32}$/)
      assert.strictEqual(session.expiresAt, nextCutOff)
    })
  )

  it.effect("advises calling SamcoApi.accessToken if the access token has expired", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* TestClock.setTime(nextCutOff)
      const reason = reasonOf(yield* Effect.flip(Effect.provide(Login.session, legacy(fake))), "InvalidCredentials")
      assert.strictEqual(reason.field, "accessToken")
      assert.include(reason.remedy, "SamcoApi.accessToken")
    })
  )

  for (const [what, body] of [
    ["the status Failure", { status: "Failure", statusMessage: "Invalid Password" }],
    ["the status Error", { status: "Error", statusMessage: "Invalid Password" }]
  ] as const) {
    for (const status of [200, 400, 401]) {
      it.effect(`reports a wrong password if the answer has ${what} and HTTP ${status}`, () =>
        Effect.gen(function* () {
          const fake = yield* begin()
          yield* fake.inject("login", answer(body, status))
          const error = yield* Effect.flip(Effect.provide(Login.session, legacy(fake)))
          assert.strictEqual(reasonOf(error, "InvalidCredentials").field, "password")
        })
      )
    }
  }
})

describe("a code from SamcoApi.webSecretCode", () => {
  it.effect("can be exchanged once for a new session", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const api = yield* SamcoApi.SamcoApi
        const { OTP, timeRemainingInSeconds } = yield* api.webSecretCode(yield* Login.session)
        assert.strictEqual(timeRemainingInSeconds, 120)
        assert.match(Redacted.value(OTP), /^[A-Z]{4}\d{4}$/)
        const { accountID, sessionToken } = yield* api.webSecretCodeValidation({ otp: OTP })
        assert.strictEqual(accountID, "DV99999")
        yield* Profile.profile(
          SamcoAuth.fromTokens({ userId: accountID, accessToken: sessionToken, issuedAt: morning })
        )
        reasonOf(yield* Effect.flip(api.webSecretCodeValidation({ otp: OTP })), "InvalidStepUpCode")
      }).pipe(Effect.provide(direct(fake)))
    })
  )

  it.effect("expires after two minutes", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* Effect.gen(function* () {
        const api = yield* SamcoApi.SamcoApi
        const { OTP } = yield* api.webSecretCode(yield* Login.session)
        yield* TestClock.adjust("2 minutes")
        const reason = reasonOf(yield* Effect.flip(api.webSecretCodeValidation({ otp: OTP })), "InvalidStepUpCode")
        assert.strictEqual(reason.brokerMessage, "OTP expired. Please enter valid OTP.")
      }).pipe(Effect.provide(direct(fake)))
    })
  )
})
