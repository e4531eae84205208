/** Invents at most 10,000 accounts for each broker, and makes a layer for each account. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as FakeAngel from "@auth/angel/FakeAngel"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { Renewal } from "@auth/broker-core/broker/Renewal"
import type { FakeBroker, JournalEntry } from "@auth/broker-core/testing/FakeBroker"
import * as FakeMotilal from "@auth/motilal/FakeMotilal"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as FakeRmoney from "@auth/rmoney/FakeRmoney"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as FakeRupeezy from "@auth/rupeezy/FakeRupeezy"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as FakeSamco from "@auth/samco/FakeSamco"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as LoginPage from "@auth/simulator/LoginPage"
import type { BrokerId } from "@auth/simulator/Simulator"
import * as FakeZerodha from "@auth/zerodha/FakeZerodha"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

export type Origins = Readonly<Record<string, string>>

type AccountLayer = Layer.Layer<Renewal | Logout, AuthError, HttpClient.HttpClient>

export interface Accounts {
  readonly fake: (count: number) => Effect.Effect<FakeBroker>
  readonly layer: (index: number, origins: Origins) => AccountLayer
  /** Returns the client code, user id or API key of a request. Returns an empty string if the request has none. */
  readonly accountOf: (entry: JournalEntry) => string
  /** Name of the endpoint that each login calls exactly once. */
  readonly login: string
  /** Maximum number of logins of an account in a second. Absent if the broker documents no limit. */
  readonly perSecond?: number
}

const padded = (index: number) => String(index).padStart(4, "0")

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

const fieldOf =
  (...names: ReadonlyArray<string>) =>
  ({ body }: JournalEntry): string => {
    const fields = (body === "" ? {} : JSON.parse(body)) as Readonly<Record<string, unknown>>
    return names.map((name) => fields[name]).find((value): value is string => typeof value === "string") ?? ""
  }

const angelAccount = (index: number): FakeAngel.Account => ({
  ...FakeAngel.demoAccount,
  clientCode: `A99${padded(index)}`
})

const motilalAccount = (index: number): FakeMotilal.Account => ({
  ...FakeMotilal.demoAccount,
  userId: `AA9${padded(index)}`
})

const rupeezyAccount = (index: number): FakeRupeezy.Account => ({
  ...FakeRupeezy.demoAccount,
  clientCode: `XX9${padded(index)}`
})

const samcoAccount = (index: number): FakeSamco.Account => ({
  ...FakeSamco.demoAccount,
  userId: `DV9${padded(index)}`,
  apiKey: `${FakeSamco.demoAccount.apiKey.slice(0, -4)}${padded(index)}`
})

const rmoneyAccount = (index: number): FakeRmoney.Account => ({
  ...FakeRmoney.demoTotpAccount,
  userId: `TEST9${padded(index)}`,
  pan: `ABCDE${padded(index)}F`,
  email: `demo${padded(index)}@example.com`,
  mobile: `980000${padded(index)}`
})

const zerodhaAccount = (index: number): FakeZerodha.Account => ({
  ...FakeZerodha.demoAccount,
  userId: `ZZ${padded(index)}`,
  apiKey: `fakekey00000${padded(index)}`
})

const secret = (text: string) => Redacted.make(text)

const originOf = (origins: Origins, origin: string): string => origins[origin] ?? ""

/** Logs in without a browser: this program submits the form on the simulator's login page. */
const layerBrowsing = ({ password, totpSecret, userId }: FakeZerodha.Account) =>
  Layer.effect(
    Renewal,
    Effect.gen(function* () {
      const renewal = yield* Renewal
      const client = yield* HttpClient.HttpClient
      const redirect = yield* RedirectLogin.RedirectLogin
      const source = CodeSource.totp(secret(totpSecret))
      const login = Effect.gen(function* () {
        const totp = yield* source.code({ account: renewal.account, kind: "totp" })
        const form = { user_id: userId, password, totp: Redacted.value(totp) }
        const request = yield* redirect.begin
        const callback = yield* Effect.orDie(LoginPage.submit(request.url, form))
        return yield* redirect.complete(request, callback)
      }).pipe(Effect.provideService(HttpClient.HttpClient, client))
      return { ...renewal, login, guard: { ...renewal.guard, step: Duration.seconds(30) } }
    })
  )

