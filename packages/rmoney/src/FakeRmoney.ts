/**
 * A fake RMoney for tests and experiments. It makes the checks that RMoney documents. It also makes checks that are
 * known from brokers with the same back-end software, such as Alice Blue.
 *
 * @since 0.1.0
 */
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { broker } from "./RmoneyBroker.ts"

/**
 * An account of the fake.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  /** The canonical user id. Logins also accept the email address, the mobile number and the PAN. */
  readonly userId: string
  readonly password: string
  readonly pan: string
  readonly email: string
  readonly mobile: string
  readonly name: string
  readonly totpSecret: string
  /** Whether the account has an authenticator. */
  readonly totp: "enabled" | "disabled"
  /** Vendor id of the account's app. `ssoGetUserDetails` checks this id before it exchanges an authorization code. */
  readonly vendor: string
  /** App code of the account's app. The login page accepts the app code or the vendor id as its parameter `appcode`. */
  readonly appCode: string
  readonly apiSecret: string
  /** Callback URL of the app. */
  readonly redirectUrl: string
  /** A device on which biometric login is enabled when the fake starts. */
  readonly deviceId: string
  /**
   * Access token of the session that exists when the fake starts. A biometric login must send the token of an earlier
   * session. With this token, even the first login can be biometric.
   */
  readonly accessToken: string
  /**
   * The exchange of an authorization code is refused in every state except `active`.
   * - `barred`: only the broker can unblock the account. Logins and recoveries are refused.
   * - `unapproved`: the app's vendor is not approved.
   * - `unlisted`: the calls come from an unregistered IP address.
   * - `totp-first`: the user must first log in with TOTP.
   */
  readonly state: "active" | "barred" | "unapproved" | "unlisted" | "totp-first"
  readonly passChangeFlag: "Y" | "N"
  readonly isDormant: "Y" | "N"
}

/**
 * Switches for behavior that the broker does not document. The default of a switch is the first value in its type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Switches {
  /** Whether a step of a login or a recovery checks the token that the previous step returned. */
  readonly stepToken: "checked" | "ignored"
  /**
   * Accepted header for a step token. `bare`: `Bearer <token>`. `three-part`: `Bearer <userId> <source> <token>`.
   * `either`: both forms.
   */
  readonly stepHeader: "either" | "bare" | "three-part"
  /** Which call makes the broker send the one-time code: the password step, or a later `otpSend`. */
  readonly codeSent: "with-password" | "on-demand"
  /**
   * Form of an answer's result: an object, or an array with one object. `getProfile` and the calls for QR codes always
   * return an array.
   */
  readonly result: "object" | "array"
  /** User id in answers that announce a one-time code. With `masked`, a step token is accepted with any user id. */
  readonly userIds: "canonical" | "masked"
  /** How many wrong passwords lock an account. */
  readonly lockAfter: 4 | 5
  /** Whether access tokens contain their expiry as the claim `exp`. */
  readonly tokenEnd: "in-token" | "absent"
  /** Whether a callback contains the parameter `state` that the login page received. */
  readonly state: "echoed" | "dropped"
  /** Form of a callback's parameters: `?authCode=…&userId=…`, or the hash route `#/?authcode=…&clientid=…`. */
  readonly callback: "query" | "hash"
  /** Answer to a poll before the QR code is scanned: a result with an empty token, or an empty result. */
  readonly qrPending: "empty-token" | "no-result"
  /** Form of a QR code's image: base64 without a prefix, or a data URI. */
  readonly image: "bare" | "data-uri"
  /** The call that ends a session: no call, `GET /auth/logout`, or `POST /auth/client/logout`. */
  readonly logout: "absent" | "get" | "post"
}

const defaults: Switches = {
  stepToken: "checked",
  stepHeader: "either",
  codeSent: "with-password",
  result: "object",
  userIds: "canonical",
  lockAfter: 4,
  tokenEnd: "in-token",
  state: "echoed",
  callback: "query",
  qrPending: "empty-token",
  image: "bare",
  logout: "absent"
}

/**
 * The first default account. Its codes are sent by SMS and email.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoAccount: Account = {
  userId: "TEST101",
  password: "Demo@101",
  pan: "ABCDE1234F",
  email: "demo101@example.com",
  mobile: "9800000101",
  name: "DEMO TRADER",
  totpSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  totp: "disabled",
  vendor: "demoVendor101",
  appCode: "demoApp101",
  apiSecret: "demo-secret-101",
  redirectUrl: "https://app.example.com/callback",
  deviceId: "38400000-8cf0-11bd-b23e-10b96e40000d",
  accessToken: "demo-access-token-of-the-session-before",
  state: "active",
  passChangeFlag: "N",
  isDormant: "N"
}

/**
 * The second default account. It has an authenticator.
 *
 * @category accounts
 * @since 0.1.0
 */
