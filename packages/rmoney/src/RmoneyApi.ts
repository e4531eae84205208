/**
 * RMoney's login API, call by call: the request and answer of each documented endpoint.
 *
 * What every body has in common (device, program, source) is an option of the whole; what belongs to one call is its
 * request.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import * as Broker from "@auth/broker-core/broker/Broker"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import type { Endpoint } from "@auth/broker-core/broker/Endpoint"
import * as Session from "@auth/broker-core/login/Session"
import * as Wire from "@auth/broker-core/broker/Wire"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { broker, credentials } from "./RmoneyBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * Which RMoney is called. No production host of the login API is published: `{ production: "https://…" }` names it.
 * `"production"` alone is enough for the browser login with a checksum.
 *
 * @category models
 * @since 0.1.0
 */
export type Environment = "uat" | "production" | { readonly production: string }

/**
 * The token of a step, and what must go with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StepToken {
  /** As in the body of the same request, to the letter. */
  readonly userId: string
  /** `WEB`, `MOB` or `API`. */
  readonly source: string
  readonly token: Redacted.Redacted<string>
}

/**
 * The operating systems that the broker knows.
 *
 * @category models
 * @since 0.1.0
 */
export type OsName = "MOBANDROID" | "MOBIOS" | "EXECLIENT" | "EXEMANAGER" | "WEBINTERNAL" | "WEBEXTERNAL"

/**
 * Names of the calls below `basePath`.
 *
 * @category models
 * @since 0.1.0
 */
export type EndpointName = Exclude<(typeof endpoints.all)[number]["name"], "vendorGetUserDetails">

/**
 * A call that ends a session, where you know of one: its path from the root of the host.
 *
 * @category models
 * @since 0.1.0
 */
export interface LogoutCall {
  readonly method: "GET" | "POST"
  /** Such as `/auth/logout`. A `POST` sends user id and source. */
  readonly path: string
}

/**
 * What may be set beside the device.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** Must be chosen, unless `origins` names the hosts. */
  readonly environment?: Environment | undefined
  /** Where the calls begin. `/auth/v1` unless said otherwise. */
  readonly basePath?: string | undefined
  /** Other paths below `basePath`, by call: some relatives of the broker spell `access/pwd/forget` and `access/totp/verify`. */
  readonly paths?: Readonly<Record<string, string>> | undefined
  /** `RMONEY` unless said otherwise. */
  readonly appName?: string | undefined
  /** `MOBIOS` unless said otherwise, as in every documented sample. */
  readonly osName?: OsName | undefined
  /** `1.0.0.1.4` unless said otherwise, as in the documented samples. */
  readonly versionNo?: string | undefined
  /** `API` unless said otherwise. It is part of the step header, and of the body of `otpValidate`. */
  readonly source?: string | undefined
  /** Carries a step's token. `Authorization: Bearer <userId> <source> <token>` unless said otherwise. */
  readonly stepHeader?: ((step: StepToken) => BrokerClient.Headers) | undefined
  /** A call that ends a session. There is none unless said otherwise. */
  readonly logoutCall?: LogoutCall | undefined
}

/**
 * What a step sent, and where to.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeSent {
  /** The canonical user id. The broker's field table calls it masked. */
  readonly userId: string | undefined
  /** Masked. */
  readonly emailId: string | undefined
  /** Masked. */
  readonly mobileNumber: string | undefined
  /** Seconds. */
  readonly resendOtpAfter: number | undefined
  readonly resendOtpCountsLeft: number | undefined
  readonly isTOtpAvailable: boolean
  readonly message: string | undefined
}

/**
 * The same with the token for the next step.
 *
 * @category models
 * @since 0.1.0
 */
export interface StepResponse extends CodeSent {
  readonly token: Redacted.Redacted<string>
}

/**
 * Names of what the broker tells of an account.
 *
 * @category models
 * @since 0.1.0
 */
