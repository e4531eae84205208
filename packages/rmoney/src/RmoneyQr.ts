/**
 * Login to RMoney by scanning a QR code with RMoney's mobile app.
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Effect from "effect/Effect"
import { qrCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * The expected account. A login to another account is rejected.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrCredentials extends Credentials.Input<typeof qrCredentials> {}

/**
 * Options of the layer. Default for `codeLifetime`: 35 seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options, Method.QrOptions {}

const method = Method.qr(services.family, {
  id: "qr",
  credentials: qrCredentials,
  api: (holder, options: Options) => services.makeApi(holder, options),
  account: services.accountOf,
  lifetime: "35 seconds",
  begin: ({ api }) => Effect.map(api.qrGenerate(), ({ byteCode: image, qrName: name }) => ({ name, image })),
  poll: ({ name }, { account, api }) =>
    Effect.map(api.qrLogin({ qrName: name }), (scanned) => {
      const id = scanned?.clientId?.trim() ?? account.id
      return scanned && { tokens: { access: scanned.accessToken }, profile: { id } }
    })
})

/**
 * Provides all services of this login method for one account. Show the QR code, and poll about once a second. Before
 * the scan, a poll returns `None`. After the QR code has expired, a poll fails with `ChallengeExpired`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads `RMONEY_USER_ID` from the configuration. If no option sets the environment, `layerConfig`
 * also reads `RMONEY_ENVIRONMENT`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as QrLogin from "@auth/broker-core/login/QrLogin"
 * import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Qr = RmoneyQr.layerConfig({ environment: "uat" }).pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(QrLogin.QrLogin, ({ begin }) => begin).pipe(Effect.provide(Qr))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
