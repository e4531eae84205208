/**
 * Logging in to Samco with user id, password and the access token of the day.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth`.
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
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as services from "./internal/services.ts"
import * as SamcoApi from "./SamcoApi.ts"
import { broker, legacyCredentials as fields, renewals } from "./SamcoBroker.ts"

/**
 * What the old login needs.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.SamcoCredentials`.
 * @category models
 * @since 0.1.0
 */
export interface LegacyCredentials {
  /** Client id, such as `DV99999`. */
  readonly userId: string
  readonly password: Redacted.Redacted<string>
  /** Of the day: it dies before 08:00 IST. `SamcoApi.accessToken` gives a new one. */
  readonly accessToken: Redacted.Redacted<string>
  /** Year of birth. */
  readonly yob?: Redacted.Redacted<string> | undefined
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Login.Login | Logout | Profile | Authorize | Renewal.Renewal | SamcoApi.SamcoApi

const method = "legacy"

const make = Effect.fnUntraced(function* (
  input: LegacyCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError, HttpClient.HttpClient> {
  const { accessToken, password, userId, yob } = yield* Credentials.check(broker.id, fields, { ...input })
  const api = yield* SamcoApi.make(options)
  const account = services.accountOf(userId, options.app)
  const request = { userId, password, accessToken, ...(yob === undefined ? {} : { yob }) }

  const signIn = services.issueSession({ account, method }, options, api.login(request))
  const accessTokenEnd = services.nextCutOff(yield* Clock.currentTimeMillis)
  const renewal = yield* Renewal.fromDescription(
    renewals.legacy,
    // An access token that was there before the cut-off is dead after it: it would only count as a refused login.
    { account, login: Effect.andThen(services.onlyBefore(accessTokenEnd), signIn), credentials: request },
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
 * Everything that this method can do, for one account.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layer`.
 * @example
 * ```ts
 * import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
 * import * as Login from "@auth/broker-core/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Samco = SamcoLegacy.layer({
 *   credentials: {
 *     userId: "DV99999",
 *     password: Redacted.make("abc1234"),
 *     accessToken: Redacted.make("demoAccessTokenOfTheDay0iSUg_Ps6A942Lif")
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
  options: Options & { readonly credentials: LegacyCredentials }
): Layer.Layer<Services, AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_PASSWORD`, `SAMCO_ACCESS_TOKEN` and, if it
 * is there, `SAMCO_YOB`.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layerConfig`.
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.flatMap(Credentials.fromConfig(broker.id, fields), (values) => make(values, options)))

/**
 * A session from a token that another program got. `Bearer ` prefixes are removed.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.fromTokens`.
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
