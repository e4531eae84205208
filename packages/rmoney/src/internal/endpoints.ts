import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as Session from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"
import { broker } from "../RmoneyBroker.ts"

// Source of paths and bodies: RMoney API documentation, as of 2026-11-21. The documentation states no rate limits.

const base = "/auth/v1"

/** A token has only visible ASCII characters, because it is sent in a header. */
const tokenText = /^\s*(?:bearer\s+)*[\x21-\x7e]+\s*$/i
const tokenOrBlank = /^\s*(?:(?:bearer\s+)*[\x21-\x7e]+\s*)?$/i
const toToken = (text: string) => Session.bareToken(Redacted.make(text))
const Token = Shape.map(Shape.secretMatching(tokenText), toToken)

const sent = {
  // `emailId` and `mobileNumber` are masked. `userId` may be masked, too: the documentation calls it "Masked user ID".
  ...Shape.each(Shape.text, "userId", "emailId", "mobileNumber", "message"),
  /** Seconds until the code can be resent. */
  resendOtpAfter: Shape.count,
  resendOtpCountsLeft: Shape.count,
  isTOtpAvailable: Shape.flag
}

const raw = Shape.optionalKey(Shape.nullOr(Shape.string))
const account = {
  ...Shape.each(raw, "success", "message", "status", "serverDate", "clientType", "clientName", "userRole"),
  ...Shape.each(raw, "roleDescription", "isDormant", "isDemoTrial", "passChangeFlag", "passwordChangeMessage"),
  ...Shape.each(raw, "versionChanged", "poaStatus", "ckycStatus", "runningAuthorization", "bulkOrderAllowed"),
  ...Shape.each(raw, "isCommIntraAllowed", "isVtdAllowed", "isAliasOrderAllowed", "allowNseCash", "allowNseFo"),
  ...Shape.each(raw, "allowNseCurrency", "allowNSEYComm", "allowBseCash", "allowBseFo", "allowBseCurrency"),
  ...Shape.each(raw, "allowBseYComm", "allowMcxComm", "allowNcdex", "nseCashViewRights", "nseFoViewRights"),
  ...Shape.each(raw, "nseCurrViewRights", "nseCommViewRights", "bseCashViewRights", "bseFoViewRights"),
  ...Shape.each(raw, "bseCurrViewRights", "bseCommViewRights", "mcxCommViewRights", "ncdexViewRights")
}

const LoggedIn = Shape.map(
  Shape.struct({
    ...account,
    accessToken: Token,
    userId: Shape.text,
    /** For a login with a vendor id: the address of the callback, with an authorization code. */
    redirectUrl: Shape.secret,
    isAuthorized: Shape.flag
  }),
  ({ accessToken, isAuthorized, redirectUrl, userId, ...account }) => {
    return { accessToken, userId, redirectUrl, isAuthorized, account }
  }
)

const Picture = Shape.struct({
  qrName: Shape.requiredSecret,
  /** PNG, base64, without a `data:` prefix. */
  byteCode: Shape.map(Shape.string, (image) => Redacted.make(image.replace(/^data:[^,]*,/, "").trim()))
})

const TokenOrBlank = Shape.secretMatching(tokenOrBlank)

/** Before the scan, `accessToken` and `clientId` can be absent or empty. */
const Scanned = Shape.mapMaybe(
  Shape.undefinedOr(
    Shape.struct({
      accessToken: Shape.optionalKey(Shape.nullOr(TokenOrBlank)),
      clientId: Shape.text,
      authorized: Shape.flag
    })
  ),
  (poll) => (poll?.accessToken?.trim() ? { ...poll, accessToken: toToken(poll.accessToken) } : undefined)
)

const Done = Shape.discard(Shape.undefinedOr(Shape.struct({ message: Shape.text, status: Shape.text })))

const device = ["deviceId", "appName", "osName"]
const program = ["deviceId", "versionNo", "appName", "osName"]
const recovery = ["osName", "deviceId", "appName"]

const OptionalSecret = Shape.optionalKey(Shape.undefinedOr(Shape.Secret))

const user = { userId: Shape.Text }
const byUser = Shape.struct(user)
const byPassword = Shape.struct({ ...user, password: Shape.Secret })
const bySentCode = Shape.struct({ ...user, receivedOtp: Shape.Secret, vendor: OptionalSecret })
const byTotp = Shape.struct({ ...user, totp: Shape.Secret })
const byToken = Shape.struct({ ...user, token: Shape.Secret })
const byPan = Shape.struct({ ...user, pan: Shape.Secret })
const byCode = Shape.struct({ ...user, otp: Shape.Secret })
const byAuthCode = Shape.struct({ vendor: Shape.Secret, authCode: Shape.Secret })
const byCheckSum = Shape.struct({ checkSum: Shape.Secret })
const byQrName = Shape.struct({ qrName: Shape.Secret })
// The documentation states the type Boolean for `enable`, but the documented sample has text.
const enabling = { deviceType: Shape.literals(["IOS", "ANDROID"]), enable: Shape.literals(["true", "false"]) }
const byDevice = Shape.struct({ ...user, ...enabling })

const done = { response: Done }
const login = { response: LoggedIn, essential: ["accessToken"] }
const codeSent = { response: Shape.struct(sent), essential: [] }
const stepToken = { response: Shape.struct({ token: Token }), essential: ["token"] }
const step = { response: Shape.struct({ ...sent, token: Token }), essential: ["token"] }
// `clientId` is the account that scanned the QR code.
const scanned = { response: Scanned, essential: ["accessToken", "clientId"] }
const session = {
  response: Shape.struct({ clientId: Shape.Text, userSession: Token }),
  essential: ["clientId", "userSession"]
}

