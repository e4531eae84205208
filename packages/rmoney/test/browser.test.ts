import { assert, describe, it } from "@effect/vitest"
import { AccountRecovery, Login, QrLogin, RedirectLogin } from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, demo, newestCode, printed, reasonOf, totpNow } from "./support.ts"

const morning = Date.UTC(2026, 10, 20, 4, 0, 1)
const other = { ...FakeRmoney.demoTotpAccount, totp: "disabled", redirectUrl: demo.redirectUrl } as const

const sso = {
  userId: demo.userId,
  appCode: Redacted.make(demo.appCode),
  apiSecret: Redacted.make(demo.apiSecret),
  redirectUrl: demo.redirectUrl
}
const vendor = { userId: demo.userId, vendor: Redacted.make(demo.vendor), redirectUrl: demo.redirectUrl }

type Settings = RmoneySso.Options & RmoneySso.Exchange

const checksum: Settings = { environment: "uat", credentials: sso }
const byVendor: Settings = { environment: "uat", exchange: "vendor", credentials: vendor }

const press = (fake: FakeBroker, address: string, fields: Readonly<Record<string, string>>) =>
  Effect.promise(() => fake.respond(new Request(address, { method: "POST", body: new URLSearchParams(fields) })))

const begun = Effect.fnUntraced(function* (
  settings: Settings,
  options: Parameters<typeof FakeRmoney.make>[0] = {},
  person: FakeRmoney.Account = demo
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeRmoney.make(options)
  const redirect = yield* Effect.provide(
    RedirectLogin.RedirectLogin,
    RmoneySso.layer(settings).pipe(Layer.provide(TestHttp.layerFake(fake)))
  )
  const request = yield* redirect.begin
  const totp = person.totp === "enabled" ? Redacted.value(yield* totpNow(person)) : ""
  const fields = { userid: person.userId, password: person.password, totp }
  const response = yield* press(fake, Redacted.value(request.url), fields)
  return { fake, redirect, request, callback: response.headers.get("location") ?? "" }
})

const both: ReadonlyArray<readonly [string, Settings]> = [
  ["a checksum", checksum],
  ["a vendor id", byVendor]
]

