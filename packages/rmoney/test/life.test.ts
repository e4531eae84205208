import { assert, describe, it } from "@effect/vitest"
import { Authorize, Login, Logout, StepUp } from "@auth/broker-core"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Terminal from "effect/Terminal"
import * as TestClock from "effect/testing/TestClock"
import { credentials, demo, newestCode, reasonOf, totpNow } from "./support.ts"

const withTotp = FakeRmoney.demoTotpAccount
/** 09:30:01 IST. */
const morning = Date.UTC(2026, 10, 20, 4, 0, 1)

const make = Effect.fnUntraced(function* (
  options: Parameters<typeof FakeRmoney.make>[0] = {},
  overrides: Partial<RmoneyAuth.RmoneyCredentials> = {},
  settings: RmoneyAuth.Options = {}
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeRmoney.make(options)
  const layer = RmoneyAuth.layer({
    environment: "uat",
    ...settings,
    credentials: { ...credentials, ...overrides }
  }).pipe(Layer.provide(TestHttp.layerFake(fake)))
  const context = yield* Layer.build(layer)
  const run = <A, E>(effect: Effect.Effect<A, E, Layer.Success<ReturnType<typeof RmoneyAuth.layerConfig>>>) =>
    Effect.provide(effect, context)
  const begin = Effect.flatMap(run(Login.login), (outcome) =>
    outcome._tag === "StepUpRequired" ? Effect.succeed(outcome.challenge) : Effect.die("no challenge")
  )
  const stepUp = yield* run(StepUp.StepUp)
  return { fake, run, begin, ...stepUp }
})

const asked = (fake: FakeBroker, endpoint: string) =>
  Effect.map(fake.journal, (journal) => journal.filter((entry) => entry.endpoint === endpoint).length)

const wrong = Redacted.make("000000")

describe("a login with a typed code", () => {
  /** The user types `lines`, and then the code that the broker sent. */
  const typed = (fake: FakeBroker, lines: ReadonlyArray<string>) => {
    const shown: Array<string> = []
    const left = [...lines]
    const terminal = Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("not used"),
      readInput: Effect.die("not used"),
      readLine: Effect.suspend(() => {
        const line = left.shift()
        return line === undefined ? Effect.map(newestCode(fake), Redacted.value) : Effect.succeed(line)
      }),
      display: (text) => Effect.sync(() => void shown.push(text))
    })
    const codes = Effect.provideService(CodeSource.prompt, Terminal.Terminal, terminal)
    return { shown, login: Effect.flatMap(codes, (source) => Login.withStepUp(CodeSource.respond(source))) }
  }

  it.effect("asks again instead of sending a malformed code", () =>
    Effect.gen(function* () {
      const { fake, run } = yield* make()
      const { login, shown } = typed(fake, ["", "12345"])
      assert.strictEqual((yield* run(login)).account.id, demo.userId)
      assert.deepStrictEqual([yield* asked(fake, "pwdValidate"), yield* asked(fake, "otpValidate")], [1, 1])
      assert.lengthOf(shown, 3)
      assert.strictEqual(
        shown[0],
        "One-time code sent to 98******01, de***************om (rmoney TEST101, valid for 5 minutes, a new code can be sent in 60 seconds, 3 attempts left): "
      )
    })
  )

  it.effect("fails with InvalidRequest after four malformed codes", () =>
    Effect.gen(function* () {
      const { fake, run } = yield* make()
      const { login } = typed(fake, ["", "1", "12", "abcdef"])
      assert.strictEqual((yield* Effect.flip(run(login))).reason._tag, "InvalidRequest")
      assert.strictEqual(yield* asked(fake, "otpValidate"), 0)
    })
  )

  it.effect("decrements attemptsLeft after a wrong code", () =>
    Effect.gen(function* () {
      const { begin, verify } = yield* make()
      const challenge = yield* begin
      yield* Effect.flip(verify(challenge, wrong))
      assert.strictEqual(challenge.attemptsLeft, 2)
    })
  )
})

