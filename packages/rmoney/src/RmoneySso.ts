/**
 * Logging in to RMoney through the browser, with an app of a vendor.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as RmoneyApi from "./RmoneyApi.ts"
import { broker, renewals, ssoCredentials, ssoVendorCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a browser login with a checksum needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface SsoCredentials {
  /** Client id. Whose login is expected: another account's is rejected. */
  readonly userId: string
  readonly appCode: Redacted.Redacted<string>
  readonly apiSecret: Redacted.Redacted<string>
  /** The redirect URL that is registered for the app. */
  readonly redirectUrl: string
}

/**
 * What a browser login with the older vendor call needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface SsoVendorCredentials {
  /** Client id. Whose login is expected: another account's is rejected. */
  readonly userId: string
  readonly vendor: Redacted.Redacted<string>
  /** The redirect URL that is registered for the app. */
  readonly redirectUrl: string
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RmoneyApi.Options {
  /** Your name for the app, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. The token's own end unless said otherwise; without one the end is unknown. */
  readonly expiry?: services.Options["expiry"]
  /** Whether a callback must bring the state back. `optional` unless said otherwise, since the broker documents none. */
  readonly state?: "required" | "optional" | undefined
  /** Where the login page is. `/` unless said otherwise. */
  readonly loginPath?: string | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * Which call makes a session of the code: the newer one with a checksum, unless said otherwise, or the older one.
 *
 * @category models
 * @since 0.1.0
 */
export type Exchange =
  | { readonly exchange?: "checksum" | undefined; readonly credentials: SsoCredentials }
  | { readonly exchange: "vendor"; readonly credentials: SsoVendorCredentials }

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = RedirectLogin.RedirectLogin | Logout | Authorize | Renewal.Renewal | RmoneyApi.RmoneyApi

/** What differs between the two calls. */
interface Way {
  readonly method: "sso" | "sso-vendor"
  readonly values: { readonly userId: string; readonly environment: string; readonly redirectUrl: string }
  /** Names the app to the login page. */
  readonly app: Redacted.Redacted<string>
  readonly origin: "api" | "openApi"
  readonly exchange: (
    api: RmoneyApi.RmoneyApi["Service"],
    callback: { readonly userId: string; readonly authCode: Redacted.Redacted<string> }
  ) => Effect.Effect<RmoneyApi.VendorSession, AuthError.AuthError>
}

const byChecksum = (input: SsoCredentials, options: Options): Effect.Effect<Way, AuthError.AuthError> =>
  Effect.map(services.check(ssoCredentials, { ...input }, options), (values) => ({
    method: "sso",
    values,
    app: values.appCode,
    origin: "openApi",
    exchange: (api, { authCode, userId }) =>
      Effect.flatMap(Checksum.sha256([userId, authCode, values.apiSecret]), (checkSum) =>
        api.vendorGetUserDetails({ userId, checkSum })
      )
  }))

const byVendor = (input: SsoVendorCredentials, options: Options): Effect.Effect<Way, AuthError.AuthError> =>
  Effect.map(services.check(ssoVendorCredentials, { ...input }, options), (values) => ({
    method: "sso-vendor",
    values,
    app: values.vendor,
    origin: "api",
    exchange: (api, { authCode }) => api.ssoGetUserDetails({ vendor: values.vendor, authCode })
  }))

const otherAccount = services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))

const make = Effect.fnUntraced(function* (
  way: Way,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const { redirectUrl, userId } = way.values
  const api = yield* services.makeApi(options, way.values, way.origin)
  const account = services.accountOf(options, way.values)
  const { expiry = services.documentedExpiry, loginPath = "/", state: wanted = "optional" } = options

  const begin = Effect.map(RedirectLogin.makeState, (state): RedirectLogin.AuthorizationRequest => {
    const query = new URLSearchParams({ appcode: Redacted.value(way.app), state: Redacted.value(state) })
    return { url: Redacted.make(`${api.origins["login"]}${loginPath}?${query}`), state, redirectUrl }
  })

  const receive = Effect.fnUntraced(function* (
    request: RedirectLogin.AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) {
    const parameters = yield* RedirectLogin.parseCallback({ broker: broker.id, request, callbackUrl, state: wanted })
    const authCode = yield* RedirectLogin.requireParameter(broker.id, parameters, "authCode")
    // The newer page brings userId, the older one clientid.
    const told = parameters.get("userid") ?? parameters.get("clientid")
    const name = told === undefined ? userId : Redacted.value(told)
    if (!services.sameClient(name, userId)) return yield* otherAccount
    return { code: authCode, userId: name }
  })

  const exchange = ({ code, userId: name }: { readonly code: Redacted.Redacted<string>; readonly userId: string }) =>
    Session.issue(
      { account, method: way.method, expiry },
      Effect.flatMap(way.exchange(api, { userId: name, authCode: code }), ({ clientId, userSession }) =>
        services.sameClient(clientId, userId)
          ? Effect.succeed({
              tokens: { access: userSession },
              profile: { id: clientId }
            })
          : otherAccount
      )
    )

  const renewal = yield* Renewal.fromDescription(renewals.sso, { account }, options.renewal)

  return services
    .common(api)
    .pipe(
      Context.add(RedirectLogin.RedirectLogin, RedirectLogin.make(broker.id, { begin, receive, exchange })),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. The code of a callback is good for one exchange, which is sent
 * once.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as RmoneySso from "@auth/rmoney/RmoneySso"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Sso = RmoneySso.layer({
 *   environment: "production",
 *   credentials: {
 *     userId: "TEST101",
 *     appCode: Redacted.make("your-app-code"),
 *     apiSecret: Redacted.make("your-api-secret"),
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const redirect = yield* RedirectLogin.RedirectLogin
 *   const request = yield* redirect.begin
 *   return Redacted.value(request.url).startsWith("https://weblive.rmoneyindia.net/?appcode=") // => true
 * }).pipe(Effect.provide(Sso))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options & Exchange): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.suspend(() =>
      Effect.flatMap(
        options.exchange === "vendor"
          ? byVendor(options.credentials, options)
          : byChecksum(options.credentials, options),
        (way) => make(way, options)
      )
    )
  )

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_REDIRECT_URL`, `RMONEY_ENVIRONMENT` unless
 * the option is given, and `RMONEY_APP_CODE` and `RMONEY_API_SECRET`, or `RMONEY_VENDOR` for the older call.
 *
 * @example
 * ```ts
 * import * as RmoneySso from "@auth/rmoney/RmoneySso"
 *
 * const Sso = RmoneySso.layerConfig({ environment: "uat", exchange: "vendor" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Options & { readonly exchange?: Exchange["exchange"] } = {}
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    options.exchange === "vendor"
      ? Effect.flatMap(services.fromConfig(ssoVendorCredentials, options), (values) => {
          const chosen = services.withEnvironment(options, values.environment)
          return Effect.flatMap(byVendor(values, chosen), (way) => make(way, chosen))
        })
      : Effect.flatMap(services.fromConfig(ssoCredentials, options), (values) => {
          const chosen = services.withEnvironment(options, values.environment)
          return Effect.flatMap(byChecksum(values, chosen), (way) => make(way, chosen))
        })
  )
