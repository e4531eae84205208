import * as Account from "@auth/broker-core/login/Account"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fixturesOf, serveFake, totpCode } from "../../../tools/vitest/brokers.ts"

export { printed, reasonOf } from "../../../tools/vitest/brokers.ts"

export const fixtures = fixturesOf(import.meta.dirname)

export const serve = (options?: Parameters<typeof FakeRmoney.make>[0]) =>
  Effect.flatMap(FakeRmoney.make(options), (fake) => serveFake(fake))

export const demo = FakeRmoney.demoAccount

export const credentials: RmoneyAuth.RmoneyCredentials = {
  userId: demo.userId,
  password: Redacted.make(demo.password),
  deviceId: demo.deviceId
}

export const layer = (overrides: Partial<RmoneyAuth.RmoneyCredentials> = {}, options: RmoneyAuth.Options = {}) =>
  RmoneyAuth.layer({ environment: "uat", ...options, credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerLateFetch)
  )

export const apiOptions = { environment: "uat", deviceId: demo.deviceId } as const

export const layerApi = (options: Partial<RmoneyApi.Options>) =>
  RmoneyApi.layer({ ...apiOptions, ...options }).pipe(Layer.provide(TestHttp.layerLateFetch))

export const layerAnswer = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  init?: ResponseInit,
  options?: Partial<RmoneyApi.Options>
) =>
  RmoneyApi.layer({ ...apiOptions, logoutCall: { method: "GET", path: "/auth/logout" }, ...options }).pipe(
    Layer.provide(TestHttp.layerRespond(async () => new Response(body, init)))
  )

/** A session of the demo account, with a token that the fake does not know. */
export const session: Session.Session = Session.make({
  account: Account.make({ broker: "rmoney", environment: "uat", id: demo.userId }),
  method: "password",
  tokens: { access: Redacted.make("access.of.a.test") },
  issuedAt: 0,
  expiry: Expiry.jwt
})

const { userId } = demo
const token = Redacted.make("STEP0OF0A0TEST")
const code = Redacted.make("123456")
const pan = Redacted.make(demo.pan)

type Calls = Readonly<Record<string, Effect.Effect<unknown, AuthError, RmoneyApi.RmoneyApi>>>

const call = <A>(make: (api: RmoneyApi.RmoneyApi["Service"]) => Effect.Effect<A, AuthError>) =>
  Effect.flatMap(RmoneyApi.RmoneyApi, make)

export const calls: Calls = {
  ssoGetUserDetails: call((api) =>
    api.ssoGetUserDetails({
      vendor: Redacted.make("QYPdhBfGbfsSOFb"),
      authCode: Redacted.make("59E4VTFKINI13OBAWOS3")
    })
  ),
  vendorGetUserDetails: call((api) =>
    api.vendorGetUserDetails({ checkSum: Redacted.make("ba7816bf8f01cfea414140de5dae2223") })
  ),
  pwdValidate: call((api) => api.pwdValidate({ userId, password: Redacted.make(demo.password) })),
  otpSend: call((api) => api.otpSend({ userId }, token)),
  otpValidate: call((api) =>
    api.otpValidate({ userId, receivedOtp: code, vendor: Redacted.make("QYPdhBfGbfsSOFb") }, token)
  ),
  toptVerify: call((api) => api.toptVerify({ userId, totp: code }, token)),
  bioEnable: call((api) => api.bioEnable({ userId, deviceType: "IOS", enable: "true" }, session)),
  bioPwdValidate: call((api) => api.bioPwdValidate({ userId, token: session.tokens.access })),
  qrGenerate: call((api) => api.qrGenerate()),
  qrLogin: call((api) => api.qrLogin({ qrName: Redacted.make("d68cb166-67ba-4847-9c54-f3686f") })),
  clientUnblock: call((api) => api.clientUnblock({ userId, pan })),
  clientUnblockVerify: call((api) => api.clientUnblockVerify({ userId, otp: code }, token)),
  pwdForgot: call((api) => api.pwdForgot({ userId, pan })),
  pwdForgotVerify: call((api) => api.pwdForgotVerify({ userId, otp: code }, token)),
  pwdReset: call((api) => api.pwdReset({ userId, password: Redacted.make("N3w@password") }, token)),
  getProfile: call((api) => api.getProfile(session)),
  logout: call((api) => api.logout?.(session) ?? Effect.die("no logout"))
}

export const totpNow = ({ totpSecret }: FakeRmoney.Account) => Effect.map(totpCode(totpSecret), Redacted.make)

export const newestCode = (fake: FakeBroker, account: string = demo.userId) =>
  Effect.map(fake.codes(account), (codes) => Redacted.make(codes.at(-1) ?? ""))

export const submit = (url: string, fields: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.promise(() => fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" })),
    (response) => response.headers.get("location") ?? ""
  )

/** Logs in on the fake's page that replaces the broker's mobile app. The login approves the QR code. */
export const scan = (name: Redacted.Redacted<string>, account: FakeRmoney.Account) =>
  Effect.asVoid(
    submit(`https://webuat.rmoneyindia.co.in/qr-scan?qrName=${Redacted.value(name)}`, {
      userid: account.userId,
      password: account.password
    })
  )
