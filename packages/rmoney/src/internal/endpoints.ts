import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import { Maybe } from "@auth/broker-core/broker/Wire"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { broker } from "../RmoneyBroker.ts"

// Paths and bodies: RMoney API documentation, as of 2026-11-21. It states no limits. Its only host is that of UAT.

/** Where the documented calls begin, unless an option says otherwise. */
export const basePath = "/auth/v1"

/** Said where a call has no host to go to. */
export const noHost =
  'has no host for this call: RMoney publishes none for production, so give { production: "https://…" }'

/** The choice of the environment as the table of credentials has it: `uat`, `production` or an origin. */
export const environmentText = (options: {
  readonly environment?: unknown
  readonly origins?: Readonly<Record<string, string>> | undefined
}): unknown => {
  const { environment, origins } = options
  if (environment === undefined) return origins?.["api"] ?? origins?.["openApi"] ?? "none"
  return Predicate.hasProperty(environment, "production") ? environment.production : environment
}

/** The environment as accounts name it. */
export const environmentName = (text: string): "uat" | "production" =>
  text.toLowerCase() === "uat" ? "uat" : "production"

/** The hosts of the choice. */
export const originsOf = (text: string): Readonly<Record<string, string>> => {
  const known = broker.environments[environmentName(text)] ?? {}
  return /^https?:/i.test(text) ? { ...known, api: text } : known
}

/** What will travel in a header. Blank ones are none, and other programs' brokers put `Bearer` before them. */
const Token = Schema.String.check(Schema.isPattern(/^\s*(?:bearer\s+)*[\x21-\x7e]+\s*$/i))

/** A token, or white space and less. */
const MaybeToken = Schema.optionalKey(
  Schema.NullOr(Schema.String.check(Schema.isPattern(/^\s*(?:(?:bearer\s+)*[\x21-\x7e]+\s*)?$/i)))
)

/** Documented as a flag in one place and as text in another. */
const Flag = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Boolean, Schema.String])))

/** Documented as text, as in `"60"`. */
const Count = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Finite, Schema.String])))

/** What says on which device and with which program somebody logs in. */
const device = { deviceId: Endpoint.Text, appName: Endpoint.Text, osName: Endpoint.Text }

const codeSent = {
  message: Maybe,
  status: Maybe,
  userId: Maybe,
  emailId: Maybe,
  mobileNumber: Maybe,
  resendOtpAfter: Count,
  resendOtpCountsLeft: Count,
  isTOtpAvailable: Flag
}

const CodeSent = Schema.Struct(codeSent)
const Step = Schema.Struct({ ...codeSent, token: Token })

/** Of steps that have nothing to hand out; some leave the result out. */
const Message = Schema.UndefinedOr(Schema.Struct({ message: Maybe, status: Maybe }))

const Account = Schema.Struct({
  accessToken: Token,
  userId: Maybe,
  redirectUrl: Maybe,
  isAuthorized: Flag,
  success: Maybe,
  message: Maybe,
  status: Maybe,
  serverDate: Maybe,
  clientType: Maybe,
  clientName: Maybe,
  userRole: Maybe,
  roleDescription: Maybe,
  isDormant: Maybe,
  isDemoTrial: Maybe,
  passChangeFlag: Maybe,
  passwordChangeMessage: Maybe,
  versionChanged: Maybe,
  poaStatus: Maybe,
  ckycStatus: Maybe,
  runningAuthorization: Maybe,
  bulkOrderAllowed: Maybe,
  isCommIntraAllowed: Maybe,
  isVtdAllowed: Maybe,
  isAliasOrderAllowed: Maybe,
  allowNseCash: Maybe,
  allowNseFo: Maybe,
  allowNseCurrency: Maybe,
  allowNSEYComm: Maybe,
  allowBseCash: Maybe,
  allowBseFo: Maybe,
  allowBseCurrency: Maybe,
  allowBseYComm: Maybe,
  allowMcxComm: Maybe,
  allowNcdex: Maybe,
  nseCashViewRights: Maybe,
  nseFoViewRights: Maybe,
  nseCurrViewRights: Maybe,
  nseCommViewRights: Maybe,
  bseCashViewRights: Maybe,
  bseFoViewRights: Maybe,
  bseCurrViewRights: Maybe,
  bseCommViewRights: Maybe,
  mcxCommViewRights: Maybe,
  ncdexViewRights: Maybe
})

const VendorSession = Schema.Struct({ clientId: Endpoint.Text, userSession: Token })

const post = <R extends Schema.Decoder<unknown>, S extends Schema.Decoder<unknown>>(
  name: string,
  path: string,
  request: R,
  response: S,
  essential?: ReadonlyArray<string>
) => Endpoint.make({ name, method: "POST", path: `${basePath}/${path}`, token: "none", request, response, essential })

export const ssoGetUserDetails = post(
  "ssoGetUserDetails",
  "sso/vendor/auth/getUserDetails",
  Schema.Struct({ vendor: Endpoint.Secret, authCode: Endpoint.Secret }),
  VendorSession,
  ["clientId", "userSession"]
)

