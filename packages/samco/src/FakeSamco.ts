/**
 * A fake Samco for tests and experiments. It checks requests as strictly as the broker.
 *
 * @since 0.1.0
 */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { broker } from "./SamcoBroker.ts"

/**
 * An account of the fake, with one app.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly userId: string
  readonly name: string
  /** The app's key and secret, in the encrypted form that the dashboard issues. */
  readonly apiKey: string
  readonly apiSecret: string
  readonly redirectUrl: string
  readonly appName: string
  readonly app: "active" | "inactive"
  readonly password: string
  readonly yob: string
  /** The credential for `/accessToken/token`. */
  readonly secretApiKey: string
  /** An access token for `/login`. Valid until the first 08:00 IST after the start or last reset of the fake. */
  readonly accessToken: string
  readonly state: "active" | "blocked" | "dormant"
  readonly subscription: "active" | "none"
  /** Whether the user has signed in to the SAMCO mobile app. If not, every login is refused. */
  readonly appSignIn: "done" | "needed"
  /**
   * Whether the caller's IP address is registered. The login page, the exchange of an authorization code, and order
   * calls check the address. `unregistered-server`: only the login page accepts the address.
   */
  readonly ip: "registered" | "unregistered" | "unregistered-server"
  readonly primaryIp: string
  readonly secondaryIp: string
}

/**
 * Switches for behavior that the broker does not document. The default of a switch is the first value in its type,
 * except for `oauthFailures`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /** Whether a refresh token still works after its session ended at 08:00 IST. */
  readonly refreshAfterEnd: "works" | "refused"
  /** Whether a refresh invalidates the previous access token. */
  readonly refreshedToken: "dies" | "lives"
  /** Whether the JWT of a session contains its expiry as the claim `exp`. */
  readonly tokenEnd: "in-token" | "absent"
  /**
   * HTTP status of most failures of `generateOtp`, `secretKeyGenerator`, `accessToken`, `login`, `ipRegistration` and
   * `ipUpdate`.
   */
  readonly legacyFailures: 200 | 401
  /** HTTP status of most failures of the OAuth calls. Default: 400. */
  readonly oauthFailures: 200 | 400
  /** What a failure of an OAuth call contains: an error code, a text, or both. */
  readonly oauthFailureBody: "code-and-text" | "text" | "code"
  /** Whether `/login` requires an access token. */
  readonly accessToken: "required" | "ignored"
  /** `concurrent`: the exchange of an authorization code fails as if another exchange were pending. */
  readonly codeExchange: "alone" | "concurrent"
  /** How `/oauth/authenticate` answers the login page. */
  readonly authenticate: "json" | "redirect"
}

/**
 * The default account.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  userId: "DV99999",
  name: "DEMO TRADER",
  apiKey: "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
  apiSecret: "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0",
  redirectUrl: "https://app.example.com/callback",
  appName: "Demo App",
  app: "active",
  password: "abc1234",
  yob: "1980",
  secretApiKey: "demoSecretKeykUM9",
  accessToken: "demoAccessTokenOfTheDay0iSUg_Ps6A942Lif",
  state: "active",
  subscription: "active",
  appSignIn: "done",
  ip: "registered",
  primaryIp: "203.0.113.7",
  secondaryIp: ""
}

interface Issued {
  readonly account: Account
  readonly token: string
  readonly end: number
  /** Only for an OAuth session. */
  readonly refresh?: { readonly token: string; readonly end: number }
}

interface AuthorizationCode {
  readonly account: Account
  readonly end: number
  state: "fresh" | "used"
}

interface OneTimeCode {
  readonly account: Account
  readonly code: string
  readonly end: number
}

type Fields = Readonly<Record<string, unknown>>

const origin = "https://tradeapi.samco.in"

const millis = Duration.toMillis

/** `sessionEnd` is a time of day in IST. */
const lifetimes = {
  authorizationCode: "10 minutes",
  refreshToken: "7 days",
  otp: "5 minutes",
  webCode: "2 minutes",
  ipChange: "7 days",
  sessionEnd: "08:00"
} as const

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  { of: "calls", limit: "no limit" },
  { of: "an authorization code", limit: `1 exchange, within ${lifetimes.authorizationCode}` },
  { of: "a refresh token", limit: `1 refresh, within ${lifetimes.refreshToken}`, switch: "refreshAfterEnd" },
  { of: "a code by SMS (`generateOtp`)", limit: `1 use, within ${lifetimes.otp}` },
  { of: "a web secret code", limit: `1 login, within ${lifetimes.webCode}` },
  { of: "a change of the IP addresses (`ipUpdate`)", limit: `1 in ${lifetimes.ipChange} for each user id` },
  { of: "a session, its token and the access token of the day", limit: `until ${lifetimes.sessionEnd} IST` }
]

