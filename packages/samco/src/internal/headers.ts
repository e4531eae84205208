import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Session from "@auth/broker-core/login/Session"

const constant = { "content-type": "application/json", accept: "application/json" }

/**
 * Samco Trade API documentation v3.2, as of 2026-11-21: the token travels bare in a header of Samco's own, also the one
 * that calls itself `Bearer`.
 */
export const make = (tokens: Session.Tokens | undefined): BrokerClient.Headers =>
  tokens === undefined ? constant : { ...constant, "x-session-token": Session.bareToken(tokens.access) }