export type AccountField =
  | "success"
  | "message"
  | "status"
  | "serverDate"
  | "clientType"
  | "clientName"
  | "userRole"
  | "roleDescription"
  | "isDormant"
  | "isDemoTrial"
  | "passChangeFlag"
  | "passwordChangeMessage"
  | "versionChanged"
  | "poaStatus"
  | "ckycStatus"
  | "runningAuthorization"
  | "bulkOrderAllowed"
  | "isCommIntraAllowed"
  | "isVtdAllowed"
  | "isAliasOrderAllowed"
  | `allow${"NseCash" | "NseFo" | "NseCurrency" | "NSEYComm" | "BseCash" | "BseFo" | "BseCurrency" | "BseYComm"}`
  | `allow${"McxComm" | "Ncdex"}`
  | `${"nse" | "bse"}${"Cash" | "Fo" | "Curr" | "Comm"}ViewRights`
  | `${"mcxComm" | "ncdex"}ViewRights`

/**
 * An account as the broker tells of it: most fields are `Y` or `N`.
 *
 * @category models
 * @since 0.1.0
 */
export type AccountFields = { readonly [Name in AccountField]?: string | null }

/**
 * A login that succeeded.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginResponse {
  readonly accessToken: Redacted.Redacted<string>
  /** The canonical user id. */
  readonly userId: string | undefined
  /** Where a vendor's user goes next. It has a code in it that is worth a session. */
  readonly redirectUrl: Redacted.Redacted<string> | undefined
  readonly isAuthorized: boolean
  readonly account: AccountFields
}

/**
 * A session from an authorization code.
 *
 * @category models
 * @since 0.1.0
 */
export interface VendorSession {
  readonly clientId: string
  readonly userSession: Redacted.Redacted<string>
}

/**
 * A picture to scan.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrResponse {
  readonly qrName: Redacted.Redacted<string>
  /** PNG, base64, without a `data:` prefix. */
  readonly byteCode: Redacted.Redacted<string>
}

/**
 * What a call needs of a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Authorized = Pick<Session.Session, "account" | "tokens">

type Token = Redacted.Redacted<string>

/**
 * The calls. Paths are relative to `basePath`. Each is sent once.
 *
 * @category services
 * @since 0.1.0
 */
