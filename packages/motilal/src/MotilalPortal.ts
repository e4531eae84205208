/**
 * Logging in to Motilal Oswal through the browser.
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
import * as MotilalApi from "./MotilalApi.ts"
import { broker, lenientPortalCredentials, portalCredentials as strictFields, renewals } from "./MotilalBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a browser login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface PortalCredentials {
  /** Whose login is expected: another account's is rejected. */
  readonly userId: string
  /** API key of your app; not its secret. */
  readonly apiKey: Redacted.Redacted<string>
  /** API secret of your app: needed but for generations `v4` and `v3`. */
  readonly apiSecret?: Redacted.Redacted<string> | undefined
  /** The redirect URL that is registered for the app. */
  readonly redirectUrl: string
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<MotilalApi.Options, "apiKey" | "apiSecret"> {
  /** Your name for the API key, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. 06:00 IST, or after 24 hours if that is earlier, unless said otherwise. */
  readonly expiry?: Expiry | undefined
  /**
   * Whether a callback must bring the state back. The broker does not document that it does, so one without is accepted
   * unless this says `required`; a wrong one never is.
   */
  readonly state?: "required" | "optional" | undefined
  /** For a dealer, who names the client. */
  readonly dealer?: services.Dealer | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | RedirectLogin.RedirectLogin
  | Logout
  | Profile
  | Authorize
  | Renewal.Renewal
  | MotilalApi.MotilalApi

/** The types leave open what must be given, since it depends on the generation. */
const fieldsFor = (options: Options): typeof lenientPortalCredentials =>
  ((options.generation ?? "v7") === "v7" ? strictFields : lenientPortalCredentials) as typeof lenientPortalCredentials

const portalOf = (api: MotilalApi.MotilalApi["Service"]): Effect.Effect<string, AuthError.AuthError> => {
  const origin = api.origins["login"]
  return origin === undefined
    ? Effect.fail(
        AuthError.invalidRequest(
          broker.id,
          "configuration",
          "origins.login",
          "is missing: the portal of this environment is not known with https"
        )
      )
    : Effect.succeed(origin)
}

const make = Effect.fnUntraced(function* (
  { apiKey, apiSecret, redirectUrl, userId }: Credentials.Values<typeof lenientPortalCredentials>,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  yield* services.refuseSameKeys(apiKey, apiSecret)
  const dealer = yield* services.checkDealer(options.dealer)
  const api = yield* MotilalApi.make({ ...options, apiKey, apiSecret })
  const portal = yield* portalOf(api)
  const { app, environment, expiry = services.documentedExpiry } = options
  const account = Account.make({ broker: broker.id, environment, app, id: userId })

  const begin = Effect.map(RedirectLogin.makeState, (state): RedirectLogin.AuthorizationRequest => {
    const query = new URLSearchParams({ apikey: Redacted.value(apiKey), state: Redacted.value(state) })
    return { url: Redacted.make(`${portal}/OpenAPI/Login.aspx?${query}`), state, redirectUrl }
  })

  /** The token as it goes into a header: what no header can carry is no token, and neither is a bare prefix. */
  const tokenOf = Effect.fnUntraced(function* (parameters: RedirectLogin.CallbackParameters) {
    const token = Session.bareToken(yield* RedirectLogin.requireParameter(broker.id, parameters, "authtoken"))
    return /^(?!bearer$)[\x21-\x7e]+$/i.test(Redacted.value(token))
      ? token
      : yield* services.fail("complete", new AuthError.RedirectRejected({ why: "missing-token" }))
  })

  const holderOf = Effect.fnUntraced(function* (tokens: Session.Tokens) {
    const profile = yield* services.getProfile(api, dealer, { account, tokens })
    const expected = dealer === undefined ? userId : dealer.clientCode
    return profile.id.toUpperCase() === expected
      ? profile
      : yield* services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
  })

  const receive = Effect.fnUntraced(function* (
    request: RedirectLogin.AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) {
    const parameters = yield* RedirectLogin.parseCallback({
      broker: broker.id,
      request,
      callbackUrl,
      state: options.state ?? "optional"
    })
    return { code: yield* tokenOf(parameters) }
  })

  const exchange = ({ code: authToken }: { readonly code: Redacted.Redacted<string> }) =>
    Session.issue(
      { account, method: "portal", expiry },
      Effect.gen(function* () {
        const tokens = yield* services.exchange(api, account, authToken)
        // The callback does not say whose token it brings; the profile does.
        return { tokens, profile: yield* holderOf(tokens) }
      })
    )

  const renewal = yield* Renewal.fromDescription(renewals.portal, { account }, options.renewal)

  return services
    .common(api, dealer)
    .pipe(
      Context.add(
        RedirectLogin.RedirectLogin,
        RedirectLogin.make(broker.id, { begin, receive, exchange, carries: "token" })
      ),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. The portal binds a one-time code to the page that asked for it:
 * let the user finish on the page that `begin` opened, without loading it anew.
 *
 * @example
 * ```ts
 * import * as MotilalPortal from "@auth/motilal/MotilalPortal"
 * import * as RedirectLogin from "@auth/broker-core/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Portal = MotilalPortal.layer({
 *   credentials: {
 *     userId: "AA017",
 *     apiKey: Redacted.make("your-api-key"),
 *     apiSecret: Redacted.make("your-api-secret"),
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const redirect = yield* RedirectLogin.RedirectLogin
 *   const request = yield* redirect.begin
 *   return Redacted.value(request.url).startsWith("https://invest.motilaloswal.com/OpenAPI/Login.aspx?") // => true
 * }).pipe(Effect.provide(Portal))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: PortalCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.suspend(() =>
      Effect.flatMap(Credentials.check(broker.id, fieldsFor(options), { ...options.credentials }), (values) =>
        make(values, options)
      )
    )
  )

/**
 * The same with credentials from the configuration: `MOTILAL_USER_ID`, `MOTILAL_API_KEY`, `MOTILAL_API_SECRET` and
 * `MOTILAL_REDIRECT_URL`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.suspend(() =>
      Effect.flatMap(Credentials.fromConfig(broker.id, fieldsFor(options)), (values) => make(values, options))
    )
  )
