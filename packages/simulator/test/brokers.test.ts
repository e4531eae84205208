import { assert, it } from "@effect/vitest"
import { type AuthError, CodeSource, Login, Logout, Profile, QrLogin, RedirectLogin } from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker as Motilal } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import { FakeMotilal } from "@auth/motilal/msw"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker as Rupeezy } from "@auth/rupeezy/RupeezyBroker"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker as Samco } from "@auth/samco/SamcoBroker"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { LoginPage, Simulator } from "@auth/simulator"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker as Zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { errorOf, post, send, servedOf } from "./support.ts"

const motilal = FakeMotilal.demoAccount
const rupeezy = FakeRupeezy.demoAccount
const samco = FakeSamco.demoAccount
const zerodha = FakeZerodha.demoAccount

const packages = join(import.meta.dirname, "../..")
const rmoney = FakeRmoney.demoAccount
const rmoneyTotp = FakeRmoney.demoTotpAccount

const hide = <A extends object>(account: A) =>
  Object.fromEntries(Object.entries(account).map(([name, value]) => [name, Redacted.make(value)])) as {
    readonly [K in keyof A]: Redacted.Redacted<string>
  }

const at = (simulator: Simulator.Info) => ({
  motilal: { origins: servedOf(simulator, Motilal) },
  rupeezy: { origins: servedOf(simulator, Rupeezy) },
  samco: { origins: servedOf(simulator, Samco) },
  zerodha: { origins: servedOf(simulator, Zerodha) },
  rmoney: { environment: "uat", origins: servedOf(simulator, Rmoney, "uat") } as const
})

const motilalCredentials = { ...hide(motilal), userId: motilal.userId, totp: undefined }

const motilalLayer = (simulator: Simulator.Info, totp?: Redacted.Redacted<string>) =>
  MotilalAuth.layer({ ...at(simulator).motilal, credentials: { ...motilalCredentials, totp } })

const rmoneyLayer = (
  simulator: Simulator.Info,
  { password, userId }: FakeRmoney.Account,
  totp?: CodeSource.CodeSource
) => RmoneyAuth.layer({ ...at(simulator).rmoney, credentials: { userId, password: Redacted.make(password), totp } })

const inSimulator = <A, E, R, S>(
  layerOf: (simulator: Simulator.Info) => Layer.Layer<S, AuthError.AuthError, HttpClient.HttpClient>,
  program: (simulator: Simulator.Simulator["Service"]) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* program(simulator).pipe(Effect.provide(layerOf(simulator).pipe(Layer.provideMerge(TestHttp.layerLateFetch))))
    return (yield* simulator.journal()).map(({ endpoint }) => endpoint)
  })

interface Way {
  readonly title: string
  readonly layer: (
    simulator: Simulator.Info
  ) => Layer.Layer<Login.Login | Logout.Logout | Profile.Profile, AuthError.AuthError, HttpClient.HttpClient>
  readonly account: string
  readonly endpoints: ReadonlyArray<string>
}

const ways: ReadonlyArray<Way> = [
  {
    title: "Motilal with TOTP",
    layer: (simulator) => motilalLayer(simulator, Redacted.make(motilal.totpSecret)),
    account: motilal.userId,
    endpoints: ["authdirectapi", "getaccesstoken", "getprofile", "logout"]
  },
  {
    title: "Rupeezy with TOTP",
    layer: (simulator) =>
      RupeezyAuth.layer({
        ...at(simulator).rupeezy,
        credentials: {
          ...hide(rupeezy),
          clientCode: rupeezy.clientCode,
          applicationId: rupeezy.applicationId,
          totp: Redacted.make(rupeezy.totpSecret)
        }
      }),
    account: rupeezy.clientCode,
    endpoints: ["login", "getFunds", "deleteSession"]
  },
  {
    title: "Samco with API key and secret",
    layer: (simulator) =>
      SamcoAuth.layer({ ...at(simulator).samco, credentials: { ...hide(samco), userId: samco.userId } }),
    account: samco.userId,
    endpoints: ["sessionToken", "getLimits", "logout"]
  },
  {
    title: "Samco with the legacy login",
    layer: (simulator) =>
      SamcoLegacy.layer({ ...at(simulator).samco, credentials: { ...hide(samco), userId: samco.userId } }),
    account: samco.userId,
    endpoints: ["login", "getLimits", "logout"]
  }
]

for (const { account, endpoints, layer, title } of ways) {
  it.live(`a program logs in and out over HTTP: ${title}`, () =>
    Effect.gen(function* () {
      const called = yield* inSimulator(layer, () =>
        Effect.gen(function* () {
          const session = yield* Login.session
          assert.strictEqual(session.account.id, account)
          assert.strictEqual((yield* Profile.profile(session)).name, "DEMO TRADER")
          assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
          const refusal = yield* Effect.flip(Profile.profile(session))
          assert.strictEqual(refusal.reason._tag, "SessionExpired")
        })
      )
      assert.deepStrictEqual(called, [...endpoints, endpoints.at(-2)])
    })
  )
}

