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
 * How a step carries the token of the step before. `bare` is what the only known client of RMoney's own host sends (the
 * Python package tradion_api_client); `three-part` is what the vendor's back end wants where other brokers run it.
 * RMoney's own document names no header. As of 2026-11-27.
 */
export type StepHeader = "bare" | "three-part" | ((step: Step) => BrokerClient.Headers)

export const step = (form: StepHeader, given: Step): BrokerClient.Headers => {
  if (typeof form === "function") return form(given)
  const { source, token, userId } = given
  const before = form === "bare" ? "" : `${userId} ${source} `
  return { authorization: Redacted.make(`Bearer ${before}${Redacted.value(token)}`) }
}
