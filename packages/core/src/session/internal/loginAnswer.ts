import type * as AuthError from "../../login/AuthError.ts"

/** After an error with one of these system codes, the broker has received nothing. */
const neverConnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT)$/

/**
 * How a login failed:
 *
 * - `nothing-sent`: the credentials or the one-time code did not reach the broker.
 * - `none`: the credentials or the one-time code may have reached the broker, but the broker did not answer.
 * - `refused`: the broker refused the credentials or the one-time code.
 * - `locked`: the broker has locked the account.
 * - `passing`: the same login may succeed later.
 * - `final`: the same login would fail again.
 */
export type LoginAnswer = "nothing-sent" | "none" | "refused" | "locked" | "passing" | "final"

const isOfTheBroker = ({ brokerMessage, code }: AuthError.BrokerSaid): boolean =>
  code !== undefined || brokerMessage !== undefined

/** Whether a logout stopped a login before its credentials or its one-time code were sent. */
export const isLoggedOut = ({ reason }: AuthError.AuthError): boolean =>
  reason._tag === "SessionExpired" && reason.why === "logged-out" && !isOfTheBroker(reason)

/** `isSent`: whether a request of the login was sent. */
export const classify = (error: AuthError.AuthError, isSent: boolean): LoginAnswer => {
  const { reason } = error
  switch (reason._tag) {
    case "InvalidCredentials":
      return "refused"
    case "InvalidStepUpCode":
      return reason.by === "client" ? "nothing-sent" : "refused"
    case "AccountLocked":
      return "locked"
    case "RateLimited":
      return "passing"
    case "BrokerUnavailable":
      if (reason.why === "certificate" || reason.why === "proxy" || reason.status === 407) return "nothing-sent"
      if (reason.systemCode !== undefined && neverConnected.test(reason.systemCode)) return "nothing-sent"
      return reason.why === "broker" && reason.status !== 502 && reason.status !== 504 ? "passing" : "none"
    case "InvalidRequest":
    case "ActionRequired":
      return isSent || isOfTheBroker(reason) ? "final" : "nothing-sent"
    case "SessionExpired":
      return isLoggedOut(error) ? "nothing-sent" : "final"
    default:
      return "final"
  }
}
