import { assert, describe, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { demo, newestCode, totpNow } from "./support.ts"

const withTotp = FakeRmoney.demoTotpAccount
const morning = Date.UTC(2026, 10, 20, 4, 0, 1)
const api = "https://webuat.rmoneyindia.co.in/auth/v1/"

interface Said {
  readonly status: number
  readonly text: string
  readonly message: string | undefined
  readonly result: Readonly<Record<string, unknown>>
  readonly json: Readonly<Record<string, unknown>>
}

const parse = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

const ask = (
  fake: FakeBroker,
  address: string,
  body: object | undefined,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Said> =>
  Effect.promise(async () => {
    const url = address.startsWith("https:") ? address : `${api}${address}`
    const init =
      body === undefined
        ? { headers }
        : { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) }
    const response = await fake.respond(new Request(url, init))
    const text = await response.text()
    const json = parse(text)
    const result = (Array.isArray(json["result"]) ? json["result"][0] : json["result"]) as Said["result"] | undefined
    const message = json["message"] ?? json["emsg"]
    return {
      status: response.status,
      text,
      json,
      message: typeof message === "string" ? message : undefined,
      result: result ?? {}
    }
  })

const device = { deviceId: demo.deviceId, appName: "RMONEY", osName: "MOBIOS" }
const password = { userId: demo.userId, password: demo.password, versionNo: "1.0.0.1.4", ...device }

const make = Effect.fnUntraced(function* (options: Parameters<typeof FakeRmoney.make>[0] = {}) {
  yield* TestClock.setTime(morning)
  return yield* FakeRmoney.make(options)
})

/** Sends the right password. `token` is the step token, which the next step of the login sends. */
const validated = Effect.fnUntraced(function* (
  options: Parameters<typeof FakeRmoney.make>[0] = {},
  account: FakeRmoney.Account = demo
) {
  const fake = yield* make(options)
  const said = yield* ask(fake, "access/pwd/validate", {
    ...password,
    userId: account.userId,
    password: account.password
  })
  const token = String(said.result["token"])
  return { fake, said, token, header: { authorization: `Bearer ${account.userId} API ${token}` } }
})

const otpBody = (code: string) => ({ userId: demo.userId, receivedOtp: code, source: "API", ...device })

const validate = Effect.fnUntraced(function* (fake: FakeBroker, header: Readonly<Record<string, string>>) {
  return yield* ask(fake, "access/otp/validate", otpBody(Redacted.value(yield* newestCode(fake))), header)
})

describe("the fake", () => {
  it.effect("refuses a password request with a wrong content type or a bad field", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const plain = yield* ask(fake, "access/pwd/validate", password, { "content-type": "text/plain" })
      assert.strictEqual(plain.status, 415)
      for (const name of ["userId", "password", "versionNo", "deviceId", "appName", "osName"]) {
        const { message } = yield* ask(fake, "access/pwd/validate", { ...password, [name]: undefined })
        assert.strictEqual(message, "Invalid Parameter", name)
      }
      const { message } = yield* ask(fake, "access/pwd/validate", { ...password, osName: "AMIGA" })
      assert.strictEqual(message, "Invalid Parameter")
    })
  )

  for (const [what, path, body] of [
    ["to check a code", "access/otp/validate", { receivedOtp: "123456", source: "API" }],
    ["to resend a code", "access/otp/send", { versionNo: "1" }],
    ["to check a TOTP code", "access/topt/verify", { totp: "123456" }],
    ["to unblock an account", "access/client/unblock/verify", { otp: "123456" }],
    ["to check the code for a forgotten password", "access/pwd/forgot/verify", { otp: "123456" }],
    ["to set a new password", "access/pwd/reset", { password: "N3w" }]
  ] as const) {
    it.effect(`requires a valid step token ${what}`, () =>
      Effect.gen(function* () {
        const { fake, token } = yield* validated()
        const full = { userId: demo.userId, ...device, ...body }
        for (const authorization of [
          "",
          "Bearer",
          `Bearer ${token}x`,
          `Bearer  ${token}`,
          `Bearer ${demo.userId} ${token}`,
          `Bearer ${demo.userId} FAX ${token}`,
          `Bearer ${withTotp.userId} API ${token}`,
          `Bearer ${demo.userId} API ${token}x`,
          `Bearer ${demo.userId} API ${token} more`,
          `Basic ${demo.userId} API ${token}`
        ]) {
          const said = yield* ask(fake, path, full, { authorization })
          assert.deepStrictEqual([said.status, said.text], [401, "Unauthorized"], authorization)
        }
      })
    )
  }

  it.effect.each([
    ["either", "bare", "three-part"],
    ["bare", "bare"],
    ["three-part", "three-part"]
  ] as const)(
    'accepts only the forms of the authorization header that stepHeader: "%s" permits',
    ([stepHeader, ...taken]) =>
      Effect.gen(function* () {
        for (const form of ["bare", "three-part"] as const) {
          const { fake, token } = yield* validated({ stepHeader })
          const authorization = form === "bare" ? `Bearer ${token}` : `Bearer ${demo.userId} WEB ${token}`
          const said = yield* ask(
            fake,
            "access/otp/send",
            { userId: demo.userId, ...device, versionNo: "1" },
            { authorization }
          )
          assert.strictEqual(said.status, taken.some((one) => one === form) ? 200 : 401, form)
        }
      })
  )

  it.effect("refuses a code if the user id is an email address", () =>
    Effect.gen(function* () {
      const { fake, token } = yield* validated()
      const body = { ...otpBody("123456"), userId: demo.email }
      const said = yield* ask(fake, "access/otp/validate", body, {
        authorization: `Bearer ${demo.email} API ${token}`
      })
      assert.strictEqual(said.status, 401)
    })
  )

  it.effect('with stepToken: "ignored", requires no step token', () =>
    Effect.gen(function* () {
      const { fake } = yield* validated({ stepToken: "ignored" })
      assert.strictEqual((yield* validate(fake, {})).json["status"], "Ok")
    })
  )
  it.effect("answers the right password with the documented fields", () =>
    Effect.gen(function* () {
      const { said, token } = yield* validated()
      assert.match(token, /^[A-Z0-9]{256}$/)
      assert.deepStrictEqual(said.json, {
        status: "Ok",
        message: "Success",
        result: {
          message: "An OTP has been sent to your registered Mobile Number and email.",
          status: "Success",
          userId: demo.userId,
          emailId: "de***************om",
          mobileNumber: "98******01",
          resendOtpAfter: "60",
          resendOtpCountsLeft: "4",
          isTOtpAvailable: false,
          token
        }
      })
    })
  )

  it.effect('with result: "array", answers the right password with an array', () =>
    Effect.gen(function* () {
      const { said } = yield* validated({ result: "array" })
      assert.isArray(said.json["result"])
    })
  )

  it.effect('with userIds: "masked", answers the right password with a masked user id', () =>
    Effect.gen(function* () {
      const { said } = yield* validated({ userIds: "masked" })
      assert.strictEqual(said.result["userId"], "TE***01")
    })
  )

  it.effect("resends a code at most once a minute, and at most four times", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      const again = ask(fake, "access/otp/send", { userId: demo.userId, versionNo: "1", ...device }, header)
      assert.strictEqual((yield* again).message, "Retry after 30 seconds")
      for (const left of ["3", "2", "1", "0"]) {
        yield* TestClock.adjust("1 minute")
        const { result } = yield* again
        assert.deepStrictEqual([result["resendOtpCountsLeft"], result["token"]], [left, undefined])
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* again).message, "You have exceeded maximun limit.Please try again after 5 mins.")
    })
  )

  it.effect('with codeSent: "on-demand", sends no code after the right password', () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated({ codeSent: "on-demand" })
      assert.lengthOf(yield* fake.codes(demo.userId), 0)
      yield* ask(fake, "access/otp/send", { userId: demo.userId, versionNo: "1", ...device }, header)
      assert.lengthOf(yield* fake.codes(demo.userId), 1)
    })
  )

  it.effect("answers a code and a known vendor id with a callback URL", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      const code = Redacted.value(yield* newestCode(fake))
      const unknownVendor = yield* ask(fake, "access/otp/validate", { ...otpBody(code), vendor: "nobody" }, header)
      assert.strictEqual(unknownVendor.message, "Invalid vendor name or vendor key")
      const { result } = yield* ask(fake, "access/otp/validate", { ...otpBody(code), vendor: demo.vendor }, header)
      assert.match(String(result["redirectUrl"]), /#\/\?authcode=[A-Z0-9]{20}&clientid=TEST101$/)
    })
  )

  it.effect("answers an unknown path with an HTML page", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const said = yield* ask(fake, "access/pwd/change", {})
      assert.deepStrictEqual([said.status, said.text.startsWith("<html>")], [404, true])
    })
  )
})