describe("a browser login", () => {
  for (const [name, settings] of both) {
    for (const callback of ["query", "hash"] as const) {
      it.effect(`with ${name} reads the code from the callback URL's ${callback}`, () =>
        Effect.gen(function* () {
          const { callback: url, redirect, request } = yield* begun(settings, { callback })
          assert.match(url, callback === "hash" ? /\/callback#\/\?authcode=/ : /\/callback\?authCode=/)
          const session = yield* redirect.complete(request, Redacted.make(url))
          assert.deepStrictEqual([session.account.id, session.account.environment], [demo.userId, "uat"])
          assert.deepStrictEqual(session.profile, { id: demo.userId })
          assert.strictEqual(session.expiresAt, Date.UTC(2026, 10, 20, 18, 30))
        })
      )
    }

    it.effect(`with ${name} exchanges a code only once`, () =>
      Effect.gen(function* () {
        const { callback, fake, redirect, request } = yield* begun(settings)
        yield* redirect.complete(request, Redacted.make(callback))
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback)))
        assert.strictEqual(reasonOf(error, "InvalidStepUpCode").kind, "authorization-code")
        const exchanges = (yield* fake.journal).filter(({ endpoint }) => endpoint.endsWith("GetUserDetails"))
        assert.lengthOf(exchanges, 1)
      })
    )

    it.effect(`with ${name} does not exchange the code of another account`, () =>
      Effect.gen(function* () {
        const { callback, fake, redirect, request } = yield* begun(settings, { accounts: [demo, other] }, other)
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback)))
        assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
        assert.isFalse((yield* fake.journal).some(({ endpoint }) => endpoint.endsWith("GetUserDetails")))
      })
    )

    it.effect(`with ${name} accepts a callback without a state by default`, () =>
      Effect.gen(function* () {
        const { callback, redirect, request } = yield* begun(settings, { state: "dropped" })
        assert.notInclude(callback, "state=")
        yield* redirect.complete(request, Redacted.make(callback))
      })
    )

    it.effect(`with ${name} rejects a callback without a state if the state is required`, () =>
      Effect.gen(function* () {
        const strict = { ...settings, state: "required" } as const
        const { callback, redirect, request } = yield* begun(strict, { state: "dropped" })
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback)))
        assert.strictEqual(reasonOf(error, "RedirectRejected").why, "state")
      })
    )

    it.effect(`with ${name} rejects a callback without a code`, () =>
      Effect.gen(function* () {
        const { fake, redirect, request } = yield* begun(settings)
        const sent = (yield* fake.journal).length
        for (const query of [
          "",
          "?userId=TEST101",
          "?authCode=&userId=TEST101",
          "#/?authcode=%20",
          "?word=SECRETWORD"
        ]) {
          const error = yield* Effect.flip(redirect.complete(request, Redacted.make(`${demo.redirectUrl}${query}`)))
          assert.strictEqual(reasonOf(error, "RedirectRejected").why, "missing-token")
          assert.notInclude(printed(error), "SECRETWORD")
        }
        assert.lengthOf(yield* fake.journal, sent)
      })
    )

    it.effect(`with ${name} reports why the broker refuses the exchange`, () =>
      Effect.gen(function* () {
        for (const [state, tag, why] of [
          ["unapproved", "PermissionDenied", "activation"],
          ["unlisted", "PermissionDenied", "ip"],
          ["totp-first", "ActionRequired", undefined]
        ] as const) {
          const { callback, redirect, request } = yield* begun(settings, { accounts: [{ ...demo, state }] })
          const reason = reasonOf(yield* Effect.flip(redirect.complete(request, Redacted.make(callback))), tag)
          assert.strictEqual("why" in reason ? reason.why : undefined, why)
        }
      })
    )
  }

  it.effect('exchanges the code at the production host if environment is "production"', () =>
    Effect.gen(function* () {
      const { callback, fake, redirect, request } = yield* begun({ ...checksum, environment: "production" })
      const session = yield* redirect.complete(request, Redacted.make(callback))
      assert.strictEqual(session.account.environment, "production")
      assert.strictEqual(
        (yield* fake.journal).at(-1)?.url,
        "https://weblive.rmoneyindia.net/open-api/od/v1/vendor/getUserDetails"
      )
    })
  )

  it.effect("fails if the API secret is wrong, and does not show the secret", () =>
    Effect.gen(function* () {
      const wrong = { ...sso, apiSecret: Redacted.make("quite-another-secret") }
      const { callback, redirect, request } = yield* begun({ ...checksum, credentials: wrong })
      const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback)))
      reasonOf(error, "InvalidStepUpCode")
      assert.notInclude(printed(error), "quite-another-secret")
    })
  )

  it.effect("reports an unknown vendor id", () =>
    Effect.gen(function* () {
      const unknownVendor = { ...vendor, vendor: Redacted.make("nobody") }
      const { redirect, request } = yield* begun({ ...byVendor, credentials: unknownVendor })
      const error = yield* Effect.flip(
        redirect.complete(request, Redacted.make(`${demo.redirectUrl}?authCode=59E4VTFKINI13OBAWOS3`))
      )
      assert.include(reasonOf(error, "InvalidCredentials").field, "vendor")
    })
  )

  it.effect("begins at the path in the option loginPath", () =>
    Effect.gen(function* () {
      const { request } = yield* begun({ ...checksum, loginPath: "/admin/" })
      assert.match(Redacted.value(request.url), /^https:\/\/webuat\.rmoneyindia\.co\.in\/admin\/\?appcode=/)
    })
  )
})

const qrWorld = Effect.fnUntraced(function* (
  options: Parameters<typeof FakeRmoney.make>[0] = {},
  settings: RmoneyQr.Options = {}
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeRmoney.make(options)
  const layer = RmoneyQr.layer({ environment: "uat", ...settings, credentials: { userId: demo.userId } })
  const qr = yield* Effect.provide(QrLogin.QrLogin, layer.pipe(Layer.provide(TestHttp.layerFake(fake))))
  const code = yield* qr.begin
  const scan = (account: FakeRmoney.Account) =>
    press(fake, `https://webuat.rmoneyindia.co.in/qr-scan?qrName=${Redacted.value(code.name)}`, {
      userid: account.userId,
      password: account.password
    })
  return { code, fake, qr, scan }
})