export const pwdValidate = post(
  "pwdValidate",
  "access/pwd/validate",
  Schema.Struct({ userId: Endpoint.Text, password: Endpoint.Secret, ...device, versionNo: Endpoint.Text }),
  Step,
  ["token"]
)

/** Its answer brings no token: the one of the password goes on. */
export const otpSend = post(
  "otpSend",
  "access/otp/send",
  Schema.Struct({ userId: Endpoint.Text, ...device, versionNo: Endpoint.Text }),
  CodeSent,
  []
)

export const otpValidate = post(
  "otpValidate",
  "access/otp/validate",
  Schema.Struct({
    userId: Endpoint.Text,
    receivedOtp: Endpoint.Secret,
    ...device,
    source: Endpoint.Text,
    vendor: Schema.optionalKey(Endpoint.Secret)
  }),
  Account,
  ["accessToken"]
)

/** So spelled on the wire. */
export const toptVerify = post(
  "toptVerify",
  "access/topt/verify",
  Schema.Struct({ userId: Endpoint.Text, totp: Endpoint.Secret, ...device }),
  Account,
  ["accessToken"]
)

export const bioEnable = Endpoint.make({
  name: "bioEnable",
  method: "POST",
  path: `${basePath}/access/bio/enable`,
  token: "required",
  request: Schema.Struct({
    userId: Endpoint.Text,
    deviceType: Schema.Literals(["IOS", "ANDROID"]),
    // Typed Boolean in the document, and text in its sample.
    enable: Schema.Literals(["true", "false"]),
    ...device
  }),
  response: Message
})

export const bioPwdValidate = post(
  "bioPwdValidate",
  "access/bio/pwd/validate",
  Schema.Struct({ userId: Endpoint.Text, token: Endpoint.Secret, ...device }),
  Account,
  ["accessToken"]
)

// Each call makes a new code, so it is not safe to repeat although it is a GET.
export const qrGenerate = Endpoint.make({
  name: "qrGenerate",
  method: "GET",
  path: `${basePath}/access/qr/generate`,
  token: "none",
  response: Schema.Struct({ byteCode: Schema.String, qrName: Endpoint.Text })
})

/** Until the code is scanned there is no token; how else the broker says so is not documented. */
export const qrLogin = post(
  "qrLogin",
  "access/qr/login",
  Schema.Struct({ qrName: Endpoint.Secret }),
  Schema.UndefinedOr(Schema.Struct({ accessToken: MaybeToken, clientId: Maybe, authorized: Flag })),
  // Optional until the code is scanned, but never ignored: the id says who scanned it.
  ["accessToken", "clientId"]
)

const identity = Schema.Struct({ userId: Endpoint.Text, pan: Endpoint.Secret, ...device })
const code = Schema.Struct({ userId: Endpoint.Text, otp: Endpoint.Secret, ...device })

export const clientUnblock = post("clientUnblock", "access/client/unblock", identity, Step, ["token"])

export const clientUnblockVerify = post("clientUnblockVerify", "access/client/unblock/verify", code, Message)

export const pwdForgot = post("pwdForgot", "access/pwd/forgot", identity, Step, ["token"])

export const pwdForgotVerify = post(
  "pwdForgotVerify",
  "access/pwd/forgot/verify",
  code,
  Schema.Struct({ token: Token, message: Maybe, status: Maybe }),
  ["token"]
)

export const pwdReset = post(
  "pwdReset",
  "access/pwd/reset",
  Schema.Struct({ userId: Endpoint.Text, password: Endpoint.Secret, ...device }),
  Message
)

/** RMoney's public API page, as of 2026-11-21. The page warns that `checkSum` is spelled with a capital S. */
export const vendorGetUserDetails = Endpoint.make({
  name: "vendorGetUserDetails",
  method: "POST",
  origin: "openApi",
  path: "/open-api/od/v1/vendor/getUserDetails",
  token: "none",
  request: Schema.Struct({ checkSum: Endpoint.Secret }),
  response: VendorSession,
  essential: ["clientId", "userSession"]
})

export const all = [
  ssoGetUserDetails,
  pwdValidate,
  otpSend,
  otpValidate,
  toptVerify,
  bioEnable,
  bioPwdValidate,
  qrGenerate,
  qrLogin,
  clientUnblock,
  clientUnblockVerify,
  pwdForgot,
  pwdForgotVerify,
  pwdReset,
  vendorGetUserDetails
] as const

/** No document has one; relatives of RMoney answer `GET /auth/logout` or `POST /auth/client/logout`. */
export const logout = (call: { readonly method: "GET" | "POST"; readonly path: string }) =>
  Endpoint.make({
    name: "logout",
    method: call.method,
    path: call.path,
    token: "required",
    ...(call.method === "GET"
      ? {}
      : { request: Schema.Struct({ userId: Endpoint.Text, source: Endpoint.Text }) as Schema.Decoder<unknown> }),
    response: Schema.Unknown
  })