export class RmoneyApi extends Context.Service<
  RmoneyApi,
  {
    /** `POST sso/vendor/auth/getUserDetails` */
    readonly ssoGetUserDetails: (request: {
      readonly vendor: Token
      readonly authCode: Token
    }) => Effect.Effect<VendorSession, AuthError.AuthError>
    /** `POST /open-api/od/v1/vendor/getUserDetails`: `checkSum` is SHA-256 over user id, code and API secret, in hex. */
    readonly vendorGetUserDetails: (request: {
      readonly userId: string
      readonly checkSum: Token
    }) => Effect.Effect<VendorSession, AuthError.AuthError>
    /** `POST access/pwd/validate`. The fourth wrong password locks the account. */
    readonly pwdValidate: (request: {
      readonly userId: string
      readonly password: Token
    }) => Effect.Effect<StepResponse, AuthError.AuthError>
    /** `POST access/otp/send`, with the token of `pwdValidate`. */
    readonly otpSend: (
      request: { readonly userId: string },
      token: Token
    ) => Effect.Effect<CodeSent, AuthError.AuthError>
    /** `POST access/otp/validate`, with the token of `pwdValidate`. */
    readonly otpValidate: (
      request: { readonly userId: string; readonly receivedOtp: Token; readonly vendor?: Token | undefined },
      token: Token
    ) => Effect.Effect<LoginResponse, AuthError.AuthError>
    /** `POST access/topt/verify`, so spelled, with the token of `pwdValidate`. */
    readonly toptVerify: (
      request: { readonly userId: string; readonly totp: Token },
      token: Token
    ) => Effect.Effect<LoginResponse, AuthError.AuthError>
    /** `POST access/bio/enable`. `enable` goes out as text. */
    readonly bioEnable: (
      request: { readonly userId: string; readonly deviceType: "IOS" | "ANDROID"; readonly enable: "true" | "false" },
      session: Authorized
    ) => Effect.Effect<void, AuthError.AuthError>
    /** `POST access/bio/pwd/validate`. `token` is the access token of the session before. */
    readonly bioPwdValidate: (request: {
      readonly userId: string
      readonly token: Token
    }) => Effect.Effect<LoginResponse, AuthError.AuthError>
    /** `GET access/qr/generate`. Whose picture it will be is not known yet: `userId` is not sent. */
    readonly qrGenerate: (request: { readonly userId: string }) => Effect.Effect<QrResponse, AuthError.AuthError>
    /** `POST access/qr/login`. `undefined` until somebody has scanned the picture. `userId` is not sent. */
    readonly qrLogin: (request: {
      readonly userId: string
      readonly qrName: Token
    }) => Effect.Effect<
      { readonly accessToken: Token; readonly clientId: string | undefined; readonly authorized: boolean } | undefined,
      AuthError.AuthError
    >
    /** `POST access/client/unblock` */
    readonly clientUnblock: (request: {
      readonly userId: string
      readonly pan: Token
    }) => Effect.Effect<StepResponse, AuthError.AuthError>
    /** `POST access/client/unblock/verify`, with the token of `clientUnblock`. */
    readonly clientUnblockVerify: (
      request: { readonly userId: string; readonly otp: Token },
      token: Token
    ) => Effect.Effect<void, AuthError.AuthError>
    /** `POST access/pwd/forgot` */
    readonly pwdForgot: (request: {
      readonly userId: string
      readonly pan: Token
    }) => Effect.Effect<StepResponse, AuthError.AuthError>
    /** `POST access/pwd/forgot/verify`, with the token of `pwdForgot`. Its answer has a new one. */
    readonly pwdForgotVerify: (
      request: { readonly userId: string; readonly otp: Token },
      token: Token
    ) => Effect.Effect<{ readonly token: Token }, AuthError.AuthError>
    /** `POST access/pwd/reset`, with the token of `pwdForgotVerify`. */
    readonly pwdReset: (
      request: { readonly userId: string; readonly password: Token },
      token: Token
    ) => Effect.Effect<void, AuthError.AuthError>
    /** The call of the option `logoutCall`, if there is one. */
    readonly logout: ((session: Authorized) => Effect.Effect<void, AuthError.AuthError>) | undefined
    /** Hosts by purpose: `api`, `login` and `openApi`. */
    readonly origins: Readonly<Record<string, string>>
    readonly headers: (session: Authorized) => BrokerClient.Headers
    /** What an answer to another call with this session means, if it is a refusal. */
    readonly refusal: Authorize["Service"]["refusal"]
  }
>()("@auth/rmoney/RmoneyApi") {}

/** `"60"` and `60`; what is no count tells nothing. */
const count = (value: number | string | null | undefined): number | undefined => {
  const number = Predicate.isString(value) && value.trim() !== "" ? Number(value) : value
  return Predicate.isNumber(number) && Number.isInteger(number) && number >= 0 && number < 1e6 ? number : undefined
}

const flag = (value: boolean | string | null | undefined): boolean =>
  value === true || (Predicate.isString(value) && /^(?:true|y|yes)$/i.test(value.trim()))

interface WireCodeSent {
  readonly userId?: string | null
  readonly emailId?: string | null
  readonly mobileNumber?: string | null
  readonly resendOtpAfter?: number | string | null
  readonly resendOtpCountsLeft?: number | string | null
  readonly isTOtpAvailable?: boolean | string | null
  readonly message?: string | null
}

const toCodeSent = (data: WireCodeSent): CodeSent => ({
  userId: Wire.present(data.userId)?.trim(),
  emailId: Wire.present(data.emailId),
  mobileNumber: Wire.present(data.mobileNumber),
  resendOtpAfter: count(data.resendOtpAfter),
  resendOtpCountsLeft: count(data.resendOtpCountsLeft),
  isTOtpAvailable: flag(data.isTOtpAvailable),
  message: Wire.present(data.message)
})

const toStep = (data: WireCodeSent & { readonly token: string }): StepResponse => ({
  ...toCodeSent(data),
  token: Redacted.make(data.token)
})

const bare = (token: string): Token => Session.bareToken(Redacted.make(token))