describe("a QR login", () => {
  for (const [qrPending, answer] of [
    ["empty-token", "an empty token"],
    ["no-result", "no result"]
  ] as const) {
    it.effect(`returns no session while the broker answers with ${answer}, and a session after the scan`, () =>
      Effect.gen(function* () {
        const { code, qr, scan } = yield* qrWorld({ qrPending })
        assert.isTrue(Option.isNone(yield* qr.poll(code)))
        yield* TestClock.adjust("3 seconds")
        assert.isTrue(Option.isNone(yield* qr.poll(code)))
        yield* scan(demo)
        const session = Option.getOrThrow(yield* qr.poll(code))
        assert.deepStrictEqual([session.account.id, session.method], [demo.userId, "qr"])
        assert.strictEqual(session.expirySource, "jwt")
      })
    )
  }

  for (const [image, form] of [
    ["bare", "base64 text"],
    ["data-uri", "a data URI"]
  ] as const) {
    it.effect(`returns a PNG in base64 if the broker sends ${form}`, () =>
      Effect.gen(function* () {
        const { code } = yield* qrWorld({ image })
        assert.match(Redacted.value(code.image), /^iVBORw0KGgo/)
      })
    )
  }

  it.effect("returns a code that expires after codeLifetime (default: 35 seconds)", () =>
    Effect.gen(function* () {
      for (const [codeLifetime, last] of [
        [undefined, 35_000],
        ["10 seconds", 10_000]
      ] as const) {
        const { code, fake, qr } = yield* qrWorld({}, { codeLifetime })
        assert.strictEqual(code.expiresAt, morning + last)
        yield* TestClock.adjust(last - 1)
        assert.isTrue(Option.isNone(yield* qr.poll(code)))
        yield* TestClock.adjust(1)
        assert.strictEqual(reasonOf(yield* Effect.flip(qr.poll(code)), "ChallengeExpired").why, "timed-out")
        assert.lengthOf(yield* fake.journal, 2)
      }
    })
  )

  it.effect("fails if another account scans the code", () =>
    Effect.gen(function* () {
      const { code, qr, scan } = yield* qrWorld({ accounts: [demo, other] })
      yield* scan(other)
      assert.strictEqual(reasonOf(yield* Effect.flip(qr.poll(code)), "RedirectRejected").why, "other-account")
      assert.strictEqual(reasonOf(yield* Effect.flip(qr.poll(code)), "ChallengeExpired").why, "used")
    })
  )
})

const recoveryWorld = Effect.fnUntraced(function* (
  options: Parameters<typeof FakeRmoney.make>[0] = {},
  settings: RmoneyRecovery.Options = {},
  userId = demo.userId
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeRmoney.make(options)
  const layer = RmoneyRecovery.layer({ environment: "uat", ...settings, credentials: { userId } })
  const recovery = yield* Effect.provide(
    AccountRecovery.AccountRecovery,
    layer.pipe(Layer.provide(TestHttp.layerFake(fake)))
  )
  const login = (password: string) =>
    Login.login.pipe(
      Effect.provide(
        RmoneyAuth.layer({
          environment: "uat",
          credentials: { ...credentials, password: Redacted.make(password) }
        }).pipe(Layer.provide(TestHttp.layerFake(fake)))
      )
    )
  return { fake, login, recovery }
})

const pan = Redacted.make(demo.pan)

