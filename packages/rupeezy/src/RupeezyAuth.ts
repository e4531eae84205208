/**
 * Login to Rupeezy with client code, password and TOTP.
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Effect from "effect/Effect"
import * as RupeezyApi from "./RupeezyApi.ts"
import { credentials } from "./RupeezyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface RupeezyCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {}

const method = Method.login(services.family, {
  id: "totp",
  credentials,
  api: ({ apiKey }, options: Options) => RupeezyApi.make({ ...options, apiKey }),
  account: ({ clientCode }) => clientCode,
  signIn: ({ api, code: totp, credentials: { applicationId, clientCode, password } }) =>
    Effect.map(api.login({ client_code: clientCode, password, totp, application_id: applicationId }), (response) =>
      services.toIssue(clientCode, response)
    )
})

/**
 * Provides all services of this login method for one account.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Rupeezy = RupeezyAuth.layer({
 *   credentials: {
 *     clientCode: "XX9999",
 *     password: Redacted.make("demo-password"),
 *     totp: Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"),
 *     applicationId: "dev_1234",
 *     apiKey: Redacted.make("demo-api-key")
 *   }
 * }).pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Rupeezy))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `RUPEEZY_CLIENT_CODE`, `RUPEEZY_PASSWORD`,
 * `RUPEEZY_TOTP_SECRET`, `RUPEEZY_APPLICATION_ID` and `RUPEEZY_API_KEY`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from a token that another program obtained. Removes a `Bearer ` prefix from the token.
 *
 * @example
 * ```ts
 * import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
 * import * as Redacted from "effect/Redacted"
 *
 * const session = RupeezyAuth.fromTokens({
 *   userId: "XX9999",
 *   accessToken: Redacted.make("Bearer not-a-jwt"),
 *   issuedAt: Date.UTC(2026, 10, 21, 4)
 * })
 * session.expirySource // => "unknown"
 * Redacted.value(session.tokens.access) // => "not-a-jwt"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