const toLogin = ({
  accessToken,
  isAuthorized,
  redirectUrl,
  userId,
  ...account
}: AccountFields & {
  readonly accessToken: string
  readonly userId?: string | null
  readonly redirectUrl?: string | null
  readonly isAuthorized?: boolean | string | null
}): LoginResponse => {
  return {
    accessToken: bare(accessToken),
    userId: Wire.present(userId)?.trim(),
    redirectUrl: Wire.secret(redirectUrl),
    isAuthorized: flag(isAuthorized),
    account
  }
}

const toVendorSession = (data: { readonly clientId: string; readonly userSession: string }): VendorSession => ({
  clientId: data.clientId,
  userSession: bare(data.userSession)
})

const toQrLogin = (
  data:
    | {
        readonly accessToken?: string | null
        readonly clientId?: string | null
        readonly authorized?: boolean | string | null
      }
    | undefined
) => {
  const accessToken = Wire.present(data?.accessToken)
  return accessToken === undefined
    ? undefined
    : { accessToken: bare(accessToken), clientId: Wire.present(data?.clientId), authorized: flag(data?.authorized) }
}

const withoutDataUri = (image: string): string => image.replace(/^data:[^,]*,/, "").trim()

/** A function of the caller's own may forget that the header is a secret. */
const wrapped = (own: BrokerClient.Headers): BrokerClient.Headers =>
  Record.map(own, (value) => (Redacted.isRedacted(value) ? value : Redacted.make(value)))

const { env, description, secret } = credentials.deviceId
const fields = { environment: credentials.environment, deviceId: { env, description, secret } } as const

/** Programs without types may give nothing at all, which is a request whose every field is missing. */
const given = <Request>(request: Request): Request => ({ ...request })

