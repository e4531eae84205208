/**
 * Logging in to Angel One through the browser, with an app of the kind "Publisher".
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as Credentials from "@auth/broker-core/Credentials"
import type { Expiry } from "@auth/broker-core/Expiry"
import type { Logout } from "@auth/broker-core/Logout"
import type { Profile } from "@auth/broker-core/Profile"
import * as RedirectLogin from "@auth/broker-core/RedirectLogin"
import * as Renewal from "@auth/broker-core/Renewal"
import * as Session from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AngelApi from "./AngelApi.ts"
import { broker, publisherCredentials as fields, renewals } from "./AngelBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a browser login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublisherCredentials {
  /** Whose login is expected: another account's is rejected. */
  readonly clientCode: string
  /** API key of an app of the kind "Publisher". */
  readonly apiKey: Redacted.Redacted<string>
  /** The redirect URL that is registered for the app: https, with a host name. */
  readonly redirectUrl: string
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<AngelApi.Options, "apiKey"> {
  /** Your name for the API key, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. Midnight IST, or the token's own end if that is earlier, unless said otherwise. */
  readonly expiry?: Expiry | undefined
  /** Sends the redirect URL along, which a newer copy of the broker's documents allows. Not sent unless said so. */
  readonly sendRedirectUrl?: "always" | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = RedirectLogin.RedirectLogin | Logout | Profile | Authorize | Renewal.Renewal | AngelApi.AngelApi

const make = Effect.fnUntraced(function* (
  input: PublisherCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const { apiKey, clientCode, redirectUrl } = yield* Credentials.check(broker.id, fields, { ...input })
  const api = yield* AngelApi.make({ ...options, apiKey })
  const account = Account.make({ broker: broker.id, app: options.app, id: clientCode })

  const begin = Effect.map(RedirectLogin.makeState, (state): RedirectLogin.AuthorizationRequest => {
    const query = new URLSearchParams({ api_key: Redacted.value(apiKey), state: Redacted.value(state) })
    if (options.sendRedirectUrl === "always") query.set("redirect_url", redirectUrl)
    return { url: Redacted.make(`${api.origins["login"]}/publisher-login?${query}`), state, redirectUrl }
  })

  const receive = Effect.fnUntraced(function* (
    request: RedirectLogin.AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) {
    const parameters = yield* RedirectLogin.parseCallback({
      broker: broker.id,
      request,
      callbackUrl,
      state: "required"
    })
    const tokens = services.toTokens({
      jwtToken: yield* RedirectLogin.requireParameter(broker.id, parameters, "auth_token"),
      refreshToken: parameters.get("refresh_token"),
      feedToken: parameters.get("feed_token"),
      state: undefined
    })
    return { code: tokens.access, tokens }
  })

  const exchange = ({ tokens }: { readonly tokens: Session.Tokens }) =>
    Session.issue(
      { account, method: "publisher", expiry: options.expiry ?? services.documentedExpiry },
      // The callback does not say whose token it brings; the profile does.
      Effect.flatMap(api.getProfile({ account, tokens }), (profile) =>
        profile.clientcode.toUpperCase() === clientCode
          ? Effect.succeed({ tokens, profile: services.toProfile(profile) })
          : services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
      )
    )

  const renewal = yield* Renewal.fromDescription(renewals.publisher, { account }, options.renewal)

  return services
    .common(api)
    .pipe(
      Context.add(
        RedirectLogin.RedirectLogin,
        RedirectLogin.make(broker.id, { begin, receive, exchange, carries: "token" })
      ),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account.
 *
 * @example
 * ```ts
 * import * as AngelPublisher from "@auth/angel/AngelPublisher"
 * import * as RedirectLogin from "@auth/broker-core/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Publisher = AngelPublisher.layer({
 *   credentials: {
 *     clientCode: "A123456",
 *     apiKey: Redacted.make("your-publisher-key"),
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const redirect = yield* RedirectLogin.RedirectLogin
 *   const request = yield* redirect.begin
 *   return Redacted.value(request.url).startsWith("https://smartapi.angelone.in/publisher-login?") // => true
 * }).pipe(Effect.provide(Publisher))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: PublisherCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `ANGEL_CLIENT_CODE`, `ANGEL_API_KEY` and `ANGEL_REDIRECT_URL`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(Credentials.fromConfig(broker.id, fields), (credentials) => make(credentials, options))
  )