const authenticator = ({ control }: Simulator.Info, broker: string, account: string) =>
  CodeSource.fromEffect(() =>
    Effect.map(send(`${control}/totp?broker=${broker}&account=${account}`), ({ text }) =>
      Redacted.make((JSON.parse(text) as Simulator.TotpCode).code)
    )
  )

it.live("RMoney accepts the TOTP code from GET /totp", () =>
  Effect.gen(function* () {
    const called = yield* inSimulator(
      (simulator) => rmoneyLayer(simulator, rmoneyTotp, authenticator(simulator, "rmoney", rmoneyTotp.userId)),
      (simulator) =>
        Effect.gen(function* () {
          const session = yield* Login.withStepUp(({ account, kinds: [kind] }) => {
            assert.strictEqual(kind, "totp")
            return authenticator(simulator, "rmoney", account.id).code({ account, kind })
          })
          assert.strictEqual(session.account.id, rmoneyTotp.userId)
          assert.strictEqual((yield* Logout.logout(session))._tag, "LocalOnly")
        })
    )
    assert.deepStrictEqual(called, ["pwdValidate", "toptVerify"])
  })
)

const phone = ({ control }: Simulator.Info, broker: string, account: string) =>
  Effect.map(send(`${control}/codes?broker=${broker}&account=${account}`), ({ text }) => {
    const { codes } = JSON.parse(text) as { readonly codes: ReadonlyArray<string> }
    return Redacted.make(codes.at(-1) ?? "")
  })

it.live("Motilal accepts the SMS code from GET /codes", () =>
  Effect.gen(function* () {
    const called = yield* inSimulator(motilalLayer, (simulator) =>
      Effect.gen(function* () {
        const session = yield* Login.withStepUp(() => phone(simulator, "motilal", motilal.userId))
        assert.strictEqual((yield* Logout.logout(session))._tag, "Revoked")
      })
    )
    assert.deepStrictEqual(called, ["authdirectapi", "verifyotp", "getaccesstoken", "logout"])
  })
)

it.live("RMoney accepts the SMS code from GET /codes", () =>
  Effect.gen(function* () {
    const called = yield* inSimulator(
      (simulator) => rmoneyLayer(simulator, rmoney),
      (simulator) =>
        Effect.gen(function* () {
          const session = yield* Login.withStepUp(({ destinations, kinds }) => {
            assert.deepStrictEqual(kinds, ["otp"])
            assert.isAbove(destinations.length, 0)
            return phone(simulator, "rmoney", rmoney.userId)
          })
          assert.deepStrictEqual(yield* Logout.logout(session), {
            _tag: "LocalOnly",
            account: session.account,
            why: "no-such-call"
          })
        })
    )
    assert.deepStrictEqual(called, ["pwdValidate", "otpValidate"])
  })
)

it.live("GET /codes returns Samco's SMS code, but GET /totp fails", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const headers = { accept: "application/json", "content-type": "application/json" }
    const url = `${simulator.origins["https://tradeapi.samco.in"]}/otp/generateOtp`
    yield* send(url, { method: "POST", headers, body: JSON.stringify({ uid: samco.userId }) })
    assert.match(Redacted.value(yield* phone(simulator, "samco", samco.userId)), /^\d{4}$/)
    const totp = yield* send(`${simulator.control}/totp?broker=samco&account=${samco.userId}`)
    assert.strictEqual(totp.status, 400)
    assert.include(errorOf(totp), "has no TOTP secret")
  })
)

interface Flow {
  readonly title: string
  readonly layer: (
    simulator: Simulator.Info
  ) => Layer.Layer<RedirectLogin.RedirectLogin, AuthError.AuthError, HttpClient.HttpClient>
  readonly account: { readonly redirectUrl: string; readonly id: string }
  readonly form: (totp: string) => Readonly<Record<string, string>>
  /** The account whose TOTP code the form needs. */
  readonly totp?: readonly [broker: Simulator.BrokerId, account: string]
  /** The call that gets the session after the callback. */
  readonly exchange: string
}

