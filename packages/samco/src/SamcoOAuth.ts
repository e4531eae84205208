/**
 * Login to Samco through the browser: on the broker's page, the user enters the API secret of the app.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Redaction from "@auth/broker-core/broker/Redaction"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { callbackRefusal, concurrentExchange } from "./internal/codes.ts"
import * as services from "./internal/services.ts"
import * as SamcoApi from "./SamcoApi.ts"
import { broker, oauthCredentials } from "./SamcoBroker.ts"

/**
 * Credentials of a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthCredentials extends Credentials.Input<typeof oauthCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options, services.CredentialCheck {
  /** Scopes of the app. Default: `["all"]`. At present, `all` is the only scope. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /**
   * `standard`: sends the browser to `/oauth/authorize`, with the parameter names of the OAuth standard. An older
   * sample from the broker uses this page. Default: `/app/oauth/authorize`, with the documented parameter names.
   */
  readonly authorizePage?: "standard" | undefined
  /** `delete`: ends sessions with `DELETE /logout`. Default: `/oauth/revoke`, which accepts even an unknown token. */
  readonly logout?: "delete" | undefined
  /**
   * `refuse`: does not refresh an expired session. Use `refuse` if the broker refuses refresh tokens after 08:00 IST.
   * Default: refreshes an expired session.
   */
  readonly refreshAfterEnd?: "refuse" | undefined
  /**
   * `fail`: does not resend a refresh that the broker refused because of a concurrent refresh. Default: resends the
   * refresh once.
   */
  readonly concurrentExchange?: "fail" | undefined
}

type Given = Method.Given<SamcoApi.SamcoApi["Service"], typeof oauthCredentials, Options>

/** Delay before a refresh is resent. The broker documents no delay. */
const pause = Duration.seconds(1)

const authorizeUrl = ({ api, credentials, options, state }: Given & { readonly state: Redacted.Redacted<string> }) => {
  const { apiKey, redirectUrl } = credentials
  const scopes = (options.scopes ?? ["all"]).join(",")
  return options.authorizePage === "standard"
    ? RedirectLogin.page(`${api.origins["api"]}/oauth/authorize`, {
        response_type: "code",
        client_id: apiKey,
        redirect_uri: redirectUrl,
        state,
        scope: scopes
      })
    : RedirectLogin.page(`${api.origins["api"]}/app/oauth/authorize`, {
        api_key: apiKey,
        redirect_url: redirectUrl,
        state,
        scopes
      })
}

const refusalOf = (parameters: RedirectLogin.CallbackParameters, state: Redacted.Redacted<string>) => {
  const read = (name: string) => {
    const value = parameters.get(name)
    return value && Redaction.scrub(Redacted.value(value).slice(0, 300), [state])
  }
  return callbackRefusal(read("error") ?? "", read("errormessage"))
}

const toIssue = Effect.fnUntraced(function* (
  given: Given,
  call: Effect.Effect<ResponseOf<SamcoApi.SamcoApi, "oauthToken">, AuthError.AuthError>,
  otherAccount: Effect.Effect<never, AuthError.AuthError>
) {
  const response = yield* call
  yield* services.checkAccount(given, response.user_id, otherAccount)
  return {
    tokens: Session.makeTokens({ access: response.access_token, refresh: response.refresh_token }),
    expiresIn: response.expires_in === undefined ? undefined : Duration.seconds(response.expires_in),
    profile: services.toProfile(given.account, response)
  }
})

const otherAccount = services.fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))
const refreshInvalid = services.fail("refresh", new AuthError.SessionExpired({ why: "refresh-invalid" }))
const refreshExpired = services.fail("refresh", new AuthError.SessionExpired({ why: "refresh-expired" }))

const isConcurrent = ({ reason }: AuthError.AuthError): boolean => reason.code === concurrentExchange

const family = {
  ...services.family,
  logout: (api: SamcoApi.SamcoApi["Service"], session: Session.Session, options: Options) =>
    options.logout === "delete"
      ? api.logout(session)
      : api.oauthRevoke({ token: session.tokens.access, token_type: "access_token" })
}

const method = Method.redirect(family, {
  id: "oauth",
  credentials: (options: Options) => services.checked(oauthCredentials, options),
  api: (_, options) => SamcoApi.make(options),
  account: ({ userId }) => userId,
  redirectUrl: ({ redirectUrl }) => redirectUrl,
  page: authorizeUrl,
  state: () => "required",
  refusal: refusalOf,
  carries: "code",
  receive: (parameters) =>
    Effect.map(RedirectLogin.requireParameter(broker.id, parameters, "code"), (code) => ({ code })),
  exchange: ({ code }, given) => toIssue(given, given.api.oauthToken({ code }), otherAccount),
  refresh: Effect.fnUntraced(function* (given) {
    const { options, refreshToken, session } = given
    if (options.refreshAfterEnd === "refuse" && Session.isExpired(session, yield* Clock.currentTimeMillis)) {
      return yield* refreshExpired
    }
    const once = given.api.oauthRefresh({ refresh_token: refreshToken })
    // A refresh can be resent. If an authorization code is resent, the broker revokes the app's tokens for the account.
    const call =
      options.concurrentExchange === "fail"
        ? once
        : Effect.catchIf(once, isConcurrent, () => Effect.andThen(Effect.sleep(pause), once))
    return yield* toIssue(given, call, refreshInvalid)
  }),
  afterCutOff: ({ refreshAfterEnd }) => refreshAfterEnd !== "refuse"
})

/**
 * Provides all services of this login method for one account.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_API_KEY` and
 * `SAMCO_REDIRECT_URL`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Samco = SamcoOAuth.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Samco))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from tokens that another program obtained. If a token begins with `Bearer `, this prefix is removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