const failure = (status: number, statusMessage: string, errorCode?: string) =>
  FakeBroker.json({ status: "Failure", statusMessage, ...(errorCode === undefined ? {} : { errorCode }) }, status)

const rateLimited = failure(429, "Too many requests")

const wafPage = FakeBroker.html("<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>", 403)

/** Texts that the broker does not document are invented. */
const oauthTexts = {
  EOAUTH001: "Invalid or inactive API key",
  EOAUTH002: "Redirect URL does not match the registered one",
  EOAUTH003: "Invalid scopes",
  EOAUTH008: "Invalid API secret",
  EOAUTH009: "The IP is not the registered static IP",
  EOAUTH010: "Authorization code is required",
  EOAUTH011: "Unknown authorization code",
  EOAUTH012: "Authorization code already used. All tokens revoked for security.",
  EOAUTH013: "Authorization code has expired",
  EOAUTH015: "Refresh token is required",
  EOAUTH016: "Invalid refresh token",
  EOAUTH017: "Refresh token has expired",
  EOAUTH030: "Concurrent token exchange in progress. Please retry.",
  EOAUTH999: "Unable to start your trading session. Please open the SAMCO mobile app, sign in once, and then retry."
} as const

type OAuthCode = keyof typeof oauthTexts

const page = (title: string, content: string, status = 200) =>
  FakeBroker.html(
    `<!doctype html><html><head><title>${title} (fake)</title></head><body><h1>Samco, a fake for testing</h1>${content}</body></html>`,
    status
  )

