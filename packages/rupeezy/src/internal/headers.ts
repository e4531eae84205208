import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import type { Tokens } from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"

export interface HeaderOptions {
  readonly apiKey: Redacted.Redacted<string>
  readonly apiKeyHeader?: "logins" | undefined
}

/**
 * Vortex usage page, as of 2026-11-21: every call carries the key. The documents for logging in, and all three official
 * SDKs, send it with the logins alone.
 */
export const make = ({ apiKey, apiKeyHeader }: HeaderOptions) => {
  const constant = { "content-type": "application/json", accept: "application/json" }
  const keyed = { ...constant, "x-api-key": apiKey }
  return (tokens: Tokens | undefined): BrokerClient.Headers =>
    tokens === undefined
      ? keyed
      : {
          ...(apiKeyHeader === "logins" ? constant : keyed),
          authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`)
        }
}
