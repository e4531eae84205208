/**
 * A fake Rupeezy for tests and experiments. It checks requests as strictly as the broker.
 *
 * @since 0.1.0
 */
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { broker } from "./RupeezyBroker.ts"

/**
 * An account of the fake, and the account's app.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly clientCode: string
  readonly password: string
  readonly totpSecret: string
  readonly applicationId: string
  readonly apiKey: string
  /** The app's registered callback URL. */
  readonly redirectUrl: string
  readonly name: string
  readonly email: string
  readonly mobile: string
  readonly userCode: string
  readonly state: "active" | "blocked"
  /** Whether the app allows this account to log in through the browser. */
  readonly whitelist: "listed" | "unlisted"
  /** Whether the caller's IP address is registered. Only order calls check the address. */
  readonly ip: "registered" | "unregistered"
}

/**
 * Switches for behavior that the broker does not document.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /** The HTTP status of a refused login. Default: 200. */
  readonly refusedLogin: 200 | 400 | 401
  /** `refused` (default): after a TOTP code was accepted, this code and older codes are refused. */
  readonly reusedCode: "refused" | "accepted"
  /** Number of consecutive wrong passwords that block an account. Default: no limit. */
  readonly lockAfter: number
  /** Whether access tokens contain their expiry, the claim `exp`. Default: yes. */
  readonly tokenEnd: "in-token" | "absent"
  /** Lifetime of a token. Default: eight hours. */
  readonly lifetime: Duration.Input
  /** Whether a login ends the earlier sessions of its account. Default: no. */
  readonly earlierSessions: "live" | "die"
  /** Whether a token is still valid after a logout of its session. Default: no. */
  readonly loggedOutTokens: "die" | "live"
  /** The HTTP status for an invalid or expired token. Default: 401. The market feed always answers 401. */
  readonly deadToken: 401 | 403
  /** Whether the callback contains the state of the login, in the parameter `cb_param`. Default: yes. */
  readonly cbParam: "echoed" | "dropped"
  /** Whether the code in the callback's parameter `auth` works only once. Default: yes. */
  readonly authCode: "single-use" | "reusable"
  /** Lifetime of an `auth` code. Default: two minutes. */
  readonly authCodeLifetime: Duration.Input
  /** Whether the exchange of an `auth` code requires the header `x-api-key`. Default: no. */
  readonly exchangeKey: "optional" | "required"
  /**
   * The format of the answer to `getFunds`. Default: `segments`.
   *
   * - `segments`: the fields `nse` and `mcx`
   * - `combined`: the fields `nse`, `mcx` and `exchange_combined`
   * - `enveloped`: the fields `status` and `data`; `data` has the field `exchange_combined`
   */
  readonly funds: "segments" | "combined" | "enveloped"
  /** Value of the field `response` in the answer to a logout. Default: `null`. */
  readonly logoutResponse: "null" | "text"
  /** Whether `GET /user/profile` exists. Default: no. */
  readonly profileCall: "absent" | "present"
}

/**
 * The default account.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  clientCode: "XX9999",
  password: "demo-password",
  totpSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  applicationId: "dev_1234",
  apiKey: "demo-api-key",
  redirectUrl: "https://app.example.com/callback",
  name: "DEMO TRADER",
  email: "demo@example.com",
  mobile: "9800000000",
  userCode: "NXAAE",
  state: "active",
  whitelist: "listed",
  ip: "unregistered"
}

interface Issued {
  readonly account: Account
  readonly token: string
  readonly end: number
}

interface AuthCode {
  readonly account: Account
  readonly end: number
}

const api = "https://vortex-api.rupeezy.in"
const site = "https://flow.rupeezy.in"
const feed = "https://wire.rupeezy.in"

const success = (data: unknown) => FakeBroker.json({ status: "success", data })

const failure = (status: number, message: string) => FakeBroker.json({ status: "error", message }, status)

const unauthorized = failure(401, "Unauthorized")
const badRequest = failure(400, "Bad request")
const rateLimited = failure(429, "Too many requests")

const wafPage = FakeBroker.html("<html><head><title>403 Forbidden</title></head><body>403 Forbidden</body></html>", 403)

/** Rate limit of each login call. Source: Vortex documentation, "Authentication", as of 2026-11-21. */
const oncePerSecond = [{ requests: 1, per: "1 second" }] as const