/**
 * Makes the calls for one device.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options & { readonly deviceId: string }
): Effect.fn.Return<RmoneyApi["Service"], AuthError.AuthError, HttpClient.HttpClient> {
  const settings = given(options)
  const { deviceId, environment } = yield* Credentials.check(broker.id, fields, {
    environment: endpoints.environmentText(settings),
    deviceId: settings.deviceId
  })
  const client = yield* BrokerClient.make(
    // The token of a step is no session's: it is among the tokens so that no answer can quote it.
    {
      broker: broker.id,
      headers: ({ endpoint, tokens }) => headers.make(endpoint?.token === "required" ? tokens : undefined),
      dialects,
      codes,
      purposes: Broker.purposesOf(broker)
    },
    endpoints.originsOf(environment),
    settings
  )
  const { appName = "RMONEY", osName = "MOBIOS", source = "API", versionNo = "1.0.0.1.4" } = settings
  const { stepHeader = headers.step } = settings

  const at = <Request, Response>(endpoint: Endpoint<Request, Response>): Endpoint<Request, Response> => {
    if (endpoint.origin !== "api" || !endpoint.path.startsWith(`${endpoints.basePath}/`)) return endpoint
    const own = settings.paths?.[endpoint.name]
    const path = own === undefined ? endpoint.path.slice(endpoints.basePath.length) : `/${own.replace(/^\/+/, "")}`
    return { ...endpoint, path: `${settings.basePath ?? endpoints.basePath}${path}` }
  }

  const call: BrokerClient.BrokerClient["call"] = (endpoint, options) =>
    client.origins[endpoint.origin] === undefined
      ? Effect.fail(AuthError.invalidRequest(broker.id, endpoint.name, "environment", endpoints.noHost))
      : client.call(at(endpoint), options)

  /** A call that goes on from the step before. */
  const next = <Request extends { readonly userId: string }, Response>(
    endpoint: Endpoint<Request, Response>,
    request: Request,
    token: Token
  ) => {
    const { userId } = request
    return Redacted.isRedacted(token) && Predicate.isString(Redacted.value(token))
      ? Effect.suspend(() =>
          call(endpoint, {
            account: userId,
            request,
            tokens: { access: token },
            headers: wrapped(stepHeader({ userId, source, token }))
          })
        )
      : Effect.fail(AuthError.invalidRequest(broker.id, endpoint.name, "token", "must be Redacted text"))
  }

  // The fields of each body are in the order of the documented samples.
  const device = { deviceId, appName, osName }
  const programmed = { deviceId, versionNo, appName, osName }
  const recovering = { osName, deviceId, appName }
  const logoutCall = settings.logoutCall === undefined ? undefined : endpoints.logout(settings.logoutCall)

  return {
    ssoGetUserDetails: (request) => {
      const { authCode, vendor } = given(request)
      const body = { vendor, authCode }
      return Effect.map(call(endpoints.ssoGetUserDetails, { account: "vendor", request: body }), toVendorSession)
    },
    vendorGetUserDetails: (request) => {
      const { checkSum, userId } = given(request)
      const body = { checkSum }
      return Effect.map(call(endpoints.vendorGetUserDetails, { account: userId, request: body }), toVendorSession)
    },
    pwdValidate: (request) => {
      const { password, userId } = given(request)
      const body = { userId, password, ...programmed }
      return Effect.map(call(endpoints.pwdValidate, { account: userId, request: body }), toStep)
    },
    otpSend: (request, token) => {
      const { userId } = given(request)
      return Effect.map(next(endpoints.otpSend, { userId, ...programmed }, token), toCodeSent)
    },
    otpValidate: (request, token) => {
      const { receivedOtp, userId, vendor } = given(request)
      const body = { userId, receivedOtp, ...device, source, ...(vendor === undefined ? {} : { vendor }) }
      return Effect.map(next(endpoints.otpValidate, body, token), toLogin)
    },
    toptVerify: (request, token) => {
      const { totp, userId } = given(request)
      return Effect.map(next(endpoints.toptVerify, { userId, totp, ...device }, token), toLogin)
    },
    bioEnable: (request, session) => {
      const { deviceType, enable, userId } = given(request)
      const body = { userId, deviceType, enable, ...device }
      return Effect.asVoid(call(endpoints.bioEnable, { ...Session.authorizedBy(session), request: body }))
    },
    bioPwdValidate: (request) => {
      const { token, userId } = given(request)
      const body = { userId, token, ...device }
      return Effect.map(call(endpoints.bioPwdValidate, { account: userId, request: body }), toLogin)
    },
    qrGenerate: (request) =>
      Effect.map(call(endpoints.qrGenerate, { account: given(request).userId }), ({ byteCode, qrName }) => ({
        qrName: Redacted.make(qrName),
        byteCode: Redacted.make(withoutDataUri(byteCode))
      })),
    qrLogin: (request) => {
      const { qrName, userId } = given(request)
      return Effect.map(call(endpoints.qrLogin, { account: userId, request: { qrName } }), toQrLogin)
    },
    clientUnblock: (request) => {
      const { pan, userId } = given(request)
      const body = { userId, pan, ...recovering }
      return Effect.map(call(endpoints.clientUnblock, { account: userId, request: body }), toStep)
    },
    clientUnblockVerify: (request, token) => {
      const { otp, userId } = given(request)
      return Effect.asVoid(next(endpoints.clientUnblockVerify, { userId, otp, ...recovering }, token))
    },
    pwdForgot: (request) => {
      const { pan, userId } = given(request)
      const body = { userId, pan, ...recovering }
      return Effect.map(call(endpoints.pwdForgot, { account: userId, request: body }), toStep)
    },
    pwdForgotVerify: (request, token) => {
      const { otp, userId } = given(request)
      return Effect.map(next(endpoints.pwdForgotVerify, { userId, otp, ...recovering }, token), (data) => ({
        token: Redacted.make(data.token)
      }))
    },
    pwdReset: (request, token) => {
      const { password, userId } = given(request)
      return Effect.asVoid(next(endpoints.pwdReset, { userId, password, ...device }, token))
    },
    logout:
      logoutCall === undefined
        ? undefined
        : (session) => {
            const { account, tokens } = Session.authorizedBy(session)
            const body = logoutCall.method === "GET" ? {} : { request: { userId: account, source } }
            return Effect.asVoid(call(logoutCall, { account, tokens, ...body }))
          },
    origins: client.origins,
    headers: ({ tokens }) => headers.make(tokens),
    refusal: (answer, { tokens }) => client.refusal(answer, { tokens, headers: headers.make(tokens) })
  }
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly deviceId: string }
): Layer.Layer<RmoneyApi, AuthError.AuthError, HttpClient.HttpClient> => Layer.effect(RmoneyApi, make(options))
