import * as AuthError from "@auth/broker-core/login/AuthError"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Duration from "effect/Duration"

/** Reads the waiting time from a message such as "after 5 mins" or "after 30 seconds". */
const waitIn = (message: string | undefined): Duration.Duration | undefined => {
  const [, count, unit = ""] = /(?<!\d)(\d{1,6})\s*(sec|min|hour)/i.exec(message ?? "") ?? []
  if (count === undefined) return undefined
  const per = { sec: Duration.seconds, min: Duration.minutes, hour: Duration.hours }[unit.toLowerCase()]
  return per?.(Number(count))
}

const rateLimited = (failure: ErrorTable.Failure): AuthError.Reason =>
  ErrorTable.rateLimited({ ...failure, retryAfter: failure.retryAfter ?? waitIn(failure.message) })

const said = ({ code, message }: ErrorTable.Failure): AuthError.BrokerSaid => ({ code, brokerMessage: message })

const stepAdvice =
  "If every login or recovery fails in this way, the broker may expect the token of the previous step in a header of " +
  'another form. In this case, change the option stepHeader before the next try: from "bare" (the default) to ' +
  '"three-part", or from "three-part" to "bare". Do not try repeatedly: each login and each recovery sends a code.'
const stepRefused = (failure: ErrorTable.Failure) =>
  new AuthError.ChallengeExpired({ ...said(failure), why: "refused", advice: stepAdvice })

const bioAdvice = "Log in with RmoneyAuth, and pass the access token of that session to RmoneyBiometric."
const bioRefused = (failure: ErrorTable.Failure) =>
  new AuthError.SessionExpired({ ...said(failure), why: "invalid", advice: bioAdvice })

const tooOld = "The code has expired: request a new one with StepUp.resend."
const noTotp =
  "The account has no authenticator. Enter the code from the SMS or email: call StepUp.verify with a copy of the " +
  'challenge whose `kinds` begins with "otp".'
const notListed = /\bip\b.*(?:not|un)[ -]?(?:white ?listed|listed|registered|allowed)|(?:un|not )registered ip/i
const blocked = /blocked by admini?strator|unblock acc?o?u?n?t? option won'?t work/i

const filter = { source: "authentication filter of the back-end software: HTTP 401 with the plain text Unauthorized" }
const biometric = {
  operations: ["bioPwdValidate"],
  source: "the back-end software compares the token of a biometric login with the token that it stored"
}
const aliceBlue = { source: "client libraries for the broker Alice Blue, which has the same back end" }
const issue484 = { source: "https://github.com/krishnavelu/alice_blue/issues/484" }
const apiPage = {
  source: "RMoney's API page: an approval and a static IPv4 address are required; the text of the refusal is unknown"
}

const recovery = ["clientUnblockVerify", "pwdForgotVerify", "pwdReset"]
const steps = { operations: ["otpSend", "otpValidate", "toptVerify", ...recovery] }
const withSession = { operations: ["bioEnable", "getProfile", "logout", otherCall], ...filter }

const { denied, invalidCode, invalidCredentials, invalidRequest, locked, sessionExpired, unavailable } = ErrorTable
const stepExpired = ErrorTable.challengeExpired("refused")
const totpFirst = ErrorTable.actionRequired("Log in to RMoney's own web or mobile app with TOTP today")
const severalClients = invalidRequest("userId", "belongs to several accounts: use the client id")
const notApproved = /not (?:yet )?approved|approval (?:is )?pending/i
const row = ErrorTable.rows(
  "message texts of other brokers with the same back-end software; RMoney documents no failure",
  "2026-11-21"
)

/** Some messages of the broker have typos. The patterns also match the corrected messages. */
export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(401, "The token of the previous step is missing, wrong or expired", stepRefused, { ...steps, ...filter }),
  row(/session expired|invalid user session|\bEC087\b/i, "The previous step has expired", stepExpired, steps),
  row(401, "The access token differs from the token that the broker stored", bioRefused, biometric),
  row(/^unauthorized$/i, "The token is missing, wrong or expired", sessionExpired("invalid"), withSession),
  row("EC087", "The session has expired", sessionExpired("expired"), aliceBlue),
  row(/session expired/i, "The session has expired", sessionExpired("expired"), aliceBlue),
  row(/invalid user session/i, "The session is unknown", sessionExpired("invalid")),
  row(/invalid user\s?id or password/i, "User id or password is wrong", invalidCredentials("userId or password")),
  row(/enter valid password/i, "The password is wrong", invalidCredentials("password")),
  row(/enter valid credentials/i, "User id or password is wrong", invalidCredentials("userId or password")),
  row(/^invalid user\W*$/i, "The user is unknown", invalidCredentials("userId")),
  row(/user does not exist/i, "The user is unknown", invalidCredentials("userId")),
  row(/invalid pan\b/i, "The PAN does not match the account", invalidCredentials("pan")),
  row(/invalid vendor/i, "The app is unknown", invalidCredentials("vendor, appCode or apiSecret")),
  row(/invalid otp/i, "The one-time code is wrong", invalidCode("otp")),
  row(/invalid totp/i, "The authenticator's code is wrong", invalidCode("totp", ErrorTable.totpHints)),
  row(/otp interval exceeded/i, "The one-time code has expired", invalidCode("otp", undefined, tooOld)),
  row(/invalid auth\s?code/i, "The authorization code is wrong or was used before", invalidCode("authorization-code")),
  row(/t-?otp not enabled/i, "The account has no authenticator", invalidCode("totp", undefined, noTotp)),
  row(
    /enable\s?\/\s?login with totp/i,
    "The account must first log in with TOTP in RMoney's own app",
    totpFirst,
    issue484
  ),
  row(blocked, "The broker blocked the account, and only the broker can unblock it", locked("account", "broker")),
  row(/(?:user|client|account) (?:is )?blocked/i, "The account is locked", locked("account", "self-service")),
  row(/exceeded maxim\w+ limit/i, "Too many attempts", rateLimited),
  row(/(?:retry|try again) after \d+ ?(?:sec|min|hour)/i, "Too many calls", rateLimited),
  row(notApproved, "The broker has not approved the app yet", denied("activation"), apiPage),
  row(notListed, "The caller's IP address is not registered", denied("ip"), apiPage),
  row(/invalid parameter/i, "A field is missing or wrong", invalidRequest("request", "has invalid parameters")),
  row(/linked with multiple client/i, "The mobile number belongs to several accounts", severalClients),
  row(/^failed\W*$/i, "The back end failed", unavailable),
  row(/failed to validate/i, "The back end failed", unavailable),
  row(/something went wrong/i, "The back end failed", unavailable),
  row(/can'?t send otp/i, "No code could be sent", unavailable)
]
