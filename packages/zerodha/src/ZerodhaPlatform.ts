/**
 * Login to Zerodha as a platform that the stock exchange has approved. Only approved platforms get refresh tokens.
 *
 * @since 0.1.0
 */
import * as Method from "@auth/broker-core/broker/Method"
import * as services from "./internal/services.ts"

const method = Method.redirect(services.family, { ...services.spec, id: "platform", refresh: services.refresh })

/**
 * Like `ZerodhaAuth.layer`, but also provides `Refresh`. A refresh fails with `SessionExpired` if the session has no
 * refresh token.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the same variables as `ZerodhaAuth.layerConfig`.
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
