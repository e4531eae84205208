import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import type { Tokens } from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"

const constant = { "content-type": "application/json", accept: "application/json" }

/** Of a call with a session, or without one. */
export const make = (tokens: Tokens | undefined): BrokerClient.Headers =>
  tokens === undefined
    ? constant
    : { ...constant, authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) }

/** What carries a login from one step to the next. */
export interface Step {
  /** As in the body of the same request, to the letter: the back end compares them. */
  readonly userId: string
  /** `WEB`, `MOB` or `API`. */
  readonly source: string
  readonly token: Redacted.Redacted<string>
}

/**
 * The header that the vendor's back end wants where other brokers run it. RMoney's own document names no header, and no
 * other place for the token that each step returns. As of 2026-11-21.
 */
export const step = ({ source, token, userId }: Step): BrokerClient.Headers => ({
  authorization: Redacted.make(`Bearer ${userId} ${source} ${Redacted.value(token)}`)
})
