/**
 * Typed calls of Angel One's SmartAPI: login, refresh, profile, funds and logout.
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
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments.
 *
 * @category services
 * @since 0.1.0
 */
export class AngelApi extends Context.Service<AngelApi, BrokerApi.BrokerApi<typeof table>>()("@auth/angel/AngelApi") {}

/**
 * Options of the client. The broker requires three headers with the machine's addresses. The package assumes that the
 * broker does not check the addresses.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** API key of your app. It is sent in the header `X-PrivateKey`. */
  readonly apiKey: Redacted.Redacted<string>
  /** Value of the header `X-ClientLocalIP`. Default: `127.0.0.1`. */
  readonly clientLocalIp?: string | undefined
  /** Value of the header `X-ClientPublicIP`. Default: `0.0.0.0`. The package does not look up your address. */
  readonly clientPublicIp?: string | undefined
  /** Value of the header `X-MACAddress`. Default: `00:00:00:00:00:00`. */
  readonly macAddress?: string | undefined
}

/**
 * Returns a function that makes the headers of a call. Source: SmartAPI documentation, "Header Parameters", as of
 * 2026-11-21. `X-UserType` is always `USER`, and `X-SourceID` is always `WEB`.
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
 * Returns an object with the typed calls of one app. Fails with `InvalidRequest` if an option is wrong.
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