describe("a login with a code by SMS and email", () => {
  it.effect("returns a challenge with destinations, times and limits", () =>
    Effect.gen(function* () {
      const { begin } = yield* make()
      const challenge = yield* begin
      assert.deepStrictEqual(challenge.kinds, ["otp"])
      assert.deepStrictEqual(challenge.destinations, ["98******01", "de***************om"])
      assert.strictEqual(challenge.resendAt, morning + 60_000)
      assert.strictEqual(challenge.resendsLeft, 4)
      assert.strictEqual(challenge.expiresAt, morning + 300_000)
      assert.strictEqual(challenge.attemptsLeft, 3)
    })
  )

  it.effect("takes the session's user id from the broker's answer", () =>
    Effect.gen(function* () {
      for (const userId of [demo.userId, demo.email, demo.mobile, demo.pan, demo.email.toUpperCase()]) {
        const { begin, fake, verify } = yield* make({}, { userId })
        const session = yield* verify(yield* begin, yield* newestCode(fake))
        assert.deepStrictEqual(session.account, {
          broker: "rmoney",
          environment: "uat",
          app: "default",
          id: demo.userId
        })
        assert.strictEqual(session.profile?.id, demo.userId)
      }
    })
  )

  it.effect("uses the configured user id if the broker masks it", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({ userIds: "masked" })
      const session = yield* verify(yield* begin, yield* newestCode(fake))
      assert.include((yield* fake.journal)[1]?.body, `"userId":"${demo.userId}"`)
      assert.strictEqual(session.account.id, demo.userId)
    })
  )

  it.effect('sends the configured user id if laterUserId is "given"', () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make(
        { stepToken: "ignored" },
        { userId: demo.email },
        { laterUserId: "given" }
      )
      const session = yield* verify(yield* begin, yield* newestCode(fake))
      assert.include((yield* fake.journal)[1]?.body, `"userId":"${demo.email}"`)
      assert.strictEqual(session.account.id, demo.userId)
    })
  )

  it.effect("accepts a code with surrounding white space", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const challenge = yield* begin
      const pasted = Redacted.make(` ${Redacted.value(yield* newestCode(fake))} \n`)
      assert.strictEqual((yield* verify(challenge, pasted)).method, "password")
    })
  )

  it.effect("returns a profile with id, name, exchanges and flags", () =>
    Effect.gen(function* () {
      const account = { ...demo, passChangeFlag: "Y", isDormant: "Y" } as const
      const { begin, fake, verify } = yield* make({ accounts: [account] })
      const { profile } = yield* verify(yield* begin, yield* newestCode(fake))
      assert.deepStrictEqual(profile, {
        id: demo.userId,
        name: "DEMO TRADER",
        exchanges: ["NSE", "NFO", "BSE", "BFO", "MCX"],
        flags: { passChangeFlag: true, isDormant: true, clientType: "ACTIVE" }
      })
    })
  )

  it.effect("takes the session's expiry from the token's exp, if present", () =>
    Effect.gen(function* () {
      for (const [tokenEnd, expiresAt, source] of [
        ["in-token", Date.UTC(2026, 10, 20, 18, 30), "jwt"],
        ["absent", undefined, "unknown"]
      ] as const) {
        const { begin, fake, verify } = yield* make({ tokenEnd })
        const session = yield* verify(yield* begin, yield* newestCode(fake))
        assert.deepStrictEqual([session.expiresAt, session.expirySource], [expiresAt, source])
      }
    })
  )

  it.effect("takes the session's expiry from the option `expiry`", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({}, {}, { expiry: Expiry.after("1 hour") })
      const session = yield* verify(yield* begin, yield* newestCode(fake))
      assert.strictEqual(session.expiresAt, morning + 3_600_000)
    })
  )

  it.effect("sends the vendor id of the credentials", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({}, { vendor: Redacted.make(demo.vendor) })
      yield* verify(yield* begin, yield* newestCode(fake))
      assert.include((yield* fake.journal).at(-1)?.body, `"source":"WEB","vendor":"${demo.vendor}"`)
    })
  )

  it.effect('requests the code separately if sendCode is "after-password"', () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({ codeSent: "on-demand" }, {}, { sendCode: "after-password" })
      const challenge = yield* begin
      assert.strictEqual(yield* asked(fake, "otpSend"), 1)
      yield* verify(challenge, yield* newestCode(fake))
    })
  )
})

