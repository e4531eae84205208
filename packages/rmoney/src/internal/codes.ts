import * as AuthError from "@auth/broker-core/login/AuthError"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Duration from "effect/Duration"

/** The waiting time that a message names, as in "after 5 mins" and "after 30 seconds". */
const waitIn = (message: string | undefined): Duration.Duration | undefined => {
  const [, count, unit = ""] = /(\d{1,4})\s*(sec|min|hour)/i.exec(message ?? "") ?? []
  if (count === undefined) return undefined
  const per = { sec: Duration.seconds, min: Duration.minutes, hour: Duration.hours }[unit.toLowerCase()]
  return per?.(Number(count))
}

const rateLimited = (failure: ErrorTable.Failure): AuthError.Reason =>
  ErrorTable.rateLimited({ ...failure, retryAfter: failure.retryAfter ?? waitIn(failure.message) })

const said = ({ code, message }: ErrorTable.Failure): AuthError.BrokerSaid => ({ code, brokerMessage: message })

/** Each login costs an SMS, so another one is not the advice. */
const stepAdvice =
  "If this happens in each login, the broker may want the token in another header: set the option stepHeader to " +
  '"three-part" (or "bare"). Change it before the next try, since each login has a code sent.'
const stepRefused = (failure: ErrorTable.Failure) =>
  new AuthError.ChallengeExpired({ ...said(failure), why: "refused", advice: stepAdvice })

const bioAdvice = "Log in with RmoneyAuth, and give the access token of that session to RmoneyBiometric."
const bioRefused = (failure: ErrorTable.Failure) =>
  new AuthError.SessionExpired({ ...said(failure), why: "invalid", advice: bioAdvice })

const tooOld = "The code is too old: have a new one sent with StepUp.resend, and use that."
const noTotp =
  "The account has no authenticator: answer with the code that came by SMS or mail, the challenge's kind otp first."
const totpFirst = "Log in to RMoney's own web or mobile app with TOTP today"
const severalClients = "belongs to several clients: give the client id"
const notListed = /\bip\b.*(?:not|un)[ -]?(?:white ?listed|listed|registered|allowed)|(?:un|not )registered ip/i
const blocked = /blocked by admini?strator|unblock acc?o?u?n?t? option won'?t work/i

const filter = { source: "filter of the vendor's back end: HTTP 401 with the plain text Unauthorized" }
const compared = { source: "the vendor's back end compares it with the token that it has kept" }
const aliceBlue = { source: "clients of Alice Blue, of the same family" }
const issue484 = { source: "https://github.com/krishnavelu/alice_blue/issues/484" }
const apiPage = {
  source: "RMoney's API page asks for an approval and a static IPv4 address; the broker's words are not known"
}

/** Calls that carry the token of the step before. A token that is not known any more means: begin again. */
const steps = {
  operations: ["otpSend", "otpValidate", "toptVerify", "clientUnblockVerify", "pwdForgotVerify", "pwdReset"]
}
const withSession = { operations: ["bioEnable", "getProfile", "logout", otherCall] }

const { denied, invalidCode, invalidCredentials, invalidRequest, locked, sessionExpired } = ErrorTable
const row = ErrorTable.rows(
  "constants of the vendor's back end as other brokers run it; RMoney documents no failure",
  "2026-11-21"
)

/** Messages are matched loosely: the back end has typos in them, and may mend them one day. */
export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(401, "The token of the step before is missing, wrong or over", stepRefused, { ...steps, ...filter }),
  row(
    /session expired|invalid user session|\bEC087\b/i,
    "What the step before began is over",
    ErrorTable.challengeExpired("refused"),
    steps
  ),
  row(401, "The earlier access token is not the one that the broker remembers", bioRefused, {
    operations: ["bioPwdValidate"],
    ...compared
  }),
  row(/^unauthorized$/i, "The session's token is missing, wrong or over", sessionExpired("invalid"), {
    ...withSession,
    ...filter
  }),
  row("EC087", "The session has expired", sessionExpired("expired"), aliceBlue),
  row(/session expired/i, "The session has expired", sessionExpired("expired"), aliceBlue),
  row(/invalid user session/i, "The session is not known", sessionExpired("invalid")),
  row(/invalid user\s?id or password/i, "User id or password is wrong", invalidCredentials("userId or password")),
  row(/enter valid password/i, "The password is wrong", invalidCredentials("password")),
  row(/enter valid credentials/i, "User id or password is wrong", invalidCredentials("userId or password")),
  row(/^invalid user\W*$/i, "The user is not known", invalidCredentials("userId")),
  row(/user does not exist/i, "The user is not known", invalidCredentials("userId")),
  row(/invalid pan\b/i, "The PAN is not the account's", invalidCredentials("pan")),
  row(/invalid vendor/i, "The app is not known", invalidCredentials("vendor, appCode or apiSecret")),
  row(/invalid otp/i, "The one-time code is wrong", invalidCode("otp")),
  row(/invalid totp/i, "The authenticator's code is wrong", invalidCode("totp", ErrorTable.totpHints)),
  row(/otp interval exceeded/i, "The one-time code is too old", invalidCode("otp", undefined, tooOld)),
  row(/invalid auth\s?code/i, "The code of the browser login is wrong or used", invalidCode("authorization-code")),
  row(/t-?otp not enabled/i, "The account has no authenticator", invalidCode("totp", undefined, noTotp)),
  row(
    /enable\s?\/\s?login with totp/i,
    "A login with TOTP must come first",
    ErrorTable.actionRequired(totpFirst),
    issue484
  ),
  row(blocked, "The account was blocked by the broker, and unblocking does not help", locked("account", "broker")),
  row(/(?:user|client|account) (?:is )?blocked/i, "The account is locked", locked("account", "self-service")),
  row(/exceeded maxim\w+ limit/i, "Too many tries", rateLimited),
  row(/(?:retry|try again) after \d+ (?:sec|min)/i, "Too many calls", rateLimited),
  row(
    /not (?:yet )?approved|approval (?:is )?pending/i,
    "The app is not approved by the broker yet",
    denied("activation"),
    apiPage
  ),
  row(notListed, "The caller's IP address is not registered", denied("ip"), apiPage),
  row(/invalid parameter/i, "A field is missing or wrong", invalidRequest("request", "has invalid parameters")),
  row(
    /linked with multiple client/i,
    "The mobile number belongs to several clients",
    invalidRequest("userId", severalClients)
  ),
  row(/^failed\W*$/i, "The back end failed", ErrorTable.unavailable),
  row(/failed to validate/i, "The back end failed", ErrorTable.unavailable),
  row(/something went wrong/i, "The back end failed", ErrorTable.unavailable),
  row(/can'?t send otp/i, "No code could be sent", ErrorTable.unavailable)
]
