/**
 * A fake Angel One for tests and experiments. It is as strict as the broker. Its accounts are not real.
 *
 * @since 0.1.0
 */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import { broker } from "./AngelBroker.ts"

/**
 * An account of the fake. If `state` is `blocked`, the call `loginByPassword` fails with AB1006.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly clientCode: string
  readonly pin: string
  readonly totpSecret: string
  /** Key of an app of the kind "Trading". */
  readonly apiKey: string
  /** Key of an app of the kind "Publisher". */
  readonly publisherKey: string
  /** Registered redirect URL of the Publisher app. */
  readonly redirectUrl: string
  readonly name: string
  readonly email: string
  readonly mobile: string
  readonly state: "active" | "blocked"
  /** Whether the caller's IP address is registered. Only order calls check it. */
  readonly ip: "registered" | "unregistered"
}

/**
 * Switches for behavior that the broker does not document. The default of a switch is the first value in its type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /** `refused`: after an accepted code, the same code and older codes are refused. */
  readonly reusedCode: "refused" | "accepted"
  /** Whether a refresh invalidates the previous tokens. */
  readonly refreshedTokens: "die" | "live"
  /** Whether access tokens contain their expiry, the claim `exp`. */
  readonly tokenEnd: "in-token" | "absent"
  /** Whether the browser login returns a refresh token. */
  readonly publisherRefreshToken: "sent" | "absent"
}

/**
 * The default account.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  clientCode: "A123456",
  pin: "4711",
  totpSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  apiKey: "demoTrd1",
  publisherKey: "demoPub1",
  redirectUrl: "https://app.example.com/callback",
  name: "DEMO TRADER",
  email: "demo@example.com",
  mobile: "9800000000",
  state: "active",
  ip: "unregistered"
}

interface Issued {
  readonly account: Account
  readonly apiKey: string
  readonly jwt: string
  readonly refresh: string
  readonly feed: string
  readonly end: number
}

const api = "https://apiconnect.angelone.in"
const site = "https://smartapi.angelone.in"
const feed = "https://smartapisocket.angelone.in"

const success = (data: unknown) => FakeBroker.json({ status: true, message: "SUCCESS", errorcode: "", data })

/** A refusal by the login and user services. */
const service = (errorcode: string, message: string) =>
  FakeBroker.json({ status: false, message, errorcode, data: null })

/** A refusal by the API gateway. */
const gateway = (errorCode: string, message: string) =>
  FakeBroker.json({ success: false, message, errorCode, data: "" })

/** A refusal as the broker documents it: `status` and `data` are text. */
const documented = (errorcode: string, message: string) =>
  FakeBroker.json({ status: "false", message, errorcode, data: "null" })

const rateLimited = FakeBroker.text("Access denied because of exceeding access rate", 403)

const wafPage = FakeBroker.html(
  "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. " +
    "Please consult with your administrator.<br><br>Your support ID is: 4285926532837493018</body></html>"
)

/** Rate limits for each client code. Source: SmartAPI documentation, "Rate limits", as of 2026-11-21. */
const limits = {
  loginByPassword: [{ requests: 1, per: "1 second" }],
  generateTokens: [
    { requests: 1, per: "1 second" },
    { requests: 1000, per: "1 hour" }
  ],
  getProfile: [
    { requests: 3, per: "1 second" },
    { requests: 1000, per: "1 hour" }
  ],
  getRMS: [{ requests: 2, per: "1 second" }],
  logout: [{ requests: 1, per: "1 second" }]
} as const

/** In IST. */
const sessionEnd = "00:00"

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  ...Object.entries(limits).map(([name, spans]) => FakeBroker.describeLimits(name, spans, "client code")),
  { ...FakeBroker.authenticatorLimit, switch: "reusedCode" },
  { of: "a session and its tokens", limit: `until ${sessionEnd} IST` }
]

const identityHeaders = ["x-sourceid", "x-clientlocalip", "x-clientpublicip", "x-macaddress"]

