/**
 * A fake Zerodha for tests and experiments. It is as strict as the broker. Its accounts are not real.
 *
 * @since 0.1.0
 */
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { broker } from "./ZerodhaBroker.ts"

/**
 * An account of the fake, and the account's app.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly userId: string
  readonly password: string
  readonly totpSecret: string
  readonly apiKey: string
  readonly apiSecret: string
  /** The app's registered redirect URL. */
  readonly redirectUrl: string
  readonly name: string
  readonly email: string
  /** A blocked account cannot log in. Five consecutive wrong passwords or codes block an account. */
  readonly state: "active" | "blocked"
  /** Whether the app is enabled for this user. */
  readonly app: "enabled" | "disabled"
  /**
   * Whether the caller's IP address is registered. `none`: no address is registered for the app. Only order calls check
   * the address.
   */
  readonly ip: "registered" | "unregistered" | "none"
  /** Whether the stock exchange has approved the app as a platform. Only approved platforms get refresh tokens. */
  readonly platform: "approved" | "ordinary"
}

/**
 * Switches for behavior that the broker does not document.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /** Error type of a wrong checksum. Default: `TokenException`. */
  readonly wrongChecksum: "TokenException" | "InputException"
  /** Whether a call of `sessionToken` with a wrong checksum invalidates the request token. Default: yes. */
  readonly refusedExchange: "uses-up" | "keeps"
  /** Lifetime of a request token. Default: 2 minutes. */
  readonly requestTokenLifetime: Duration.Input
  /**
   * Query parameters in the callback of a cancelled login. `status`: only the parameter `status`. `with-pairs`: also
   * the pairs in the login URL's parameter `redirect_params`. Default: `status`.
   */
  readonly cancelled: "status" | "with-pairs"
  /** Time of day in IST at which all sessions end. Default: `06:00`. */
  readonly dailyEnd: `${number}:${number}`
  /**
   * Whether a login or a refresh ends all earlier sessions of the account. Default: yes. A refresh always ends
   * the refreshed session.
   */
  readonly earlierSessions: "die" | "live"
  /** Whether a refresh replaces the refresh token. Default: yes. */
  readonly refreshToken: "rotates" | "stays"
  /** Whether a refresh token is still valid after its session has expired. Default: yes. */
  readonly refreshAfterEnd: "works" | "refused"
  /**
   * The account holder's data in answers. `usual`: has the field `meta`, but no picture. `old`: has neither `meta` nor
   * a picture. `with-picture`: has both. Default: `usual`.
   */
  readonly holder: "usual" | "old" | "with-picture"
}

/**
 * The default account.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  userId: "ZZ0001",
  password: "demo-password",
  totpSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  apiKey: "fakekey000000001",
  apiSecret: "SecretFake0000000000000000000001",
  redirectUrl: "https://app.example.com/callback",
  name: "DEMO TRADER",
  email: "demo@example.com",
  state: "active",
  app: "enabled",
  ip: "registered",
  platform: "ordinary"
}

interface Issued {
  readonly account: Account
  readonly access: string
  readonly refresh: string
  readonly end: number
}

interface RequestToken {
  readonly account: Account
  readonly end: number
}

const api = "https://api.kite.trade"
const site = "https://kite.zerodha.com"
const oldSite = "https://kite.trade"

const success = (data: unknown) => FakeBroker.json({ status: "success", data })

const failure = (status: number, type: string, message: string) =>
  FakeBroker.json({ status: "error", message, data: null, error_type: type }, status)

const invalidToken = failure(403, "TokenException", "Incorrect `api_key` or `access_token`.")
const invalidExchange = failure(403, "TokenException", "Token is invalid or has expired.")
const rateLimited = failure(429, "NetworkException", "Too many requests")
const notFound = failure(404, "GeneralException", "Route not found")
const wrongMethod = failure(405, "GeneralException", "Method not allowed")
const missing = (name: string) =>
  failure(400, "InputException", `Missing or invalid field \`${name}\`. Min length is 6.`)

const wafPage = FakeBroker.html("<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>", 403)

/** Source: Kite Connect 3 documentation, "Exceptions", as of 2026-11-27. */
const tenPerSecond = [{ requests: 10, per: "1 second" }] as const