describe("TOTP codes and codes by SMS:", () => {
  const totp = { userId: withTotp.userId, password: Redacted.make(withTotp.password) }
  const secret = Redacted.make(withTotp.totpSecret)

  for (const [what, source, kinds] of [
    ["a TOTP secret", secret, ["totp", "otp"]],
    ["a source of TOTP codes", CodeSource.totp(secret), ["totp", "otp"]],
    ["no source of TOTP codes", undefined, ["otp", "totp"]]
  ] as const) {
    it.effect(`a challenge lists ${kinds[0]} first if the credentials contain ${what}`, () =>
      Effect.gen(function* () {
        const { begin } = yield* make({}, { ...totp, totp: source })
        assert.deepStrictEqual([...(yield* begin).kinds], [...kinds])
      })
    )
  }

  it.effect("a challenge lists only otp if the account has no authenticator", () =>
    Effect.gen(function* () {
      const { begin } = yield* make({}, { totp: secret })
      assert.deepStrictEqual((yield* begin).kinds, ["otp"])
    })
  )

  it.effect("the first kind in a challenge selects the verification call", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({}, { ...totp, totp: secret })
      const challenge = yield* begin
      const session = yield* verify({ ...challenge, kinds: ["otp"] }, yield* newestCode(fake, withTotp.userId))
      assert.strictEqual(session.account.id, withTotp.userId)
      assert.deepStrictEqual([yield* asked(fake, "otpValidate"), yield* asked(fake, "toptVerify")], [1, 0])
    })
  )

  it.effect('with a TOTP secret, sendCode "after-password" requests no SMS', () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make(
        { codeSent: "on-demand" },
        { ...totp, totp: secret },
        { sendCode: "after-password" }
      )
      yield* verify(yield* begin, yield* totpNow(withTotp))
      assert.strictEqual(yield* asked(fake, "otpSend"), 0)
    })
  )

  it.effect("for an account without an authenticator, only SMS codes are accepted", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const challenge = yield* begin
      const error = yield* Effect.flip(verify({ ...challenge, kinds: ["totp"] }, Redacted.make("123456")))
      assert.include(reasonOf(error, "InvalidStepUpCode").remedy, "SMS or email")
      yield* verify(challenge, yield* newestCode(fake))
    })
  )

  it.effect("InvalidStepUpCode has the hint ClockDrift if the broker's clock differs", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({}, { ...totp, totp: secret })
      const challenge = yield* begin
      yield* fake.advance("2 minutes")
      const error = yield* Effect.flip(verify(challenge, yield* totpNow(withTotp)))
      assert.strictEqual(reasonOf(error, "InvalidStepUpCode").hints[0]?.id, "ClockDrift")
    })
  )
})

