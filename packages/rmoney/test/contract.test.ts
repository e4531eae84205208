import { inspect } from "node:util"
import type { Method } from "@auth/broker-core/broker/Broker"
import { Contract, TestHttp } from "@auth/broker-core/testing"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import { broker } from "@auth/rmoney/RmoneyBroker"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { newestCode, scan, serve, submit, totpNow } from "./support.ts"

/** Secrets that occur nowhere else. */
const canary: FakeRmoney.Account = {
  ...FakeRmoney.demoAccount,
  password: "CANARY-password-1",
  pan: "CANRY8305Q",
  totpSecret: "CANARYTOTPSECRET",
  vendor: "CANARYvendor1",
  appCode: "CANARYappcode1",
  apiSecret: "CANARY-api-secret-1",
  accessToken: "CANARY-token-of-the-session-before"
}

const secrets = [
  canary.password,
  canary.pan,
  canary.totpSecret,
  canary.vendor,
  canary.appCode,
  canary.apiSecret,
  canary.accessToken
]

const methodOf = (id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

const answer = (body: unknown) => ({ kind: "answer" as const, status: 200, body: JSON.stringify(body) })

const common = {
  broker,
  refusal: (code: string) => answer({ status: "Not ok", message: `No such luck: ${code}`, result: [] }),
  emptyYes: answer({ status: "Ok", message: "Success", result: {} }),
  inspect: (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true }),
  wrongCredentials: {},
  call: {
    method: "POST",
    url: "https://webuat.rmoneyindia.co.in/auth/v1/access/bio/enable",
    body: JSON.stringify({
      userId: canary.userId,
      deviceType: "IOS",
      enable: "true",
      deviceId: "38400000-8cf0-11bd-b23e-10b96e40000d",
      appName: "RMONEY",
      osName: "MOBIOS"
    })
  }
}

type Build = (
  options: RmoneyAuth.Options,
  credentials: Readonly<Record<string, unknown>>
) => Layer.Layer<never, never, HttpClient.HttpClient>

/** Credentials by the descriptor's names, as a program without types may give them. */
const secretsOf = (names: ReadonlyArray<string>, values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      names.includes(name) && typeof value === "string" ? Redacted.make(value) : value
    ])
  )

const worldOf = (account: FakeRmoney.Account, build: Build) =>
  Effect.map(serve({ accounts: [account] }), (fake): Contract.World => ({
    fake,
    secrets,
    identity: account.pan,
    build: ({ credentials, options } = {}) => {
      const values: Readonly<Record<string, unknown>> = {
        environment: "uat",
        ...account,
        totp: account.totpSecret,
        ...credentials
      }
      const wrapped = secretsOf(["password", "vendor", "appCode", "apiSecret", "accessToken", "totp"], values)
      const environment = values["environment"] as "uat"
      return Layer.build(build({ ...options, environment }, wrapped).pipe(Layer.provide(TestHttp.layerLateFetch)))
    },
    answer: ({ kinds: [kind] }) => (kind === "totp" ? totpNow(account) : newestCode(fake, account.userId)),
    browse: (request) =>
      Effect.map(
        submit(Redacted.value(request.url), { userid: account.userId, password: account.password }),
        Redacted.make
      ),
    scan: ({ name }) => scan(name, account)
  }))

const passwordLayer: Build = (options, given) =>
  RmoneyAuth.layer({ ...options, credentials: given as unknown as RmoneyAuth.RmoneyCredentials }) as never

const withTotp = { ...canary, totp: "enabled" } as const

const password = {
  ...common,
  method: methodOf("password"),
  wrongCredentials: {
    password: { credentials: { password: "CANARY-another" } },
    "user id": { credentials: { userId: "NOBODY" } }
  }
}

const subjects: Readonly<Record<string, Contract.Subject>> = {
  "password, by SMS": {
    ...password,
    make: worldOf(canary, (options, given) => passwordLayer(options, { ...given, totp: undefined })),
    codes: "person",
    endpoints: { Login: "pwdValidate", StepUp: "otpValidate", Profile: "getProfile" }
  },
  "password, by TOTP": {
    ...password,
    make: worldOf(withTotp, passwordLayer),
    endpoints: { Login: "pwdValidate", StepUp: "toptVerify", Profile: "getProfile" }
  },
  sso: {
    ...common,
    method: methodOf("sso"),
    make: worldOf(
      canary,
      (options, given) =>
        RmoneySso.layer({ ...options, credentials: given as unknown as RmoneySso.SsoCredentials }) as never
    ),
    endpoints: { Profile: "getProfile" }
  },
  "sso-vendor": {
    ...common,
    method: methodOf("sso-vendor"),
    make: worldOf(
      canary,
      (options, given) =>
        RmoneySso.layer({
          ...options,
          exchange: "vendor",
          credentials: given as unknown as RmoneySso.SsoVendorCredentials
        }) as never
    ),
    endpoints: { Profile: "getProfile" }
  },
  qr: {
    ...common,
    method: methodOf("qr"),
    make: worldOf(
      canary,
      (options, given) =>
        RmoneyQr.layer({ ...options, credentials: given as unknown as RmoneyQr.QrCredentials }) as never
    ),
    endpoints: { QrLogin: "qrLogin" }
  },
  biometric: {
    ...common,
    method: methodOf("biometric"),
    make: worldOf(
      canary,
      (options, given) =>
        RmoneyBiometric.layer({
          ...options,
          credentials: given as unknown as RmoneyBiometric.BiometricCredentials
        }) as never
    ),
    loginCarries: "session-before",
    endpoints: { Login: "bioPwdValidate" }
  },
  recovery: {
    ...common,
    method: methodOf("recovery"),
    make: worldOf(
      canary,
      (options, given) =>
        RmoneyRecovery.layer({
          ...options,
          credentials: given as unknown as RmoneyRecovery.RecoveryCredentials
        }) as never
    ),
    endpoints: { AccountRecovery: "pwdReset" }
  }
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(`contract: ${broker.id} ${name}`, () => {
    for (const { name: promise, run } of Contract.cases(subject)) it.effect(promise, () => run)
  })
}