const lifetimes = { token: "8 hours", authCode: "2 minutes" } as const

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  FakeBroker.describeLimits("login", oncePerSecond, "client code"),
  FakeBroker.describeLimits("createSession", oncePerSecond, "application id"),
  { ...FakeBroker.authenticatorLimit, switch: "reusedCode" },
  { of: "consecutive wrong passwords", limit: "no limit", switch: "lockAfter" },
  {
    of: "the code of a callback (`auth`)",
    limit: `1 exchange, within ${lifetimes.authCode}`,
    switch: "authCodeLifetime"
  },
  { of: "a session and its token", limit: lifetimes.token, switch: "lifetime" }
]

const textFields = <const Names extends ReadonlyArray<string>>(
  json: unknown,
  ...names: Names
): Readonly<Record<Names[number], string>> | undefined => {
  const entries = names.map((name) => [name, FakeBroker.textField(json, name)] as const)
  return entries.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(entries) as Record<Names[number], string>)
    : undefined
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

/** Formats a time as the broker does, in IST: "2023-Mar-29 13:10:50". */
const loginTime = (at: number): string =>
  Expiry.toIst(at)
    .replace(" IST", "")
    .replace(/-(\d\d)-/, (_, month: string) => `-${months[Number(month) - 1]}-`)

const segment = { deposit: 22449.64, collateral: 0, limit_utilization: -66.92, net_available: 22382.72 }

const funds: Readonly<Record<Switches["funds"], FakeBroker.FakeResponse>> = {
  segments: FakeBroker.json({ nse: segment, mcx: segment }),
  combined: FakeBroker.json({ nse: segment, mcx: segment, exchange_combined: segment }),
  enveloped: success({ exchange_combined: segment })
}

const bank = {
  account_number: "000000000000",
  ifsc: "DEMO0000001",
  is_primary: true,
  account_type: "SAVINGS",
  bank_name: "DEMO BANK"
}

const page = (content: string, status = 200) =>
  FakeBroker.html(
    `<!doctype html><html><head><title>Login (fake)</title></head><body><h1>Rupeezy, a fake for testing</h1>${content}</body></html>`,
    status
  )