describe("wrong codes and resends:", () => {
  it.effect("a challenge ends with the third wrong code", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const challenge = yield* begin
      for (let miss = 0; miss < 3; miss += 1) {
        reasonOf(yield* Effect.flip(verify(challenge, wrong)), "InvalidStepUpCode")
      }
      const error = yield* Effect.flip(verify(challenge, yield* newestCode(fake)))
      assert.strictEqual(reasonOf(error, "ChallengeExpired").why, "attempts")
      assert.strictEqual(yield* asked(fake, "otpValidate"), 3)
    })
  )

  it.effect("the right code is accepted after two wrong codes", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const challenge = yield* begin
      yield* Effect.flip(verify(challenge, wrong))
      yield* Effect.flip(verify(challenge, wrong))
      assert.strictEqual((yield* verify(challenge, yield* newestCode(fake))).account.id, demo.userId)
    })
  )

  it.effect.each([
    ["30seconds", Duration.seconds(30)],
    ["5 mins", Duration.minutes(5)],
    ["2 hours", Duration.hours(2)],
    ["12345 seconds", Duration.seconds(12_345)]
  ] as const)("RateLimited has the waiting time of the broker's message: %s", ([text, time]) =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const challenge = yield* begin
      const body = JSON.stringify({ status: "Not ok", message: `Retry after ${text}`, result: [] })
      yield* fake.inject("otpValidate", { kind: "answer", status: 200, body }, 1)
      const { retryAfter } = reasonOf(yield* Effect.flip(verify(challenge, wrong)), "RateLimited")
      assert.deepStrictEqual(retryAfter, time)
    })
  )

  it.effect("the fourth wrong code is sent to the broker if codeMisses is 9", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make({}, {}, { codeMisses: 9 })
      const challenge = yield* begin
      for (let miss = 0; miss < 3; miss += 1) yield* Effect.flip(verify(challenge, wrong))
      const { retryAfter } = reasonOf(yield* Effect.flip(verify(challenge, wrong)), "RateLimited")
      assert.deepStrictEqual(retryAfter, Duration.minutes(5))
      assert.strictEqual(yield* asked(fake, "otpValidate"), 4)
    })
  )

  it.effect("a challenge expires after codeLifetime, by default five minutes", () =>
    Effect.gen(function* () {
      for (const [codeLifetime, last] of [
        [undefined, 300_000],
        ["1 minute", 60_000]
      ] as const) {
        const { begin, fake, verify } = yield* make({}, {}, { codeLifetime })
        const challenge = yield* begin
        yield* TestClock.adjust(last)
        const error = yield* Effect.flip(verify(challenge, yield* newestCode(fake)))
        assert.strictEqual(reasonOf(error, "ChallengeExpired").why, "timed-out")
        assert.strictEqual(yield* asked(fake, "otpValidate"), 0)
      }
    })
  )

  it.effect("a new code can be requested after a code expired", () =>
    Effect.gen(function* () {
      const { begin, fake, resend, verify } = yield* make()
      const challenge = yield* begin
      const code = yield* newestCode(fake)
      yield* fake.advance("6 minutes")
      const error = yield* Effect.flip(verify(challenge, code))
      assert.include(reasonOf(error, "InvalidStepUpCode").remedy, "StepUp.resend")
      yield* TestClock.adjust("1 minute")
      const again = yield* resend(challenge)
      yield* verify(again, yield* newestCode(fake))
    })
  )

  it.effect("a challenge allows four resends, at most one a minute", () =>
    Effect.gen(function* () {
      const { begin, fake, resend, verify } = yield* make({}, {}, { codeLifetime: "1 hour" })
      let challenge: Challenge = yield* begin
      const early = reasonOf(yield* Effect.flip(resend(challenge)), "RateLimited")
      assert.deepStrictEqual([early.by, early.retryAfter], ["client", Duration.minutes(1)])
      for (const left of [3, 2, 1, 0]) {
        yield* TestClock.adjust("1 minute")
        challenge = yield* resend(challenge)
        assert.strictEqual(challenge.resendsLeft, left)
      }
      yield* TestClock.adjust("1 minute")
      reasonOf(yield* Effect.flip(resend(challenge)), "InvalidRequest")
      assert.strictEqual(yield* asked(fake, "otpSend"), 4)
      assert.lengthOf(yield* fake.codes(demo.userId), 5)
      yield* verify(challenge, yield* newestCode(fake))
    })
  )

  it.effect("the first code and another resend still work after a failed resend", () =>
    Effect.gen(function* () {
      for (const fault of [{ kind: "status", status: 503 }, { kind: "reset" }] as const) {
        const { begin, fake, resend, verify } = yield* make()
        const challenge = yield* begin
        yield* TestClock.adjust("1 minute")
        yield* fake.inject("otpSend", fault)
        reasonOf(yield* Effect.flip(resend(challenge)), "BrokerUnavailable")
        yield* verify(challenge, yield* newestCode(fake))
        const another = yield* begin
        yield* TestClock.adjust("1 minute")
        yield* fake.inject("otpSend", fault)
        reasonOf(yield* Effect.flip(resend(another)), "BrokerUnavailable")
        yield* verify(yield* resend(another), yield* newestCode(fake))
      }
    })
  )

  it.effect("a resent code is accepted even if the account has TOTP", () =>
    Effect.gen(function* () {
      const { begin, fake, resend, verify } = yield* make(
        {},
        {
          userId: withTotp.userId,
          password: Redacted.make(withTotp.password),
          totp: Redacted.make(withTotp.totpSecret)
        }
      )
      const challenge = yield* begin
      yield* TestClock.adjust("1 minute")
      const again = yield* resend(challenge)
      assert.deepStrictEqual(again.kinds, ["otp", "totp"])
      yield* verify(again, yield* newestCode(fake, withTotp.userId))
    })
  )

  it.effect("the error for a refused step token names the option stepHeader", () =>
    Effect.gen(function* () {
      const { begin, fake, verify } = yield* make()
      const first = yield* begin
      // Each challenge has a step token. The fake broker refuses the token of an earlier challenge.
      yield* begin
      const error = yield* Effect.flip(verify(first, yield* newestCode(fake)))
      assert.strictEqual(reasonOf(error, "ChallengeExpired").why, "refused")
      assert.match(error.remedy, /change the option stepHeader .* to "three-part"/)
      assert.notInclude(error.remedy, "Log in again")
    })
  )
})

