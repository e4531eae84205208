/**
 * Logging in to Samco with the API key and secret of an app.
 *
 * @since 0.1.0
 */
import type { AuthError } from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as Credentials from "@auth/broker-core/Credentials"
import * as Login from "@auth/broker-core/Login"
import { Logout } from "@auth/broker-core/Logout"
import type { Profile } from "@auth/broker-core/Profile"
import * as Renewal from "@auth/broker-core/Renewal"
import type { Session } from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as services from "./internal/services.ts"
import * as SamcoApi from "./SamcoApi.ts"
import { broker, credentials, renewals, uncheckedCredentials } from "./SamcoBroker.ts"

/**
 * What a login needs. Key and secret are the encrypted strings that the dashboard issued, sent as they are.
 *
 * @category models
 * @since 0.1.0
 */
export interface SamcoCredentials {
  /** Client id, such as `DV99999`: a session for another account is refused. */
  readonly userId: string
  readonly apiKey: Redacted.Redacted<string>
  readonly apiSecret: Redacted.Redacted<string>
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /** Sends key and secret also if they look like plain text. */
  readonly credentialCheck?: "off" | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Login.Login | Logout | Profile | Authorize | Renewal.Renewal | SamcoApi.SamcoApi

const method = "api-key"

const fieldsFor = ({ credentialCheck }: Options) => (credentialCheck === "off" ? uncheckedCredentials : credentials)

const make = Effect.fnUntraced(function* (
  input: SamcoCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError, HttpClient.HttpClient> {
  const { apiKey, apiSecret, userId } = yield* Credentials.check(broker.id, fieldsFor(options), { ...input })
  const api = yield* SamcoApi.make(options)
  const account = services.accountOf(userId, options.app)

  const signIn = services.issueSession({ account, method }, options, api.sessionToken({ apiKey, apiSecret }))
  const renewal = yield* Renewal.fromDescription(
    renewals["api-key"],
    { account, login: signIn, credentials: { apiKey, apiSecret, userId } },
    options.renewal
  )

  return services
    .common(api, options)
    .pipe(
      Context.add(Login.Login, { login: Effect.map(signIn, Login.authenticated) }),
      Context.add(Logout, services.logoutByDelete(api)),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent.
 *
 * @example
 * ```ts
 * import * as SamcoAuth from "@auth/samco/SamcoAuth"
 * import * as Login from "@auth/broker-core/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Samco = SamcoAuth.layer({
 *   credentials: {
 *     userId: "DV99999",
 *     apiKey: Redacted.make("0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"),
 *     apiSecret: Redacted.make(
 *       "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0"
 *     )
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Samco))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: SamcoCredentials }
): Layer.Layer<Services, AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_API_KEY` and `SAMCO_API_SECRET`. All that
 * is missing or wrong is named at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(Credentials.fromConfig(broker.id, fieldsFor(options)), (values) => make(values, options))
  )

/**
 * A session from a token that another program got. `Bearer ` prefixes are removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = (options: {
  readonly userId: string
  readonly sessionToken: Redacted.Redacted<string>
  readonly app?: string | undefined
  /** When the token was issued, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session => services.fromToken({ ...options, method })
