/**
 * Rupeezy's Vortex API, call by call: the request and answer of each documented endpoint for logging in.
 *
 * @since 0.1.0
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Broker from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { broker, credentials } from "./RupeezyBroker.ts"
import * as codes from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** Key of your app: the header `x-api-key`. */
  readonly apiKey: Redacted.Redacted<string>
  /** `logins` sends the key with the logins alone, as the SDKs do. It goes with every call unless this says so. */
  readonly apiKeyHeader?: "logins" | undefined
  /**
   * `as-sent` reads nothing out of a refusal's words: what no status explains is `BrokerRejected` then. Words are read
   * unless this says so, though none are documented.
   */
  readonly refusals?: "as-sent" | undefined
  /** `session-over` takes HTTP 403 for a revoked session. It is `PermissionDenied` unless this says so. */
  readonly forbidden?: "session-over" | undefined
  /** The offset of `login_time`, which says none. `+05:30` unless said otherwise. */
  readonly loginTimeOffset?: `${"+" | "-"}${number}:${number}` | undefined
}

/**
 * The calls: one for each endpoint, with its request and the session as far as it needs them.
 *
 * @category services
 * @since 0.1.0
 */
export class RupeezyApi extends Context.Service<RupeezyApi, BrokerApi.BrokerApi<ReturnType<typeof endpoints.make>>>()(
  "@auth/rupeezy/RupeezyApi"
) {}

/**
 * Makes the calls for one app.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<RupeezyApi["Service"], AuthError, HttpClient.HttpClient> {
  const { apiKey } = yield* Credentials.check(broker.id, { apiKey: credentials.apiKey }, { ...options })
  const headersOf = headers.make({ ...options, apiKey })
  const protocol = {
    broker: broker.id,
    headers: ({ tokens }: BrokerClient.Call) => headersOf(tokens),
    dialects,
    codes: codes.make(options),
    purposes: Broker.purposesOf(broker)
  }
  const table = endpoints.make(options.loginTimeOffset ?? "+05:30")
  return yield* BrokerApi.make(table, protocol, broker.environments["production"] ?? {}, options)
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<RupeezyApi, AuthError, HttpClient.HttpClient> =>
  Layer.effect(RupeezyApi, make(options))