/** Makes a body in the field order of the documented samples. */
const inOrder = (request: unknown, app: Endpoint.AppFields) => {
  const { vendor, ...own } = request as { readonly vendor?: unknown }
  return { ...own, ...app, ...(vendor !== undefined && { vendor }) }
}

const post = <R extends Shape.Input, S extends Shape.Input, T extends Endpoint.TokenKind>(
  name: string,
  path: string,
  token: T,
  app: ReadonlyArray<string>,
  request: R,
  answer: { readonly response: S; readonly essential?: ReadonlyArray<string> }
) =>
  Endpoint.make({
    name,
    method: "POST",
    path: `${base}/${path}`,
    token,
    account: "userId",
    app,
    request,
    body: app.length === 0 ? undefined : inOrder,
    ...answer
  })

export const table = {
  ssoGetUserDetails: post("ssoGetUserDetails", "sso/vendor/auth/getUserDetails", "none", [], byAuthCode, session),
  /** At other brokers with this back end, the fourth wrong password in 300 seconds locks the account. */
  pwdValidate: post("pwdValidate", "access/pwd/validate", "none", [...program, "source"], byPassword, step),
  /** Needs the token of `pwdValidate`. The answer has no new token. */
  otpSend: post("otpSend", "access/otp/send", "step", program, byUser, codeSent),
  /** Needs the token of `pwdValidate`. */
  otpValidate: post("otpValidate", "access/otp/validate", "step", [...device, "source"], bySentCode, login),
  /** Needs the token of `pwdValidate`. `topt` is the broker's spelling. */
  toptVerify: post("toptVerify", "access/topt/verify", "step", device, byTotp, login),
  bioEnable: post("bioEnable", "access/bio/enable", "required", device, byDevice, done),
  /** The field `token` of the body is the access token of the previous session. */
  bioPwdValidate: post("bioPwdValidate", "access/bio/pwd/validate", "none", device, byToken, login),
  /** This call is not `safe`, because each call makes a new QR code. */
  qrGenerate: Endpoint.make({
    name: "qrGenerate",
    method: "GET",
    path: `${base}/access/qr/generate`,
    token: "none",
    response: Picture
  }),
  /** Returns `undefined` until the QR code is scanned. */
  qrLogin: post("qrLogin", "access/qr/login", "none", [], byQrName, scanned),
  clientUnblock: post("clientUnblock", "access/client/unblock", "none", recovery, byPan, step),
  /** Needs the token of `clientUnblock`. */
  clientUnblockVerify: post("clientUnblockVerify", "access/client/unblock/verify", "step", recovery, byCode, done),
  pwdForgot: post("pwdForgot", "access/pwd/forgot", "none", recovery, byPan, step),
  /** Needs the token of `pwdForgot`. The answer has a new token. */
  pwdForgotVerify: post("pwdForgotVerify", "access/pwd/forgot/verify", "step", recovery, byCode, stepToken),
  /** Needs the token of `pwdForgotVerify`. */
  pwdReset: post("pwdReset", "access/pwd/reset", "step", device, byPassword, done),
  /** `checkSum` is the SHA-256 of user id, authorization code and API secret, in hexadecimal. */
  vendorGetUserDetails: Endpoint.make({
    name: "vendorGetUserDetails",
    method: "POST",
    origin: "openApi",
    path: "/open-api/od/v1/vendor/getUserDetails",
    token: "none",
    request: byCheckSum,
    ...session
  }),
  /** RMoney does not document this call. The Python package tradion_api_client sends it, as of 2026-11-27. */
  getProfile: Endpoint.make({
    name: "getProfile",
    method: "GET",
    origin: "openApi",
    path: "/open-api/od/v1/profile",
    token: "required",
    safe: true,
    response: Shape.struct({ clientId: Shape.Text, clientName: Shape.text }),
    essential: ["clientId"]
  })
}

/**
 * RMoney documents no logout. Other brokers with the same back end use `GET /auth/logout` or
 * `POST /auth/client/logout`.
 */
export const logout = (
  { method, path }: { readonly method: "GET" | "POST"; readonly path: string } = { method: "GET", path: "/auth/logout" }
) =>
  Endpoint.make({
    name: "logout",
    method,
    path,
    token: "required",
    app: ["source"],
    request: Shape.struct(user),
    body: method === "GET" ? () => undefined : inOrder,
    response: Shape.discard(Shape.unknown)
  })

/** An `environment` that is an origin counts as `production`. */
export const environmentName = (environment: string): "uat" | "production" =>
  environment.toLowerCase() === "uat" ? "uat" : "production"

/** If `environment` is an origin, this origin replaces the host of the login API. */
export const originsOf = (environment: string): Readonly<Record<string, string>> => ({
  ...broker.environments[environmentName(environment)],
  ...(/^https?:/i.test(environment) && { api: environment })
})

interface Paths {
  readonly basePath?: string | undefined
  readonly paths?: Readonly<Record<string, string>> | undefined
}

export const pathOf =
  ({ basePath = base, paths = {} }: Paths) =>
  ({ name, path }: Endpoint.Endpoint): string => {
    if (!path.startsWith(`${base}/`)) return path
    const below = paths[name]?.replace(/^\/+/, "") ?? path.slice(base.length + 1)
    return `${basePath}/${below}`
  }
