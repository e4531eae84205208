/**
 * Login to Angel One with client code, PIN and TOTP.
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Effect from "effect/Effect"
import * as AngelApi from "./AngelApi.ts"
import { credentials } from "./AngelBroker.ts"
import { family, type Options as FamilyOptions, toTokens } from "./internal/services.ts"

/**
 * Credentials of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface AngelCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends FamilyOptions {}

const method = Method.login(family, {
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
 * Provides all services of this login method for one account.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
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
 * }).pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Angel))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `ANGEL_CLIENT_CODE`, `ANGEL_PIN`, `ANGEL_API_KEY` and
 * `ANGEL_TOTP_SECRET`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from tokens that another program obtained. If a token begins with `Bearer `, this prefix is removed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
