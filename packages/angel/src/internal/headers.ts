import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import type { Tokens } from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"

/** What the broker wants to know of the caller beside the key. It checks that the values are there, not what they say. */
export interface Identity {
  readonly clientLocalIp?: string | undefined
  readonly clientPublicIp?: string | undefined
  readonly macAddress?: string | undefined
}

export interface HeaderOptions extends Identity {
  readonly apiKey: Redacted.Redacted<string>
}

/** SmartAPI documentation, "Header Parameters", as of 2026-11-21; `X-UserType` and `X-SourceID` have one value each. */
export const make = (options: HeaderOptions) => {
  const constant = {
    "content-type": "application/json",
    accept: "application/json",
    "x-usertype": "USER",
    "x-sourceid": "WEB",
    // The unspecified addresses say truthfully that nothing was looked up.
    "x-clientlocalip": options.clientLocalIp ?? "127.0.0.1",
    "x-clientpublicip": options.clientPublicIp ?? "0.0.0.0",
    "x-macaddress": options.macAddress ?? "00:00:00:00:00:00",
    "x-privatekey": options.apiKey
  }
  return (tokens: Tokens | undefined): BrokerClient.Headers =>
    tokens === undefined
      ? constant
      : { ...constant, authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) }
}
