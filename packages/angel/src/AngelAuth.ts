/**
 * Logging in to Angel One with client code, PIN and TOTP.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/login/Account"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import type { Login } from "@auth/broker-core/login/Login"
import type { Refresh } from "@auth/broker-core/login/Refresh"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Profile } from "@auth/broker-core/login/Profile"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as AngelApi from "./AngelApi.ts"
import { broker, credentials } from "./AngelBroker.ts"
import { type AngelTokens, family, type Options as FamilyOptions, toTokens } from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface AngelCredentials extends Credentials.Input<typeof credentials> {}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends FamilyOptions {}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Login | Refresh | Logout | Profile | Authorize | Renewal | AngelApi.AngelApi

const method: Method.Method<Services, typeof credentials, Options> = Method.login(family, {
  id: "totp",
  credentials,
  api: ({ apiKey }, options: Options) => AngelApi.make({ ...options, apiKey }),
  account: ({ clientCode }) => clientCode,
  signIn: ({ api, code, credentials: { clientCode, pin } }) =>
    Effect.map(api.loginByPassword({ clientcode: clientCode, password: pin, totp: code }), (response) => ({
      tokens: toTokens(response)
    })),
  refresh: ({ api, refreshToken, session }) =>
    Effect.map(api.generateTokens({ refreshToken }, session), (response) => ({
      tokens: toTokens(response, session.tokens),
      profile: session.profile
    }))
})

/**
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/login/Login"
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
export const layer = method.layer

/**
 * The same with credentials from the configuration: `ANGEL_CLIENT_CODE`, `ANGEL_PIN`, `ANGEL_API_KEY` and
 * `ANGEL_TOTP_SECRET`. All that is missing or wrong is named at once.
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
export const fromTokens = ({
  app,
  clientCode,
  issuedAt,
  ...tokens
}: AngelTokens & {
  readonly clientCode: string
  readonly app?: string | undefined
  /** When the tokens were issued, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session.Session =>
  Session.make({
    account: Account.make({ broker: broker.id, app, id: credentials.clientCode.normalize(clientCode.trim()) }),
    method: "totp",
    tokens: toTokens(tokens),
    issuedAt,
    expiry: family.expiry
  })
