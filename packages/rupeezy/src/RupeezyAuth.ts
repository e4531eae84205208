/**
 * Logging in to Rupeezy with client code, password and TOTP.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/login/Account"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import type { Login } from "@auth/broker-core/login/Login"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as Method from "@auth/broker-core/broker/Method"
import type { Profile } from "@auth/broker-core/login/Profile"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as RupeezyApi from "./RupeezyApi.ts"
import { broker, credentials } from "./RupeezyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface RupeezyCredentials extends Credentials.Input<typeof credentials> {}

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
export type Services = Login | Logout | Profile | Authorize | Renewal | RupeezyApi.RupeezyApi

const method: Method.Method<Services, typeof credentials, Options> = Method.login(services.family, {
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
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent.
 *
 * @example
 * ```ts
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
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
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Rupeezy))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * The same with credentials from the configuration: `RUPEEZY_CLIENT_CODE`, `RUPEEZY_PASSWORD`, `RUPEEZY_TOTP_SECRET`,
 * `RUPEEZY_APPLICATION_ID` and `RUPEEZY_API_KEY`. All that is missing or wrong is named at once.
 *
 * @example
 * ```ts
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
 * import * as ConfigProvider from "effect/ConfigProvider"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Environment = ConfigProvider.layer(
 *   ConfigProvider.fromUnknown({
 *     RUPEEZY_CLIENT_CODE: "XX9999",
 *     RUPEEZY_PASSWORD: "demo-password",
 *     RUPEEZY_TOTP_SECRET: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
 *     RUPEEZY_APPLICATION_ID: "dev_1234",
 *     RUPEEZY_API_KEY: "demo-api-key"
 *   })
 * )
 *
 * const program = Login.session.pipe(
 *   Effect.provide(RupeezyAuth.layerConfig().pipe(Layer.provide([FetchHttpClient.layer, Environment])))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * A session from a token that another program got. A `Bearer ` prefix is removed.
 *
 * @example
 * ```ts
 * import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
 * import * as Redacted from "effect/Redacted"
 *
 * const session = RupeezyAuth.fromTokens({
 *   clientCode: "XX9999",
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
export const fromTokens = (options: {
  readonly clientCode: string
  readonly accessToken: Redacted.Redacted<string>
  readonly app?: string | undefined
  /** When the token was issued, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session.Session =>
  Session.make({
    account: Account.make({ broker: broker.id, app: options.app, id: options.clientCode }),
    method: "totp",
    tokens: { access: Session.bareToken(options.accessToken) },
    issuedAt: options.issuedAt,
    expiry: services.documentedExpiry
  })
