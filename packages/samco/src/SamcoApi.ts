/**
 * The Samco Trade API, call by call: the request and answer of each documented endpoint for logging in.
 *
 * @since 0.1.0
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Broker from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { broker } from "./SamcoBroker.ts"
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
export interface Options extends BrokerClient.Options {}

/**
 * The calls: one for each endpoint, with its request and the session as far as it needs them.
 *
 * @category services
 * @since 0.1.0
 */
export class SamcoApi extends Context.Service<SamcoApi, BrokerApi.BrokerApi<typeof table>>()("@auth/samco/SamcoApi") {}

const protocol: BrokerClient.Protocol = {
  broker: broker.id,
  headers: ({ tokens }) => headers.make(tokens),
  dialects,
  codes,
  purposes: Broker.purposesOf(broker)
}

/**
 * Makes the calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<SamcoApi["Service"], AuthError, HttpClient.HttpClient> =>
  BrokerApi.make(table, protocol, broker.environments["production"] ?? {}, options)

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<SamcoApi, AuthError, HttpClient.HttpClient> =>
  Layer.effect(SamcoApi, make(options))