const consentForm = (action: string, appName: string, problem: string) =>
  page(
    "Authorize",
    `<p>${FakeBroker.escapeHtml(appName)} asks for access.</p><p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
      `<form method="post" action="${FakeBroker.escapeHtml(action)}">` +
      `<p><label>API secret <input name="apiSecret" type="password"></label></p>` +
      `<button type="submit">Authorize</button><button type="submit" name="deny" value="1">Deny</button></form>`
  )

const found = ({ href }: URL): FakeBroker.FakeResponse => ({ status: 302, headers: { location: href }, body: "" })

const headerFault = ({ headers, method }: FakeBroker.FakeRequest): FakeBroker.FakeResponse | undefined => {
  if (method !== "POST") return undefined
  // RFC 9110, section 12.5.1: without the header Accept, any type is acceptable.
  const accepted = (headers["accept"] ?? "").trim().toLowerCase() || "*/*"
  if (!/(?:application\/json|application\/\*|\*\/\*)/.test(accepted)) return FakeBroker.text("Not Acceptable", 406)
  return (headers["content-type"] ?? "").includes("application/json")
    ? undefined
    : FakeBroker.text("Unsupported Media Type", 415)
}

const randomText = (bytes: number) => Base64Url.encode(SecureRandom.randomBytesUnsafe(bytes))

const randomDigits = (count: number) =>
  Array.from(SecureRandom.randomBytesUnsafe(count), (byte) => String(byte % 10)).join("")

const uuid = () => {
  const hex = Hex.encode(SecureRandom.randomBytesUnsafe(16))
  return [8, 12, 16, 20, 32].map((end, index, ends) => hex.slice(ends[index - 1] ?? 0, end)).join("-")
}

/** Day, month, year and time of day in IST, for example `04/04/24 11:06:17`. */
const toServerTime = (at: number) => Expiry.toIst(at).replace(/^\d\d(\d\d)-(\d\d)-(\d\d) (.*) IST$/, "$3/$2/$1 $4")

const cutOffAfter = (at: number): number =>
  Expiry.dailyAt(lifetimes.sessionEnd)({ issuedAt: at, accessToken: Redacted.make("") })?.at ?? at

const makeMemory = () => ({
  sessions: new Map<string, Issued>(),
  /** The sessions by refresh token. A refresh token is valid longer than its session. */
  refreshes: new Map<string, Issued>(),
  codes: new Map<string, AuthorizationCode>(),
  /** Authorization codes and refresh tokens with a pending exchange. */
  exchanging: new Set<string>(),
  accessTokens: new Map<string, { readonly account: Account; readonly end: number }>(),
  otps: new Map<string, OneTimeCode>(),
  webCodes: new Map<string, OneTimeCode>(),
  sent: [] as Array<OneTimeCode>,
  ips: new Map<string, { readonly primary: string; readonly secondary: string; readonly at: number }>()
})

const makeShared = (clock: FakeBroker.FakeClock, accounts: ReadonlyArray<Account>, switches: Partial<Switches>) => {
  const memory = makeMemory()
  const { refreshes, sessions } = memory
  let began = clock.now()
  let serial = 0

  const stamp = () => ({ serverTime: toServerTime(clock.now()), msgId: uuid() })

  const makeJwt = (account: Account, end: number): string => {
    serial += 1
    const claims = { sub: account.userId, jti: serial, ...(switches.tokenEnd === "absent" ? {} : { exp: end / 1000 }) }
    const parts = [`{"alg":"HS256"}`, JSON.stringify(claims)].map((part) => Base64Url.encode(part))
    return [...parts, randomText(32)].join(".")
  }

  const ipsOf = (account: Account) => {
    const changed = memory.ips.get(account.userId)
    return {
      srcIp: account.ip === "registered" ? account.primaryIp : "198.51.100.23",
      primaryIp: changed?.primary ?? account.primaryIp,
      secondaryIp: changed?.secondary ?? account.secondaryIp
    }
  }

  const open = (account: Account, kind: "jwt" | "hex" | "oauth"): Issued => {
    const now = clock.now()
    const end = cutOffAfter(now)
    const token = kind === "hex" ? Hex.encode(SecureRandom.randomBytesUnsafe(16)) : makeJwt(account, end)
    const refresh = { token: randomText(32), end: now + millis(lifetimes.refreshToken) }
    const issued: Issued = { account, token, end, ...(kind === "oauth" ? { refresh } : {}) }
    sessions.set(token, issued)
    if (kind === "oauth") refreshes.set(refresh.token, issued)
    return issued
  }

  const close = (issued: Issued): void => {
    sessions.delete(issued.token)
    if (issued.refresh !== undefined) refreshes.delete(issued.refresh.token)
  }

  return {
    ...memory,
    memory,
    stamp,
    open,
    close,
    ipsOf,
    closeAllOf: (account: Account) => {
      const all = [...sessions.values(), ...refreshes.values()]
      for (const issued of all) if (issued.account === account) close(issued)
    },
    success: (fields: Fields, statusMessage = "Request successful") =>
      FakeBroker.json({ ...stamp(), status: "Success", statusMessage, ...fields }),
    authenticate: (request: FakeBroker.FakeRequest): Issued | FakeBroker.FakeResponse => {
      const refused = headerFault(request)
      if (refused !== undefined) return refused
      const token = request.headers["x-session-token"]
      if (!token) return failure(401, "Unauthorized. Session token is mandatory.")
      const issued = sessions.get(token)
      if (issued !== undefined && clock.now() < issued.end) return issued
      return failure(401, "Unauthorized - Invalid token. sessId missing.")
    },
    accountOf: (id: string | undefined) => accounts.find(({ userId }) => userId.toUpperCase() === id?.toUpperCase()),
    isAccessToken: (account: Account, token: string | undefined): boolean => {
      if (switches.accessToken === "ignored") return true
      if (token === account.accessToken) return clock.now() < cutOffAfter(began)
      const known = memory.accessTokens.get(token ?? "")
      return known?.account === account && clock.now() < known.end
    },
    reset: () => {
      began = clock.now()
      for (const part of Object.values(memory)) {
        if (Array.isArray(part)) part.length = 0
        else part.clear()
      }
    }
  }
}

type Shared = ReturnType<typeof makeShared>

interface Parts {
  readonly shared: Shared
  readonly clock: FakeBroker.FakeClock
  readonly accounts: ReadonlyArray<Account>
  readonly switches: Partial<Switches>
}

type Handle = (request: FakeBroker.FakeRequest) => FakeBroker.FakeResponse

const obstacle = (account: Account): FakeBroker.FakeResponse | undefined => {
  if (account.subscription === "none") {
    return failure(403, "User not subscribed. Please subscribe to access trade API")
  }
  if (account.state !== "active") return failure(403, `User account is ${account.state}`)
  return account.appSignIn === "needed" ? failure(401, oauthTexts.EOAUTH999) : undefined
}

const holderOf = (shared: Shared, { account }: Issued, orderTypeList: ReadonlyArray<string>) => ({
  accountID: account.userId,
  accountName: account.name,
  exchangeList: ["BFO", "BSE", "CDS", "MCX", "NSE", "NFO"],
  orderTypeList,
  productList: ["MIS", "CNC", "NRML", "CO", "BO"],
  ...shared.ipsOf(account)
})

const shortOrderTypes = ["L", "MKT", "SL", "SL-M"]
const longOrderTypes = ["LIMIT", "MARKET", "SL", "SL-M"]

const isHex = (value: string) => /^[0-9a-f]+$/i.test(value)

/** Failures of `POST /session/token` have no serverTime and no msgId. */
const sessionToken =
  ({ accounts, shared }: Parts): Handle =>
  (request) => {
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    const [apiKey, apiSecret] = ["apiKey", "apiSecret"].map((name) => FakeBroker.textField(request.json, name))
    if (apiKey === undefined || apiSecret === undefined) return failure(400, "apiKey and apiSecret are required")
    const account = accounts.find((candidate) => candidate.apiKey === apiKey)
    if (account === undefined) return failure(401, "Invalid API key", "EOAUTH001")
    if (account.app === "inactive") return failure(401, "Invalid or inactive API key", "EOAUTH001")
    if (!isHex(apiSecret)) return failure(401, "Invalid API secret format", "EOAUTH008")
    if (account.apiSecret !== apiSecret) return failure(401, "Invalid API secret", "EOAUTH008")
    const blocked = obstacle(account)
    if (blocked !== undefined) return blocked
    const issued = shared.open(account, "jwt")
    const fields = { sessionToken: issued.token, tokenId: uuid(), ...holderOf(shared, issued, shortOrderTypes) }
    return shared.success(fields, "Session token generated successfully")
  }

const oauthFailure = ({ switches }: Parts, code: OAuthCode): FakeBroker.FakeResponse => {
  const { oauthFailureBody: body = "code-and-text", oauthFailures = 400 } = switches
  const fields = {
    ...(body === "code" ? {} : { status: "Failure", message: oauthTexts[code] }),
    ...(body === "text" ? {} : { errorCode: code })
  }
  return FakeBroker.json(fields, oauthFailures)
}

interface Asked {
  readonly apiKey: string | undefined
  readonly redirectUrl: string | undefined
  readonly state: string | undefined
  readonly scopes: string | undefined
}

const askedByQuery = ({ url }: FakeBroker.FakeRequest): Asked => {
  const read = (name: string) => url.searchParams.get(name) ?? undefined
  return {
    apiKey: read("api_key"),
    redirectUrl: read("redirect_url"),
    state: read("state"),
    scopes: read("scopes")
  }
}

const askedByBody = ({ json }: FakeBroker.FakeRequest): Asked => ({
  apiKey: FakeBroker.textField(json, "apiKey"),
  redirectUrl: FakeBroker.textField(json, "redirectUrl"),
  state: FakeBroker.textField(json, "state"),
  scopes: FakeBroker.textField(json, "scopes")
})

const appOf = ({ accounts }: Parts, asked: Asked): Account | OAuthCode => {
  const account = accounts.find(({ apiKey, app }) => apiKey === asked.apiKey && app === "active")
  if (account === undefined) return "EOAUTH001"
  return account.redirectUrl === asked.redirectUrl ? account : "EOAUTH002"
}

const isCode = (value: Account | URL | OAuthCode): value is OAuthCode => Predicate.isString(value)

const consent = (parts: Parts, asked: Asked, apiSecret: string | undefined): URL | OAuthCode => {
  const account = appOf(parts, asked)
  if (isCode(account)) return account
  if (account.apiSecret !== apiSecret) return "EOAUTH008"
  if (account.ip === "unregistered") return "EOAUTH009"
  if ((asked.scopes ?? "all") !== "all") return "EOAUTH003"
  const code = randomText(32)
  parts.shared.codes.set(code, {
    account,
    end: parts.clock.now() + millis(lifetimes.authorizationCode),
    state: "fresh"
  })
  const target = new URL(account.redirectUrl)
  target.searchParams.set("code", code)
  if (asked.state !== undefined) target.searchParams.set("state", asked.state)
  return target
}

const nested = (message: string, data?: Fields) =>
  FakeBroker.json({ status: "Success", message, ...(data === undefined ? {} : { data }) })

const oauthAuthorize =
  (parts: Parts): Handle =>
  (request) => {
    const asked = askedByQuery(request)
    const account = appOf(parts, asked)
    if (isCode(account)) return oauthFailure(parts, account)
    return nested("Authorization request is valid", {
      ...asked,
      scopes: asked.scopes ?? "all",
      appName: account.appName,
      clientUid: account.userId,
      nextAction: "/oauth/authenticate"
    })
  }

const oauthAuthenticate =
  (parts: Parts): Handle =>
  (request) => {
    const outcome = consent(parts, askedByBody(request), FakeBroker.textField(request.json, "apiSecret"))
    if (isCode(outcome)) return oauthFailure(parts, outcome)
    return parts.switches.authenticate === "redirect"
      ? found(outcome)
      : nested("Authenticated successfully", { redirectTo: outcome.href })
  }

/**
 * The broker's login page calls `/oauth/authorize` and `/oauth/authenticate`. The fake's page is a plain form without
 * these calls.
 */
const authorizePage =
  (parts: Parts): Handle =>
  (request) => {
    const account = appOf(parts, askedByQuery(request))
    return isCode(account)
      ? page("Error", `<p role="alert">${account}: ${oauthTexts[account]}</p>`, 400)
      : consentForm(request.url.pathname + request.url.search, account.appName, "")
  }

const authorizeSubmit =
  (parts: Parts): Handle =>
  (request) => {
    const asked = askedByQuery(request)
    const account = appOf(parts, asked)
    if (isCode(account)) return page("Error", `<p role="alert">${account}: ${oauthTexts[account]}</p>`, 400)
    const form = new URLSearchParams(request.body)
    const refuse = (error: string, errorMessage: string) => {
      const target = new URL(account.redirectUrl)
      const fields = { error, errorMessage, ...(asked.state === undefined ? {} : { state: asked.state }) }
      for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, value)
      return found(target)
    }
    if (form.has("deny")) return refuse("access_denied", "The user denied the request")
    const outcome = consent(parts, asked, form.get("apiSecret")?.trim())
    if (outcome === "EOAUTH003") return refuse("invalid_request", oauthTexts[outcome])
    if (!isCode(outcome)) return found(outcome)
    const action = request.url.pathname + request.url.search
    return consentForm(action, account.appName, `${outcome}: ${oauthTexts[outcome]}`)
  }

const tokensOf = ({ shared, clock }: Parts, issued: Issued) =>
  nested("Token issued successfully", {
    access_token: issued.token,
    token_type: "Bearer",
    expires_in: 86_400,
    refresh_token: issued.refresh?.token,
    refresh_token_expires_in: Math.max(0, Math.round(((issued.refresh?.end ?? clock.now()) - clock.now()) / 1000)),
    session_id: uuid(),
    user_id: issued.account.userId,
    scopes: "all",
    ...holderOf(shared, issued, longOrderTypes)
  })

/** A second use of an authorization code ends all sessions of the account. */
const exchangeCode =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock, switches } = parts
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    if (FakeBroker.textField(request.json, "grant_type") !== "authorization_code")
      return failure(400, "Invalid grant_type")
    const code = FakeBroker.textField(request.json, "code")
    if (code === undefined) return oauthFailure(parts, "EOAUTH010")
    const known = shared.codes.get(code)
    if (known === undefined) return oauthFailure(parts, "EOAUTH011")
    if (known.state === "used") {
      shared.closeAllOf(known.account)
      return oauthFailure(parts, "EOAUTH012")
    }
    if (clock.now() >= known.end) return oauthFailure(parts, "EOAUTH013")
    if (known.account.ip !== "registered") return oauthFailure(parts, "EOAUTH009")
    known.state = "used"
    if (switches.codeExchange === "concurrent") return oauthFailure(parts, "EOAUTH030")
    if (known.account.appSignIn === "needed") return oauthFailure(parts, "EOAUTH999")
    return obstacle(known.account) ?? tokensOf(parts, shared.open(known.account, "oauth"))
  }

const exchangeRefresh =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock, switches } = parts
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    const token = FakeBroker.textField(request.json, "refresh_token")
    if (token === undefined) return oauthFailure(parts, "EOAUTH015")
    const issued = shared.refreshes.get(token)
    if (issued?.refresh === undefined) return oauthFailure(parts, "EOAUTH016")
    const end = switches.refreshAfterEnd === "refused" ? Math.min(issued.end, issued.refresh.end) : issued.refresh.end
    if (clock.now() >= end) return oauthFailure(parts, "EOAUTH017")
    shared.refreshes.delete(token)
    if (switches.refreshedToken !== "lives") shared.sessions.delete(issued.token)
    return tokensOf(parts, shared.open(issued.account, "oauth"))
  }

/** Number of yields before an exchange, so that a second exchange of the same token can overlap. */
const exchangeTurns = 32

const oneAtATime =
  (parts: Parts, field: "code" | "refresh_token", handle: Handle) =>
  (request: FakeBroker.FakeRequest): Effect.Effect<FakeBroker.FakeResponse> =>
    Effect.suspend(() => {
      const { codes, exchanging, refreshes } = parts.shared
      const token = FakeBroker.textField(request.json, field) ?? ""
      const unused = field === "code" ? codes.get(token)?.state === "fresh" : refreshes.has(token)
      if (!unused || headerFault(request) !== undefined) return Effect.sync(() => handle(request))
      if (exchanging.has(token)) return Effect.sync(() => oauthFailure(parts, "EOAUTH030"))
      exchanging.add(token)
      return Effect.forEach(Array.from({ length: exchangeTurns }), () => Effect.yieldNow, { discard: true }).pipe(
        Effect.andThen(Effect.sync(() => handle(request))),
        Effect.ensuring(Effect.sync(() => exchanging.delete(token)))
      )
    })

const revoke =
  ({ shared }: Parts): Handle =>
  (request) => {
    const refused = headerFault(request)
    if (refused !== undefined) return refused
    const token = FakeBroker.textField(request.json, "token") ?? ""
    const issued = shared.sessions.get(token) ?? shared.refreshes.get(token)
    if (issued !== undefined) shared.close(issued)
    return nested("Token revoked successfully")
  }

const legacyFailure = ({ shared, switches }: Parts, statusMessage: string, stamp: Fields = shared.stamp()) =>
  FakeBroker.json({ ...stamp, status: "Failure", statusMessage }, switches.legacyFailures ?? 200)

const withoutId = ({ shared }: Parts): Fields => ({ serverTime: shared.stamp().serverTime })

const generateOtp =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock } = parts
    const account = shared.accountOf(FakeBroker.textField(request.json, "uid"))
    // The spelling mistake is the broker's.
    if (account === undefined) return legacyFailure(parts, "Failed to genererate otp for user")
    const otp = { account, code: randomDigits(4), end: clock.now() + millis(lifetimes.otp) }
    shared.otps.set(account.userId, otp)
    shared.sent.push(otp)
    return shared.success({}, "OTP sent to your mobile and email.")
  }

const secretKeyGenerator =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock } = parts
    const account = shared.accountOf(FakeBroker.textField(request.json, "uid"))
    const known = account === undefined ? undefined : shared.otps.get(account.userId)
    const right = known?.code === FakeBroker.textField(request.json, "otp") && clock.now() < (known?.end ?? 0)
    if (account === undefined || !right) return legacyFailure(parts, "Invalid OTP")
    shared.otps.delete(account.userId)
    return shared.success({}, "Secret key has been sent to your registered email.")
  }

const accessToken =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock } = parts
    const account = shared.accountOf(FakeBroker.textField(request.json, "uid"))
    if (account === undefined || account.secretApiKey !== FakeBroker.textField(request.json, "secretApiKey")) {
      return legacyFailure(parts, "Secret key does not match", withoutId(parts))
    }
    const token = randomText(30)
    shared.accessTokens.set(token, { account, end: cutOffAfter(clock.now()) })
    return FakeBroker.json({ ...shared.stamp(), status: "Success", accessToken: token })
  }

const openLegacy = ({ shared }: Parts, account: Account, statusMessage: string) => {
  const issued = shared.open(account, "hex")
  const { accountID, accountName, exchangeList, orderTypeList, productList } = holderOf(shared, issued, shortOrderTypes)
  const holder = { accountID, accountName, exchangeList, orderTypeList, productList }
  return shared.success({ sessionToken: issued.token, ...holder }, statusMessage)
}

const login =
  (parts: Parts): Handle =>
  (request) => {
    const { shared } = parts
    const account = shared.accountOf(FakeBroker.textField(request.json, "userId"))
    const password = FakeBroker.textField(request.json, "password")
    if (account === undefined || account.password !== password) return legacyFailure(parts, "Invalid Password")
    const yob = FakeBroker.textField(request.json, "yob")
    if (yob !== undefined && yob !== account.yob) return legacyFailure(parts, "Invalid Year of Birth")
    if (!shared.isAccessToken(account, FakeBroker.textField(request.json, "accessToken"))) {
      return legacyFailure(parts, "Invalid access token")
    }
    return obstacle(account) ?? openLegacy(parts, account, "Login session token generated successfully")
  }

const webSecretCodeValidation =
  (parts: Parts): Handle =>
  (request) => {
    const { shared, clock } = parts
    const otp = FakeBroker.textField(request.json, "otp")
    const refuse = (fault: string) =>
      FakeBroker.json({ ...withoutId(parts), status: "Failure", validationErrors: [fault] }, 400)
    if (otp === undefined) return refuse("otp is required")
    const known = shared.webCodes.get(otp)
    if (known === undefined) return refuse("Invalid OTP. Please enter valid OTP.")
    shared.webCodes.delete(otp)
    if (clock.now() >= known.end) return refuse("OTP expired. Please enter valid OTP.")
    return openLegacy(parts, known.account, "Login session token generated successfully")
  }

const webSecretCode = ({ shared, clock }: Parts, { account }: Issued) => {
  const letters = Array.from(SecureRandom.randomBytesUnsafe(4), (byte) => String.fromCharCode(65 + (byte % 26)))
  const made = { account, code: `${letters.join("")}${randomDigits(4)}`, end: clock.now() + millis(lifetimes.webCode) }
  shared.webCodes.set(made.code, made)
  const data = { timeRemainingInSeconds: millis(lifetimes.webCode) / 1000, OTP: made.code }
  // The spelling mistake is the broker's.
  return shared.success({ data }, "Secret code genererated successfully.")
}

const whoami = ({ shared }: Parts, { account }: Issued) => {
  const ips = shared.ipsOf(account)
  const matchedAs = ips.srcIp === ips.primaryIp ? "PRIMARY" : ips.srcIp === ips.secondaryIp ? "SECONDARY" : null
  const secondaryIp = ips.secondaryIp === "" ? null : ips.secondaryIp
  return shared.success({ ...ips, secondaryIp, matches: matchedAs !== null, matchedAs })
}

const segment = {
  grossAvailableMargin: "1000.00",
  payInToday: "0",
  notionalCash: "0",
  marginUsed: "0",
  netAvailableMargin: "1000.00"
}

const getLimits = ({ shared }: Parts) =>
  shared.success({ equityLimit: segment, commodityLimit: segment }, "User Limit details retrieved successfully")

const endSession = ({ shared }: Parts, issued: Issued) => {
  shared.close(issued)
  return shared.success({})
}

const placeOrder = (_: Parts, { account }: Issued) =>
  account.ip === "registered"
    ? failure(400, "The fake accepts no orders")
    : failure(403, "The IP is not the registered static IP")

const changeIp =
  (parts: Parts, kind: "registration" | "update"): Handle =>
  (request) => {
    const { shared, clock } = parts
    const account = shared.accountOf(FakeBroker.textField(request.json, "clientId"))
    const password = FakeBroker.textField(request.json, "password")
    if (account === undefined || account.password !== password) return legacyFailure(parts, "Invalid Password")
    const primary = FakeBroker.textField(request.json, "primaryIp")
    if (primary === undefined || !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(primary)) {
      return FakeBroker.json({ status: "Failure", validationErrors: ["primaryIp must be a valid IPv4 address"] }, 400)
    }
    const last = shared.ips.get(account.userId)?.at
    if (kind === "update" && last !== undefined && clock.now() - last < millis(lifetimes.ipChange)) {
      return legacyFailure(parts, "IP can be updated only once in 7 days")
    }
    const secondary = FakeBroker.textField(request.json, "secondaryIp") ?? ""
    shared.ips.set(account.userId, { primary, secondary, at: clock.now() })
    const at = `${Expiry.toIst(clock.now() - 19_800_000)
      .slice(0, 19)
      .replace(" ", "T")}Z`
    const data = { client_id: account.userId, primary_ip: primary, secondary_ip: secondary, ip_updated_at: at }
    return shared.success({ data }, "IP registered successfully")
  }

const isRefresh = ({ json }: FakeBroker.FakeRequest) => FakeBroker.textField(json, "grant_type") === "refresh_token"

const routesOf = (parts: Parts): ReadonlyArray<FakeBroker.Route> => {
  const route = (endpoint: string, method: string, path: string, handle: Handle): FakeBroker.Route => ({
    endpoint,
    method,
    origin,
    path,
    handle: (request) => Effect.sync(() => handle(request))
  })
  const checked = (endpoint: string, method: string, path: string, handle: Handle) =>
    route(endpoint, method, path, (request) => headerFault(request) ?? handle(request))
  const secured = (
    endpoint: string,
    method: string,
    path: string,
    handle: (parts: Parts, issued: Issued) => FakeBroker.FakeResponse
  ) =>
    route(endpoint, method, path, (request) => {
      const issued = parts.shared.authenticate(request)
      return "status" in issued ? issued : handle(parts, issued)
    })
  return [
    checked("sessionToken", "POST", "/session/token", sessionToken(parts)),
    route("authorizePage", "GET", "/app/oauth/authorize", authorizePage(parts)),
    route("authorizePage", "POST", "/app/oauth/authorize", authorizeSubmit(parts)),
    checked("oauthAuthorize", "GET", "/oauth/authorize", oauthAuthorize(parts)),
    checked("oauthAuthenticate", "POST", "/oauth/authenticate", oauthAuthenticate(parts)),
    {
      ...route("oauthRefresh", "POST", "/oauth/token", exchangeRefresh(parts)),
      handle: oneAtATime(parts, "refresh_token", exchangeRefresh(parts)),
      accepts: isRefresh
    },
    {
      ...route("oauthToken", "POST", "/oauth/token", exchangeCode(parts)),
      handle: oneAtATime(parts, "code", exchangeCode(parts))
    },
    checked("oauthRevoke", "POST", "/oauth/revoke", revoke(parts)),
    checked("generateOtp", "POST", "/otp/generateOtp", generateOtp(parts)),
    checked("secretKeyGenerator", "POST", "/otp/secretKeyGenerator", secretKeyGenerator(parts)),
    checked("accessToken", "POST", "/accessToken/token", accessToken(parts)),
    checked("login", "POST", "/login", login(parts)),
    secured("webSecretCode", "GET", "/webSecretCode", webSecretCode),
    checked("webSecretCodeValidation", "POST", "/webSecretCodeValidation", webSecretCodeValidation(parts)),
    secured("logout", "DELETE", "/logout", endSession),
    secured("whoami", "GET", "/ip/whoami", whoami),
    checked("ipRegistration", "POST", "/ip/ipRegistration", changeIp(parts, "registration")),
    checked("ipUpdate", "POST", "/ip/ipUpdate", changeIp(parts, "update")),
    secured("getLimits", "GET", "/limit/getLimits", getLimits),
    secured("placeOrder", "POST", "/order/placeOrder", placeOrder)
  ]
}

/**
 * Makes the fake. It uses the clock of the calling program.
 *
 * @example
 * ```ts
 * import { FakeSamco } from "@auth/samco/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeSamco.make()
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
  const shared = makeShared(clock, accounts, switches)
  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [origin],
    limits: describedLimits,
    routes: routesOf({ accounts, shared, clock, switches }),
    notFound: FakeBroker.json({ status: "Failure", statusMessage: "Resource not found" }, 404),
    wafPage,
    rateLimited,
    codes: (id) =>
      shared.sent.filter(({ account }) => account.userId.toUpperCase() === id.toUpperCase()).map(({ code }) => code),
    memory: { accounts, parts: () => shared.memory },
    reset: shared.reset
  })
})