const headerFault = (request: FakeBroker.FakeRequest): FakeBroker.FakeResponse | undefined => {
  const { headers, method } = request
  if (method === "POST" && !(headers["content-type"] ?? "").includes("application/json")) {
    return FakeBroker.text("Unsupported Media Type", 415)
  }
  if (headers["x-usertype"] !== "USER") return service("AB1005", "User type must be USER")
  if (identityHeaders.some((name) => !headers[name])) return FakeBroker.text("Bad Request", 400)
  return headers["x-privatekey"] ? undefined : gateway("AG8004", "Invalid API Key")
}

const loginForm = (action: string, problem: string): string =>
  `<!doctype html><html><head><title>Login (fake)</title></head><body><h1>Angel One, a fake for testing</h1>` +
  `<p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
  `<form method="post" action="${FakeBroker.escapeHtml(action)}">` +
  `<p><label>Client code <input name="clientcode"></label></p><p><label>PIN <input name="pin" type="password"></label></p>` +
  `<p><label>Code <input name="totp"></label></p><button type="submit">Log in</button></form></body></html>`

/**
 * Makes the fake. It uses the clock of the calling program.
 *
 * @example
 * ```ts
 * import { FakeAngel } from "@auth/angel/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeAngel.make()
 *   yield* fake.inject("loginByPassword", { kind: "rate-limit" })
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
  const authenticator = FakeBroker.makeAuthenticator(clock.now, options)
  let serial = 0

  const accountOf = (clientCode: string | undefined) =>
    accounts.find((account) => account.clientCode.toUpperCase() === clientCode?.toUpperCase())

  /** The header of the token names HS512, but the signature is random. */
  const makeToken = (claims: Readonly<Record<string, unknown>>): string => {
    serial += 1
    const payload = Base64Url.encode(JSON.stringify({ ...claims, jti: serial }))
    return `${Base64Url.encode(`{"alg":"HS512"}`)}.${payload}.${Base64Url.encode(SecureRandom.randomBytesUnsafe(64))}`
  }

  const midnightAfter = (at: number): number =>
    Expiry.dailyAt(sessionEnd)({ issuedAt: at, accessToken: Redacted.make("") })?.at ?? at

  const issue = (account: Account, apiKey: string): Issued => {
    const now = clock.now()
    const end = midnightAfter(now)
    const iat = Math.floor(now / 1000)
    const exp = options.tokenEnd === "absent" ? {} : { exp: Math.floor(end / 1000) }
    const issued: Issued = {
      account,
      apiKey,
      end,
      jwt: makeToken({ username: account.clientCode, iat, ...exp }),
      refresh: makeToken({ iat, sub: account.clientCode }),
      feed: makeToken({ username: account.clientCode, iat })
    }
    sessions.set(issued.jwt, issued)
    return issued
  }

  const tokensOf = ({ feed: feedToken, jwt: jwtToken, refresh: refreshToken }: Issued) => ({
    jwtToken,
    refreshToken,
    feedToken
  })

  const checkCode = (account: Account, code: string) =>
    authenticator.check(account.clientCode, account.totpSecret, code)

  const loginByPassword = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    if (request.json === undefined) return service("AB1004", "Something Went Wrong, Please Try After Sometime")
    const clientCode = FakeBroker.textField(request.json, "clientcode")
    const totp = FakeBroker.textField(request.json, "totp")
    if (clientCode === undefined || totp === undefined) return FakeBroker.text("Bad Request", 400)
    if (!limiter.allows(`login ${clientCode.toUpperCase()}`, limits.loginByPassword)) return rateLimited
    const account = accountOf(clientCode)
    // The client code and the one-time code are checked before the API key and the PIN.
    if (account === undefined || !(yield* checkCode(account, totp))) return service("AB1050", "Invalid totp")
    const apiKey = request.headers["x-privatekey"] ?? ""
    if (![account.apiKey, account.publisherKey].includes(apiKey)) return service("AB1034", "Apps not found")
    if (account.state === "blocked") return gateway("AB1006", "Client Is Block For Trading")
    const password = FakeBroker.textField(request.json, "password") ?? ""
    if (!/^\d{4}$/.test(password)) {
      return service("AB1000", "LoginbyPassword is not allowed. Please switch to Login by MPIN now.")
    }
    if (password !== account.pin) return documented("AB1007", "Login Id or password is invalid")
    const state = FakeBroker.textField(request.json, "state")
    return success({ ...tokensOf(issue(account, apiKey)), ...(state === undefined ? {} : { state }) })
  })

  const authenticate = (request: FakeBroker.FakeRequest): Issued | FakeBroker.FakeResponse => {
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    const header = request.headers["authorization"]
    if (!header) return gateway("AG8003", "Token missing")
    const issued = header.startsWith("Bearer ") ? sessions.get(header.slice(7)) : undefined
    if (issued === undefined) return gateway("AG8001", "Invalid Token")
    if (clock.now() >= issued.end) return gateway("AG8002", "Token Expired")
    return request.headers["x-privatekey"] === issued.apiKey ? issued : gateway("AG8004", "Invalid API Key")
  }

  const secured =
    (name: "getProfile" | "getRMS" | "logout", handle: (issued: Issued) => FakeBroker.FakeResponse) =>
    (request: FakeBroker.FakeRequest) =>
      Effect.sync(() => {
        const issued = authenticate(request)
        if ("status" in issued) return issued
        return limiter.allows(`${name} ${issued.account.clientCode}`, limits[name]) ? handle(issued) : rateLimited
      })

  const generateTokens = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      const refused = headerFault(request)
      if (refused !== undefined) return refused
      if (!request.headers["authorization"]) return gateway("AG8003", "Token missing")
      if (request.json === undefined) return service("AB1004", "Something Went Wrong, Please Try After Sometime")
      const refreshToken = FakeBroker.textField(request.json, "refreshToken")
      const issued = Array.from(sessions.values()).find(({ refresh }) => refresh === refreshToken)
      if (issued === undefined) return service("AB8050", "Invalid Refresh Token")
      if (clock.now() >= issued.end) return service("AB8051", "Refresh Token Expired")
      if (request.headers["authorization"] !== `Bearer ${issued.jwt}`) return gateway("AG8001", "Invalid Token")
      if (request.headers["x-privatekey"] !== issued.apiKey) return service("AB1053", "Invalid apiKey")
      if (!limiter.allows(`generateTokens ${issued.account.clientCode}`, limits.generateTokens)) return rateLimited
      if (options.refreshedTokens !== "live") sessions.delete(issued.jwt)
      return success(tokensOf(issue(issued.account, issued.apiKey)))
    })

  const profileOf = ({ account }: Issued) =>
    success({
      clientcode: account.clientCode,
      name: account.name,
      email: account.email,
      mobileno: account.mobile,
      exchanges: `[ "NSE", "BSE", "MCX", "CDS", "NCDEX", "NFO" ]`,
      products: ["DELIVERY", "INTRADAY", "MARGIN"],
      lastlogintime: "",
      brokerid: "B2C"
    })

  const rms = success({
    net: "9999999999999",
    availablecash: "9999999999999",
    availableintradaypayin: "0",
    availablelimitmargin: "0",
    collateral: "0",
    m2munrealized: "0",
    m2mrealized: "0",
    utiliseddebits: "0",
    utilisedspan: "0",
    utilisedoptionpremium: "0",
    utilisedholdingsales: "0",
    utilisedexposure: null,
    utilisedturnover: "0",
    utilisedpayout: "0"
  })

  const endSession = (issued: Issued) => {
    sessions.delete(issued.jwt)
    return FakeBroker.json({ status: true, message: "SUCCESS", errorcode: "", data: "" })
  }

  const placeOrder = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      const issued = authenticate(request)
      if ("status" in issued) return issued
      return issued.account.ip === "registered"
        ? service("AB2000", "The fake accepts no orders")
        : gateway("AG7002", "Access denied: Unregistered IP address. Register your IP before retrying.")
    })

  const publisherPage = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      const known = accounts.some(({ publisherKey }) => publisherKey === request.url.searchParams.get("api_key"))
      if (!known) return FakeBroker.html("<html><body>403 Forbidden</body></html>", 403)
      return FakeBroker.html(loginForm(request.url.pathname + request.url.search, ""))
    })

  const publisherSubmit = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const query = request.url.searchParams
    const form = new URLSearchParams(request.body)
    const account = accountOf(form.get("clientcode")?.trim())
    const apiKey = query.get("api_key") ?? ""
    const allowed =
      account !== undefined &&
      account.publisherKey === apiKey &&
      account.pin === form.get("pin") &&
      (yield* checkCode(account, form.get("totp")?.trim() ?? ""))
    if (!allowed) {
      return FakeBroker.html(loginForm(request.url.pathname + request.url.search, "Login failed"))
    }
    const issued = issue(account, apiKey)
    const target = new URL(account.redirectUrl)
    target.searchParams.set("auth_token", issued.jwt)
    target.searchParams.set("feed_token", issued.feed)
    if (options.publisherRefreshToken !== "absent") target.searchParams.set("refresh_token", issued.refresh)
    const state = query.get("state")
    if (state !== null) target.searchParams.set("state", state)
    return { status: 302, headers: { location: target.href }, body: "" }
  })

  const smartStream = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      const { headers, url } = request
      const read = (header: string, query: string) => headers[header] ?? url.searchParams.get(query) ?? ""
      const clientCode = read("x-client-code", "clientCode")
      const ofClient = Array.from(sessions.values()).filter(({ account }) => account.clientCode === clientCode)
      const live = ofClient.filter(({ end }) => clock.now() < end)
      const jwt = headers["authorization"]?.replace(/^Bearer /, "")
      const checks: ReadonlyArray<readonly [string, boolean]> = [
        ["Invalid Client Code", ofClient.length > 0],
        ["Invalid Auth token", jwt === undefined || live.some((issued) => issued.jwt === jwt)],
        ["Invalid API Key", ofClient.some(({ apiKey }) => apiKey === read("x-api-key", "apiKey"))],
        ["Invalid Feed Token", live.some((issued) => issued.feed === read("x-feed-token", "feedToken"))]
      ]
      const failed = checks.find(([, passed]) => !passed)
      return failed === undefined
        ? FakeBroker.text("The fake has no market data", 426)
        : { status: 401, headers: { "x-error-message": failed[0] }, body: "" }
    })

  const route = (
    endpoint: string,
    method: string,
    path: string,
    handle: FakeBroker.Route["handle"],
    origin: string = api
  ): FakeBroker.Route => ({ endpoint, method, origin, path, handle })
  const user = "/rest/secure/angelbroking/user/v1"

  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [api, site, feed],
    limits: describedLimits,
    routes: [
      route("loginByPassword", "POST", "/rest/auth/angelbroking/user/v1/loginByPassword", loginByPassword),
      route("loginByMpin", "POST", "/rest/auth/angelbroking/user/v1/loginByMpin", () => Effect.succeed(wafPage)),
      route("generateTokens", "POST", "/rest/auth/angelbroking/jwt/v1/generateTokens", generateTokens),
      route("getProfile", "GET", `${user}/getProfile`, secured("getProfile", profileOf)),
      route(
        "getRMS",
        "GET",
        `${user}/getRMS`,
        secured("getRMS", () => rms)
      ),
      route("logout", "POST", `${user}/logout`, secured("logout", endSession)),
      route("placeOrder", "POST", "/rest/secure/angelbroking/order/v1/placeOrder", placeOrder),
      route("publisher-login", "GET", "/publisher-login", publisherPage, site),
      route("publisher-login", "POST", "/publisher-login", publisherSubmit, site),
      route("smart-stream", "GET", "/smart-stream", smartStream, feed)
    ],
    notFound: FakeBroker.text("not found", 404),
    wafPage,
    rateLimited,
    memory: { accounts, parts: () => ({ sessions, lastSteps: authenticator.lastSteps }) },
    reset: () => {
      sessions.clear()
      authenticator.reset()
      limiter.reset()
    }
  })
})
