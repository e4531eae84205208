/**
 * Logging in to Zerodha as a platform that the exchange approved: only such apps get refresh tokens.
 *
 * @since 0.1.0
 */
import * as Method from "@auth/broker-core/broker/Method"
import * as services from "./internal/services.ts"

const method = Method.redirect(services.family, { ...services.spec, id: "platform", refresh: services.refresh })

/**
 * What `ZerodhaAuth.layer` does, and `Refresh`: it fails with `SessionExpired` where no refresh token came.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * The same with credentials from the configuration, by the names of `ZerodhaAuth.layerConfig`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * A session from tokens that another program obtained.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