const flows: ReadonlyArray<Flow> = [
  {
    title: "Motilal's portal",
    layer: (simulator) =>
      MotilalPortal.layer({
        ...at(simulator).motilal,
        credentials: { ...motilalCredentials, redirectUrl: motilal.redirectUrl }
      }),
    account: { ...motilal, id: motilal.userId },
    form: (totp) => ({ userid: motilal.userId, password: motilal.password, "2FA": motilal.pan, totp }),
    totp: ["motilal", motilal.userId],
    exchange: "getaccesstoken"
  },
  {
    title: "Rupeezy's login page",
    layer: (simulator) =>
      RupeezyPartner.layer({
        ...at(simulator).rupeezy,
        credentials: { ...rupeezy, apiKey: Redacted.make(rupeezy.apiKey) }
      }),
    account: { ...rupeezy, id: rupeezy.clientCode },
    form: (totp) => ({ client_code: rupeezy.clientCode, password: rupeezy.password, totp, consent: "given" }),
    totp: ["rupeezy", rupeezy.clientCode],
    exchange: "createSession"
  },
  {
    title: "Samco's consent page",
    layer: (simulator) =>
      SamcoOAuth.layer({ ...at(simulator).samco, credentials: { ...samco, apiKey: Redacted.make(samco.apiKey) } }),
    account: { ...samco, id: samco.userId },
    form: () => ({ apiSecret: samco.apiSecret }),
    exchange: "oauthToken"
  },
  {
    title: "Zerodha's login page",
    layer: (simulator) =>
      ZerodhaAuth.layer({
        ...at(simulator).zerodha,
        credentials: { ...hide(zerodha), userId: zerodha.userId, redirectUrl: zerodha.redirectUrl }
      }),
    account: { ...zerodha, id: zerodha.userId },
    form: (totp) => ({ user_id: zerodha.userId, password: zerodha.password, totp }),
    totp: ["zerodha", zerodha.userId],
    exchange: "sessionToken"
  },
  {
    title: `RMoney's login page with exchange: "checksum"`,
    layer: (simulator) =>
      RmoneySso.layer({
        ...at(simulator).rmoney,
        credentials: { ...hide(rmoney), userId: rmoney.userId, redirectUrl: rmoney.redirectUrl }
      }),
    account: { ...rmoney, id: rmoney.userId },
    form: () => ({ userid: rmoney.userId, password: rmoney.password }),
    exchange: "vendorGetUserDetails"
  },
  {
    title: `RMoney's login page with TOTP and exchange: "vendor"`,
    layer: (simulator) =>
      RmoneySso.layer({
        ...at(simulator).rmoney,
        exchange: "vendor",
        credentials: { ...hide(rmoneyTotp), userId: rmoneyTotp.userId, redirectUrl: rmoneyTotp.redirectUrl }
      }),
    account: { ...rmoneyTotp, id: rmoneyTotp.userId },
    form: (totp) => ({ userid: rmoneyTotp.userId, password: rmoneyTotp.password, totp }),
    totp: ["rmoney", rmoneyTotp.userId],
    exchange: "ssoGetUserDetails"
  }
]

for (const { account, exchange, form, layer, title, totp } of flows) {
  it.live(`a program logs in through ${title}`, () =>
    Effect.gen(function* () {
      const called = yield* inSimulator(layer, (simulator) =>
        Effect.gen(function* () {
          const redirect = yield* RedirectLogin.RedirectLogin
          const request = yield* redirect.begin
          const refused = yield* Effect.flip(LoginPage.submit(request.url, { userid: "nobody", user_id: account.id }))
          assert.include(refused.message, "The login page rejected the form: ")
          const code = totp === undefined ? "" : (yield* simulator.totp(...totp)).code
          const callback = yield* LoginPage.submit(request.url, form(code))
          assert.isTrue(Redacted.value(callback).startsWith(account.redirectUrl))
          assert.include(Redacted.value(callback), Redacted.value(request.state))
          const session = yield* redirect.complete(request, callback)
          assert.strictEqual(session.account.id, account.id)
          assert.isDefined(session.expiresAt)
        })
      )
      assert.include(called, exchange)
    })
  )
}

it.live("the page /qr-scan approves RMoney's QR login", () =>
  Effect.gen(function* () {
    const called = yield* inSimulator(
      (simulator) => RmoneyQr.layer({ ...at(simulator).rmoney, credentials: { userId: rmoney.userId } }),
      ({ origins }) =>
        Effect.gen(function* () {
          const qr = yield* QrLogin.QrLogin
          const code = yield* qr.begin
          assert.isTrue(Option.isNone(yield* qr.poll(code)))
          const page = `${origins["https://webuat.rmoneyindia.co.in"]}/qr-scan?qrName=${Redacted.value(code.name)}`
          assert.include((yield* send(page)).text, '<form method="post"')
          const approved = yield* send(page, {
            method: "POST",
            body: new URLSearchParams({ userid: rmoney.userId, password: rmoney.password })
          })
          assert.include(approved.text, "Approved")
          const session = yield* qr.poll(code)
          assert.strictEqual(Option.getOrThrow(session).account.id, rmoney.userId)
        })
    )
    assert.deepStrictEqual(called, ["qrGenerate", "qrLogin", "qr-scan", "qr-scan", "qrLogin"])
  })
)

it.live("a program logs in to RMoney with the biometric login", () =>
  inSimulator(
    (simulator) =>
      RmoneyBiometric.layer({
        ...at(simulator).rmoney,
        credentials: {
          userId: rmoney.userId,
          accessToken: Redacted.make(rmoney.accessToken),
          deviceId: rmoney.deviceId
        }
      }),
    () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Login.session).account.id, rmoney.userId)
      })
  )
)

it.live("the simulator serves every broker in brokers.json", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const known = Object.keys(JSON.parse(readFileSync(join(packages, "brokers.json"), "utf8")) as object)
    assert.deepStrictEqual<ReadonlyArray<string>>(Simulator.brokerIds, known)
    assert.deepStrictEqual(Object.keys(simulator.brokers), known)
    const refused = yield* post(`${simulator.control}/faults`, { broker: "nobody", endpoint: "*", fault: "waf" })
    assert.include(errorOf(refused), known.join(", "))
  })
)