/** Number of consecutive wrong passwords or codes that blocks a user. */
const allowedMisses = 5

const lifetimes = { requestToken: "2 minutes", dailyEnd: "06:00" } as const

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  FakeBroker.describeLimits("all calls with the header `Authorization`, together", tenPerSecond, "API key and user id"),
  FakeBroker.describeLimits("sessionToken and refreshToken together", tenPerSecond, "API key"),
  FakeBroker.authenticatorLimit,
  { of: "wrong passwords or codes", limit: `${allowedMisses} consecutive, then the user is blocked` },
  {
    of: "a request token",
    limit: `1 exchange, within ${lifetimes.requestToken}`,
    switch: "requestTokenLifetime"
  },
  { of: "a session and its token", limit: `until ${lifetimes.dailyEnd} IST`, switch: "dailyEnd" }
]

const page = (content: string, status = 200) =>
  FakeBroker.html(
    `<!doctype html><html><head><title>Login (fake)</title></head><body><h1>Kite, a fake for testing</h1>${content}</body></html>`,
    status
  )

const problemPage = (problem: string, status: number) =>
  page(`<p role="alert">${FakeBroker.escapeHtml(problem)}</p>`, status)

const loginForm = ({ url }: FakeBroker.FakeRequest, problem: string) =>
  page(
    `<p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
      `<form method="post" action="${FakeBroker.escapeHtml(url.pathname + url.search)}">` +
      `<p><label>User id <input name="user_id"></label></p><p><label>Password <input name="password" type="password"></label></p>` +
      `<p><label>Code <input name="totp"></label></p><button type="submit">Log in</button>` +
      `<button type="submit" name="cancel" value="1">Cancel</button></form>`
  )

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/** The broker's tokens have 32 letters and digits. */
const randomToken = () =>
  Array.from(SecureRandom.randomBytesUnsafe(32), (byte) => letters[byte % letters.length]).join("")

const formOf = ({ body, headers }: FakeBroker.FakeRequest) =>
  new URLSearchParams((headers["content-type"] ?? "").includes("application/x-www-form-urlencoded") ? body : "")

const segment = {
  enabled: true,
  net: 24_966.749999999996,
  available: {
    adhoc_margin: 0,
    cash: 25_000,
    opening_balance: 25_000,
    live_balance: 24_966.749999999996,
    collateral: 0,
    intraday_payin: 0
  },
  utilised: {
    debits: 33.25,
    exposure: 0,
    m2m_realised: 0,
    m2m_unrealised: 0,
    option_premium: 0,
    payout: 0,
    span: 0,
    holding_sales: 0,
    turnover: 0,
    liquid_collateral: 0,
    stock_collateral: 0,
    delivery: 0
  }
}

const ipRefusals: Readonly<Record<Exclude<Account["ip"], "registered">, string>> = {
  none: "No IPs configured for this app.",
  unregistered:
    "IP (192.0.2.7) is not allowed to place orders for this app. Update allowed IPs on the developer console."
}

type Handle = (request: FakeBroker.FakeRequest) => Effect.Effect<FakeBroker.FakeResponse>

const isResponse = (value: object): value is FakeBroker.FakeResponse => "status" in value && "body" in value

const makeMemory = (clock: FakeBroker.FakeClock, accounts: ReadonlyArray<Account>, switches: Partial<Switches>) => {
  const sessions = new Map<string, Issued>()
  const refreshes = new Map<string, Issued>()
  const requestTokens = new Map<string, RequestToken>()
  const misses = new Map<string, number>()
  const dailyEnd = Expiry.dailyAt(switches.dailyEnd ?? lifetimes.dailyEnd)

  const close = (issued: Issued) => {
    sessions.delete(issued.access)
    refreshes.delete(issued.refresh)
  }

  return {
    sessions,
    refreshes,
    requestTokens,
    misses,
    close,
    /** `kept` is the refresh token of the new session. Default: a new refresh token for an approved platform. */
    open: (account: Account, kept?: string): Issued => {
      const now = clock.now()
      const access = randomToken()
      const end = dailyEnd({ issuedAt: now, accessToken: Redacted.make(access) })?.at ?? now
      const refresh = kept ?? (account.platform === "approved" ? randomToken() : "")
      if (switches.earlierSessions !== "live") {
        for (const issued of sessions.values()) if (issued.account === account) close(issued)
      }
      const issued = { account, access, refresh, end }
      sessions.set(access, issued)
      if (refresh !== "") refreshes.set(refresh, issued)
      return issued
    },
    appOf: (apiKey: string | null) => accounts.filter((account) => account.apiKey === apiKey),
    isBlocked: ({ state, userId }: Account) => state === "blocked" || (misses.get(userId) ?? 0) >= allowedMisses,
    reset: () => {
      for (const part of [sessions, refreshes, requestTokens, misses]) part.clear()
    }
  }
}

interface Parts {
  readonly memory: ReturnType<typeof makeMemory>
  readonly clock: FakeBroker.FakeClock
  readonly switches: Partial<Switches>
  readonly authenticator: ReturnType<typeof FakeBroker.makeAuthenticator>
  readonly limiter: ReturnType<typeof FakeBroker.makeLimiter>
}

const holderOf = (account: Account, { holder = "usual" }: Partial<Switches>) => ({
  user_id: account.userId,
  user_type: "individual",
  email: account.email,
  user_name: account.name,
  user_shortname: account.name.split(" ")[0] ?? "",
  broker: "ZERODHA",
  exchanges: ["NSE", "BSE", "NFO", "BFO", "MCX", "MF"],
  products: ["CNC", "NRML", "MIS", "BO", "CO", "MTF"],
  order_types: ["MARKET", "LIMIT", "SL", "SL-M"],
  avatar_url: holder === "with-picture" ? "https://kite.zerodha.com/avatar.png" : null,
  ...(holder === "old" ? {} : { meta: { demat_consent: "consent" } })
})

const tokensOf = ({ account, access, refresh }: Issued) => ({
  user_id: account.userId,
  access_token: access,
  public_token: randomToken(),
  enctoken: `${Hex.encode(SecureRandom.randomBytesUnsafe(32))}==`,
  refresh_token: refresh
})

const readExchange = (parts: Parts, request: FakeBroker.FakeRequest, name: string) => {
  const form = formOf(request)
  for (const field of ["api_key", name, "checksum"]) if ((form.get(field) ?? "").length < 6) return missing(field)
  const apiKey = form.get("api_key") ?? ""
  if (!parts.limiter.allows(apiKey, tenPerSecond)) return rateLimited
  const [app] = parts.memory.appOf(apiKey)
  return app === undefined ? invalidToken : { app, token: form.get(name) ?? "", checksum: form.get("checksum") ?? "" }
}

const isChecksum = ({ apiKey, apiSecret }: Account, token: string, checksum: string) =>
  Effect.map(Checksum.sha256([apiKey, token, apiSecret]), (expected) => Redacted.value(expected) === checksum)

const refusedChecksum = ({ switches: { wrongChecksum = "TokenException" } }: Parts) =>
  failure(wrongChecksum === "TokenException" ? 403 : 400, wrongChecksum, "Invalid `checksum`.")

const sessionToken = (parts: Parts): Handle =>
  Effect.fnUntraced(function* (request) {
    const { clock, memory, switches } = parts
    const read = readExchange(parts, request, "request_token")
    if (isResponse(read)) return read
    const known = memory.requestTokens.get(read.token)
    if (known === undefined || known.account.apiKey !== read.app.apiKey || clock.now() >= known.end) {
      return invalidExchange
    }
    const isRight = yield* isChecksum(read.app, read.token, read.checksum)
    if (isRight || switches.refusedExchange !== "keeps") memory.requestTokens.delete(read.token)
    if (!isRight) return refusedChecksum(parts)
    const { account } = known
    const loginTime = Expiry.toIst(clock.now()).replace(" IST", "")
    const tokens = tokensOf(memory.open(account))
    const holder = holderOf(account, switches)
    return success({ ...holder, ...tokens, api_key: account.apiKey, silo: "", login_time: loginTime })
  })

const refreshToken = (parts: Parts): Handle =>
  Effect.fnUntraced(function* (request) {
    const { clock, memory, switches } = parts
    const read = readExchange(parts, request, "refresh_token")
    if (isResponse(read)) return read
    const known = memory.refreshes.get(read.token)
    if (known === undefined || known.account.apiKey !== read.app.apiKey) return invalidExchange
    if (switches.refreshAfterEnd === "refused" && clock.now() >= known.end) return invalidExchange
    if (!(yield* isChecksum(read.app, read.token, read.checksum))) return refusedChecksum(parts)
    memory.close(known)
    return success(tokensOf(memory.open(known.account, switches.refreshToken === "stays" ? read.token : undefined)))
  })

const isAlive = ({ clock }: Parts, issued: Issued | undefined, apiKey: string | null): issued is Issued =>
  issued !== undefined && issued.account.apiKey === apiKey && clock.now() < issued.end

const authenticate = (parts: Parts, request: FakeBroker.FakeRequest): Issued | FakeBroker.FakeResponse => {
  const [, apiKey = "", token = ""] = /^token ([^:\s]+):(\S+)$/.exec(request.headers["authorization"] ?? "") ?? []
  const issued = parts.memory.sessions.get(token)
  if (!isAlive(parts, issued, apiKey)) return invalidToken
  return parts.limiter.allows(`${apiKey} ${issued.account.userId}`, tenPerSecond) ? issued : rateLimited
}

const endSession =
  (parts: Parts, name: "access_token" | "refresh_token"): Handle =>
  (request) =>
    Effect.sync(() => {
      const { searchParams } = request.url
      const apiKey = searchParams.get("api_key")
      if (apiKey === null) return missing("api_key")
      const token = searchParams.get(name)
      if (token === null) return missing(name)
      const { memory } = parts
      const issued = name === "access_token" ? memory.sessions.get(token) : memory.refreshes.get(token)
      if (issued === undefined || issued.account.apiKey !== apiKey) return invalidExchange
      if (name === "access_token" && !isAlive(parts, issued, apiKey)) return invalidExchange
      if (request.headers["authorization"] !== undefined) {
        const caller = authenticate(parts, request)
        if (isResponse(caller)) return caller
      }
      memory.close(issued)
      return success(true)
    })

/** Returns the account, or the message for the page if the user cannot log in. */
const signIn = Effect.fnUntraced(function* ({ authenticator, memory }: Parts, apiKey: string, form: URLSearchParams) {
  const userId = (form.get("user_id") ?? "").trim().toUpperCase()
  const account = memory.appOf(apiKey).find((candidate) => candidate.userId.toUpperCase() === userId)
  if (account === undefined) return "The user is not enabled for the app"
  if (memory.isBlocked(account)) return "Your account is blocked: reset your password"
  const isRight =
    account.password === form.get("password") &&
    (yield* authenticator.check(userId, account.totpSecret, (form.get("totp") ?? "").trim()))
  if (isRight) {
    memory.misses.delete(userId)
    return account.app === "enabled" ? account : "The user is not enabled for the app"
  }
  const count = (memory.misses.get(userId) ?? 0) + 1
  memory.misses.set(userId, count)
  return `Invalid user id, password or code. ${allowedMisses - count} attempts left`
})

const sendBack = (account: Account, fixed: Readonly<Record<string, string>>, pairs: URLSearchParams) => {
  const target = new URL(account.redirectUrl)
  for (const [name, value] of [...Object.entries(fixed), ...pairs]) target.searchParams.append(name, value)
  return { status: 302, headers: { location: target.href }, body: "" }
}

const loginPage = (parts: Parts): Handle =>
  Effect.fnUntraced(function* (request) {
    const { clock, memory, switches } = parts
    const { searchParams } = request.url
    const apiKey = searchParams.get("api_key") ?? ""
    const [app] = memory.appOf(apiKey)
    if (app === undefined) return problemPage("Invalid `api_key`", 400)
    if (searchParams.get("v") !== "3") return problemPage("Invalid `v`", 400)
    if (request.method === "GET") return loginForm(request, "")
    const form = formOf(request)
    const pairs = new URLSearchParams(searchParams.get("redirect_params") ?? "")
    if (form.has("cancel")) {
      return sendBack(app, { status: "cancelled" }, switches.cancelled === "with-pairs" ? pairs : new URLSearchParams())
    }
    const account = yield* signIn(parts, apiKey, form)
    if (typeof account === "string") {
      return account.includes("not enabled") ? problemPage(account, 403) : loginForm(request, account)
    }
    const token = randomToken()
    const lifetime = Duration.toMillis(switches.requestTokenLifetime ?? lifetimes.requestToken)
    memory.requestTokens.set(token, { account, end: clock.now() + lifetime })
    return sendBack(account, { action: "login", type: "login", status: "success", request_token: token }, pairs)
  })

const routesOf = (parts: Parts): ReadonlyArray<FakeBroker.Route> => {
  const route = (endpoint: string, method: string, path: string, handle: Handle, origin = api): FakeBroker.Route => ({
    endpoint,
    method,
    origin,
    path,
    handle
  })
  const secured = (
    endpoint: string,
    method: string,
    path: string,
    handle: (issued: Issued) => FakeBroker.FakeResponse
  ) =>
    route(endpoint, method, path, (request) =>
      Effect.sync(() => {
        const issued = authenticate(parts, request)
        return isResponse(issued) ? issued : handle(issued)
      })
    )
  const byRefreshToken = ({ url }: FakeBroker.FakeRequest) => url.searchParams.has("refresh_token")
  const routes = [
    route("sessionToken", "POST", "/session/token", sessionToken(parts)),
    route("refreshToken", "POST", "/session/refresh_token", refreshToken(parts)),
    {
      ...route("deleteRefreshToken", "DELETE", "/session/token", endSession(parts, "refresh_token")),
      accepts: byRefreshToken
    },
    route("deleteSession", "DELETE", "/session/token", endSession(parts, "access_token")),
    secured("getProfile", "GET", "/user/profile", ({ account }) => success(holderOf(account, parts.switches))),
    secured("getMargins", "GET", "/user/margins", () => success({ equity: segment, commodity: segment })),
    secured("getEquityMargins", "GET", "/user/margins/equity", () => success(segment)),
    secured("getCommodityMargins", "GET", "/user/margins/commodity", () => success(segment)),
    secured("placeOrder", "POST", "/orders/regular", ({ account: { ip } }) =>
      ip === "registered"
        ? failure(400, "InputException", "The fake accepts no orders")
        : failure(403, "PermissionException", ipRefusals[ip])
    )
  ]
  const pages = [site, oldSite].flatMap((origin) =>
    ["GET", "POST"].map((method) => route("loginPage", method, "/connect/login", loginPage(parts), origin))
  )
  const methods = ["GET", "POST", "PUT", "DELETE"]
  const paths = new Set(routes.map(({ path }) => path))
  const others = methods.flatMap((method) =>
    Array.from(paths, (path) => route("wrongMethod", method, path, () => Effect.succeed(wrongMethod)))
  )
  return [...routes, ...pages, ...others]
}

/**
 * Makes the fake. It uses the clock of the calling program.
 *
 * @example
 * ```ts
 * import { FakeZerodha } from "@auth/zerodha/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeZerodha.make({ wrongChecksum: "InputException" })
 *   yield* fake.inject("sessionToken", { kind: "rate-limit" })
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
  const { accounts = [demoAccount], ...switches } = options
  const memory = makeMemory(clock, accounts, switches)
  const authenticator = FakeBroker.makeAuthenticator(clock.now)
  const limiter = FakeBroker.makeLimiter(clock.now)
  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [api, site, oldSite],
    limits: describedLimits,
    routes: routesOf({ authenticator, clock, limiter, memory, switches }),
    notFound,
    wafPage,
    rateLimited,
    memory: {
      accounts,
      parts: () => {
        const { misses, refreshes, requestTokens, sessions } = memory
        return { sessions, refreshes, requestTokens, misses, lastSteps: authenticator.lastSteps }
      }
    },
    reset: () => {
      memory.reset()
      authenticator.reset()
      limiter.reset()
    }
  })
})
