/**
 * Logging in to Samco through the browser: the holder of the account types the app's secret on the broker's page.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import type { Expiry } from "@auth/broker-core/login/Expiry"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as Method from "@auth/broker-core/broker/Method"
import type { Profile } from "@auth/broker-core/login/Profile"
import * as Redaction from "@auth/broker-core/broker/Redaction"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import { callbackRefusal, concurrentExchange } from "./internal/codes.ts"
import * as services from "./internal/services.ts"
import * as SamcoApi from "./SamcoApi.ts"
import { broker, oauthCredentials, uncheckedOAuthCredentials } from "./SamcoBroker.ts"

/**
 * What a browser login needs. The API secret is not among it: it is typed on the broker's page.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthCredentials extends Credentials.Input<typeof oauthCredentials> {}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /** Sends the key also if it looks like plain text. */
  readonly credentialCheck?: "off" | undefined
  /** What the app may do: `["all"]` unless said otherwise, and the broker has no other at present. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** Sends the browser to `/oauth/authorize` with the parameter names of the OAuth standard, as an older sample did. */
  readonly authorizePage?: "standard" | undefined
  /** Ends sessions with `DELETE /logout` in place of `/oauth/revoke`, which says yes to any token. */
  readonly logout?: "delete" | undefined
  /** Refuses to renew a session that is over, should the broker's refresh tokens not outlive 08:00 IST. */
  readonly refreshAfterEnd?: "refuse" | undefined
  /** Does not repeat a refresh that the broker refused because another exchange was under way. */
  readonly concurrentExchange?: "fail" | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | RedirectLogin.RedirectLogin
  | Refresh.Refresh
  | Logout
  | Profile
  | Authorize
  | Renewal
  | SamcoApi.SamcoApi

type TokensResponse = ResponseOf<SamcoApi.SamcoApi, "oauthToken">

/** The broker names no pause. */
const pause = Duration.seconds(1)

const toTokens = (response: TokensResponse): Session.Tokens => ({
  access: Session.bareToken(response.access_token),
  // The refresh token before is void in any case.
  ...(response.refresh_token === undefined ? {} : { refresh: response.refresh_token })
})

const authorizeUrl = (
  origin: string | undefined,
  { apiKey, redirectUrl }: { readonly apiKey: Redacted.Redacted<string>; readonly redirectUrl: string },
  state: Redacted.Redacted<string>,
  { authorizePage, scopes = ["all"] }: Options
): Redacted.Redacted<string> => {
  const [key, scope, secret] = [Redacted.value(apiKey), scopes.join(","), Redacted.value(state)]
  const query =
    authorizePage === "standard"
      ? { response_type: "code", client_id: key, redirect_uri: redirectUrl, state: secret, scope }
      : { api_key: key, redirect_url: redirectUrl, state: secret, scopes: scope }
  const page = authorizePage === "standard" ? "/oauth/authorize" : "/app/oauth/authorize"
  return Redacted.make(`${origin}${page}?${new URLSearchParams(query)}`)
}

/** What the callback says against the login, in the broker's words without secrets. */
const refusalOf = (state: Redacted.Redacted<string>) => (parameters: RedirectLogin.CallbackParameters) => {
  const read = (name: string) => {
    const value = parameters.get(name)
    return value === undefined ? undefined : Redaction.scrub(Redacted.value(value).slice(0, 300), [state])
  }
  return callbackRefusal(read("error") ?? "", read("errormessage"))
}

const isConcurrent = ({ reason }: AuthError.AuthError): boolean => reason.code === concurrentExchange

/**
 * Sends a refresh once, and once more if the broker says that another exchange is under way. An authorization code is
 * never repeated: the broker answers a replay by revoking every token of the account.
 */
const repeatOnce = <A>(
  refresh: Effect.Effect<A, AuthError.AuthError>,
  options: Options
): Effect.Effect<A, AuthError.AuthError> =>
  options.concurrentExchange === "fail"
    ? refresh
    : Effect.catchIf(refresh, isConcurrent, () => Effect.andThen(Effect.sleep(pause), refresh))

/** One exchange at a time: the broker refuses a second one, and a code that is sent twice ends all sessions. */
const makeExchanges = ({ expiry, options }: { readonly expiry: Expiry; readonly options: Options }) =>
  Effect.map(Semaphore.make(1), (one) => {
    const issue = (
      account: Session.Session["account"],
      call: Effect.Effect<TokensResponse, AuthError.AuthError>,
      stranger: Effect.Effect<never, AuthError.AuthError>
    ) =>
      Session.issue(
        { account, method: "oauth", expiry },
        Effect.gen(function* () {
          const response = yield* call
          yield* services.checkAccount(account, response.user_id, options, stranger)
          return {
            tokens: toTokens(response),
            expiresIn: response.expires_in === undefined ? undefined : Duration.seconds(response.expires_in),
            profile: services.toProfile(account, response)
          }
        })
      )
    return {
      code: (...of: Parameters<typeof issue>) => one.withPermit(issue(...of)),
      // A repeated refresh counts from its second request: the first returned nothing.
      refresh: (...of: Parameters<typeof issue>) => one.withPermit(repeatOnce(issue(...of), options))
    }
  })

