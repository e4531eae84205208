/**
 * Login to Samco with user id, password and the access token of the day.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth`.
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SamcoApi from "./SamcoApi.ts"
import { legacyCredentials as credentials } from "./SamcoBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a login. The access token is valid for one day at most. `SamcoApi.accessToken` returns a new token.
 *
 * @category models
 * @since 0.1.0
 */
export interface LegacyCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {}

const needToday = services.fail(
  "login",
  new AuthError.ActionRequired({
    what: "Set today's access token for SamcoLegacy: the configured token expired at 08:00 IST",
    advice: "SamcoApi.accessToken returns a new token. No login was sent. SamcoAuth needs no access token."
  })
)

const method = Method.login(services.family, {
  id: "legacy",
  credentials,
  api: (_, options: Options) => SamcoApi.make(options),
  account: ({ userId }) => userId,
  signIn: (given) => {
    const { accessToken, password, userId, yob } = given.credentials
    return services.toIssue(given, given.api.login({ userId, password, accessToken, ...(yob && { yob }) }))
  },
  // The configured access token expires at the first 08:00 IST after the layer was built. After that time, a
  // `SessionManager` sends no login, because the manager would count the broker's refusal as a failed login.
  before: () =>
    Effect.map(Clock.currentTimeMillis, (issuedAt) => {
      const end = services.cutOff({ issuedAt, accessToken: Redacted.make("") })?.at ?? Infinity
      return Effect.flatMap(Clock.currentTimeMillis, (now) => (now < end ? Effect.void : needToday))
    })
})

/**
 * Provides all services of this login method for one account.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layer`.
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_PASSWORD`,
 * `SAMCO_ACCESS_TOKEN` and the optional `SAMCO_YOB`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Samco = SamcoLegacy.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Login.session.pipe(Effect.provide(Samco))
 * ```
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.layerConfig`.
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from a token that another program obtained. Removes the prefix `Bearer ` from the token.
 *
 * @deprecated The broker will remove this login: use `SamcoAuth.fromTokens`.
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