describe("the fake's limits:", () => {
  for (const lockAfter of [4, 5] as const) {
    it.effect(`with lockAfter: ${lockAfter}, the ${lockAfter}th wrong password locks the account`, () =>
      Effect.gen(function* () {
        const fake = yield* make({ lockAfter })
        const wrong = ask(fake, "access/pwd/validate", { ...password, password: "wrong" })
        for (let miss = 1; miss < lockAfter; miss += 1) {
          assert.strictEqual((yield* wrong).message, "Invalid userId or password")
        }
        assert.strictEqual((yield* wrong).message, "User blocked")
        assert.strictEqual((yield* ask(fake, "access/pwd/validate", password)).message, "User blocked")
      })
    )
  }

  it.effect("the right password, or a pause of five minutes, restarts the count of wrong passwords", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const wrong = ask(fake, "access/pwd/validate", { ...password, password: "wrong" })
      for (const pause of [yield* ask(fake, "access/pwd/validate", password), undefined]) {
        for (let miss = 0; miss < 3; miss += 1) {
          assert.strictEqual((yield* wrong).message, "Invalid userId or password")
        }
        if (pause !== undefined) yield* ask(fake, "access/pwd/validate", password)
        else yield* TestClock.adjust("5 minutes")
      }
      assert.strictEqual((yield* wrong).message, "Invalid userId or password")
    })
  )

  it.effect("the fourth wrong code blocks all codes for five minutes", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      const wrong = ask(fake, "access/otp/validate", otpBody("000000"), header)
      for (let miss = 0; miss < 3; miss += 1) assert.strictEqual((yield* wrong).message, "Invalid OTP")
      assert.include((yield* wrong).message, "5 mins")
      assert.include((yield* validate(fake, header)).message, "5 mins")
      yield* TestClock.adjust("299 seconds")
      assert.include((yield* validate(fake, header)).message, "5 mins")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* validate(fake, header)).message, "OTP interval exceeded.")
    })
  )

  it.effect("a code and its step token are accepted only once", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      assert.strictEqual((yield* validate(fake, header)).json["status"], "Ok")
      assert.strictEqual((yield* validate(fake, header)).status, 401)
    })
  )

  it.effect('a code is accepted only once, even with stepToken: "ignored"', () =>
    Effect.gen(function* () {
      const { fake } = yield* validated({ stepToken: "ignored" })
      assert.strictEqual((yield* validate(fake, {})).json["status"], "Ok")
      assert.strictEqual((yield* validate(fake, {})).message, "OTP interval exceeded.")
    })
  )

  it.effect("a code expires after five minutes", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      yield* TestClock.adjust("299 seconds")
      const early = yield* validate(fake, header)
      assert.strictEqual(early.json["status"], "Ok")
      const next = yield* validated()
      yield* TestClock.adjust("300 seconds")
      assert.strictEqual((yield* validate(next.fake, next.header)).message, "OTP interval exceeded.")
    })
  )

  it.effect("a TOTP code is accepted once, and only for an account with an authenticator", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated({}, withTotp)
      const totp = Redacted.value(yield* totpNow(withTotp))
      const body = { userId: withTotp.userId, totp, ...device }
      assert.strictEqual((yield* ask(fake, "access/topt/verify", body, header)).json["status"], "Ok")
      const again = yield* ask(fake, "access/pwd/validate", {
        ...password,
        userId: withTotp.userId,
        password: withTotp.password
      })
      const next = { authorization: `Bearer ${withTotp.userId} API ${String(again.result["token"])}` }
      assert.strictEqual((yield* ask(fake, "access/topt/verify", body, next)).message, "Invalid totp")
      const none = yield* validated()
      const other = { ...body, userId: demo.userId }
      assert.strictEqual((yield* ask(none.fake, "access/topt/verify", other, none.header)).message, "T-OTP Not Enabled")
    })
  )

  it.effect("a session ends within one day, or earlier if the account logs in to the API again", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      const first = String((yield* validate(fake, header)).result["accessToken"])
      const enabling = { userId: demo.userId, deviceType: "IOS", enable: "true", ...device }
      const enable = (token: string) => ask(fake, "access/bio/enable", enabling, { authorization: `Bearer ${token}` })
      assert.strictEqual((yield* enable(first)).status, 200)
      const step = yield* ask(fake, "access/pwd/validate", password)
      const next = { authorization: `Bearer ${demo.userId} API ${String(step.result["token"])}` }
      const second = String((yield* validate(fake, next)).result["accessToken"])
      assert.strictEqual((yield* enable(first)).status, 401)
      assert.strictEqual((yield* enable(second)).status, 200)
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* enable(second)).status, 401)
    })
  )

  it.effect("a biometric login is refused on a device that has not enabled biometrics", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const body = { userId: demo.userId, token: demo.accessToken, ...device }
      const strange = yield* ask(fake, "access/bio/pwd/validate", { ...body, deviceId: "another" })
      assert.strictEqual(strange.message, "Failed to validate. Please try again later")
      const disabling = { userId: demo.userId, deviceType: "IOS", enable: "false", ...device }
      yield* ask(fake, "access/bio/enable", disabling, { authorization: `Bearer ${demo.accessToken}` })
      assert.include((yield* ask(fake, "access/bio/pwd/validate", body)).message, "Failed to validate")
    })
  )

  it.effect("a QR code expires after 35 seconds, and gives only one session", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const generate = Effect.map(ask(fake, "access/qr/generate", undefined), ({ result }) => String(result["qrName"]))
      const poll = (qrName: string) => ask(fake, "access/qr/login", { qrName })
      const approve = (qrName: string, word = demo.password) =>
        Effect.promise(() =>
          fake.respond(
            new Request(`https://webuat.rmoneyindia.co.in/qr-scan?qrName=${qrName}`, {
              method: "POST",
              body: new URLSearchParams({ userid: demo.userId, password: word })
            })
          )
        )
      const old = yield* generate
      assert.lengthOf(old, 30)
      yield* TestClock.adjust("34 seconds")
      assert.strictEqual((yield* poll(old)).result["accessToken"], "")
      yield* TestClock.adjust("1 second")
      yield* approve(old)
      assert.strictEqual((yield* poll(old)).message, "Invalid Parameter")
      const slow = yield* generate
      yield* approve(slow, "wrong")
      assert.strictEqual((yield* poll(slow)).result["accessToken"], "")
      yield* approve(slow)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* poll(slow)).result["accessToken"], "")
      yield* approve(slow)
      assert.strictEqual((yield* poll(slow)).result["clientId"], demo.userId)
      assert.strictEqual((yield* poll(slow)).message, "Invalid Parameter")
    })
  )

  it.effect("a step token for unblocking is refused in a password reset and a login", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const identity = { userId: demo.userId, pan: demo.pan, ...device }
      const { result } = yield* ask(fake, "access/client/unblock", identity)
      const header = { authorization: `Bearer ${demo.userId} API ${String(result["token"])}` }
      const code = Redacted.value(yield* newestCode(fake))
      const body = { userId: demo.userId, otp: code, ...device }
      assert.strictEqual((yield* ask(fake, "access/pwd/forgot/verify", body, header)).status, 401)
      assert.strictEqual((yield* ask(fake, "access/otp/validate", otpBody(code), header)).status, 401)
      assert.strictEqual((yield* ask(fake, "access/client/unblock/verify", body, header)).status, 200)
    })
  )

  it.effect("no code is sent for a wrong PAN", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      for (const path of ["access/client/unblock", "access/pwd/forgot"]) {
        const said = yield* ask(fake, path, { userId: demo.userId, pan: withTotp.pan, ...device })
        assert.strictEqual(said.message, "Invalid PAN")
      }
      assert.lengthOf(yield* fake.codes(demo.userId), 0)
    })
  )

  it.effect("a reset of the fake deletes step tokens and codes", () =>
    Effect.gen(function* () {
      const { fake, header } = yield* validated()
      yield* fake.reset
      assert.strictEqual((yield* ask(fake, "access/otp/validate", otpBody("123456"), header)).status, 401)
      assert.lengthOf(yield* fake.codes(demo.userId), 0)
    })
  )
})