const made = {
  angel: {
    fake: (count) => FakeAngel.make({ accounts: numbers(count).map(angelAccount) }),
    layer: (index, origins) => {
      const { apiKey, clientCode, pin, totpSecret } = angelAccount(index)
      return AngelAuth.layer({
        credentials: { clientCode, pin: secret(pin), apiKey: secret(apiKey), totp: secret(totpSecret) },
        origins: { api: originOf(origins, "https://apiconnect.angelone.in") }
      })
    },
    accountOf: fieldOf("clientcode"),
    login: "loginByPassword",
    perSecond: 1
  },
  motilal: {
    fake: (count) => FakeMotilal.make({ accounts: numbers(count).map(motilalAccount) }),
    layer: (index, origins) => {
      const { apiKey, apiSecret, password, secondFactor, totpSecret, userId } = motilalAccount(index)
      return MotilalAuth.layer({
        credentials: {
          userId,
          password: secret(password),
          apiKey: secret(apiKey),
          apiSecret: secret(apiSecret),
          secondFactor: secret(secondFactor),
          totp: secret(totpSecret)
        },
        origins: { api: originOf(origins, "https://openapi.motilaloswal.com") }
      })
    },
    accountOf: fieldOf("userid", "uid"),
    login: "authdirectapi",
    perSecond: 2
  },
  rupeezy: {
    fake: (count) => FakeRupeezy.make({ accounts: numbers(count).map(rupeezyAccount) }),
    layer: (index, origins) => {
      const { apiKey, applicationId, clientCode, password, totpSecret } = rupeezyAccount(index)
      return RupeezyAuth.layer({
        credentials: {
          clientCode,
          password: secret(password),
          applicationId,
          apiKey: secret(apiKey),
          totp: secret(totpSecret)
        },
        origins: { api: originOf(origins, "https://vortex-api.rupeezy.in") }
      })
    },
    accountOf: fieldOf("client_code"),
    login: "login",
    perSecond: 1
  },
  samco: {
    fake: (count) => FakeSamco.make({ accounts: numbers(count).map(samcoAccount) }),
    layer: (index, origins) => {
      const { apiKey, apiSecret, userId } = samcoAccount(index)
      return SamcoAuth.layer({
        credentials: { userId, apiKey: secret(apiKey), apiSecret: secret(apiSecret) },
        origins: { api: originOf(origins, "https://tradeapi.samco.in") }
      })
    },
    accountOf: fieldOf("apiKey"),
    login: "sessionToken"
  },
  rmoney: {
    fake: (count) => FakeRmoney.make({ accounts: numbers(count).map(rmoneyAccount) }),
    layer: (index, origins) => {
      const { password, totpSecret, userId } = rmoneyAccount(index)
      return RmoneyAuth.layer({
        credentials: { userId, password: secret(password), totp: secret(totpSecret) },
        environment: "uat",
        origins: { api: originOf(origins, "https://webuat.rmoneyindia.co.in") }
      })
    },
    accountOf: fieldOf("userId"),
    login: "pwdValidate"
  },
  zerodha: {
    fake: (count) => FakeZerodha.make({ accounts: numbers(count).map(zerodhaAccount) }),
    layer: (index, origins) => {
      const account = zerodhaAccount(index)
      const { apiKey, apiSecret, redirectUrl, userId } = account
      const layer = ZerodhaAuth.layer({
        credentials: { userId, apiKey: secret(apiKey), apiSecret: secret(apiSecret), redirectUrl },
        origins: {
          api: originOf(origins, "https://api.kite.trade"),
          login: originOf(origins, "https://kite.zerodha.com")
        }
      })
      return layerBrowsing(account).pipe(Layer.provideMerge(layer))
    },
    accountOf: ({ body }) => new URLSearchParams(body).get("api_key") ?? "",
    login: "sessionToken",
    perSecond: 10
  }
} satisfies Partial<Record<BrokerId, Accounts>>

export const accountsOf: Readonly<Record<keyof typeof made, Accounts>> = made