export const demoTotpAccount: Account = {
  ...demoAccount,
  userId: "TEST102",
  password: "Demo@102",
  pan: "ABCDE1234G",
  email: "demo102@example.com",
  mobile: "9800000102",
  totp: "enabled",
  vendor: "demoVendor102",
  appCode: "demoApp102",
  apiSecret: "demo-secret-102",
  accessToken: "demo-access-token-of-another-session"
}

type Purpose = "login" | "unblock" | "forgot" | "reset"

interface Step {
  readonly account: Account
  readonly purpose: Purpose
}

interface SentCode {
  readonly code: string
  readonly sentAt: number
  readonly resendsLeft: number
}

interface Issued {
  readonly account: Account
  readonly source: string
  readonly end: number
}

interface Picture {
  readonly madeAt: number
  readonly approval: { readonly account: Account; readonly at: number } | undefined
}

const uat = "https://webuat.rmoneyindia.co.in"
const live = "https://weblive.rmoneyindia.net"
const base = "/auth/v1"

const okWithoutResult = (message: string) => FakeBroker.json({ status: "Ok", message })

const notOk = (message: string) => FakeBroker.json({ status: "Not ok", message, result: [] })

const notOkVendor = (emsg: string) => FakeBroker.json({ stat: "Not_ok", emsg })

const unauthorized = FakeBroker.text("Unauthorized", 401)

const exceeded = "You have exceeded maximun limit.Please try again after 5 mins."

const wafPage = FakeBroker.html("<html><head><title>403 Forbidden</title></head><body>403 Forbidden</body></html>", 403)

const notFound = FakeBroker.html(
  "<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>",
  404
)

const osNames = new Set(["MOBANDROID", "MOBIOS", "EXECLIENT", "EXEMANAGER", "WEBINTERNAL", "WEBEXTERNAL"])

/**
 * The values of other brokers that use RMoney's back-end software:
 * - `code`: lifetime of a one-time code.
 * - `hold`: how long codes are refused after too many wrong codes.
 * - `resend`: wait before a code can be resent.
 * - `picture`: lifetime of a QR code.
 * - `approval`: how long an approved QR code can be used to log in.
 * - `passwords`: window in which wrong passwords are counted.
 */
const seconds = { code: 300, hold: 300, resend: 60, picture: 35, approval: 10, passwords: 300 }

const counts = { wrongCodes: 3, resends: 4 }

/** The time at which all sessions end each day, in IST. */
const sessionEnd = "00:00"

const describedLimits: ReadonlyArray<FakeBroker.FakeLimit> = [
  { of: "calls", limit: "no limit" },
  {
    of: "wrong passwords",
    limit: `${defaults.lockAfter} in ${seconds.passwords} seconds, then the account is locked`,
    switch: "lockAfter"
  },
  {
    of: "wrong codes, except on the login page",
    limit: `${counts.wrongCodes} in a row; one more wrong code blocks all codes for ${seconds.hold} seconds`
  },
  { of: "a code by SMS", limit: `1 use, within ${seconds.code} seconds` },
  { of: "resending a code", limit: `${counts.resends} times, ${seconds.resend} seconds apart` },
  FakeBroker.authenticatorLimit,
  { of: "a QR code", limit: `${seconds.picture} seconds; after the scan, 1 login within ${seconds.approval} seconds` },
  { of: "sessions of an account", limit: "1 of each source (`API`, `MOB`, `WEB`)" },
  { of: "a session and its token", limit: `until ${sessionEnd} IST` }
]

/** The image of each QR code: one pixel. The fake identifies a QR code by its name. */
const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="

/** Reads a field as trimmed text, because a code in the broker's own sample ends with a space. */
const textField = (json: unknown, name: string): string | undefined => {
  const value = Predicate.hasProperty(json, name) ? json[name] : undefined
  // The back end is written in Java. Java's usual JSON reader accepts numbers and booleans as text.
  if (Predicate.isNumber(value) || Predicate.isBoolean(value)) return String(value)
  return FakeBroker.textField(json, name)?.trim()
}

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const randomText = (length: number): string =>
  Array.from(SecureRandom.randomBytesUnsafe(length), (byte) => capitals[byte % capitals.length]).join("")

