import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"

/** A login page that the simulator serves. */
export interface Page {
  readonly title: string
  readonly broker: Simulator.BrokerId
  readonly origin: string
  readonly path: string
  /** Name of the `FakeAccount` field that contains the user id. */
  readonly name: string
  /** Index in the simulator's accounts of this broker. Default: 0. */
  readonly account?: number
  readonly query: (account: FakeAccount) => Readonly<Record<string, string | undefined>>
  readonly fields: (account: FakeAccount, totp: string) => Readonly<Record<string, string | undefined>>
  /** Name of the callback's parameter that contains a code or a token. */
  readonly brings: string
}

export const pages: ReadonlyArray<Page> = [
  {
    title: "Angel's publisher page",
    broker: "angel",
    origin: "https://smartapi.angelone.in",
    path: "/publisher-login",
    name: "clientCode",
    query: ({ publisherKey }) => ({ api_key: publisherKey }),
    fields: ({ clientCode, pin }, totp) => ({ clientcode: clientCode, pin, totp }),
    brings: "auth_token"
  },
  {
    title: "Motilal's portal",
    broker: "motilal",
    origin: "https://invest.motilaloswal.com",
    path: "/OpenAPI/Login.aspx",
    name: "userId",
    query: ({ apiKey }) => ({ apikey: apiKey }),
    fields: ({ password, secondFactor, userId }, totp) => ({ userid: userId, password, "2FA": secondFactor, totp }),
    brings: "authtoken"
  },
  {
    title: "Motilal's test portal",
    broker: "motilal",
    origin: "https://uattrade.motilaloswaluat.com",
    path: "/OpenAPI/Login.aspx",
    name: "userId",
    query: ({ apiKey }) => ({ apikey: apiKey }),
    fields: ({ password, secondFactor, userId }, totp) => ({ userid: userId, password, "2FA": secondFactor, totp }),
    brings: "authtoken"
  },
  {
    title: "Rupeezy's partner page",
    broker: "rupeezy",
    origin: "https://flow.rupeezy.in",
    path: "/",
    name: "clientCode",
    query: ({ applicationId }) => ({ applicationId }),
    fields: ({ clientCode, password }, totp) => ({ client_code: clientCode, password, totp, consent: "given" }),
    brings: "auth"
  },
  {
    title: "Samco's consent page",
    broker: "samco",
    origin: "https://tradeapi.samco.in",
    path: "/app/oauth/authorize",
    name: "userId",
    query: ({ apiKey, redirectUrl }) => ({ api_key: apiKey, redirect_url: redirectUrl }),
    fields: ({ apiSecret }) => ({ apiSecret }),
    brings: "code"
  },
  {
    title: "RMoney's login page",
    broker: "rmoney",
    origin: "https://webuat.rmoneyindia.co.in",
    path: "/",
    name: "userId",
    query: ({ appCode }) => ({ appcode: appCode }),
    fields: ({ password, userId }) => ({ userid: userId, password }),
    brings: "authCode"
  },
  {
    title: "RMoney's live login page, with an authenticator",
    broker: "rmoney",
    origin: "https://weblive.rmoneyindia.net",
    path: "/",
    name: "userId",
    account: 1,
    query: ({ vendor }) => ({ appcode: vendor }),
    fields: ({ password, userId }, totp) => ({ userid: userId, password, totp }),
    brings: "authCode"
  },
  {
    title: "Zerodha's login page",
    broker: "zerodha",
    origin: "https://kite.zerodha.com",
    path: "/connect/login",
    name: "userId",
    query: ({ apiKey }) => ({ v: "3", api_key: apiKey }),
    fields: ({ password, userId }, totp) => ({ user_id: userId, password, totp }),
    brings: "request_token"
  }
]

export const accountOf = ({ brokers }: Simulator.Info, { account = 0, broker }: Page): FakeAccount =>
  brokers[broker]?.accounts[account] ?? {}

const paramsOf = (fields: Readonly<Record<string, string | undefined>>): URLSearchParams =>
  new URLSearchParams(Object.entries(fields).map(([name, value = ""]) => [name, value]))

export const addressOf = (simulator: Simulator.Info, page: Page, more: Readonly<Record<string, string>> = {}): string =>
  `${simulator.origins[page.origin]}${page.path}?${paramsOf({ ...page.query(accountOf(simulator, page)), ...more })}`

export const formOf = (simulator: Simulator.Info, page: Page, totp: string): URLSearchParams =>
  paramsOf(page.fields(accountOf(simulator, page), totp))

/** Returns an empty string if the form has no field for a TOTP code. */
export const codeFor = (simulator: Simulator.Simulator["Service"], page: Page) => {
  const account = accountOf(simulator, page)
  return page.fields(account, "needed")["totp"] === "needed"
    ? Effect.map(simulator.totp(page.broker, account[page.name] ?? ""), ({ code }) => code)
    : Effect.succeed("")
}
