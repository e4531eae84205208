import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Session from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { broker } from "../RmoneyBroker.ts"
import type { LogoutCall, Options } from "../RmoneyApi.ts"

// Paths and bodies: RMoney API documentation, as of 2026-11-21. It states no limits.

const base = "/auth/v1"

/** What will travel in a header. Blank ones are none, and other programs' brokers put `Bearer` before them. */
const tokenText = /^\s*(?:bearer\s+)*[\x21-\x7e]+\s*$/i
const Token = Decode.map(Schema.String.check(Schema.isPattern(tokenText)), (text) =>
  Session.bareToken(Redacted.make(text))
)

const sent = {
  /** The canonical user id. The broker's field table calls it masked. `emailId` and `mobileNumber` are masked. */
  ...Decode.each(Decode.text, "userId", "emailId", "mobileNumber", "message"),
  /** Seconds. */
  resendOtpAfter: Decode.count,
  resendOtpCountsLeft: Decode.count,
  isTOtpAvailable: Decode.flag
}

/** As it comes: most fields are `Y` or `N`. */
const accountText = Schema.optionalKey(Schema.NullOr(Schema.String))
const account = {
  ...Decode.each(accountText, "success", "message", "status", "serverDate", "clientType", "clientName", "userRole"),
  ...Decode.each(accountText, "roleDescription", "isDormant", "isDemoTrial", "passChangeFlag", "passwordChangeMessage"),
  ...Decode.each(accountText, "versionChanged", "poaStatus", "ckycStatus", "runningAuthorization", "bulkOrderAllowed"),
  ...Decode.each(
    accountText,
    "isCommIntraAllowed",
    "isVtdAllowed",
    "isAliasOrderAllowed",
    "allowNseCash",
    "allowNseFo"
  ),
  ...Decode.each(accountText, "allowNseCurrency", "allowNSEYComm", "allowBseCash", "allowBseFo", "allowBseCurrency"),
  ...Decode.each(accountText, "allowBseYComm", "allowMcxComm", "allowNcdex", "nseCashViewRights", "nseFoViewRights"),
  ...Decode.each(accountText, "nseCurrViewRights", "nseCommViewRights", "bseCashViewRights", "bseFoViewRights"),
  ...Decode.each(accountText, "bseCurrViewRights", "bseCommViewRights", "mcxCommViewRights", "ncdexViewRights")
}

const LoggedIn = Decode.map(
  Schema.Struct({
    ...account,
    accessToken: Token,
    /** The canonical user id. */
    userId: Decode.text,
    /** Where a vendor's user goes next. It has a code in it that is worth a session. */
    redirectUrl: Decode.secret,
    isAuthorized: Decode.flag
  }),
  ({ accessToken, isAuthorized, redirectUrl, userId, ...account }) => ({
    accessToken,
    userId,
    redirectUrl,
    isAuthorized,
    account
  })
)

/** Until the picture is scanned there is no token; how else the broker says so is not documented. */
const ScannedBy = Schema.UndefinedOr(
  Schema.Struct({
    accessToken: Schema.optionalKey(
      Schema.NullOr(Schema.String.check(Schema.isPattern(/^\s*(?:(?:bearer\s+)*[\x21-\x7e]+\s*)?$/i)))
    ),
    clientId: Decode.text,
    authorized: Decode.flag
  })
)
const toScanned = (answer: typeof ScannedBy.Type) =>
  answer?.accessToken?.trim()
    ? { ...answer, accessToken: Session.bareToken(Redacted.make(answer.accessToken)) }
    : undefined
const isScanned = (_: unknown): _ is ReturnType<typeof toScanned> => true
const Scanned = ScannedBy.pipe(
  Schema.decodeTo(Schema.declare(isScanned), {
    decode: SchemaGetter.transform(toScanned),
    encode: SchemaGetter.forbiddenEncoding
  })
)

/** Of steps that have nothing to hand out; some leave the result out. */
const Done = Decode.discard(Schema.UndefinedOr(Schema.Struct({ message: Decode.text, status: Decode.text })))

const device = ["deviceId", "appName", "osName"]
const program = ["deviceId", "versionNo", "appName", "osName"]
const recovery = ["osName", "deviceId", "appName"]