/** The code is never `000000`, because tests use `000000` as a wrong code. */
const randomCode = (): string => {
  const [high = 0, low = 0, third = 0] = SecureRandom.randomBytesUnsafe(3)
  return String(1 + (((high << 16) | (low << 8) | third) % 999_999)).padStart(6, "0")
}

const mask = (text: string): string => `${text.slice(0, 2)}${"*".repeat(Math.max(1, text.length - 4))}${text.slice(-2)}`

const form = (title: string, action: string, problem: string, fields: ReadonlyArray<readonly [string, string]>) =>
  FakeBroker.html(
    `<!doctype html><html><head><title>${title} (fake)</title></head><body><h1>RMoney, a fake for testing</h1>` +
      `<p role="alert">${FakeBroker.escapeHtml(problem)}</p>` +
      `<form method="post" action="${FakeBroker.escapeHtml(action)}">` +
      fields
        .map(([name, label]) => {
          const type = name === "password" ? ' type="password"' : ""
          return `<p><label>${label} <input name="${name}"${type}></label></p>`
        })
        .join("") +
      `<button type="submit">${title}</button></form></body></html>`
  )

const accountFields = {
  success: "Success",
  versionChanged: "N",
  bulkOrderAllowed: "Y",
  runningAuthorization: "Y",
  passwordChangeMessage: "NA",
  poaStatus: "",
  ckycStatus: "ACTIVE",
  roleDescription: "NA",
  isCommIntraAllowed: "N",
  isVtdAllowed: "N",
  isAliasOrderAllowed: "N",
  isDemoTrial: "N",
  userRole: "ACTIVE",
  message: "NA",
  status: "ACTIVE",
  allowNseCash: "Y",
  allowNseFo: "Y",
  allowNcdex: "N",
  allowBseFo: "Y",
  allowBseCash: "Y",
  allowMcxComm: "Y",
  allowNseCurrency: "N",
  allowBseCurrency: "N",
  allowBseYComm: "N",
  allowNSEYComm: "N",
  nseCurrViewRights: "Y",
  nseCashViewRights: "Y",
  nseFoViewRights: "Y",
  bseCashViewRights: "Y",
  bseFoViewRights: "Y",
  ncdexViewRights: "Y",
  mcxCommViewRights: "Y",
  bseCurrViewRights: "Y",
  bseCommViewRights: "Y",
  nseCommViewRights: "Y"
}

const emptyState = () => ({
  passwords: new Map<string, string>(),
  /** The times of recent wrong passwords, keyed by user id. */
  misses: new Map<string, ReadonlyArray<number>>(),
  locked: new Set<string>(),
  steps: new Map<string, Step>(),
  sent: new Map<string, SentCode>(),
  wrongCodes: new Map<string, number>(),
  heldUntil: new Map<string, number>(),
  outbox: new Map<string, ReadonlyArray<string>>(),
  sessions: new Map<string, Issued>(),
  enabled: new Set<string>(),
  pictures: new Map<string, Picture>(),
  grants: new Map<string, Account>(),
  serial: 0
})

