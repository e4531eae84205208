/**
 * Typed calls of Kite Connect 3: login, refresh, logout, profile and funds.
 *
 * @since 0.1.0
 */
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Context from "effect/Context"
import * as Redacted from "effect/Redacted"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import { table } from "./internal/endpoints.ts"
import { broker, credentials } from "./ZerodhaBroker.ts"

type Calls = BrokerApi.BrokerApi<typeof table>

/**
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments.
 *
 * @category services
 * @since 0.1.0
 */
export class ZerodhaApi extends Context.Service<ZerodhaApi, Calls>()("@auth/zerodha/ZerodhaApi") {}

/**
 * Returns a function that makes the headers of a call. Source: Kite Connect 3 documentation, "User" and "Exceptions",
 * as of 2026-11-27. The scheme of the header Authorization is `token`, not `Bearer`.
 *
 * @category headers
 * @since 0.1.0
 */
export const headersFor =
  (apiKey: Redacted.Redacted<string>) =>
  ({ tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    accept: "application/json",
    "x-kite-version": "3",
    ...(tokens && { authorization: Redacted.make(`token ${Redacted.value(apiKey)}:${Redacted.value(tokens.access)}`) })
  })

const api = BrokerApi.define(ZerodhaApi, {
  broker,
  table,
  credentials: { apiKey: credentials.apiKey },
  protocol: ({ apiKey }) => ({ dialects, codes, headers: headersFor(apiKey), app: { api_key: apiKey } })
})

/**
 * Options of `make` and `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = Parameters<typeof api.make>[0]

/**
 * Returns an object with the typed calls of one app. The app's `apiKey` is sent with every call. Fails with
 * `InvalidRequest` if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = api.make

/**
 * Provides the typed calls. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = api.layer