const loginForm = (action: string, problem: string) =>
  page(
    `<p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
      `<form method="post" action="${FakeBroker.escapeHtml(action)}">` +
      `<p><label>Client code <input name="client_code"></label></p><p><label>Password <input name="password" type="password"></label></p>` +
      `<p><label>Code <input name="totp"></label></p>` +
      `<p><label><input name="consent" type="checkbox" value="given"> The app may use my account</label></p>` +
      `<button type="submit">Log in</button></form>`
  )

const isResponse = (value: object): value is FakeBroker.FakeResponse => "status" in value

/**
 * Makes the fake. It uses the clock of the calling program.
 *
 * @example
 * ```ts
 * import { FakeRupeezy } from "@auth/rupeezy/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeRupeezy.make({ refusedLogin: 401 })
 *   yield* fake.inject("login", { kind: "rate-limit" })
 *   return yield* fake.journal
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: { readonly accounts?: ReadonlyArray<Account> } & Partial<Switches> = {}
): Effect.fn.Return<FakeBroker.FakeBroker> {
  const clock = yield* FakeBroker.makeClock
  const accounts = options.accounts ?? [demoAccount]
  const limiter = FakeBroker.makeLimiter(clock.now)
  const sessions = new Map<string, Issued>()
  const authCodes = new Map<string, AuthCode>()
  const authenticator = FakeBroker.makeAuthenticator(clock.now, options)
  const misses = new Map<string, number>()
  const lifetime = Duration.toMillis(options.lifetime ?? lifetimes.token)
  const refusedLogin = options.refusedLogin ?? 200

  const accountOf = (clientCode: string) => accounts.find((account) => account.clientCode === clientCode)
  const isKeyOf = (apiKey: string | undefined, applicationId: string) =>
    accounts.some((account) => account.apiKey === apiKey && account.applicationId === applicationId)

  const makeToken = (end: number): string => {
    const claims = { ...(options.tokenEnd === "absent" ? {} : { exp: end / 1000 }), jti: randomHex(8) }
    const parts = [`{"alg":"RS512","typ":"JWT"}`, JSON.stringify(claims), SecureRandom.randomBytesUnsafe(64)]
    return parts.map((part) => Base64Url.encode(part)).join(".")
  }

  const holderOf = (account: Account) => ({
    user_name: account.name,
    login_time: loginTime(clock.now()),
    email: account.email,
    mobile: account.mobile,
    exchanges: ["NSE_EQ", "NSE_FO", "MCX_FO", "NSE_CUR"],
    product_types: ["INTRADAY", "DELIVERY", "MTF"],
    others: { userCode: account.userCode, POA: 2 },
    user_id: account.clientCode,
    referral_id: "aaaaa",
    tradingActive: true,
    isDematActive: true,
    mfTradeActive: true,
    dp_id: "IN000000",
    dp_client_id: "00000000",
    mfa_type: "totp"
  })

  const issue = (account: Account): FakeBroker.FakeResponse => {
    const end = Math.floor((clock.now() + lifetime) / 1000) * 1000
    if (options.earlierSessions === "die") {
      for (const { account: owner, token } of sessions.values()) if (owner === account) sessions.delete(token)
    }
    const token = makeToken(end)
    sessions.set(token, { account, token, end })
    return success({ access_token: token, ...holderOf(account), oc_token: `0x${randomHex(16)}` })
  }

  const isBlocked = ({ clientCode, state }: Account): boolean =>
    state === "blocked" || (misses.get(clientCode) ?? 0) >= (options.lockAfter ?? Infinity)

  const open = Effect.fnUntraced(function* (clientCode: string, password: string, totp: string) {
    const account = accountOf(clientCode)
    if (account === undefined) return "Invalid credentials"
    if (isBlocked(account)) return "Your account is blocked"
    if (account.password !== password) {
      misses.set(clientCode, (misses.get(clientCode) ?? 0) + 1)
      return "Invalid credentials"
    }
    if (!(yield* authenticator.check(clientCode, account.totpSecret, totp))) return "Invalid TOTP"
    misses.delete(clientCode)
    return account
  })

  const isJson = ({ headers, json }: FakeBroker.FakeRequest): boolean =>
    json !== undefined && (headers["content-type"] ?? "").includes("application/json")

  const login = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const apiKey = request.headers["x-api-key"]
    if (!accounts.some((account) => account.apiKey === apiKey)) return unauthorized
    const body = textFields(request.json, "client_code", "password", "totp", "application_id")
    if (!isJson(request) || body === undefined) return badRequest
    if (!limiter.allows(`login ${body.client_code}`, oncePerSecond)) return rateLimited
    if (!isKeyOf(apiKey, body.application_id)) return unauthorized
    const opened = yield* open(body.client_code, body.password, body.totp)
    return Predicate.isString(opened) ? failure(refusedLogin, opened) : issue(opened)
  })

  const takeAuthCode = (code: string): Account | undefined => {
    const known = authCodes.get(code)
    if (options.authCode !== "reusable") authCodes.delete(code)
    return known !== undefined && clock.now() < known.end ? known.account : undefined
  }

  const createSession = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const body = textFields(request.json, "checksum", "applicationId", "token")
    if (!isJson(request) || body === undefined) return badRequest
    const { applicationId, checksum, token } = body
    if (!limiter.allows(`createSession ${applicationId}`, oncePerSecond)) return rateLimited
    const app = accounts.find((account) => account.applicationId === applicationId)
    if (app === undefined) return unauthorized
    const apiKey = request.headers["x-api-key"]
    if (apiKey === undefined ? options.exchangeKey === "required" : apiKey !== app.apiKey) return unauthorized
    const expected = Redacted.value(yield* Checksum.sha256([applicationId, token, app.apiKey]))
    if (checksum !== expected) return unauthorized
    const account = takeAuthCode(token)
    return account === undefined || account.applicationId !== applicationId ? unauthorized : issue(account)
  })

  const authenticate = (request: FakeBroker.FakeRequest): Issued | FakeBroker.FakeResponse => {
    const token = /^Bearer (.+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? ""
    const issued = sessions.get(token)
    return issued !== undefined && clock.now() < issued.end ? issued : failure(options.deadToken ?? 401, "Unauthorized")
  }

  const secured =
    (handle: (issued: Issued) => FakeBroker.FakeResponse): FakeBroker.Route["handle"] =>
    (request) =>
      Effect.sync(() => {
        const issued = authenticate(request)
        return isResponse(issued) ? issued : handle(issued)
      })

  const deleteSession = ({ token }: Issued) => {
    if (options.loggedOutTokens !== "live") sessions.delete(token)
    const response = options.logoutResponse === "text" ? "Successfully Logged out." : null
    return FakeBroker.json({ message: "Successfully Logged out.", response, status: "success" })
  }

  const getProfile = ({ account }: Issued) =>
    options.profileCall === "present" ? success(holderOf(account)) : failure(404, "Not found")

  const placeOrder = ({ account }: Issued) =>
    account.ip === "registered" ? failure(400, "The fake accepts no orders") : failure(403, "IP_NOT_ALLOWED")

  const appOf = (request: FakeBroker.FakeRequest) => {
    const applicationId = request.url.searchParams.get("applicationId")
    return accounts.find((account) => account.applicationId === applicationId)
  }

  const actionOf = ({ url }: FakeBroker.FakeRequest): string => url.pathname + url.search

  const unknownApp = page("<p>There is no such application.</p>", 404)

  const flow = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => (appOf(request) === undefined ? unknownApp : loginForm(actionOf(request), "")))

  const callbackOf = (request: FakeBroker.FakeRequest, account: Account): string => {
    const code = randomHex(16)
    authCodes.set(code, {
      account,
      end: clock.now() + Duration.toMillis(options.authCodeLifetime ?? lifetimes.authCode)
    })
    const target = new URL(account.redirectUrl)
    target.searchParams.set("auth", code)
    const state = request.url.searchParams.get("cb_param")
    if (state !== null && options.cbParam !== "dropped") target.searchParams.set("cb_param", state)
    return target.href
  }

  const flowSubmit = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const app = appOf(request)
    if (app === undefined) return unknownApp
    const form = new URLSearchParams(request.body)
    const field = (name: string) => form.get(name)?.trim() ?? ""
    const opened = yield* open(field("client_code"), field("password"), field("totp"))
    if (Predicate.isString(opened)) return loginForm(actionOf(request), opened)
    const listed = opened.whitelist === "listed" && opened.applicationId === app.applicationId
    if (!listed) return page("<p>This user may not log in to this application.</p>", 403)
    if (field("consent") === "") return loginForm(actionOf(request), "Consent is needed")
    return { status: 302, headers: { location: callbackOf(request, opened) }, body: "" }
  })

  const stream = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      const issued = sessions.get(request.url.searchParams.get("auth_token") ?? "")
      if (issued === undefined || clock.now() >= issued.end) return unauthorized
      return FakeBroker.text("The fake has no market data", 426)
    })

  const route = (
    endpoint: string,
    method: string,
    path: string,
    handle: FakeBroker.Route["handle"],
    origin: string = api
  ): FakeBroker.Route => ({ endpoint, method, origin, path, handle })

  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [api, site, feed],
    limits: describedLimits,
    routes: [
      route("login", "POST", "/v2/user/login", login),
      route("createSession", "POST", "/v2/user/session", createSession),
      route("deleteSession", "DELETE", "/v2/user/session", secured(deleteSession)),
      route(
        "getFunds",
        "GET",
        "/v2/user/funds",
        secured(() => funds[options.funds ?? "segments"])
      ),
      route(
        "getBanks",
        "GET",
        "/v2/user/profile/banks",
        secured(() => success({ nse: [bank], mcx: [bank] }))
      ),
      route(
        "getBrokerage",
        "GET",
        "/v2/user/profile/brokerage",
        secured(() => success({}))
      ),
      route("getProfile", "GET", "/v2/user/profile", secured(getProfile)),
      route("placeOrder", "POST", "/v2/trading/orders/regular", secured(placeOrder)),
      route("flow", "GET", "/", flow, site),
      route("flow", "POST", "/", flowSubmit, site),
      route("stream", "GET", "/ws", stream, feed)
    ],
    notFound: failure(404, "Not found"),
    wafPage,
    rateLimited,
    memory: { accounts, parts: () => ({ sessions, authCodes, misses, lastSteps: authenticator.lastSteps }) },
    reset: () => {
      sessions.clear()
      authCodes.clear()
      authenticator.reset()
      misses.clear()
      limiter.reset()
    }
  })
})

const randomHex = (bytes: number): string => Hex.encode(SecureRandom.randomBytesUnsafe(bytes))
