/**
 * A fake Motilal Oswal for tests and experiments. It is as strict as the broker. Its accounts are not real.
 *
 * @since 0.1.0
 */
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { broker } from "./MotilalBroker.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"
import { family as methods } from "./internal/services.ts"

/**
 * An account of the fake.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly userId: string
  readonly password: string
  readonly apiKey: string
  readonly apiSecret: string
  /** Date of birth, `dd/mm/yyyy`. */
  readonly secondFactor: string
  readonly pan: string
  /** Empty if TOTP is not enabled. */
  readonly totpSecret: string
  readonly redirectUrl: string
  readonly name: string
  /** A dealer can log in without a date of birth. In a profile call, a dealer must send the code of its client. */
  readonly role: "investor" | "dealer"
  /** Client code of the dealer's client. */
  readonly client: string
  readonly state: "active" | "not-live" | "no-consent" | "pan-not-linked"
  /** Whether the caller's IP address is registered. See the switch `addressCheck`. */
  readonly ip: "registered" | "unregistered"
}

/**
 * Switches for behavior that the broker does not document. The default of a switch is the first value in its type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /**
   * The value of `status` in a refusal. `FAILURE` is documented, and `ERROR` was seen in production. `each`: the value
   * depends on the error code.
   */
  readonly refusals: "each" | "FAILURE" | "ERROR"
  /** In generation v7 of the broker's API: whether a login call without the API secret is refused. */
  readonly loginWithoutSecret: "refused" | "accepted"
  /** While a login waits for its one-time code, a call that requires a finished login fails with this error code. */
  readonly unverified: "MO1097" | "MO8003" | "MO1100"
  /** Maximum number of concurrent sessions of an account. Default: 10. */
  readonly maxSessions: number
  /** `refused`: the period of a TOTP code must be later than the period of the last accepted code. */
  readonly reusedCode: "refused" | "accepted"
  /** JSON type that the fake accepts for the one-time code in the call `verifyotp`. */
  readonly otpType: "either" | "text" | "number"
  /** Whether the callback of a login with `MotilalPortal` contains the state. */
  readonly portalState: "echoed" | "dropped"
  /** Calls that check the caller's IP address. */
  readonly addressCheck: "orders" | "all"
  /** Whether the header `SourceID` may have lower-case letters. */
  readonly sourceId: "any-case" | "upper-case"
  /** `strict` refuses the placeholders of the official Node SDK 2.3 in the headers `macaddress` and `manufacturer`. */
  readonly identity: "lenient" | "strict"
  /**
   * Format of an answer. `json`: valid JSON. `typographic-quotes`: the first quotation mark is typographic, as in the
   * documented samples. `trailing-bytes`: stray bytes follow the JSON.
   */
  readonly writing: "json" | "typographic-quotes" | "trailing-bytes"
  /** Whether the third call of an account to the same endpoint within a second is refused. */
  readonly limit: "two-a-second" | "none"
  /**
   * `any-with-json` accepts a request if its header `Accept` allows JSON or is missing. `exact` accepts only the value
   * `application/json`, which the broker documents.
   */
  readonly accept: "any-with-json" | "exact"
}

/**
 * The default account.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  userId: "AA017",
  password: "demo-password",
  apiKey: "demoMotilalKey1",
  apiSecret: "demo-motilal-secret",
  secondFactor: "18/10/1988",
  pan: "ABCDE1234F",
  totpSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  redirectUrl: "https://app.example.com/callback",
  name: "DEMO TRADER",
  role: "investor",
  client: "",
  state: "active",
  ip: "registered"
}

interface Otp {
  code: string
  misses: number
}

interface Issued {
  readonly account: Account
  readonly authToken: string
  readonly end: number
  accessToken: string | undefined
  /** The one-time code for which the login waits. `undefined` if the login is finished. */
  otp: Otp | undefined
  over: "no" | "logged-out"
}

const otpMisses = 3

const sessionsAtOnce = 10