describe("refused logins:", () => {
  it.effect("a wrong password is not retried, and the fourth locks the account", () =>
    Effect.gen(function* () {
      const { fake, run } = yield* make({}, { password: Redacted.make("wrong") })
      for (let miss = 0; miss < 3; miss += 1) {
        const error = yield* Effect.flip(run(Login.login))
        assert.strictEqual(reasonOf(error, "InvalidCredentials").isRetryable, false)
      }
      const locked = reasonOf(yield* Effect.flip(run(Login.login)), "AccountLocked")
      assert.deepStrictEqual([locked.scope, locked.unlock], ["account", "self-service"])
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* asked(fake, "pwdValidate"), 4)
    })
  )

  it.effect("only the broker can unlock an account that the broker blocked", () =>
    Effect.gen(function* () {
      const { run } = yield* make({ accounts: [{ ...demo, state: "barred" }] })
      const { unlock } = reasonOf(yield* Effect.flip(run(Login.login)), "AccountLocked")
      assert.strictEqual(unlock, "broker")
    })
  )

  it.effect("a mobile number is an invalid user id if several accounts have it", () =>
    Effect.gen(function* () {
      const twin = { ...withTotp, mobile: demo.mobile }
      const { run } = yield* make({ accounts: [demo, twin] }, { userId: demo.mobile })
      assert.strictEqual(reasonOf(yield* Effect.flip(run(Login.login)), "InvalidRequest").field, "userId")
    })
  )
})

describe("a logout", () => {
  const session = Effect.fnUntraced(function* (
    logout: FakeRmoney.Switches["logout"],
    logoutCall?: RmoneyApi.LogoutCall
  ) {
    const world = yield* make({ logout }, {}, { logoutCall })
    return { ...world, session: yield* world.verify(yield* world.begin, yield* newestCode(world.fake)) }
  })

  it.effect("sends nothing without the option logoutCall", () =>
    Effect.gen(function* () {
      const { fake, run, session: live } = yield* session("absent")
      const before = (yield* fake.journal).length
      assert.deepStrictEqual(yield* run(Logout.logout(live)), {
        _tag: "LocalOnly",
        account: live.account,
        why: "no-such-call"
      })
      assert.lengthOf(yield* fake.journal, before)
    })
  )

  for (const [method, path] of [
    ["GET", "/auth/logout"],
    ["POST", "/auth/client/logout"]
  ] as const) {
    it.effect(`sends the ${method} request of the option logoutCall`, () =>
      Effect.gen(function* () {
        const { run, session: live } = yield* session(method === "GET" ? "get" : "post", { method, path })
        assert.deepStrictEqual(yield* run(Logout.logout(live)), { _tag: "Revoked", account: live.account })
        assert.deepStrictEqual(yield* run(Logout.logout(live)), {
          _tag: "LocalOnly",
          account: live.account,
          why: "already-over"
        })
      })
    )
  }

  it.effect("fails if the endpoint in logoutCall does not exist", () =>
    Effect.gen(function* () {
      const { run, session: live } = yield* session("absent", { method: "GET", path: "/auth/logout" })
      reasonOf(yield* Effect.flip(run(Logout.logout(live))), "BrokerRejected")
    })
  )
})