describe("a recovery", () => {
  it.effect("unblocks an account that too many wrong passwords have locked", () =>
    Effect.gen(function* () {
      const { fake, login, recovery } = yield* recoveryWorld()
      for (let miss = 0; miss < 4; miss += 1) yield* Effect.flip(login("wrong"))
      reasonOf(yield* Effect.flip(login(demo.password)), "AccountLocked")
      const challenge = yield* recovery.unblock(pan)
      yield* recovery.confirmUnblock(challenge, yield* newestCode(fake))
      assert.strictEqual((yield* login(demo.password))._tag, "StepUpRequired")
    })
  )

  it.effect("sets a new password in three steps with two different tokens", () =>
    Effect.gen(function* () {
      const { fake, login, recovery } = yield* recoveryWorld()
      const challenge = yield* recovery.forgotPassword(pan)
      const reset = yield* recovery.confirmForgotPassword(challenge, yield* newestCode(fake))
      yield* recovery.resetPassword(reset, Redacted.make("N3w@password"))
      reasonOf(yield* Effect.flip(login(demo.password)), "InvalidCredentials")
      assert.strictEqual((yield* login("N3w@password"))._tag, "StepUpRequired")
      const headers = (yield* fake.journal).slice(0, 3).map((entry) => entry.headers["authorization"] ?? "none")
      assert.strictEqual(headers[0], "none")
      assert.match(headers[1] ?? "", /^Bearer [A-Z0-9]{256}$/)
      assert.match(headers[2] ?? "", /^Bearer [A-Z0-9]{256}$/)
      assert.notStrictEqual(headers[1], headers[2])
    })
  )

  it.effect("rejects a new password with an outer quotation mark or an invisible character", () =>
    Effect.gen(function* () {
      const { fake, login, recovery } = yield* recoveryWorld()
      const challenge = yield* recovery.forgotPassword(pan)
      const reset = yield* recovery.confirmForgotPassword(challenge, yield* newestCode(fake))
      const sent = (yield* fake.journal).length
      for (const given of ['"N3w@password"', "\u201cN3w@password\u201d", "N3w@password'", "N3w@\u200bpassword"]) {
        const error = yield* Effect.flip(recovery.resetPassword(reset, Redacted.make(given)))
        assert.match(reasonOf(error, "InvalidRequest").problems[0].problem, /quotation mark|invisible character/)
        assert.strictEqual(error.operation, "resetPassword")
        assert.notInclude(printed(error), "N3w@")
      }
      assert.strictEqual((yield* fake.journal).length, sent)
      yield* recovery.resetPassword(reset, Redacted.make(" N3w@password\r\n"))
      assert.strictEqual((yield* login("N3w@password"))._tag, "StepUpRequired")
    })
  )

  it.effect("sends a configured email address first, and then the user id from the broker's answer", () =>
    Effect.gen(function* () {
      const { fake, recovery } = yield* recoveryWorld({}, {}, demo.email)
      const challenge = yield* recovery.forgotPassword(pan)
      const reset = yield* recovery.confirmForgotPassword(challenge, yield* newestCode(fake))
      yield* recovery.resetPassword(reset, Redacted.make("N3w@password"))
      const ids = (yield* fake.journal).map(({ body }) => /"userId":"([^"]*)"/.exec(body)?.[1])
      assert.deepStrictEqual(ids, [demo.email, demo.userId, demo.userId])
    })
  )

  it.effect("accepts a PAN in lower case with surrounding white space", () =>
    Effect.gen(function* () {
      const { fake, recovery } = yield* recoveryWorld()
      yield* recovery.unblock(Redacted.make(` ${demo.pan.toLowerCase()}\n`))
      assert.include((yield* fake.journal)[0]?.body, `"pan":"${demo.pan}"`)
    })
  )

  it.effect("reports a wrong PAN", () =>
    Effect.gen(function* () {
      const { recovery } = yield* recoveryWorld()
      const error = yield* Effect.flip(recovery.forgotPassword(Redacted.make("ZZZZZ9999Z")))
      assert.strictEqual(reasonOf(error, "InvalidCredentials").field, "pan")
      assert.notInclude(printed(error), "ZZZZZ9999Z")
    })
  )

  it.effect("accepts no code after the third wrong code", () =>
    Effect.gen(function* () {
      const { fake, recovery } = yield* recoveryWorld()
      const challenge = yield* recovery.unblock(pan)
      for (let miss = 0; miss < 3; miss += 1) {
        yield* Effect.flip(recovery.confirmUnblock(challenge, Redacted.make("000000")))
      }
      const error = yield* Effect.flip(recovery.confirmUnblock(challenge, yield* newestCode(fake)))
      assert.strictEqual(reasonOf(error, "ChallengeExpired").why, "attempts")
      assert.lengthOf(yield* fake.journal, 4)
    })
  )

  it.effect("returns a challenge whose code cannot be resent", () =>
    Effect.gen(function* () {
      const { recovery } = yield* recoveryWorld()
      const challenge = yield* recovery.unblock(pan)
      assert.deepStrictEqual([challenge.resendAt, challenge.resendsLeft], [undefined, undefined])
      assert.deepStrictEqual(challenge.destinations, ["98******01", "de***************om"])
    })
  )
})
