/**
 * Angel One's SmartAPI, call by call: the documented endpoints for logging in.
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
import { broker, credentials } from "./AngelBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import { table } from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** API key of your app: the header `X-PrivateKey`. */
  readonly apiKey: Redacted.Redacted<string>
  /** `X-ClientLocalIP`. Default: `127.0.0.1`. */
  readonly clientLocalIp?: string | undefined
  /** `X-ClientPublicIP`. Default: `0.0.0.0`. Your address is not looked up. */
  readonly clientPublicIp?: string | undefined
  /** `X-MACAddress`. Default: `00:00:00:00:00:00`. */
  readonly macAddress?: string | undefined
}

/**
 * The calls: one for each endpoint, with its request and the session as far as it needs them.
 *
 * @category services
 * @since 0.1.0
 */
export class AngelApi extends Context.Service<AngelApi, BrokerApi.BrokerApi<typeof table>>()("@auth/angel/AngelApi") {}

/**
 * Makes the calls for one app.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<AngelApi["Service"], AuthError, HttpClient.HttpClient> {
  const { apiKey } = yield* Credentials.check(broker.id, { apiKey: credentials.apiKey }, { ...options })
  const headersOf = headers.make({ ...options, apiKey })
  const protocol = {
    broker: broker.id,
    headers: ({ tokens }: BrokerClient.Call) => headersOf(tokens),
    dialects,
    codes,
    purposes: Broker.purposesOf(broker)
  }
  return yield* BrokerApi.make(table, protocol, broker.environments["production"] ?? {}, options)
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<AngelApi, AuthError, HttpClient.HttpClient> =>
  Layer.effect(AngelApi, make(options))