const fail = (operation: string, reason: AuthError.Reason) => Effect.fail(AuthError.make(broker.id, operation, reason))

const otherAccount = fail("complete", new AuthError.RedirectRejected({ why: "other-account" }))

const refreshInvalid = fail("refresh", new AuthError.SessionExpired({ why: "refresh-invalid" }))

const family = {
  ...services.family,
  logout: (api: SamcoApi.SamcoApi["Service"], session: Session.Session, options: Options) =>
    options.logout === "delete"
      ? api.logout(session)
      : api.oauthRevoke({ token: session.tokens.access, token_type: "access_token" })
}

const spec = {
  id: "oauth",
  credentials: ({ credentialCheck }: Options) =>
    credentialCheck === "off" ? uncheckedOAuthCredentials : oauthCredentials,
  api: (_: unknown, options: Options) => SamcoApi.make(options),
  account: services.accountId
}

const method: Method.Method<Services, typeof uncheckedOAuthCredentials, Options> = Method.make(
  family,
  spec,
  Effect.fnUntraced(function* (
    given: Method.Given<SamcoApi.SamcoApi["Service"], typeof uncheckedOAuthCredentials, Options>
  ) {
    const { account, api, credentials, options } = given
    const exchanges = yield* makeExchanges(given)

    const redirectLogin = RedirectLogin.make(broker.id, {
      begin: Effect.map(RedirectLogin.makeState, (state) => ({
        url: authorizeUrl(api.origins["api"], credentials, state, options),
        state,
        redirectUrl: credentials.redirectUrl
      })),
      receive: (request, callbackUrl) =>
        Effect.gen(function* () {
          const parameters = yield* RedirectLogin.parseCallback({
            broker: broker.id,
            request,
            callbackUrl,
            state: "required",
            refusal: refusalOf(request.state)
          })
          return { code: yield* RedirectLogin.requireParameter(broker.id, parameters, "code") }
        }),
      exchange: ({ code }) => exchanges.code(account, api.oauthToken({ code }), otherAccount)
    })

    const { refresh } = Refresh.make(
      broker.id,
      Effect.fnUntraced(function* (session) {
        const { refresh: token } = session.tokens
        if (token === undefined) return yield* refreshInvalid
        if (options.refreshAfterEnd === "refuse" && Session.isExpired(session, yield* Clock.currentTimeMillis)) {
          return yield* fail("refresh", new AuthError.SessionExpired({ why: "refresh-expired" }))
        }
        return yield* exchanges.refresh(session.account, api.oauthRefresh({ refresh_token: token }), refreshInvalid)
      })
    )

    return {
      services: Context.make(RedirectLogin.RedirectLogin, redirectLogin).pipe(
        Context.add(Refresh.Refresh, { refresh })
      ),
      ways: { refresh, afterCutOff: options.refreshAfterEnd !== "refuse" }
    }
  })
)

/**
 * Everything that this method can do, for one account.
 *
 * @example
 * ```ts
 * import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Samco = SamcoOAuth.layer({
 *   credentials: {
 *     userId: "DV99999",
 *     apiKey: Redacted.make("0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"),
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const redirect = yield* RedirectLogin.RedirectLogin
 *   const request = yield* redirect.begin
 *   return Redacted.value(request.url).startsWith("https://tradeapi.samco.in/app/oauth/authorize?") // => true
 * }).pipe(Effect.provide(Samco))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * The same with credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_API_KEY` and `SAMCO_REDIRECT_URL`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * A session from tokens that another program got. `Bearer ` prefixes are removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = (options: {
  readonly userId: string
  readonly accessToken: Redacted.Redacted<string>
  readonly refreshToken?: Redacted.Redacted<string> | undefined
  readonly app?: string | undefined
  /** When the tokens were issued, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session.Session =>
  Session.make({
    account: services.accountOf(options.userId, options.app),
    method: "oauth",
    tokens: {
      access: Session.bareToken(options.accessToken),
      ...(options.refreshToken === undefined ? {} : { refresh: Session.bareToken(options.refreshToken) })
    },
    issuedAt: options.issuedAt,
    expiry: services.documentedExpiry
  })