const user = { userId: Endpoint.Text }
const byPan = Schema.Struct({ ...user, pan: Endpoint.Secret })
const byCode = Schema.Struct({ ...user, otp: Endpoint.Secret })
const login = { response: LoggedIn, essential: ["accessToken"] }
const step = { response: Schema.Struct({ ...sent, token: Token }), essential: ["token"] }
const vendorSession = {
  response: Schema.Struct({ clientId: Endpoint.Text, userSession: Token }),
  essential: ["clientId", "userSession"]
}

/** A row whose fields of the app are behind those of the request, as in the documented samples. */
const post = <
  R extends Schema.Decoder<unknown>,
  S extends Schema.Decoder<unknown>,
  T extends Endpoint.TokenKind
>(options: {
  readonly name: string
  readonly path: string
  readonly token: T
  readonly app?: ReadonlyArray<string>
  readonly body?: (request: R["Type"], app: Endpoint.AppFields) => unknown
  readonly request: R
  readonly response: S
  readonly essential?: ReadonlyArray<string>
}) =>
  Endpoint.make({
    method: "POST",
    account: "userId",
    body: (request, app) => ({ ...(request as object), ...app }),
    ...options,
    path: `${base}/${options.path}`
  })

export const table = {
  /** `POST sso/vendor/auth/getUserDetails` */
  ssoGetUserDetails: Endpoint.make({
    name: "ssoGetUserDetails",
    method: "POST",
    path: `${base}/sso/vendor/auth/getUserDetails`,
    token: "none",
    request: Schema.Struct({ vendor: Endpoint.Secret, authCode: Endpoint.Secret }),
    ...vendorSession
  }),
  /** `POST access/pwd/validate`. The fourth wrong password locks the account. */
  pwdValidate: post({
    name: "pwdValidate",
    path: "access/pwd/validate",
    token: "none",
    app: [...program, "source"],
    request: Schema.Struct({ ...user, password: Endpoint.Secret }),
    ...step
  }),
  /** `POST access/otp/send`, with the token of `pwdValidate`. Its answer brings no other. */
  otpSend: post({
    name: "otpSend",
    path: "access/otp/send",
    token: "step",
    app: program,
    request: Schema.Struct(user),
    response: Schema.Struct(sent),
    essential: []
  }),
  /** `POST access/otp/validate`, with the token of `pwdValidate`. */
  otpValidate: post({
    name: "otpValidate",
    path: "access/otp/validate",
    token: "step",
    app: [...device, "source"],
    request: Schema.Struct({ ...user, receivedOtp: Endpoint.Secret, vendor: Schema.optional(Endpoint.Secret) }),
    body: ({ vendor, ...own }, app) => ({ ...own, ...app, ...(vendor && { vendor }) }),
    ...login
  }),
  /** `POST access/topt/verify`, so spelled, with the token of `pwdValidate`. */
  toptVerify: post({
    name: "toptVerify",
    path: "access/topt/verify",
    token: "step",
    app: device,
    request: Schema.Struct({ ...user, totp: Endpoint.Secret }),
    ...login
  }),
  /** `POST access/bio/enable` */
  bioEnable: post({
    name: "bioEnable",
    path: "access/bio/enable",
    token: "required",
    app: device,
    request: Schema.Struct({
      ...user,
      deviceType: Schema.Literals(["IOS", "ANDROID"]),
      /** Typed Boolean in the document, and text in its sample. */
      enable: Schema.Literals(["true", "false"])
    }),
    response: Done
  }),
  /** `POST access/bio/pwd/validate`. `token` is the access token of the session before. */
  bioPwdValidate: post({
    name: "bioPwdValidate",
    path: "access/bio/pwd/validate",
    token: "none",
    app: device,
    request: Schema.Struct({ ...user, token: Endpoint.Secret }),
    ...login
  }),
  /** `GET access/qr/generate`. Each call makes a picture, so it is not safe to repeat. */
  qrGenerate: Endpoint.make({
    name: "qrGenerate",
    method: "GET",
    path: `${base}/access/qr/generate`,
    token: "none",
    response: Schema.Struct({
      qrName: Decode.requiredSecret,
      /** PNG, base64, without a `data:` prefix. */
      byteCode: Decode.map(Schema.String, (image) => Redacted.make(image.replace(/^data:[^,]*,/, "").trim()))
    })
  }),
  /** `POST access/qr/login`. `undefined` until the picture is scanned. */
  qrLogin: Endpoint.make({
    name: "qrLogin",
    method: "POST",
    path: `${base}/access/qr/login`,
    token: "none",
    request: Schema.Struct({ qrName: Endpoint.Secret }),
    response: Scanned,
    // Optional until the picture is scanned, but never ignored: the id says who scanned it.
    essential: ["accessToken", "clientId"]
  }),
  /** `POST access/client/unblock` */
  clientUnblock: post({
    name: "clientUnblock",
    path: "access/client/unblock",
    token: "none",
    app: recovery,
    request: byPan,
    ...step
  }),
  /** `POST access/client/unblock/verify`, with the token of `clientUnblock`. */
  clientUnblockVerify: post({
    name: "clientUnblockVerify",
    path: "access/client/unblock/verify",
    token: "step",
    app: recovery,
    request: byCode,
    response: Done
  }),
  /** `POST access/pwd/forgot` */
  pwdForgot: post({
    name: "pwdForgot",
    path: "access/pwd/forgot",
    token: "none",
    app: recovery,
    request: byPan,
    ...step
  }),
  /** `POST access/pwd/forgot/verify`, with the token of `pwdForgot`. Its answer has a new one. */
  pwdForgotVerify: post({
    name: "pwdForgotVerify",
    path: "access/pwd/forgot/verify",
    token: "step",
    app: recovery,
    request: byCode,
    response: Schema.Struct({ token: Token }),
    essential: ["token"]
  }),
  /** `POST access/pwd/reset`, with the token of `pwdForgotVerify`. */
  pwdReset: post({
    name: "pwdReset",
    path: "access/pwd/reset",
    token: "step",
    app: device,
    request: Schema.Struct({ ...user, password: Endpoint.Secret }),
    response: Done
  }),
  /**
   * `POST /open-api/od/v1/vendor/getUserDetails`: `checkSum`, so spelled by RMoney's API page (2026-11-21), is SHA-256
   * over user id, code and API secret, in hex.
   */
  vendorGetUserDetails: Endpoint.make({
    name: "vendorGetUserDetails",
    method: "POST",
    origin: "openApi",
    path: "/open-api/od/v1/vendor/getUserDetails",
    token: "none",
    request: Schema.Struct({ checkSum: Endpoint.Secret }),
    ...vendorSession
  }),
  /** `GET /open-api/od/v1/profile`: the only known client of RMoney's own host calls it, as of 2026-11-27. */
  getProfile: Endpoint.make({
    name: "getProfile",
    method: "GET",
    origin: "openApi",
    path: "/open-api/od/v1/profile",
    token: "required",
    safe: true,
    response: Schema.Struct({ clientId: Endpoint.Text, clientName: Decode.text }),
    essential: ["clientId"]
  })
}

/** No document has one; relatives of RMoney answer `GET /auth/logout` or `POST /auth/client/logout`. */
export const logout = ({ method, path }: LogoutCall = { method: "GET", path: "/auth/logout" }) =>
  Endpoint.make({
    name: "logout",
    method,
    path,
    token: "required",
    app: ["source"],
    request: Schema.Struct(user),
    body: (request, app) => ({ ...request, ...app }),
    response: Decode.discard(Schema.Unknown)
  })

/** The environment as accounts name it. */
export const environmentName = (environment: string): "uat" | "production" =>
  environment.toLowerCase() === "uat" ? "uat" : "production"

/** The hosts of an environment that is known, or else the login API at a host of the user's own. */
export const originsOf = (environment: string): Readonly<Record<string, string>> => ({
  ...broker.environments[environmentName(environment)],
  ...(/^https?:/i.test(environment) && { api: environment })
})

/** The path of a call, where the options name another. */
export const pathOf =
  ({ basePath = base, paths = {} }: Options) =>
  ({ name, path }: Endpoint.Endpoint): string => {
    if (!path.startsWith(`${base}/`)) return path
    const below = paths[name]?.replace(/^\/+/, "") ?? path.slice(base.length + 1)
    return `${basePath}/${below}`
  }
