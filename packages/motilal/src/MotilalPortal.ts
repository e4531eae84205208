/**
 * Login to Motilal Oswal through the browser.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import { broker, lenientPortalCredentials, portalCredentials as strictFields } from "./MotilalBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a browser login. If the option `generation` is `v4` or `v3`, no API secret is needed.
 *
 * @category models
 * @since 0.1.0
 */
export interface PortalCredentials extends Credentials.Input<typeof lenientPortalCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /**
   * `required`: a callback without the state is rejected. Default: `optional`, because the broker can omit the state. A
   * callback with a wrong state is always rejected.
   */
  readonly state?: "required" | "optional" | undefined
}

const fieldsFor = (options: Options): typeof lenientPortalCredentials =>
  ((options.generation ?? "v7") === "v7" ? strictFields : lenientPortalCredentials) as typeof lenientPortalCredentials

const noPortal = AuthError.invalidRequest(
  broker.id,
  "configuration",
  "origins.login",
  "is missing: set it, because no https address of this environment's portal is known"
)

const method = Method.redirect(services.family, {
  id: "portal",
  credentials: fieldsFor,
  api: (keys, options) =>
    Effect.flatMap(services.makeApi(keys, options), (api) =>
      api.origins["login"] === undefined ? Effect.fail(noPortal) : Effect.succeed(api)
    ),
  account: services.accountOf,
  redirectUrl: ({ redirectUrl }) => redirectUrl,
  page: ({ api, credentials: { apiKey: apikey }, state }) =>
    RedirectLogin.page(`${api.origins["login"]}/OpenAPI/Login.aspx`, { apikey, state }),
  state: ({ state }) => state ?? "optional",
  carries: "token",
  receive: (parameters) =>
    Effect.map(RedirectLogin.requireParameter(broker.id, parameters, "authtoken"), (token) => ({
      code: Session.bareToken(token)
    })),
  exchange: ({ code: authToken }, { account, api, options }) =>
    Effect.gen(function* () {
      const tokens = yield* services.exchange(api, account, authToken)
      // The profile names the account of the token, but the callback does not.
      const profile = yield* services.profile(api, { account, tokens }, options)
      return profile.id.toUpperCase() === services.expectedHolder(account, options)
        ? { tokens, profile }
        : yield* services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
    })
})

/**
 * Provides all services of this login method for one account. The user must not reload the login page, because a
 * reload makes earlier one-time codes invalid.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `MOTILAL_USER_ID`, `MOTILAL_API_KEY`,
 * `MOTILAL_API_SECRET` and `MOTILAL_REDIRECT_URL`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as MotilalPortal from "@auth/motilal/MotilalPortal"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Portal = MotilalPortal.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Portal))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
