/**
 * Typed calls of Rupeezy's Vortex API: login, exchange of an auth code, logout, funds, banks, brokerage and profile.
 *
 * @since 0.1.0
 */
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Context from "effect/Context"
import * as Redacted from "effect/Redacted"
import { broker, credentials } from "./RupeezyBroker.ts"
import * as codes from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"

/**
 * Options of the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** API key of your app, sent in the header `x-api-key`. */
  readonly apiKey: Redacted.Redacted<string>
  /** `logins` sends the API key only with logins. Default: the API key is sent with every call. */
  readonly apiKeyHeader?: "logins" | undefined
  /**
   * `as-sent` interprets the HTTP status of a refusal, but not its message. If the status does not explain the refusal,
   * the error is `BrokerRejected`. If the option `forbidden` is also set, the message of an HTTP 403 is interpreted.
   * Default: the status and the message are interpreted. No message is documented.
   */
  readonly refusals?: "as-sent" | undefined
  /**
   * `session-over`: HTTP 403 on a call that requires a session means that the session was revoked. Exception: an answer
   * that reports an unregistered IP address. Default: HTTP 403 is `PermissionDenied`.
   */
  readonly forbidden?: "session-over" | undefined
  /** UTC offset of `login_time`. The broker does not send the offset. Default: `+05:30`. */
  readonly loginTimeOffset?: `${"+" | "-"}${number}:${number}` | undefined
}

/**
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments.
 *
 * @category services
 * @since 0.1.0
 */
export class RupeezyApi extends Context.Service<RupeezyApi, BrokerApi.BrokerApi<ReturnType<typeof endpoints.make>>>()(
  "@auth/rupeezy/RupeezyApi"
) {}

/**
 * Returns a function that makes the headers of a call. According to the Vortex usage page, as of 2026-11-21, every call
 * sends the API key. In the login documentation and in all three official SDKs, only logins send the API key.
 *
 * @category headers
 * @since 0.1.0
 */
export const headersFor = ({ apiKey, apiKeyHeader }: Options) => {
  const constant = { "content-type": "application/json", accept: "application/json" }
  const keyed = { ...constant, "x-api-key": apiKey }
  return ({ tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    ...(tokens !== undefined && apiKeyHeader === "logins" ? constant : keyed),
    ...(tokens && { authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) })
  })
}

const api = BrokerApi.define(RupeezyApi, {
  broker,
  table: ({ loginTimeOffset }: Options) => endpoints.make(loginTimeOffset),
  credentials: { apiKey: credentials.apiKey },
  choices: { probe: ["funds", "banks", "profile"], state: ["optional", "required", "not-sent"] },
  protocol: ({ apiKey }, options: Options) => ({
    dialects,
    codes: codes.make(options),
    headers: headersFor({ ...options, apiKey })
  })
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
