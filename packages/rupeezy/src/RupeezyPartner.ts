/**
 * Login to Rupeezy through the browser, with a partner app.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Effect from "effect/Effect"
import * as RupeezyApi from "./RupeezyApi.ts"
import { broker, partnerCredentials } from "./RupeezyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface PartnerCredentials extends Credentials.Input<typeof partnerCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /**
   * The state is sent as `cb_param`. No document says that the callback contains `cb_param`. Default: `optional`.
   *
   * - `optional`: a callback with a wrong state is rejected. A callback without a state is accepted, even if the
   *   callback belongs to another login.
   * - `required`: a callback with a wrong state or without a state is rejected.
   * - `not-sent`: no state is sent.
   */
  readonly state?: "optional" | "required" | "not-sent" | undefined
  /** `accept`: the returned `user_id` need not be the client code. Default: another `user_id` is rejected. */
  readonly otherAccount?: "accept" | undefined
}

const stateParameter = "cb_param"

const method = Method.redirect(services.family, {
  id: "partner",
  credentials: partnerCredentials,
  api: ({ apiKey }, options: Options) => RupeezyApi.make({ ...options, apiKey }),
  account: ({ clientCode }) => clientCode,
  redirectUrl: ({ redirectUrl }) => redirectUrl,
  page: ({ api, credentials: { applicationId }, options, state }) => {
    const sent = options.state === "not-sent" ? undefined : state
    return RedirectLogin.page(api.origins["login"] ?? "", { applicationId, [stateParameter]: sent })
  },
  state: ({ state }) => (state === "required" ? "required" : "optional"),
  stateParameter,
  carries: "code",
  receive: (parameters) =>
    Effect.map(RedirectLogin.requireParameter(broker.id, parameters, "auth"), (code) => ({ code })),
  exchange: ({ code: token }, { api, credentials: { apiKey, applicationId, clientCode }, options }) =>
    Effect.gen(function* () {
      const checksum = yield* Checksum.sha256([applicationId, token, apiKey])
      const response = yield* api.createSession({ checksum, applicationId, token })
      const { user_id: userId = clientCode } = response
      if (userId.toUpperCase() !== clientCode.toUpperCase() && options.otherAccount !== "accept") {
        return yield* AuthError.make(broker.id, "complete", new AuthError.RedirectRejected({ why: "other-account" }))
      }
      return services.toIssue(clientCode, response)
    })
})

/**
 * Provides all services of this login method for one account.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `RUPEEZY_CLIENT_CODE`, `RUPEEZY_APPLICATION_ID`,
 * `RUPEEZY_API_KEY` and `RUPEEZY_REDIRECT_URL`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Partner = RupeezyPartner.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * const program = Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(Effect.provide(Partner))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
