/** Lists every login method that uses a browser. `login` logs in to the simulator with one of these methods. */
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { broker as angel } from "@auth/angel/AngelBroker"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import { broker as motilal } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as RedirectListener from "@auth/node/RedirectListener"
import { broker as rmoney } from "@auth/rmoney/RmoneyBroker"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import { broker as rupeezy } from "@auth/rupeezy/RupeezyBroker"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import { broker as samco } from "@auth/samco/SamcoBroker"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { Simulator } from "@auth/simulator"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker as zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type { Page } from "playwright-core"
import { freePort } from "../vitest/freePort.ts"
import {
  accountOf,
  codeFor,
  formOf,
  pages,
  type Page as LoginPage
} from "../../packages/simulator/test/chromium/pages.ts"
import { servedOf } from "../../packages/simulator/test/support.ts"

interface Given {
  readonly account: Readonly<Record<string, string>>
  readonly secret: (name: string) => Redacted.Redacted<string>
  readonly redirectUrl: string
  readonly origins: (broker: Broker, environment?: string) => Readonly<Record<string, string>>
}

export interface LoginMethod {
  readonly broker: Broker
  /** Id of the method in the broker's descriptor. */
  readonly method: string
  readonly title: string
  /** Title of the login page in `pages`. */
  readonly page: string
  /** `pasted`: the user pastes the callback. Default: the listener receives the callback on loopback. */
  readonly callback?: "pasted"
  /** `name` of the button that declines the login. */
  readonly decline?: string
  readonly layer: (given: Given) => Layer.Layer<RedirectLogin.RedirectLogin, AuthError, HttpClient.HttpClient>
}

const kite = ({ account, redirectUrl, secret }: Given) => ({
  userId: account["userId"] ?? "",
  apiKey: secret("apiKey"),
  apiSecret: secret("apiSecret"),
  redirectUrl
})

const portal = (environment: "production" | "uat") => (given: Given) =>
  MotilalPortal.layer({
    environment,
    origins: given.origins(motilal, environment),
    credentials: {
      userId: given.account["userId"] ?? "",
      apiKey: given.secret("apiKey"),
      apiSecret: given.secret("apiSecret"),
      redirectUrl: given.redirectUrl
    }
  })

export const methods: ReadonlyArray<LoginMethod> = [
  {
    broker: angel,
    method: "publisher",
    title: "Angel One (Publisher)",
    page: "Angel's publisher page",
    callback: "pasted",
    layer: ({ account, origins, redirectUrl, secret }) =>
      AngelPublisher.layer({
        origins: origins(angel),
        credentials: { clientCode: account["clientCode"] ?? "", apiKey: secret("publisherKey"), redirectUrl }
      })
  },
  {
    broker: motilal,
    method: "portal",
    title: "Motilal Oswal (portal)",
    page: "Motilal's portal",
    layer: portal("production")
  },
  {
    broker: motilal,
    method: "portal",
    title: "Motilal Oswal (portal for tests)",
    page: "Motilal's test portal",
    layer: portal("uat")
  },
  {
    broker: rupeezy,
    method: "partner",
    title: "Rupeezy (partner)",
    page: "Rupeezy's partner page",
    layer: ({ account, origins, redirectUrl, secret }) =>
      RupeezyPartner.layer({
        origins: origins(rupeezy),
        credentials: {
          clientCode: account["clientCode"] ?? "",
          applicationId: account["applicationId"] ?? "",
          apiKey: secret("apiKey"),
          redirectUrl
        }
      })
  },
  {
    broker: samco,
    method: "oauth",
    title: "Samco (OAuth)",
    page: "Samco's consent page",
    decline: "deny",
    layer: ({ account, origins, redirectUrl, secret }) =>
      SamcoOAuth.layer({
        origins: origins(samco),
        credentials: { userId: account["userId"] ?? "", apiKey: secret("apiKey"), redirectUrl }
      })
  },
  {
    broker: rmoney,
    method: "sso",
    title: "RMoney (checksum)",
    page: "RMoney's login page",
    layer: ({ account, origins, redirectUrl, secret }) =>
      RmoneySso.layer({
        environment: "uat",
        origins: origins(rmoney, "uat"),
        credentials: {
          userId: account["userId"] ?? "",
          appCode: secret("appCode"),
          apiSecret: secret("apiSecret"),
          redirectUrl
        }
      })
  },
  {
    broker: rmoney,
    method: "sso-vendor",
    title: "RMoney (vendor)",
    page: "RMoney's login page",
    layer: ({ account, origins, redirectUrl, secret }) =>
      RmoneySso.layer({
        environment: "uat",
        exchange: "vendor",
        origins: origins(rmoney, "uat"),
        credentials: { userId: account["userId"] ?? "", vendor: secret("vendor"), redirectUrl }
      })
  },
  {
    broker: zerodha,
    method: "browser",
    title: "Zerodha (Kite Connect)",
    page: "Zerodha's login page",
    decline: "cancel",
    layer: (given) => ZerodhaAuth.layer({ origins: given.origins(zerodha), credentials: kite(given) })
  },
  {
    broker: zerodha,
    method: "platform",
    title: "Zerodha (platform)",
    page: "Zerodha's login page",
    layer: (given) => ZerodhaPlatform.layer({ origins: given.origins(zerodha), credentials: kite(given) })
  }
]