describe("the fake's browser login:", () => {
  const page = `https://weblive.rmoneyindia.net/?appcode=${demo.appCode}&state=s1`
  const press = (fake: FakeBroker, url: string, fields: Readonly<Record<string, string>>) =>
    Effect.promise(() => fake.respond(new Request(url, { method: "POST", body: new URLSearchParams(fields) })))
  const newer = "https://weblive.rmoneyindia.net/open-api/od/v1/vendor/getUserDetails"

  it.effect("open-api/od/v1/vendor/getUserDetails requires the field checkSum, not checksum", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      assert.strictEqual((yield* ask(fake, newer, { checksum: "00" })).message, "Invalid Parameter")
      assert.deepStrictEqual((yield* ask(fake, newer, { checkSum: "00" })).json, {
        stat: "Not_ok",
        emsg: "Invalid auth code"
      })
    })
  )

  it.effect("the login page refuses an unknown app, and locks an account after four wrong passwords", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const form = yield* ask(fake, page, undefined)
      assert.include(form.text, `<form method="post"`)
      assert.strictEqual((yield* ask(fake, page.replace(demo.appCode, "nobody"), undefined)).status, 400)
      for (let miss = 0; miss < 4; miss += 1) {
        const failed = yield* press(fake, page, { userid: demo.userId, password: "wrong" })
        assert.strictEqual(failed.status, 200)
      }
      assert.strictEqual((yield* ask(fake, "access/pwd/validate", password)).message, "User blocked")
    })
  )

  it.effect("the login page requires a TOTP code for an account with an authenticator", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const fields = { userid: withTotp.userId, password: withTotp.password }
      assert.strictEqual((yield* press(fake, page, fields)).status, 200)
      const totp = Redacted.value(yield* totpNow(withTotp))
      assert.strictEqual((yield* press(fake, page, { ...fields, totp })).status, 302)
    })
  )

  it.effect("an authorization code is accepted once, and only for its vendor", () =>
    Effect.gen(function* () {
      const fake = yield* make()
      const response = yield* press(fake, page, { userid: demo.userId, password: demo.password })
      const authCode = new URL(response.headers.get("location") ?? "").searchParams.get("authCode")
      const older = (vendor: string) => ask(fake, "sso/vendor/auth/getUserDetails", { vendor, authCode })
      assert.strictEqual((yield* older("nobody")).message, "Invalid vendor name or vendor key")
      assert.strictEqual((yield* older(withTotp.vendor)).message, "Invalid auth code")
      assert.strictEqual((yield* older(demo.vendor)).json["stat"], "Ok")
      assert.strictEqual((yield* older(demo.vendor)).message, "Invalid auth code")
    })
  )
})