describe("the token of a session", () => {
  it.effect("is sent as a bearer token, only to the broker's hosts", () =>
    Effect.gen(function* () {
      const { begin, fake, run, verify } = yield* make()
      const live = yield* verify(yield* begin, yield* newestCode(fake))
      const { headers, origins } = yield* run(Authorize.Authorize)
      const { authorization } = headers(live)
      assert.isTrue(Redacted.isRedacted(authorization))
      assert.deepStrictEqual(origins, ["https://webuat.rmoneyindia.co.in"])
      const carried = (url: string) =>
        Effect.map(run(Authorize.request(HttpClientRequest.get(url), live)), (sent) => sent.headers["authorization"])
      const bearer = `Bearer ${Redacted.value(live.tokens.access)}`
      assert.strictEqual(yield* carried("https://webuat.rmoneyindia.co.in/open-api/od/v1/profile"), bearer)
      assert.isUndefined(yield* carried("https://evil.example/open-api/od/v1/profile"))
    })
  )
})

describe("a biometric login", () => {
  const biometric = (fake: FakeBroker, accessToken: Redacted.Redacted<string>, deviceId = demo.deviceId) =>
    RmoneyBiometric.layer({ environment: "uat", credentials: { userId: demo.userId, accessToken, deviceId } }).pipe(
      Layer.provide(TestHttp.layerFake(fake))
    )

  it.effect("succeeds with the token of the session that enabled biometric logins", () =>
    Effect.gen(function* () {
      const { begin, fake, run, verify } = yield* make({}, { deviceId: "another-device" })
      const live = yield* verify(yield* begin, yield* newestCode(fake))
      yield* run(
        Effect.flatMap(RmoneyApi.RmoneyApi, (api) =>
          api.bioEnable({ userId: live.account.id, deviceType: "IOS", enable: "true" }, live)
        )
      )
      const session = yield* Login.session.pipe(Effect.provide(biometric(fake, live.tokens.access, "another-device")))
      assert.deepStrictEqual([session.method, session.account.id], ["biometric", demo.userId])
      assert.strictEqual(session.profile?.flags?.["clientType"], "ACTIVE")
    })
  )

  it.effect("succeeds repeatedly with the previous login's token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeRmoney.make()
      const sessions = yield* Effect.all([Login.session, Login.session, Login.session]).pipe(
        Effect.provide(biometric(fake, Redacted.make(demo.accessToken)))
      )
      const sent = (yield* fake.journal).map(({ body }) => /"token":"([^"]*)"/.exec(body)?.[1])
      const tokens = sessions.map(({ tokens: { access } }) => Redacted.value(access))
      assert.deepStrictEqual(sent, [demo.accessToken, tokens[0], tokens[1]])
    })
  )

  it.effect("fails with an expired token, and advises a login with RmoneyAuth", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeRmoney.make()
      yield* TestClock.adjust("1 day")
      const error = yield* Effect.flip(
        Login.session.pipe(Effect.provide(biometric(fake, Redacted.make(demo.accessToken))))
      )
      assert.include(reasonOf(error, "SessionExpired").remedy, "RmoneyAuth")
    })
  )
})