const twoPerSecond = [{ requests: 2, per: "1 second" }] as const

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  { ...FakeBroker.describeLimits("each call", twoPerSecond, "user id"), switch: "limit" },
  { ...FakeBroker.authenticatorLimit, switch: "reusedCode" },
  { of: "a code by SMS", limit: `${otpMisses} wrong attempts, then the login accepts no further code` },
  { of: "sessions of an account", limit: `${sessionsAtOnce} at once`, switch: "maxSessions" },
  { of: "a session and its tokens", limit: "until 06:00 IST" }
]

const { login: production } = broker.environments["production"] ?? {}
const { login: test } = broker.environments["uat"] ?? {}
const apis = Object.values(broker.environments).flatMap(({ api }) => api ?? [])
const portals = [production, test].filter((origin) => origin !== undefined)

/** The broker's messages, with its spelling errors. */
const messages: Readonly<Record<string, string>> = {
  MO1000: "Login Id/Password Is Invalid",
  MO1001: "User data not found",
  MO1002: "Invalid Password Length",
  MO1006: "Not Authorised For Live",
  MO1007: "Two Factor Authentication Failed",
  MO1011: "Client Not Logged In",
  MO1062: "InVaild Client Code",
  MO1092: "Consent Is Missing",
  MO1093: "Invalid TOTP",
  MO1094: "Invalid TOTP Key",
  MO1095: "Invalid OTP Session",
  MO1096: "OTP Attempt Count Exceeded",
  MO1097: "Invalid Authorization Verification",
  MO1099: "Invalid OTP Format",
  MO1100: "Invalid Login Access",
  MO2000: "Maximum Active Session Exceeded",
  MO2001: "Invalid Method",
  MO2002: "Invalid JSON",
  MO2007: "Authorization is Invalid In Header Parameter",
  MO2035: "Unauthorized IP Address",
  MO8000: "Uknown Error",
  MO8001: "Invalid Token",
  MO8002: "Token Expired",
  MO8003: "Token Missing"
}

const stateRefusals: Readonly<Record<Exclude<Account["state"], "active">, readonly [code: string, message?: string]>> =
  {
    "not-live": ["MO1006"],
    "no-consent": ["MO1092"],
    "pan-not-linked": ["", "Not a valid account number"]
  }

const seenWithError: ReadonlySet<string> = new Set(["MO1007"])

const wafPage = FakeBroker.html("<html><body><h1>403 Forbidden</h1></body></html>", 403)
const rateLimited = FakeBroker.text("Too Many Requests", 429)

const fieldOf = (json: unknown, name: string): unknown => (Predicate.hasProperty(json, name) ? json[name] : undefined)

/** RFC 9110, section 12.5.1: a request without the header `Accept` accepts any type. */
const takesJson = (accept: string | undefined): boolean =>
  accept === undefined || /(?:application\/json|application\/\*|\*\/\*)/i.test(accept)

