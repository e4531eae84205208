/**
 * Logging in to Rupeezy through the browser, with an app for partners.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as Checksum from "@auth/broker-core/Checksum"
import * as Credentials from "@auth/broker-core/Credentials"
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
import * as RupeezyApi from "./RupeezyApi.ts"
import { broker, partnerCredentials as fields, renewals } from "./RupeezyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a browser login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface PartnerCredentials {
  /** Whose login is expected: another account's is rejected. */
  readonly clientCode: string
  /** Application id of your app, such as `dev_1234`. */
  readonly applicationId: string
  /** The `x-api-key` of your app. */
  readonly apiKey: Redacted.Redacted<string>
  /** The callback URL that is registered for the app. */
  readonly redirectUrl: string
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<RupeezyApi.Options, "apiKey">, services.SessionOptions {
  /**
   * The state travels as `cb_param`, and nobody documents that it comes back. `optional`, unless said otherwise,
   * compares it where it is there: only `required` keeps out a callback that somebody else has begun. `not-sent` is the
   * address as it is documented, without `cb_param`.
   */
  readonly state?: "optional" | "required" | "not-sent" | undefined
  /** `accept` takes a login whose `user_id` is not the client code. It is rejected unless this says so. */
  readonly otherAccount?: "accept" | undefined
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
  | RupeezyApi.RupeezyApi

const stateParameter = "cb_param"

const make = Effect.fnUntraced(function* (
  input: PartnerCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const { apiKey, applicationId, clientCode, redirectUrl } = yield* Credentials.check(broker.id, fields, { ...input })
  const expiry = yield* services.expiryOf(options)
  const api = yield* RupeezyApi.make({ ...options, apiKey })
  const account = Account.make({ broker: broker.id, app: options.app, id: clientCode })

  const begin = Effect.map(RedirectLogin.makeState, (state): RedirectLogin.AuthorizationRequest => {
    const query = new URLSearchParams({ applicationId })
    if (options.state !== "not-sent") query.set(stateParameter, Redacted.value(state))
    return { url: Redacted.make(`${api.origins["login"]}?${query}`), state, redirectUrl }
  })

  const isOther = (userId: string | undefined): boolean =>
    options.otherAccount !== "accept" && userId !== undefined && userId.toUpperCase() !== clientCode.toUpperCase()

  const receive = Effect.fnUntraced(function* (
    request: RedirectLogin.AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) {
    const parameters = yield* RedirectLogin.parseCallback({
      broker: broker.id,
      request,
      callbackUrl,
      state: options.state === "required" ? "required" : "optional",
      stateParameter
    })
    const token = yield* RedirectLogin.requireParameter(broker.id, parameters, "auth")
    return { code: token }
  })

  const exchange = Effect.fnUntraced(function* ({ code: token }: { readonly code: Redacted.Redacted<string> }) {
    const checksum = yield* Checksum.sha256([applicationId, token, apiKey])
    return yield* Session.issue(
      { account, method: "partner", expiry },
      Effect.flatMap(api.createSession({ checksum, applicationId, token }), (response) =>
        isOther(response.user_id)
          ? services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
          : Effect.succeed(services.toIssue(clientCode, response))
      )
    )
  })

  const renewal = yield* Renewal.fromDescription(renewals.partner, { account }, options.renewal)

  return services
    .common(api, options)
    .pipe(
      Context.add(RedirectLogin.RedirectLogin, RedirectLogin.make(broker.id, { begin, receive, exchange })),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/RedirectLogin"
 * import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Partner = RupeezyPartner.layer({
 *   credentials: {
 *     clientCode: "XX9999",
 *     applicationId: "dev_1234",
 *     apiKey: Redacted.make("demo-api-key"),
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const redirect = yield* RedirectLogin.RedirectLogin
 *   const request = yield* redirect.begin
 *   return Redacted.value(request.url).startsWith("https://flow.rupeezy.in?applicationId=dev_1234&cb_param=") // => true
 * }).pipe(Effect.provide(Partner))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: PartnerCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `RUPEEZY_CLIENT_CODE`, `RUPEEZY_APPLICATION_ID`, `RUPEEZY_API_KEY`
 * and `RUPEEZY_REDIRECT_URL`. All that is missing or wrong is named at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(Credentials.fromConfig(broker.id, fields), (credentials) => make(credentials, options))
  )
