import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Redacted from "effect/Redacted"

/** Kite Connect 3 documentation, "User" and "Exceptions", as of 2026-11-27. The scheme is `token`, not `Bearer`. */
export const make =
  (apiKey: Redacted.Redacted<string>) =>
  ({ tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    accept: "application/json",
    "x-kite-version": "3",
    ...(tokens && { authorization: Redacted.make(`token ${Redacted.value(apiKey)}:${Redacted.value(tokens.access)}`) })
  })
