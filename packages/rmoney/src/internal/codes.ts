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

const family = "constants of the vendor's back end as other brokers run it; RMoney documents no failure"
const filter = "filter of the vendor's back end: HTTP 401 with the plain text Unauthorized"
const compared = "the vendor's back end compares it with the token that it has kept"
const aliceBlue = "clients of Alice Blue, of the same family"
const issue484 = "https://github.com/krishnavelu/alice_blue/issues/484"
const apiPage = "RMoney's API page asks for an approval and a static IPv4 address; the broker's words are not known"

/** Calls that carry the token of the step before. A token that is not known any more means: begin again. */
const steps = ["otpSend", "otpValidate", "toptVerify", "clientUnblockVerify", "pwdForgotVerify", "pwdReset"]
const withSession = ["bioEnable", "getProfile", "logout", otherCall]

type Row = readonly [
  match: RegExp | Pick<ErrorTable.ErrorRow, "code" | "message" | "operations" | "status">,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  source?: string
]

/** Messages are matched loosely: the typos in them are the back end's own, and may be mended one day. */
// oxfmt-ignore
const rows: ReadonlyArray<Row> = [
  [{ status: 401, operations: steps }, "The token of the step before is missing, wrong or over", stepRefused, filter],
  [{ message: /session expired|invalid user session|\bEC087\b/i, operations: steps }, "What the step before began is over", ErrorTable.challengeExpired("refused")],
  [{ status: 401, operations: ["bioPwdValidate"] }, "The earlier access token is not the one that the broker remembers", bioRefused, compared],
  [{ message: /^unauthorized$/i, operations: withSession }, "The session's token is missing, wrong or over", ErrorTable.sessionExpired("invalid"), filter],
  [{ code: "EC087" }, "The session has expired", ErrorTable.sessionExpired("expired"), aliceBlue],
  [/session expired/i, "The session has expired", ErrorTable.sessionExpired("expired"), aliceBlue],
  [/invalid user session/i, "The session is not known", ErrorTable.sessionExpired("invalid")],
  [/invalid user\s?id or password/i, "User id or password is wrong", ErrorTable.invalidCredentials("userId or password")],
  [/enter valid password/i, "The password is wrong", ErrorTable.invalidCredentials("password")],
  [/enter valid credentials/i, "User id or password is wrong", ErrorTable.invalidCredentials("userId or password")],
  [/^invalid user\W*$/i, "The user is not known", ErrorTable.invalidCredentials("userId")],
  [/user does not exist/i, "The user is not known", ErrorTable.invalidCredentials("userId")],
  [/invalid pan\b/i, "The PAN is not the account's", ErrorTable.invalidCredentials("pan")],
  [/invalid vendor/i, "The app is not known", ErrorTable.invalidCredentials("vendor, appCode or apiSecret")],
  [/invalid otp/i, "The one-time code is wrong", ErrorTable.invalidCode("otp")],
  [/invalid totp/i, "The authenticator's code is wrong", ErrorTable.invalidCode("totp", ErrorTable.totpHints)],
  [/otp interval exceeded/i, "The one-time code is too old", ErrorTable.invalidCode("otp", undefined, tooOld)],
  [/invalid auth\s?code/i, "The code of the browser login is wrong or used", ErrorTable.invalidCode("authorization-code")],
  [/t-?otp not enabled/i, "The account has no authenticator", ErrorTable.invalidCode("totp", undefined, noTotp)],
  [/enable\s?\/\s?login with totp/i, "A login with TOTP must come first", ErrorTable.actionRequired(totpFirst), issue484],
  [blocked, "The account was blocked by the broker, and unblocking does not help", ErrorTable.locked("account", "broker")],
  [/(?:user|client|account) (?:is )?blocked/i, "The account is locked", ErrorTable.locked("account", "self-service")],
  [/exceeded maxim\w+ limit/i, "Too many tries", rateLimited],
  [/(?:retry|try again) after \d+ (?:sec|min)/i, "Too many calls", rateLimited],
  [/not (?:yet )?approved|approval (?:is )?pending/i, "The app is not approved by the broker yet", ErrorTable.denied("activation"), apiPage],
  [notListed, "The caller's IP address is not registered", ErrorTable.denied("ip"), apiPage],
  [/invalid parameter/i, "A field is missing or wrong", ErrorTable.invalidRequest("request", "has invalid parameters")],
  [/linked with multiple client/i, "The mobile number belongs to several clients", ErrorTable.invalidRequest("userId", severalClients)],
  [/^failed\W*$/i, "The back end failed", ErrorTable.unavailable],
  [/failed to validate/i, "The back end failed", ErrorTable.unavailable],
  [/something went wrong/i, "The back end failed", ErrorTable.unavailable],
  [/can'?t send otp/i, "No code could be sent", ErrorTable.unavailable]
]

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = rows.map(([match, meaning, reason, source = family]) => ({
  ...(match instanceof RegExp ? { message: match } : match),
  meaning,
  reason,
  source,
  asOf: "2026-11-21"
}))
