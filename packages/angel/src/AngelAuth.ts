/**
 * Logging in to Angel One with client code, PIN and TOTP.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as CodeSource from "@auth/broker-core/CodeSource"
import * as Credentials from "@auth/broker-core/Credentials"
import type { Expiry } from "@auth/broker-core/Expiry"
import * as Login from "@auth/broker-core/Login"
import type { Logout } from "@auth/broker-core/Logout"
import type { Profile } from "@auth/broker-core/Profile"
import * as Refresh from "@auth/broker-core/Refresh"
import * as Renewal from "@auth/broker-core/Renewal"
import * as Session from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as AngelApi from "./AngelApi.ts"
import { broker, credentials as fields, renewals } from "./AngelBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface AngelCredentials {
  /** Such as `A123456`; not an e-mail address. */
  readonly clientCode: string
  /** The 4-digit PIN that opens the mobile app; not the web password. */
  readonly pin: Redacted.Redacted<string>
  /** API key of your app. */
  readonly apiKey: Redacted.Redacted<string>
  /** The secret behind the QR code, or another source of codes. */
  readonly totp: Redacted.Redacted<string> | CodeSource.CodeSource
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
  | Login.Login
  | Refresh.Refresh
  | Logout
  | Profile
  | Authorize
  | Renewal.Renewal
  | AngelApi.AngelApi

const method = "totp"

const make = Effect.fnUntraced(function* (
  input: AngelCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const { totp: totpSecret, ...given } = { ...input }
  const values = yield* Credentials.check(broker.id, fields, { ...given, totpSecret })
  const { apiKey, clientCode, pin, totpSecret: codes } = values
  const api = yield* AngelApi.make({ ...options, apiKey })
  const account = Account.make({ broker: broker.id, app: options.app, id: clientCode })
  const { expiry = services.documentedExpiry } = options

  const signIn = Effect.gen(function* () {
    const totp = yield* codes.code({ account, kind: "totp" })
    const problem = CodeSource.shapeProblem(totp, 6)
    if (problem !== undefined) return yield* Effect.fail(AuthError.invalidRequest(broker.id, "login", "totp", problem))
    return yield* Session.issue(
      { account, method, expiry },
      Effect.map(api.loginByPassword({ clientcode: clientCode, password: pin, totp }), (response) => ({
        tokens: services.toTokens(response)
      }))
    )
  })

  const { refresh } = Refresh.make(
    broker.id,
    Effect.fnUntraced(function* (session) {
      const { tokens } = session
      if (tokens.refresh === undefined) {
        return yield* services.fail("refresh", new AuthError.SessionExpired({ why: "refresh-invalid" }))
      }
      return yield* Session.issue(
        { account: session.account, method: session.method, expiry },
        Effect.map(api.generateTokens({ refreshToken: tokens.refresh }, session), (response) => ({
          tokens: services.toTokens(response, tokens),
          profile: session.profile
        }))
      )
    })
  )

  const ways = { account, login: signIn, refresh, credentials: values, codes }
  const renewal = yield* Renewal.fromDescription(renewals.totp, ways, options.renewal)

  return services
    .common(api)
    .pipe(
      Context.add(Login.Login, { login: Effect.map(signIn, Login.authenticated) }),
      Context.add(Refresh.Refresh, { refresh }),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Angel = AngelAuth.layer({
 *   credentials: {
 *     clientCode: "A123456",
 *     pin: Redacted.make("4711"),
 *     apiKey: Redacted.make("demoTrd1"),
 *     totp: Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Angel))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: AngelCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `ANGEL_CLIENT_CODE`, `ANGEL_PIN`, `ANGEL_API_KEY` and
 * `ANGEL_TOTP_SECRET`. All that is missing or wrong is named at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(Credentials.fromConfig(broker.id, fields), ({ totpSecret, ...values }) =>
      make({ ...values, totp: totpSecret }, options)
    )
  )

/**
 * A session from tokens that another program got. `Bearer ` prefixes are removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = (options: {
  readonly clientCode: string
  readonly jwtToken: Redacted.Redacted<string>
  readonly refreshToken?: Redacted.Redacted<string> | undefined
  readonly feedToken?: Redacted.Redacted<string> | undefined
  readonly app?: string | undefined
  /** When the tokens were issued, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session.Session =>
  Session.make({
    account: Account.make({
      broker: broker.id,
      app: options.app,
      id: fields.clientCode.normalize(options.clientCode.trim())
    }),
    method,
    tokens: services.toTokens({
      jwtToken: options.jwtToken,
      refreshToken: options.refreshToken,
      feedToken: options.feedToken,
      state: undefined
    }),
    issuedAt: options.issuedAt,
    expiry: services.documentedExpiry
  })
