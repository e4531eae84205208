/**
 * Login to Zerodha through the browser.
 *
 * @since 0.1.0
 */
import * as Method from "@auth/broker-core/broker/Method"
import * as services from "./internal/services.ts"

export type { Options, ZerodhaCredentials } from "./internal/services.ts"

const method = Method.redirect(services.family, { ...services.spec, id: "browser" })

/**
 * Provides all services of this login method for one account. Sessions cannot be refreshed. A person must log in each
 * day.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `ZERODHA_USER_ID`, `ZERODHA_API_KEY`,
 * `ZERODHA_API_SECRET` and `ZERODHA_REDIRECT_URL`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Zerodha = ZerodhaAuth.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Zerodha))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from tokens that another program obtained.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
