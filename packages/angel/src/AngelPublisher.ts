/**
 * Login to Angel One through the browser, with an app of the kind "Publisher".
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Effect from "effect/Effect"
import * as AngelApi from "./AngelApi.ts"
import { broker, publisherCredentials as credentials } from "./AngelBroker.ts"
import { family, type Options as FamilyOptions, profile, toTokens } from "./internal/services.ts"

/**
 * Credentials of a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublisherCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends FamilyOptions {
  /**
   * `always` sends the redirect URL to the login page in the query parameter `redirect_url`. The broker's newer
   * documentation allows this parameter. Default: the parameter is not sent.
   */
  readonly sendRedirectUrl?: "always" | undefined
}

const method = Method.redirect(family, {
  id: "publisher",
  credentials,
  api: ({ apiKey }, options: Options) => AngelApi.make({ ...options, apiKey }),
  account: ({ clientCode }) => clientCode,
  redirectUrl: (values) => values.redirectUrl,
  page: ({ api, credentials: { apiKey, redirectUrl }, options, state }) =>
    RedirectLogin.page(`${api.origins["login"]}/publisher-login`, {
      api_key: apiKey,
      state,
      redirect_url: options.sendRedirectUrl === "always" ? redirectUrl : undefined
    }),
  state: () => "required",
  carries: "token",
  receive: (parameters) =>
    Effect.map(RedirectLogin.requireParameter(broker.id, parameters, "auth_token"), (jwtToken) => {
      const [refreshToken, feedToken] = [parameters.get("refresh_token"), parameters.get("feed_token")]
      const tokens = toTokens({ jwtToken, refreshToken, feedToken })
      return { code: tokens.access, tokens }
    }),
  // The callback does not name the account, but the profile does.
  exchange: ({ tokens }, { account, api }) =>
    Effect.map(profile(api, { account, tokens }), (holder) => ({ tokens, profile: holder }))
})

/**
 * Provides all services of this login method for one account.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `ANGEL_CLIENT_CODE`, `ANGEL_API_KEY` and
 * `ANGEL_REDIRECT_URL`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as AngelPublisher from "@auth/angel/AngelPublisher"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Publisher = AngelPublisher.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Publisher))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
