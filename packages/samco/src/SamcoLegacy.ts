/**
 * Logging in to Samco with user id, password and the access token of the day.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth`.
 * @since 0.1.0
 */
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import type { Login } from "@auth/broker-core/login/Login"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as Method from "@auth/broker-core/broker/Method"
import type { Profile } from "@auth/broker-core/login/Profile"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import type { Session } from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as SamcoApi from "./SamcoApi.ts"
import { legacyCredentials as credentials } from "./SamcoBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs. The access token is of the day: `SamcoApi.accessToken` gives a new one.
 *
 * @category models
 * @since 0.1.0
 */
export interface LegacyCredentials extends Credentials.Input<typeof credentials> {}

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
export type Services = Login | Logout | Profile | Authorize | Renewal | SamcoApi.SamcoApi

const method: Method.Method<Services, typeof credentials, Options> = Method.login(services.family, {
  id: "legacy",
  credentials,
  api: (_, options: Options) => SamcoApi.make(options),
  account: services.accountId,
  signIn: ({ account, api, credentials: { accessToken, password, userId, yob }, options }) =>
    services.toIssue(
      account,
      options,
      api.login({ userId, password, accessToken, ...(yob === undefined ? {} : { yob }) })
    ),
  // An access token that was there before the cut-off is dead after it: it would only count as a refused login.
  before: () => Effect.map(Clock.currentTimeMillis, (now) => services.onlyBefore(services.nextCutOff(now)))
})

/**
 * Everything that this method can do, for one account.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layer`.
 * @example
 * ```ts
 * import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
 * import * as Login from "@auth/broker-core/login/Login"
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
export const layer = method.layer

/**
 * The same with credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_PASSWORD`, `SAMCO_ACCESS_TOKEN` and, if it
 * is there, `SAMCO_YOB`.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layerConfig`.
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

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
}): Session => services.fromToken({ ...options, method: "legacy" })