/**
 * Makes the fake. The fake uses the clock of the calling program. The UAT host and the production host answer in the
 * same way.
 *
 * @example
 * ```ts
 * import { FakeRmoney } from "@auth/rmoney/msw"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const fake = yield* FakeRmoney.make({ codeSent: "on-demand" })
 *   yield* fake.inject("pwdValidate", { kind: "rate-limit" })
 *   return yield* fake.codes("TEST101") // => []
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
  const accounts = options.accounts ?? [demoAccount, demoTotpAccount]
  const switches: Switches = { ...defaults, ...options }
  const state = emptyState()
  const authenticator = FakeBroker.makeAuthenticator(clock.now)

  const restart = () => {
    Object.assign(state, emptyState())
    authenticator.reset()
    for (const account of accounts) {
      state.passwords.set(account.userId, account.password)
      state.enabled.add(`${account.userId} ${account.deviceId}`)
      state.sessions.set(account.accessToken, { account, source: "MOB", end: midnightAfter(clock.now()) })
    }
  }

  const midnightAfter = (at: number): number =>
    Expiry.dailyAt(sessionEnd)({ issuedAt: at, accessToken: Redacted.make("") })?.at ?? at

  const ok = (result: unknown, message = "Success") =>
    FakeBroker.json({ status: "Ok", message, result: switches.result === "array" ? [result] : result })

  const known = (name: string): ReadonlyArray<Account> =>
    accounts.filter((account) =>
      [account.userId, account.email, account.mobile, account.pan].some(
        (alias) => alias.toLowerCase() === name.toLowerCase()
      )
    )

  const accountOf = (name: string): Account | FakeBroker.FakeResponse => {
    const [account, another] = known(name)
    if (account === undefined) return notOk("User does not exists")
    return another === undefined
      ? account
      : notOk("Given mobile linked with multiple client Id's, please use client Id")
  }

  const bodyFault = (request: FakeBroker.FakeRequest, fields: ReadonlyArray<string>) => {
    if (!(request.headers["content-type"] ?? "").includes("application/json")) {
      return FakeBroker.text("Unsupported Media Type", 415)
    }
    const missing = [...fields, "userId", "deviceId", "appName", "osName"].some(
      (name) => textField(request.json, name) === undefined
    )
    return missing || !osNames.has(textField(request.json, "osName") ?? "") ? notOk("Invalid Parameter") : undefined
  }

  const barred = () =>
    notOk("Your account has been blocked by adminstrator. Please contact support (Unblock Accout option wont work)")

  const lockedFault = (account: Account): FakeBroker.FakeResponse | undefined => {
    if (account.state === "barred") return barred()
    return state.locked.has(account.userId) ? notOk("User blocked") : undefined
  }

  const missPassword = (account: Account) => {
    const now = clock.now()
    const recent = (state.misses.get(account.userId) ?? []).filter((at) => now - at < seconds.passwords * 1000)
    state.misses.set(account.userId, [...recent, now])
    if (recent.length + 1 < switches.lockAfter) return notOk("Invalid userId or password")
    state.locked.add(account.userId)
    return notOk("User blocked")
  }

  const sendCode = (account: Account, purpose: Purpose, resendsLeft = counts.resends) => {
    const code = randomCode()
    state.sent.set(`${account.userId} ${purpose}`, { code, sentAt: clock.now(), resendsLeft })
    state.outbox.set(account.userId, [...(state.outbox.get(account.userId) ?? []), code])
    return resendsLeft
  }

  const beginStep = (account: Account, purpose: Purpose): string => {
    // A new token replaces the account's earlier token for the same purpose.
    for (const [token, step] of state.steps) {
      if (step.account === account && step.purpose === purpose) state.steps.delete(token)
    }
    const token = randomText(256)
    state.steps.set(token, { account, purpose })
    return token
  }

  const codeSent = (account: Account, resendsLeft: number, token?: string) =>
    ok({
      message: "An OTP has been sent to your registered Mobile Number and email.",
      status: "Success",
      userId: switches.userIds === "masked" ? mask(account.userId) : account.userId,
      emailId: mask(account.email),
      mobileNumber: mask(account.mobile),
      resendOtpAfter: String(seconds.resend),
      resendOtpCountsLeft: String(resendsLeft),
      isTOtpAvailable: account.totp === "enabled",
      ...(token === undefined ? {} : { token })
    })

  const stepTokenIn = (header: string, userId: string): string | undefined => {
    const { stepHeader } = switches
    const [, bare] = /^Bearer (\S+)$/.exec(header) ?? []
    if (bare !== undefined) return stepHeader === "three-part" ? undefined : bare
    const [, named, token] = /^Bearer (\S+) (?:WEB|MOB|API) (\S+)$/.exec(header) ?? []
    return stepHeader === "bare" || named !== userId ? undefined : token
  }

  const stepOf = (request: FakeBroker.FakeRequest, purpose: Purpose): Account | FakeBroker.FakeResponse => {
    const userId = textField(request.json, "userId") ?? ""
    if (switches.stepToken === "ignored") return accountOf(userId)
    const step = state.steps.get(stepTokenIn(request.headers["authorization"] ?? "", userId) ?? "")
    const fits = step?.purpose === purpose && (step.account.userId === userId || switches.userIds === "masked")
    return fits ? step.account : unauthorized
  }

  /** Returns a refusal, or `undefined` if the code is accepted. */
  const checkSent = (account: Account, purpose: Purpose, code: string): FakeBroker.FakeResponse | undefined => {
    const key = `${account.userId} ${purpose}`
    const sent = state.sent.get(key)
    if ((state.heldUntil.get(account.userId) ?? 0) > clock.now()) return notOk(exceeded)
    if (sent === undefined || clock.now() - sent.sentAt >= seconds.code * 1000) return notOk("OTP interval exceeded.")
    if (sent.code !== code) return missCode(account, "Invalid OTP")
    state.sent.delete(key)
    state.wrongCodes.delete(account.userId)
    return undefined
  }

  const missCode = (account: Account, message: string) => {
    const wrong = (state.wrongCodes.get(account.userId) ?? 0) + 1
    state.wrongCodes.set(account.userId, wrong)
    if (wrong <= counts.wrongCodes) return notOk(message)
    state.wrongCodes.delete(account.userId)
    state.heldUntil.set(account.userId, clock.now() + seconds.hold * 1000)
    return notOk(exceeded)
  }

  const fitsTotp = (account: Account, code: string) => authenticator.check(account.userId, account.totpSecret, code)

  /** Starts a session, and ends the account's previous session from the same source. */
  const issue = (account: Account, source: string): string => {
    for (const [token, issued] of state.sessions) {
      if (issued.account === account && issued.source === source) state.sessions.delete(token)
    }
    const now = clock.now()
    const end = midnightAfter(now)
    state.serial += 1
    const claims = {
      iat: Math.floor(now / 1000),
      jti: state.serial,
      preferred_username: account.userId.toLowerCase(),
      ...(switches.tokenEnd === "absent" ? {} : { exp: Math.floor(end / 1000) })
    }
    const noise = Base64Url.encode(SecureRandom.randomBytesUnsafe(64))
    const token = `${Base64Url.encode(`{"alg":"RS256","typ":"JWT"}`)}.${Base64Url.encode(JSON.stringify(claims))}.${noise}`
    state.sessions.set(token, { account, source, end })
    return token
  }

  const grant = (account: Account): string => {
    const code = randomText(20)
    state.grants.set(code, account)
    return code
  }

  const loggedIn = (account: Account, source: string, vendor?: string) =>
    ok({
      ...accountFields,
      serverDate: Expiry.toIst(clock.now()).replace(" IST", ""),
      clientType: "ACTIVE",
      clientName: account.name,
      isDormant: account.isDormant,
      passChangeFlag: account.passChangeFlag,
      accessToken: issue(account, source),
      ...(vendor === account.vendor
        ? { redirectUrl: `${account.redirectUrl}#/?authcode=${grant(account)}&clientid=${account.userId}` }
        : {}),
      userId: account.userId,
      isAuthorized: false
    })

  const pwdValidate = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["password", "versionNo"])
    if (refused !== undefined) return refused
    const account = accountOf(textField(request.json, "userId") ?? "")
    if ("body" in account) return account
    const locked = lockedFault(account)
    if (locked !== undefined) return locked
    if (textField(request.json, "password") !== state.passwords.get(account.userId)) return missPassword(account)
    state.misses.delete(account.userId)
    const left = switches.codeSent === "with-password" ? sendCode(account, "login") : counts.resends
    return codeSent(account, left, beginStep(account, "login"))
  }

  const otpSend = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["versionNo"])
    if (refused !== undefined) return refused
    const account = stepOf(request, "login")
    if ("body" in account) return account
    const sent = state.sent.get(`${account.userId} login`)
    if (sent === undefined) return codeSent(account, sendCode(account, "login"))
    if (clock.now() - sent.sentAt < seconds.resend * 1000) return notOk("Retry after 30 seconds")
    if (sent.resendsLeft === 0) return notOk(exceeded)
    return codeSent(account, sendCode(account, "login", sent.resendsLeft - 1))
  }

  const otpValidate = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["receivedOtp", "source"])
    if (refused !== undefined) return refused
    const account = stepOf(request, "login")
    if ("body" in account) return account
    const vendor = textField(request.json, "vendor")
    if (vendor !== undefined && vendor !== account.vendor) return notOk("Invalid vendor name or vendor key")
    const wrong = checkSent(account, "login", textField(request.json, "receivedOtp") ?? "")
    return wrong ?? finish(account, () => loggedIn(account, "API", vendor))
  }

  const finish = (account: Account, answer: () => FakeBroker.FakeResponse) => {
    for (const [token, step] of state.steps) if (step.account === account) state.steps.delete(token)
    return answer()
  }

  const toptVerify = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const refused = bodyFault(request, ["totp"])
    if (refused !== undefined) return refused
    const account = stepOf(request, "login")
    if ("body" in account) return account
    if (account.totp === "disabled") return notOk("T-OTP Not Enabled")
    if ((state.heldUntil.get(account.userId) ?? 0) > clock.now()) return notOk(exceeded)
    if (!(yield* fitsTotp(account, textField(request.json, "totp") ?? ""))) return missCode(account, "Invalid totp")
    // A concurrent request may have finished the step during the check.
    if (stepOf(request, "login") !== account) return unauthorized
    state.wrongCodes.delete(account.userId)
    return finish(account, () => loggedIn(account, "API"))
  })

  const liveSession = (token: string): Issued | undefined => {
    const issued = state.sessions.get(token)
    return issued !== undefined && clock.now() < issued.end ? issued : undefined
  }

  const bearer = (request: FakeBroker.FakeRequest): Issued | undefined =>
    liveSession((request.headers["authorization"] ?? "").replace(/^Bearer /, ""))

  const bioEnable = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["deviceType"])
    if (refused !== undefined) return refused
    // In the documentation, `enable` has the type Boolean, but the sample request contains text.
    const enable = String(Predicate.hasProperty(request.json, "enable") ? request.json["enable"] : "").trim()
    if (enable !== "true" && enable !== "false") return notOk("Invalid Parameter")
    const userId = textField(request.json, "userId") ?? ""
    if (bearer(request)?.account.userId !== userId) return unauthorized
    const device = `${userId} ${textField(request.json, "deviceId")}`
    if (enable === "true") state.enabled.add(device)
    else state.enabled.delete(device)
    return ok({ message: "Bio-metric Enabled successfully", status: "Success" })
  }

  const bioPwdValidate = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["token"])
    if (refused !== undefined) return refused
    const account = accountOf(textField(request.json, "userId") ?? "")
    if ("body" in account) return account
    const locked = lockedFault(account)
    if (locked !== undefined) return locked
    const held = liveSession(textField(request.json, "token") ?? "")
    if (held?.account !== account) return unauthorized
    const enabled = state.enabled.has(`${account.userId} ${textField(request.json, "deviceId")}`)
    return enabled ? loggedIn(account, "MOB") : notOk("Failed to validate. Please try again later")
  }

  const qrGenerate = () => {
    const name = SecureRandom.uuidV4Unsafe().slice(0, 30)
    state.pictures.set(name, { madeAt: clock.now(), approval: undefined })
    const byteCode = switches.image === "bare" ? dot : `data:image/png;base64,${dot}`
    return FakeBroker.json({ status: "Ok", message: "Success", result: [{ byteCode, qrName: name }] })
  }

  const qrLogin = (request: FakeBroker.FakeRequest) => {
    const name = textField(request.json, "qrName") ?? ""
    const picture = state.pictures.get(name)
    if (picture === undefined) return notOk("Invalid Parameter")
    const { approval, madeAt } = picture
    const now = clock.now()
    const approved = approval !== undefined && now - approval.at < seconds.approval * 1000
    if (now - madeAt >= seconds.picture * 1000 && !approved) return notOk("Invalid Parameter")
    if (!approved) {
      const pending = [{ accessToken: "", clientId: "", authorized: false }]
      return FakeBroker.json({
        status: "Ok",
        message: "Success",
        result: switches.qrPending === "empty-token" ? pending : []
      })
    }
    state.pictures.delete(name)
    const { account } = approval
    const result = [{ accessToken: issue(account, "WEB"), clientId: account.userId, authorized: true }]
    return FakeBroker.json({ status: "Ok", message: "Success", result })
  }

  const recover = (purpose: "unblock" | "forgot") => (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["pan"])
    if (refused !== undefined) return refused
    const account = accountOf(textField(request.json, "userId") ?? "")
    if ("body" in account) return account
    if (account.state === "barred") return barred()
    if (textField(request.json, "pan") !== account.pan) return notOk("Invalid PAN")
    return codeSent(account, sendCode(account, purpose), beginStep(account, purpose))
  }

  const verifyRecovery =
    (purpose: "unblock" | "forgot", done: (account: Account) => FakeBroker.FakeResponse) =>
    (request: FakeBroker.FakeRequest) => {
      const refused = bodyFault(request, ["otp"])
      if (refused !== undefined) return refused
      const account = stepOf(request, purpose)
      if ("body" in account) return account
      return checkSent(account, purpose, textField(request.json, "otp") ?? "") ?? finish(account, () => done(account))
    }

  const unblocked = (account: Account) => {
    state.locked.delete(account.userId)
    state.misses.delete(account.userId)
    return ok({ status: "Success", message: "User unblocked successfully" })
  }

  const mayReset = (account: Account) =>
    ok({ token: beginStep(account, "reset"), status: "Success", message: "Success" })

  const pwdReset = (request: FakeBroker.FakeRequest) => {
    const refused = bodyFault(request, ["password"])
    if (refused !== undefined) return refused
    const account = stepOf(request, "reset")
    if ("body" in account) return account
    state.passwords.set(account.userId, textField(request.json, "password") ?? "")
    return finish(account, () => ok({ status: "Success", message: "Password changed successfully" }))
  }

  const vendorFault = (account: Account): FakeBroker.FakeResponse | undefined =>
    ({
      active: undefined,
      barred: notOkVendor("User blocked"),
      unapproved: notOkVendor("Vendor is not approved"),
      unlisted: notOkVendor("IP is not whitelisted"),
      "totp-first": FakeBroker.json({ stat: "Ok", emsg: "Enable/Login with TOTP, to create the session." })
    })[account.state]

  const exchange = (code: string, account: Account) => {
    const refused = vendorFault(account)
    if (refused !== undefined) return refused
    if (!state.grants.delete(code)) return notOkVendor("Invalid auth code")
    return FakeBroker.json({ stat: "Ok", clientId: account.userId, userSession: issue(account, "API") })
  }

  const ssoGetUserDetails = (request: FakeBroker.FakeRequest) => {
    const vendor = textField(request.json, "vendor")
    const code = textField(request.json, "authCode")
    if (vendor === undefined || code === undefined) return notOkVendor("Invalid Parameter")
    if (!accounts.some((account) => account.vendor === vendor)) return notOkVendor("Invalid vendor name or vendor key")
    const account = state.grants.get(code)
    return account?.vendor === vendor ? exchange(code, account) : notOkVendor("Invalid auth code")
  }

  const vendorGetUserDetails = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const checkSum = textField(request.json, "checkSum")?.toLowerCase()
    if (checkSum === undefined) return notOkVendor("Invalid Parameter")
    for (const [code, account] of state.grants) {
      const expected = yield* Checksum.sha256([account.userId, code, account.apiSecret])
      // A concurrent request may have used the code while the checksum was computed.
      if (Redacted.value(expected) === checkSum && state.grants.has(code)) return exchange(code, account)
    }
    return notOkVendor("Invalid auth code")
  })

  const loginFields = [
    ["userid", "User id"],
    ["password", "Password"],
    ["totp", "TOTP code, if the account has an authenticator"]
  ] as const

  const appOf = (request: FakeBroker.FakeRequest): Account | undefined => {
    const code = request.url.searchParams.get("appcode")
    return accounts.find((account) => account.appCode === code || account.vendor === code)
  }

  const loginPage = (request: FakeBroker.FakeRequest) =>
    appOf(request) === undefined
      ? FakeBroker.html("<html><body>Unknown app</body></html>", 400)
      : form("Log in", request.url.pathname + request.url.search, "", loginFields)

  const submitLogin = Effect.fnUntraced(function* (request: FakeBroker.FakeRequest) {
    const app = appOf(request)
    if (app === undefined) return loginPage(request)
    const fields = new URLSearchParams(request.body)
    const account = accountOf(fields.get("userid")?.trim() ?? "")
    const failed = form("Log in", request.url.pathname + request.url.search, "Login failed", loginFields)
    if ("body" in account || lockedFault(account) !== undefined) return failed
    if (fields.get("password") !== state.passwords.get(account.userId)) {
      missPassword(account)
      return failed
    }
    state.misses.delete(account.userId)
    if (account.totp === "enabled" && !(yield* fitsTotp(account, fields.get("totp")?.trim() ?? ""))) return failed
    return { status: 302, headers: { location: callback(request, app, account) }, body: "" }
  })

  const callback = (request: FakeBroker.FakeRequest, app: Account, account: Account): string => {
    const inHash = switches.callback === "hash"
    const code = grant(account)
    const query = inHash
      ? new URLSearchParams({ authcode: code, clientid: account.userId })
      : new URLSearchParams({ authCode: code, userId: account.userId })
    const sentState = request.url.searchParams.get("state")
    if (sentState !== null && switches.state === "echoed") query.set("state", sentState)
    return `${app.redirectUrl}${inHash ? "#/" : ""}?${query}`
  }

  const scanFields = [
    ["userid", "User id"],
    ["password", "Password"]
  ] as const

  /** The page that replaces the mobile app: a login on this page approves the QR code. */
  const scan = (request: FakeBroker.FakeRequest) => {
    const address = request.url.pathname + request.url.search
    const name = request.url.searchParams.get("qrName") ?? ""
    const picture = state.pictures.get(name)
    if (picture === undefined) return FakeBroker.html("<html><body>Unknown QR code</body></html>", 404)
    if (request.method === "GET") return form("Approve", address, "", scanFields)
    const fields = new URLSearchParams(request.body)
    const account = accountOf(fields.get("userid")?.trim() ?? "")
    const now = clock.now()
    const failed = form("Approve", address, "Failed", scanFields)
    if ("body" in account || lockedFault(account) !== undefined) return failed
    if (fields.get("password") !== state.passwords.get(account.userId)) {
      missPassword(account)
      return failed
    }
    state.misses.delete(account.userId)
    if (now - picture.madeAt >= seconds.picture * 1000) return failed
    state.pictures.set(name, { ...picture, approval: { account, at: now } })
    return FakeBroker.html("<html><body>Approved</body></html>")
  }

  const getProfile = (request: FakeBroker.FakeRequest) => {
    const issued = bearer(request)
    if (issued === undefined) return unauthorized
    const { name, userId } = issued.account
    return FakeBroker.json({ status: "Ok", message: "Success", result: [{ clientId: userId, clientName: name }] })
  }

  const logout = (request: FakeBroker.FakeRequest) => {
    const issued = bearer(request)
    if (issued === undefined) return unauthorized
    for (const [token, session] of state.sessions) if (session === issued) state.sessions.delete(token)
    return okWithoutResult("Success")
  }

  type Handler = (request: FakeBroker.FakeRequest) => FakeBroker.FakeResponse | Effect.Effect<FakeBroker.FakeResponse>

  const routes: ReadonlyArray<readonly [string, string, string, Handler]> = [
    ["ssoGetUserDetails", "POST", `${base}/sso/vendor/auth/getUserDetails`, ssoGetUserDetails],
    ["pwdValidate", "POST", `${base}/access/pwd/validate`, pwdValidate],
    ["otpSend", "POST", `${base}/access/otp/send`, otpSend],
    ["otpValidate", "POST", `${base}/access/otp/validate`, otpValidate],
    ["toptVerify", "POST", `${base}/access/topt/verify`, toptVerify],
    ["bioEnable", "POST", `${base}/access/bio/enable`, bioEnable],
    ["bioPwdValidate", "POST", `${base}/access/bio/pwd/validate`, bioPwdValidate],
    ["qrGenerate", "GET", `${base}/access/qr/generate`, qrGenerate],
    ["qrLogin", "POST", `${base}/access/qr/login`, qrLogin],
    ["clientUnblock", "POST", `${base}/access/client/unblock`, recover("unblock")],
    ["clientUnblockVerify", "POST", `${base}/access/client/unblock/verify`, verifyRecovery("unblock", unblocked)],
    ["pwdForgot", "POST", `${base}/access/pwd/forgot`, recover("forgot")],
    ["pwdForgotVerify", "POST", `${base}/access/pwd/forgot/verify`, verifyRecovery("forgot", mayReset)],
    ["pwdReset", "POST", `${base}/access/pwd/reset`, pwdReset],
    ["vendorGetUserDetails", "POST", "/open-api/od/v1/vendor/getUserDetails", vendorGetUserDetails],
    ["getProfile", "GET", "/open-api/od/v1/profile", getProfile],
    ["login-page", "GET", "/", loginPage],
    ["login-page", "POST", "/", submitLogin],
    ["qr-scan", "GET", "/qr-scan", scan],
    ["qr-scan", "POST", "/qr-scan", scan],
    ...(switches.logout === "get" ? [["logout", "GET", "/auth/logout", logout] as const] : []),
    ...(switches.logout === "post" ? [["logout", "POST", "/auth/client/logout", logout] as const] : [])
  ]

  const toRoute =
    (origin: string) =>
    ([endpoint, method, path, handle]: (typeof routes)[number]): FakeBroker.Route => ({
      endpoint,
      method,
      origin,
      path,
      handle: (request) =>
        Effect.suspend(() => {
          const answer = handle(request)
          return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
        })
    })

  restart()
  return yield* FakeBroker.make({
    broker: broker.id,
    clock,
    accounts: accounts.map((account) => ({ ...account })),
    origins: [uat, live],
    limits: describedLimits,
    routes: [uat, live].flatMap((origin) => routes.map(toRoute(origin))),
    notFound,
    wafPage,
    rateLimited: notOk(exceeded),
    codes: (userId) => state.outbox.get(userId) ?? [],
    memory: { accounts, parts: () => state },
    reset: restart
  })
})
