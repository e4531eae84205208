/**
 * Typed calls of the Samco Trade API: logins, sessions, IP addresses and margin limits.
 *
 * @since 0.1.0
 */
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import { broker } from "./SamcoBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import { table } from "./internal/endpoints.ts"

/**
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments.
 *
 * @category services
 * @since 0.1.0
 */
export class SamcoApi extends Context.Service<SamcoApi, BrokerApi.BrokerApi<typeof table>>()("@auth/samco/SamcoApi") {}

/**
 * The headers of a call. The token is sent in the header `x-session-token`, without the prefix `Bearer `. Source: Samco
 * Trade API documentation v3.2, as of 2026-11-21.
 *
 * @category headers
 * @since 0.1.0
 */
export const headers = ({ tokens }: BrokerClient.Call): BrokerClient.Headers => ({
  "content-type": "application/json",
  accept: "application/json",
  ...(tokens && { "x-session-token": Session.bareToken(tokens.access) })
})

const choices = { probe: ["getLimits", "whoami"] }
const protocol = () => ({ dialects, codes, headers })
const api = BrokerApi.define(SamcoApi, { broker, table, credentials: {}, choices, protocol })

/**
 * Options of the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {}

/**
 * Returns an object with the typed calls. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}) => api.make(options)

/**
 * Provides the typed calls. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}) => api.layer(options)
