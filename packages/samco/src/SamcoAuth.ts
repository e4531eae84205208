/**
 * Login to Samco with the API key and secret of an app.
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as SamcoApi from "./SamcoApi.ts"
import { credentials } from "./SamcoBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a login. By default, the login fails if the broker returns a session of an account other than
 * `userId`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SamcoCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options, services.CredentialCheck {}

const method = Method.login(services.family, {
  id: "api-key",
  credentials: (options: Options) => services.checked(credentials, options),
  api: (_, options) => SamcoApi.make(options),
  account: ({ userId }) => userId,
  signIn: (given) => {
    const { apiKey, apiSecret } = given.credentials
    return services.toIssue(given, given.api.sessionToken({ apiKey, apiSecret }))
  }
})

/**
 * Provides all services of this login method for one account.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as SamcoAuth from "@auth/samco/SamcoAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
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
 * }).pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Samco))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `SAMCO_USER_ID`, `SAMCO_API_KEY` and
 * `SAMCO_API_SECRET`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from a token that another program obtained. A prefix `Bearer ` of the token is removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
