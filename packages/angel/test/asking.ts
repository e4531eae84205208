import { FakeAngel } from "@auth/angel/msw"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { codeNow, morning } from "./support.ts"

export const demo = FakeAngel.demoAccount

const user = "/rest/secure/angelbroking/user/v1"

export const paths = {
  loginByPassword: "/rest/auth/angelbroking/user/v1/loginByPassword",
  loginByMpin: "/rest/auth/angelbroking/user/v1/loginByMpin",
  generateTokens: "/rest/auth/angelbroking/jwt/v1/generateTokens",
  getProfile: `${user}/getProfile`,
  getRMS: `${user}/getRMS`,
  logout: `${user}/logout`,
  placeOrder: "/rest/secure/angelbroking/order/v1/placeOrder"
}

/** Changes to the usual headers. The value `undefined` omits a header. */
export type Changed = Readonly<Record<string, string | undefined>>

export interface Asked {
  readonly path: string
  readonly origin?: string
  readonly method?: string
  readonly headers?: Changed
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
  /** The field `status`, or `success` in answers of Angel One's gateway. */
  readonly says: unknown
  readonly code: unknown
  readonly data: Readonly<Record<string, string>>
}

const usual: Changed = {
  "content-type": "application/json",
  "x-usertype": "USER",
  "x-sourceid": "WEB",
  "x-clientlocalip": "127.0.0.1",
  "x-clientpublicip": "203.0.113.7",
  "x-macaddress": "00:00:00:00:00:00",
  "x-privatekey": demo.apiKey
}

const toAnswer = (response: Response, text: string): Answer => {
  const json = text.startsWith("{") ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {}
  const data = Object(json["data"]) as Answer["data"]
  const says = json["status"] ?? json["success"]
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    says,
    code: json["errorcode"] ?? json["errorCode"],
    data
  }
}

/** Sends a request to the fake without `AngelApi`. */
export const ask = (fake: FakeBroker, { body, headers, method, origin, path }: Asked): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const all = Object.entries({ ...usual, ...headers })
    const isGet = method === "GET" || (method === undefined && /\/get(?:Profile|RMS)$/.test(path))
    const request = new Request(`${origin ?? "https://apiconnect.angelone.in"}${path}`, {
      method: method ?? (isGet ? "GET" : "POST"),
      headers: all.flatMap(([name, value]): Array<[string, string]> => (value === undefined ? [] : [[name, value]])),
      ...(isGet ? {} : { body: typeof body === "string" ? body : JSON.stringify(body ?? {}) })
    })
    const response = await fake.respond(request)
    return toAnswer(response, await response.text())
  })

export const begin = (options?: Parameters<typeof FakeAngel.make>[0]) =>
  Effect.andThen(TestClock.setTime(morning), FakeAngel.make(options))

export interface LoginChanges {
  readonly body?: object
  readonly headers?: Changed
  readonly account?: FakeAngel.Account
}

export const login = Effect.fnUntraced(function* (fake: FakeBroker, changes: LoginChanges = {}) {
  const account = changes.account ?? demo
  return yield* ask(fake, {
    path: paths.loginByPassword,
    headers: { "x-privatekey": account.apiKey, ...changes.headers },
    body: { clientcode: account.clientCode, password: account.pin, totp: yield* codeNow(account), ...changes.body }
  })
})

export const bearer = (token: string | undefined): Changed => ({ authorization: `Bearer ${token}` })

export const loggedIn = Effect.fnUntraced(function* (options?: Parameters<typeof FakeAngel.make>[0]) {
  const fake = yield* begin(options)
  const { data } = yield* login(fake)
  yield* TestClock.adjust("30 seconds")
  const { feedToken = "", jwtToken = "", refreshToken = "" } = data
  return { fake, data, tokens: { jwtToken, refreshToken, feedToken } }
})

export const service = (errorcode: string, message: string) => ({ status: false, message, errorcode, data: null })
export const gateway = (errorCode: string, message: string) => ({ success: false, message, errorCode, data: "" })
export const wrongCode = service("AB1050", "Invalid totp")