const pageOf = ({ page }: LoginMethod): LoginPage => {
  const found = pages.find(({ title }) => title === page)
  if (found === undefined) throw new Error(`There is no page "${page}".`)
  return found
}

export const prepare = Effect.fnUntraced(function* (
  method: LoginMethod,
  switches: Readonly<Record<string, string>> = {}
) {
  const port = yield* Effect.promise(freePort)
  const redirectUrl =
    method.callback === "pasted" ? "https://app.example.com/callback" : `http://127.0.0.1:${port}/callback`
  const simulator = yield* Simulator.make()
  const accounts = simulator.brokers[method.broker.id]?.accounts ?? []
  const seed = { [method.broker.id]: { switches, accounts: accounts.map((account) => ({ ...account, redirectUrl })) } }
  yield* simulator.seed({ brokers: seed })
  const loginPage = pageOf(method)
  const account = accountOf(simulator, loginPage) as FakeAccount & Readonly<Record<string, string>>
  const given: Given = {
    account,
    secret: (name) => Redacted.make(account[name] ?? ""),
    redirectUrl,
    origins: (broker, environment) => servedOf(simulator, broker, environment)
  }
  const fields = formOf(simulator, loginPage, yield* codeFor(simulator, loginPage))
  return { simulator, account, redirectUrl, fields, layer: Layer.provide(method.layer(given), TestHttp.layerLateFetch) }
})

export type Prepared = Effect.Success<ReturnType<typeof prepare>>

export const fill = async (page: Page, fields: URLSearchParams): Promise<void> => {
  for (const [name, value] of fields) {
    const field = page.locator(`[name="${name}"]`)
    await ((await field.getAttribute("type")) === "checkbox" ? field.check() : field.fill(value))
  }
}

/** `paste` enters an address at the terminal. */
export type Act = (page: Page, startUrl: string, paste: (address: string) => void) => Promise<void>

/**
 * For a method with a `pasted` callback, the browser requests an address that begins with `redirectUrl`. `login` pastes
 * this address.
 */
export const login = ({ layer, redirectUrl }: Prepared, page: Page, act: Act) =>
  Effect.gen(function* () {
    const lines = yield* Queue.unbounded<Option.Option<Redacted.Redacted<string>>>()
    const paste = (address: string) => void Queue.offerUnsafe(lines, Option.some(Redacted.make(address)))
    page.on("request", (request) => {
      if (redirectUrl.startsWith("https:") && request.url().startsWith(redirectUrl)) paste(request.url())
    })
    const texts: Array<string> = []
    let acting = Promise.resolve()
    const exit = yield* RedirectListener.login({ timeout: "30 seconds" }).pipe(
      Effect.provide(layer),
      Effect.provideService(RedirectListener.Browser, {
        open: (url) =>
          Effect.sync(() => {
            acting = act(page, url, paste)
            return true
          })
      }),
      Effect.provideService(RedirectListener.UserTerminal, {
        isTerminal: Effect.succeed(true),
        show: (text) => Effect.sync(() => void texts.push(text)),
        lines: Effect.succeed(Queue.take(lines))
      }),
      Effect.exit
    )
    yield* Effect.promise(() => acting)
    return { exit, texts }
  })
