/** The canary test searches this program's output and files for secrets. */
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as QrLogin from "@auth/broker-core/login/QrLogin"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"

const account: FakeRmoney.Account = {
  ...FakeRmoney.demoAccount,
  password: "CANRY-password-1",
  pan: "CANRY8305Q",
  vendor: "CANRYvendor1",
  appCode: "CANRYappcode1",
  apiSecret: "CANRY-api-secret-1",
  accessToken: "CANRY-token-of-the-session-before"
}
const { redirectUrl, userId } = account
const environment = "uat"
const secret = (value: string) => Redacted.make(value)

const codeOf = (fake: FakeBroker) => Effect.map(fake.codes(userId), (codes) => secret(codes.at(-1) ?? ""))

const press = (fake: FakeBroker, url: string) =>
  Effect.promise(() =>
    fake.respond(
      new Request(url, { method: "POST", body: new URLSearchParams({ userid: userId, password: account.password }) })
    )
  )

type Life = (fake: FakeBroker) => Effect.Effect<unknown, AuthError, HttpClient.HttpClient>

const byPassword =
  (changes: Partial<FakeRmoney.Account> = {}): Life =>
  (fake) =>
    Effect.gen(function* () {
      const session = yield* Login.withStepUp((challenge) =>
        Effect.andThen(Effect.logDebug("challenged", challenge), codeOf(fake))
      )
      yield* Effect.logTrace("logged in", session)
      return [session, yield* Logout.logout(session)]
    }).pipe(
      Effect.provide(
        RmoneyAuth.layer({
          environment,
          logoutCall: { method: "POST", path: "/auth/client/logout" },
          credentials: {
            userId,
            password: secret(changes.password ?? account.password),
            vendor: secret(changes.vendor ?? account.vendor)
          }
        })
      )
    )

const byBrowser =
  (apiSecret: string): Life =>
  (fake) =>
    Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const request = yield* redirect.begin
      yield* Effect.logInfo("begun", request)
      const response = yield* press(fake, Redacted.value(request.url))
      return yield* redirect.complete(request, secret(response.headers.get("location") ?? ""))
    }).pipe(
      Effect.provide(
        RmoneySso.layer({
          environment,
          credentials: { userId, appCode: secret(account.appCode), apiSecret: secret(apiSecret), redirectUrl }
        })
      )
    )

const byPicture: Life = (fake) =>
  Effect.gen(function* () {
    const qr = yield* QrLogin.QrLogin
    const code = yield* qr.begin
    yield* Effect.logInfo("picture", code)
    yield* press(fake, `https://webuat.rmoneyindia.co.in/qr-scan?qrName=${Redacted.value(code.name)}`)
    return yield* qr.poll(code)
  }).pipe(Effect.provide(RmoneyQr.layer({ environment, credentials: { userId } })))

const byBiometrics =
  (accessToken: string): Life =>
  () =>
    Effect.provide(
      Login.session,
      RmoneyBiometric.layer({
        environment,
        credentials: { userId, accessToken: secret(accessToken), deviceId: account.deviceId }
      })
    )

const recovered: Life = (fake) =>
  Effect.gen(function* () {
    const recovery = yield* AccountRecovery.AccountRecovery
    const challenge = yield* recovery.forgotPassword(secret(account.pan))
    yield* Effect.logInfo("challenged", challenge)
    const reset = yield* recovery.confirmForgotPassword(challenge, yield* codeOf(fake))
    return yield* recovery.resetPassword(reset, secret("CANRY-new-password"))
  }).pipe(Effect.provide(RmoneyRecovery.layer({ environment, credentials: { userId } })))

const attempt = (name: string, life: Life, prepare: (fake: FakeBroker) => Effect.Effect<void> = () => Effect.void) =>
  Effect.gen(function* () {
    const fake = yield* FakeRmoney.make({ accounts: [account], logout: "post" })
    yield* prepare(fake)
    yield* show(name, Effect.provide(life(fake), TestHttp.layerFake(fake)))
    for (const code of yield* fake.codes(userId)) tell(code)
    for (const { body, headers } of yield* fake.journal) {
      const words = [
        headers["authorization"],
        ...Array.from(body.matchAll(/"(?:qrName|authCode|checkSum)":"([^"]*)"/g))
      ]
      for (const word of words.flat()) if (word !== undefined && /^[^"{]{16,}$/.test(word)) tell(word)
    }
  })

await main([
  attempt("password login, valid credentials", byPassword()),
  attempt("password login, wrong password", byPassword({ password: "CANRY-wrong-password" })),
  attempt("password login, wrong vendor", byPassword({ vendor: "CANRYvendor" })),
  attempt("password login, blank password", byPassword({ password: " " })),
  attempt("password login, page that quotes the password", byPassword(), (fake) =>
    fake.inject("pwdValidate", { kind: "quote", as: "page" })
  ),
  attempt("password login, refusal that quotes the one-time code", byPassword(), (fake) =>
    fake.inject("otpValidate", { kind: "quote", as: "refusal" })
  ),
  attempt("password login, connection reset before the broker checks the one-time code", byPassword(), (fake) =>
    fake.inject("otpValidate", { kind: "reset" })
  ),
  attempt("logout, refusal that quotes the token", byPassword(), (fake) =>
    fake.inject("logout", { kind: "quote", as: "refusal" })
  ),
  attempt("browser login", byBrowser(account.apiSecret)),
  attempt("browser login, wrong API secret", byBrowser("CANRY-wrong-secret")),
  attempt("browser login, refusal that quotes the checksum", byBrowser(account.apiSecret), (fake) =>
    fake.inject("vendorGetUserDetails", { kind: "quote", as: "refusal" })
  ),
  attempt("QR login", byPicture),
  attempt("QR login, refusal that quotes the QR name", byPicture, (fake) =>
    fake.inject("qrLogin", { kind: "quote", as: "refusal" })
  ),
  attempt("biometric login", byBiometrics(account.accessToken)),
  attempt("biometric login, wrong token", byBiometrics("CANRY-wrong-token")),
  attempt("biometric login, JSON that quotes the token", byBiometrics(account.accessToken), (fake) =>
    fake.inject("bioPwdValidate", { kind: "quote", as: "json" })
  ),
  attempt("recovery", recovered),
  attempt("recovery, refusal that quotes the new password", recovered, (fake) =>
    fake.inject("pwdReset", { kind: "quote", as: "refusal" })
  )
])
