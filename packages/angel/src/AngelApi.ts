/**
 * Typed calls of Angel One's SmartAPI: the documented endpoints for logging in.
 *
 * @since 0.1.0
 */
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Context from "effect/Context"
import * as Redacted from "effect/Redacted"
import { broker, credentials } from "./AngelBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import { table } from "./internal/endpoints.ts"

/**
 * The typed calls, one for each endpoint. A call takes the request, the session or both, as its endpoint requires.
 *
 * @category services
 * @since 0.1.0
 */
export class AngelApi extends Context.Service<AngelApi, BrokerApi.BrokerApi<typeof table>>()("@auth/angel/AngelApi") {}

/**
 * Options of the client. The broker checks that the three address headers are present. It does not check their values.
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
 * Makes the headers of a call. Source: SmartAPI documentation, "Header Parameters", as of 2026-11-21. `X-UserType` is
 * always `USER`, and `X-SourceID` is always `WEB`.
 *
 * @category headers
 * @since 0.1.0
 */
export const headersFor = (options: Options) => {
  const constant = {
    "content-type": "application/json",
    accept: "application/json",
    "x-usertype": "USER",
    "x-sourceid": "WEB",
    // The default addresses are placeholders, because the addresses of the machine are not looked up.
    "x-clientlocalip": options.clientLocalIp ?? "127.0.0.1",
    "x-clientpublicip": options.clientPublicIp ?? "0.0.0.0",
    "x-macaddress": options.macAddress ?? "00:00:00:00:00:00",
    "x-privatekey": options.apiKey
  }
  return ({ tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    ...constant,
    ...(tokens && { authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) })
  })
}

const api = BrokerApi.define(AngelApi, {
  broker,
  table,
  credentials: { apiKey: credentials.apiKey },
  protocol: ({ apiKey }, options: Options) => ({ dialects, codes, headers: headersFor({ ...options, apiKey }) })
})

/**
 * Makes the typed calls for one app. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = api.make

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = api.layer
