/**
 * Login to RMoney in a browser, with the app code or the vendor id of your app.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { Issue } from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { RmoneyApi } from "./RmoneyApi.ts"
import { broker, ssoCredentials, ssoVendorCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials for the option `exchange: "checksum"`. `userId` is the client id. A login to another account is rejected.
 *
 * @category models
 * @since 0.1.0
 */
export interface SsoCredentials extends Credentials.Input<typeof ssoCredentials> {}

/**
 * Credentials for the option `exchange: "vendor"`. `userId` is the client id. A login to another account is rejected.
 *
 * @category models
 * @since 0.1.0
 */
export interface SsoVendorCredentials extends Credentials.Input<typeof ssoVendorCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /**
   * `required`: a callback without the state is rejected. Default: `optional`, because the broker documents no state. A
   * callback with a wrong state is always rejected.
   */
  readonly state?: "required" | "optional" | undefined
  /** Path of the login page. Default: `/`. */
  readonly loginPath?: string | undefined
}

/**
 * The call that exchanges the authorization code for a session.
 * - `checksum` (default): the newer call, which sends a checksum.
 * - `vendor`: the older call, which sends the vendor id.
 *
 * @category models
 * @since 0.1.0
 */
export type Exchange =
  | { readonly exchange?: "checksum" | undefined; readonly credentials: SsoCredentials }
  | { readonly exchange: "vendor"; readonly credentials: SsoVendorCredentials }

interface Callback {
  readonly code: Redacted.Redacted<string>
  readonly userId: string
}

type Api = RmoneyApi["Service"]
type Given = Pick<Method.Given<Api, never, Options>, "api" | "account" | "options">

const common = {
  api: (holder: services.Holder, options: Options) => services.makeApi(holder, options),
  account: services.accountOf,
  redirectUrl: ({ redirectUrl }: { readonly redirectUrl: string }) => redirectUrl,
  state: ({ state = "optional" }: Options) => state,
  carries: "code",
  receive: Effect.fnUntraced(function* (parameters: RedirectLogin.CallbackParameters, { account }: Given) {
    const code = yield* RedirectLogin.requireParameter(broker.id, parameters, "authCode")
    // The login page returns `userId` for the exchange `checksum`, and `clientid` for the exchange `vendor`.
    const returned = parameters.get("userid") ?? parameters.get("clientid")
    const userId = returned === undefined ? account.id : Redacted.value(returned)
    if (userId.trim().toLowerCase() === account.id.toLowerCase()) return { code, userId }
    return yield* services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
  })
} as const

/** `app` is the app code or the vendor id. */
const pageOf = (app: Redacted.Redacted<string>, state: Redacted.Redacted<string>, { api, options }: Given) => {
  const query = new URLSearchParams({ appcode: Redacted.value(app), state: Redacted.value(state) })
  return Redacted.make(`${api.origins["login"]}${options.loginPath ?? "/"}?${query}`)
}

const toIssue = (answer: ResponseOf<typeof RmoneyApi, "ssoGetUserDetails">): Issue => ({
  tokens: { access: answer.userSession },
  profile: { id: answer.clientId }
})

const byChecksum = Method.redirect(services.familyWithProfile, {
  ...common,
  id: "sso",
  credentials: ssoCredentials,
  page: ({ credentials: { appCode }, state, ...given }) => pageOf(appCode, state, given),
  exchange: Effect.fnUntraced(function* ({ code, userId }: Callback, { api, credentials: { apiSecret } }) {
    const checkSum = yield* Checksum.sha256([userId, code, apiSecret])
    return toIssue(yield* api.vendorGetUserDetails({ checkSum }))
  })
})

const byVendor = Method.redirect(services.familyWithProfile, {
  ...common,
  id: "sso-vendor",
  credentials: ssoVendorCredentials,
  page: ({ credentials: { vendor }, state, ...given }) => pageOf(vendor, state, given),
  exchange: ({ code: authCode }: Callback, { api, credentials: { vendor } }) =>
    Effect.map(api.ssoGetUserDetails({ vendor, authCode }), toIssue)
})

/**
 * Provides all services of this login method for one account. The request that exchanges an authorization code is never
 * resent.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options & Exchange) =>
  options.exchange === "vendor" ? byVendor.layer(options) : byChecksum.layer(options)

/**
 * Like `layer`, but reads the credentials from the configuration. Both exchanges need `RMONEY_USER_ID` and
 * `RMONEY_REDIRECT_URL`. The exchange `checksum` also needs `RMONEY_APP_CODE` and `RMONEY_API_SECRET`. The exchange
 * `vendor` also needs `RMONEY_VENDOR`. If no option sets the environment, `layerConfig` reads `RMONEY_ENVIRONMENT`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as RmoneySso from "@auth/rmoney/RmoneySso"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Sso = RmoneySso.layerConfig({ environment: "uat" }).pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Sso))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options & { readonly exchange?: Exchange["exchange"] } = {}) =>
  options.exchange === "vendor" ? byVendor.layerConfig(options) : byChecksum.layerConfig(options)