const loginForm = (action: string, page: string, problem: string): string =>
  `<!doctype html><html><head><title>Login (fake)</title></head><body><h1>Motilal Oswal, a fake for testing</h1>` +
  `<p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
  `<form method="post" action="${FakeBroker.escapeHtml(action)}">` +
  `<input type="hidden" name="page" value="${page}"><p><label>User id <input name="userid"></label></p>` +
  `<p><label>Password <input name="password" type="password"></label></p>` +
  `<p><label>Date of birth or PAN <input name="2FA"></label></p><p><label>Code <input name="totp"></label></p>` +
  `<button type="submit">Log in</button></form></body></html>`

/**
 * Makes the fake. It uses the clock of the calling program.
 *
 * @example
 * ```ts
 * import { FakeMotilal } from "@auth/motilal/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeMotilal.make({ maxSessions: 1 })
 *   yield* fake.inject("verifyotp", { kind: "status", status: 503 })
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
  const sentCodes = new Map<string, ReadonlyArray<string>>()
  const pages = new Map<string, string>()

  const write = (body: Readonly<Record<string, unknown>>): FakeBroker.FakeResponse => {
    const response = FakeBroker.json(body)
    if (options.writing === "trailing-bytes") return { ...response, body: `${response.body}\u0000\n;` }
    if (options.writing === "typographic-quotes") return { ...response, body: response.body.replace('"', "\u201c") }
    return response
  }

  const refuse = (errorcode: string, message: string = messages[errorcode] ?? "Invalid Input") => {
    const usual = seenWithError.has(errorcode) ? "ERROR" : "FAILURE"
    const status = options.refusals === "FAILURE" || options.refusals === "ERROR" ? options.refusals : usual
    return write({ status, message, errorcode, data: "null" })
  }

  const succeed = (message: string, more: Readonly<Record<string, unknown>> = {}) =>
    write({ status: "SUCCESS", message, errorcode: "", ...more })

  const makeToken = () => `${Hex.encode(SecureRandom.randomBytesUnsafe(16))}_M`

  const makeOtp = (account: Account): string => {
    const [a = 0, b = 0, c = 0] = SecureRandom.randomBytesUnsafe(3)
    // The code is never 000000, so that tests can use 000000 as a wrong code.
    const code = String(1 + (((a << 16) | (b << 8) | c) % 999_999)).padStart(6, "0")
    sentCodes.set(account.userId, [...(sentCodes.get(account.userId) ?? []), code])
    return code
  }

  const keyHolders = (request: FakeBroker.FakeRequest) =>
    accounts.filter(({ apiKey }) => apiKey === request.headers["apikey"])

  /** The official Node SDK 2.3 sends these placeholders. */
  const isLeftOpen = (name: string, value: string | undefined): boolean =>
    (name === "macaddress" && value === "null") || (name === "manufacturer" && value === "")

  const sourceOf = (request: FakeBroker.FakeRequest): string => {
    const sent = request.headers["sourceid"] ?? ""
    return options.sourceId === "upper-case" ? sent : sent.toUpperCase()
  }

  const isRight = (row: headers.HeaderRow, request: FakeBroker.FakeRequest, source: string): boolean => {
    const value = row.name === "sourceid" ? sourceOf(request) : request.headers[row.name]
    if (row.name === "apikey") return keyHolders(request).length > 0
    if (row.name === "accept" && options.accept !== "exact" && takesJson(request.headers["accept"])) return true
    // Other functions check the API secret and the tokens.
    if (row.from === "key" || row.from === "session") return true
    if (!row.sources.some((candidate) => candidate === source)) return true
    if (options.identity !== "strict" && isLeftOpen(row.name, value)) return true
    return value === undefined || value === "" ? row.mandatory === "no" : row.shape.test(value)
  }

  const headerFault = (request: FakeBroker.FakeRequest): FakeBroker.FakeResponse | undefined => {
    const source = sourceOf(request)
    const known = headers.sources.some((candidate) => candidate === source)
    const wrong = headers.table.find((row) => !isRight(row, request, known ? source : "WEB"))
    return wrong === undefined ? undefined : refuse(wrong.code, `${wrong.name} is Invalid In Header Parameter`)
  }

  const secretFault = (request: FakeBroker.FakeRequest, missing: "refused" | "accepted") => {
    const secret = request.headers["apisecretkey"] ?? ""
    if (secret === "" && missing === "accepted") return undefined
    return keyHolders(request).some(({ apiSecret }) => apiSecret === secret)
      ? undefined
      : refuse("MO2006", "apisecretkey is Invalid In Header Parameter")
  }

  const isAlive = ({ end, over }: Issued) => over === "no" && clock.now() < end

  const issue = (account: Account, otp: Otp | undefined): Issued => {
    const now = clock.now()
    const end = methods.expiry({ issuedAt: now, accessToken: Redacted.make("") })?.at ?? now
    const issued: Issued = { account, authToken: makeToken(), end, accessToken: undefined, otp, over: "no" }
    sessions.set(issued.authToken, issued)
    return issued
  }

  const hasRoom = ({ userId }: Account): boolean =>
    Array.from(sessions.values()).filter((issued) => issued.account.userId === userId && isAlive(issued)).length <
    (options.maxSessions ?? sessionsAtOnce)

  const checkCode = (account: Account, code: string) => authenticator.check(account.userId, account.totpSecret, code)

  const stateFault = ({ state }: Account): FakeBroker.FakeResponse | undefined =>
    state === "active" ? undefined : refuse(...stateRefusals[state])

  const factorFits = (account: Account, factor: string | undefined): boolean =>
    factor === undefined ? account.role === "dealer" : [account.secondFactor, account.pan].includes(factor)

  const totpFault = Effect.fnUntraced(function* (account: Account, totp: string) {
    if (!/^\d{6}$/.test(totp)) return refuse("MO1099")
    if (account.totpSecret === "") return refuse("MO1094")
    return (yield* checkCode(account, totp)) ? undefined : refuse("MO1093")
  })

  const passwordFault = Effect.fnUntraced(function* (account: Account, password: string) {
    if (password.length !== 64) return refuse("MO1002")
    const expected = yield* Checksum.sha256([account.password, account.apiKey])
    return password === Redacted.value(expected) ? undefined : refuse("MO1000")
  })

  const loginFault = Effect.fnUntraced(function* (account: Account, json: unknown) {
    const wrongPassword = yield* passwordFault(account, FakeBroker.textField(json, "password") ?? "")
    if (wrongPassword !== undefined) return wrongPassword
    const wrongState = stateFault(account)
    if (wrongState !== undefined) return wrongState
    if (!factorFits(account, FakeBroker.textField(json, "2FA"))) return refuse("MO1007")
    const totp = FakeBroker.textField(json, "totp")
    const wrongCode = totp === undefined ? undefined : yield* totpFault(account, totp)
    if (wrongCode !== undefined) return wrongCode
    return hasRoom(account) ? undefined : refuse("MO2000")
  })

  const gate = (request: FakeBroker.FakeRequest, name: string, generation: endpoints.Generation) => {
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    if (options.addressCheck === "all" && keyHolders(request).some(({ ip }) => ip === "unregistered")) {
      return refuse("MO2035")
    }
    const missing = name === "authdirectapi" ? (options.loginWithoutSecret ?? "refused") : "refused"
    return generation === "v7" ? secretFault(request, missing) : undefined
  }

  const overLimit = (name: string, userId: string): boolean =>
    options.limit !== "none" && !limiter.allows(`${name} ${userId}`, twoPerSecond)

  const authdirectapi = (generation: endpoints.Generation) =>
    Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
      const refused = gate(request, "authdirectapi", generation)
      if (refused !== undefined) return refused
      if (request.json === undefined) return refuse("MO2002")
      const userId = FakeBroker.textField(request.json, "userid") ?? ""
      if (overLimit("authdirectapi", userId)) return rateLimited
      const account = keyHolders(request).find((holder) => holder.userId === userId)
      if (account === undefined) return refuse("MO1001")
      const wrong = yield* loginFault(account, request.json)
      if (wrong !== undefined) return wrong
      const verified = FakeBroker.textField(request.json, "totp") !== undefined
      const issued = issue(account, verified ? undefined : { code: makeOtp(account), misses: 0 })
      return succeed("Return Auth Token SUCCESS", {
        AuthToken: issued.authToken,
        isAuthTokenVerified: verified ? "TRUE" : "FALSE"
      })
    })

  const carried = (request: FakeBroker.FakeRequest): Issued | FakeBroker.FakeResponse => {
    const token = request.headers["authorization"] ?? ""
    if (token === "") return refuse("MO2007")
    const issued = sessions.get(token)
    if (issued === undefined || !keyHolders(request).includes(issued.account)) return refuse("MO8001")
    if (issued.over === "logged-out") return refuse("MO1011")
    return clock.now() < issued.end ? issued : refuse("MO8002")
  }

  const secured =
    (
      name: string,
      generation: endpoints.Generation,
      handle: (issued: Issued, request: FakeBroker.FakeRequest) => FakeBroker.FakeResponse
    ) =>
    (request: FakeBroker.FakeRequest) =>
      Effect.sync(() => {
        const refused = gate(request, name, generation)
        if (refused !== undefined) return refused
        const issued = carried(request)
        if ("status" in issued) return issued
        if (overLimit(name, issued.account.userId)) return rateLimited
        return handle(issued, request)
      })

  const verified =
    (handle: (issued: Issued, request: FakeBroker.FakeRequest) => FakeBroker.FakeResponse) =>
    (issued: Issued, request: FakeBroker.FakeRequest) =>
      issued.otp === undefined ? handle(issued, request) : refuse(options.unverified ?? "MO1097")

  /** Generation v7 requires two tokens: the token of the call `getaccesstoken` and the token of the login. */
  const exchanged =
    (
      generation: endpoints.Generation,
      handle: (issued: Issued, request: FakeBroker.FakeRequest) => FakeBroker.FakeResponse
    ) =>
    (issued: Issued, request: FakeBroker.FakeRequest) => {
      const token = request.headers["accesstoken"] ?? ""
      if (generation !== "v7" || (token !== "" && token === issued.accessToken)) return handle(issued, request)
      return refuse(token === "" ? "MO8003" : "MO8001")
    }

  const getaccesstoken = verified((issued) => {
    issued.accessToken = makeToken()
    return succeed("", { accesstoken: issued.accessToken })
  })

  const otpOf = (json: unknown): string | undefined => {
    const otp = fieldOf(json, "otp")
    const wanted = options.otpType ?? "either"
    if (Predicate.isString(otp) && wanted !== "number" && /^\d{6}$/.test(otp)) return otp
    const fits = Predicate.isNumber(otp) && wanted !== "text" && Number.isInteger(otp) && otp >= 0 && otp < 1_000_000
    return fits ? String(otp).padStart(6, "0") : undefined
  }

  const verifyotp = (issued: Issued, { json }: FakeBroker.FakeRequest) => {
    if (json === undefined) return refuse("MO2002")
    if (issued.otp === undefined) return refuse("MO1095")
    const otp = otpOf(json)
    if (otp === undefined) return refuse("MO1099")
    if (issued.otp.misses >= otpMisses) return refuse("MO1096")
    if (otp !== issued.otp.code) {
      issued.otp.misses += 1
      return refuse("MO1007")
    }
    issued.otp = undefined
    return succeed("OTP VERIFIED SUCCESSFULLY")
  }

  const resendotp = (issued: Issued) => {
    if (issued.otp === undefined) return refuse("MO1095")
    if (issued.otp.misses >= otpMisses) return refuse("MO1096")
    issued.otp.code = makeOtp(issued.account)
    return succeed("OTP SEND SUCCESSFULLY")
  }

  const getprofile = ({ account }: Issued, { json }: FakeBroker.FakeRequest) => {
    const isDealer = account.role === "dealer"
    if (isDealer && FakeBroker.textField(json, "clientcode") !== account.client) return refuse("MO1062")
    return succeed("Profile Data", {
      data: {
        clientcode: isDealer ? account.client : account.userId,
        name: account.name,
        usertype: isDealer ? "Dealer" : "Investor Client",
        exchanges: ["NSE", "BSE", "NSEFO", "NSECD"],
        products: ["NORMAL", "DELIVERY"],
        poastatus: "YES"
      }
    })
  }

  const logout = (issued: Issued, { json }: FakeBroker.FakeRequest) => {
    const { role, userId } = issued.account
    if (role === "dealer" && FakeBroker.textField(json, "userid") !== userId) return refuse("MO1050")
    issued.over = "logged-out"
    return succeed("LOGOUT SUCCESSFULL")
  }

  const placeOrder = ({ account }: Issued) =>
    account.ip === "registered" ? refuse("MO8000", "The fake accepts no orders") : refuse("MO2035")

  /** Like the portal, the fake accepts only the newest login page of an API key. */
  const openPage = (request: FakeBroker.FakeRequest, problem: string): FakeBroker.FakeResponse => {
    const apiKey = request.url.searchParams.get("apikey") ?? ""
    const page = Hex.encode(SecureRandom.randomBytesUnsafe(8))
    pages.set(apiKey, page)
    return FakeBroker.html(loginForm(request.url.pathname + request.url.search, page, problem))
  }

  const portalPage = (request: FakeBroker.FakeRequest) =>
    Effect.sync(() =>
      accounts.some(({ apiKey }) => apiKey === request.url.searchParams.get("apikey"))
        ? openPage(request, "")
        : FakeBroker.html("<html><body>InVaild ApiKey</body></html>", 400)
    )

  /** Unlike a login call, the form sends the password without a hash. */
  const formFault = Effect.fnUntraced(function* (account: Account | undefined, form: URLSearchParams) {
    const read = (name: string) => form.get(name)?.trim() ?? ""
    if (account === undefined || read("password") !== account.password) return "Login failed (MO1000)"
    if (account.state !== "active") {
      const [code, message] = stateRefusals[account.state]
      return `Login failed (${message ?? code})`
    }
    if (!factorFits(account, read("2FA").toUpperCase() || undefined)) return "Login failed (MO1007)"
    if (!(yield* checkCode(account, read("totp")))) return "Login failed (MO1093)"
    return hasRoom(account) ? undefined : "Login failed (MO2000)"
  })

  const portalSubmit = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const query = request.url.searchParams
    const apiKey = query.get("apikey") ?? ""
    const form = new URLSearchParams(request.body)
    if (pages.get(apiKey) !== form.get("page")) return openPage(request, messages["MO2007"] ?? "")
    const userId = form.get("userid")?.trim().toUpperCase()
    const account = accounts.find(
      (candidate) => candidate.apiKey === apiKey && candidate.userId.toUpperCase() === userId
    )
    const problem = yield* formFault(account, form)
    // Another request may have used the page in the meantime.
    if (pages.get(apiKey) !== form.get("page")) return openPage(request, messages["MO2007"] ?? "")
    if (account === undefined || problem !== undefined) return openPage(request, problem ?? "Login failed")
    pages.delete(apiKey)
    const target = new URL(account.redirectUrl)
    target.searchParams.set("authtoken", issue(account, undefined).authToken)
    const state = query.get("state")
    if (state !== null && options.portalState !== "dropped") target.searchParams.set("state", state)
    return { status: 302, headers: { location: target.href }, body: "" }
  })

  const post = (origin: string, endpoint: string, path: string, handle: FakeBroker.Route["handle"]) => [
    { endpoint, method: "POST", origin, path, handle },
    { endpoint, method: "GET", origin, path, handle: () => Effect.succeed(refuse("MO2001")) }
  ]

  const family = (origin: string) => (generation: endpoints.Generation) => {
    const table = endpoints.make(generation, 2)
    const row = (name: keyof typeof table, handle: FakeBroker.Route["handle"]) =>
      post(origin, name, table[name].path, handle)
    const plain = (name: keyof typeof table, handle: Parameters<typeof secured>[2]) =>
      row(name, secured(name, generation, handle))
    const whole = (handle: Parameters<typeof secured>[2]) => verified(exchanged(generation, handle))
    return [
      ...row("authdirectapi", authdirectapi(generation)),
      // Only generation v7 has the call `getaccesstoken`, so the call always requires the API secret.
      ...row("getaccesstoken", secured("getaccesstoken", "v7", getaccesstoken)),
      ...plain("resendotp", resendotp),
      ...plain("verifyotp", verifyotp),
      ...plain("getprofile", whole(getprofile)),
      ...plain("logout", whole(logout)),
      ...post(origin, "placeorder", "/rest/trans/v1/placeorder", secured("placeorder", "v4", verified(placeOrder)))
    ]
  }

  const tradeSocket = (origin: string): FakeBroker.Route => ({
    endpoint: "trade-socket",
    method: "GET",
    origin,
    path: "/ws",
    handle: () => Effect.succeed(FakeBroker.text("The fake accepts no orders", 426))
  })

  const portalRoutes = (origin: string): ReadonlyArray<FakeBroker.Route> =>
    (
      [
        ["GET", portalPage],
        ["POST", portalSubmit]
      ] as const
    ).map(([method, handle]) => ({ endpoint: "portal-login", method, origin, path: "/OpenAPI/Login.aspx", handle }))

  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [...apis, ...portals],
    limits: describedLimits,
    routes: [
      ...apis.flatMap((origin) => endpoints.generations.flatMap(family(origin))),
      ...apis.map(tradeSocket),
      ...portals.flatMap(portalRoutes)
    ],
    notFound: FakeBroker.html("<html><body><h1>404 Not Found</h1></body></html>", 404),
    wafPage,
    rateLimited,
    codes: (userId) => sentCodes.get(userId) ?? [],
    memory: { accounts, parts: () => ({ sessions, sentCodes, pages, lastSteps: authenticator.lastSteps }) },
    reset: () => {
      sessions.clear()
      authenticator.reset()
      sentCodes.clear()
      pages.clear()
      limiter.reset()
    }
  })
})
