import * as AuthError from "@auth/broker-core/login/AuthError"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Duration from "effect/Duration"

const asOf = "2026-11-21"
const family = "constants of the vendor's back end as other brokers run it; RMoney documents no failure"

/** The waiting time that a message names, as in "after 5 mins" and "after 30 seconds". */
const waitIn = (message: string | undefined): Duration.Duration | undefined => {
  const [, count, unit = ""] = /(\d{1,4})\s*(sec|min|hour)/i.exec(message ?? "") ?? []
  if (count === undefined) return undefined
  const per = { sec: Duration.seconds, min: Duration.minutes, hour: Duration.hours }[unit.toLowerCase()]
  return per?.(Number(count))
}

const rateLimited = (failure: ErrorTable.Failure): AuthError.Reason =>
  ErrorTable.rateLimited({ ...failure, retryAfter: failure.retryAfter ?? waitIn(failure.message) })

const row = (
  message: RegExp,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  source: string = family
): ErrorTable.ErrorRow => ({ message, meaning, reason, source, asOf })

const saidBy = ({ code, message }: ErrorTable.Failure): AuthError.BrokerSaid => ({ code, brokerMessage: message })

const bioAdvice = "Log in with RmoneyAuth, and give the access token of that session to RmoneyBiometric."

/** Each login costs an SMS, so another one is not the advice. */
const stepAdvice =
  "If this happens in each login, the broker may want the token in another header: set the option stepHeader to " +
  '"three-part" (or "bare"). Change it before the next try, since each login has a code sent.'

/** Calls that carry the token of the step before. A token that is not known any more means: begin again. */
const steps = ["otpSend", "otpValidate", "toptVerify", "clientUnblockVerify", "pwdForgotVerify", "pwdReset"]

/** Messages are matched loosely: the typos in them are the back end's own, and may be mended one day. */
export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  {
    status: 401,
    operations: steps,
    meaning: "The token of the step before is missing, wrong or over",
    source: "filter of the vendor's back end: HTTP 401 with the plain text Unauthorized",
    asOf,
    reason: (failure) => new AuthError.ChallengeExpired({ ...saidBy(failure), why: "refused", advice: stepAdvice })
  },
  {
    message: /session expired|invalid user session|\bEC087\b/i,
    operations: steps,
    meaning: "What the step before began is over",
    source: family,
    asOf,
    reason: ErrorTable.challengeExpired("refused")
  },
  {
    status: 401,
    operations: ["bioPwdValidate"],
    meaning: "The earlier access token is not the one that the broker remembers",
    source: "the vendor's back end compares it with the token that it has kept",
    asOf,
    reason: (failure) => new AuthError.SessionExpired({ ...saidBy(failure), why: "invalid", advice: bioAdvice })
  },
  {
    message: /^unauthorized$/i,
    operations: ["bioEnable", "getProfile", "logout", otherCall],
    meaning: "The session's token is missing, wrong or over",
    source: "filter of the vendor's back end: HTTP 401 with the plain text Unauthorized",
    asOf,
    reason: ErrorTable.sessionExpired("invalid")
  },
  {
    code: "EC087",
    meaning: "The session has expired",
    source: "clients of Alice Blue, of the same family",
    asOf,
    reason: ErrorTable.sessionExpired("expired")
  },
  row(/session expired/i, "The session has expired", ErrorTable.sessionExpired("expired"), "clients of Alice Blue"),
  row(/invalid user session/i, "The session is not known", ErrorTable.sessionExpired("invalid")),
  row(
    /invalid user\s?id or password/i,
    "User id or password is wrong",
    ErrorTable.invalidCredentials("userId or password")
  ),
  row(/enter valid password/i, "The password is wrong", ErrorTable.invalidCredentials("password")),
  row(/enter valid credentials/i, "User id or password is wrong", ErrorTable.invalidCredentials("userId or password")),
  row(/^invalid user\W*$/i, "The user is not known", ErrorTable.invalidCredentials("userId")),
  row(/user does not exist/i, "The user is not known", ErrorTable.invalidCredentials("userId")),
  row(/invalid pan\b/i, "The PAN is not the account's", ErrorTable.invalidCredentials("pan")),
  row(/invalid vendor/i, "The app is not known", ErrorTable.invalidCredentials("vendor, appCode or apiSecret")),
  row(/invalid otp/i, "The one-time code is wrong", ErrorTable.invalidCode("otp")),
  row(/invalid totp/i, "The authenticator's code is wrong", ErrorTable.invalidCode("totp", ErrorTable.totpHints)),
  row(
    /otp interval exceeded/i,
    "The one-time code is too old",
    ErrorTable.invalidCode(
      "otp",
      undefined,
      "The code is too old: have a new one sent with StepUp.resend, and use that."
    )
  ),
  row(
    /invalid auth\s?code/i,
    "The code of the browser login is wrong or used",
    ErrorTable.invalidCode("authorization-code")
  ),
  row(
    /t-?otp not enabled/i,
    "The account has no authenticator",
    ErrorTable.invalidCode(
      "totp",
      undefined,
      "The account has no authenticator: answer with the code that came by SMS or mail, the challenge's kind otp first."
    )
  ),
  row(
    /enable\s?\/\s?login with totp/i,
    "A login with TOTP must come first",
    ErrorTable.actionRequired("Log in to RMoney's own web or mobile app with TOTP today"),
    "https://github.com/krishnavelu/alice_blue/issues/484"
  ),
  row(
    /blocked by admini?strator|unblock acc?o?u?n?t? option won'?t work/i,
    "The account was blocked by the broker, and unblocking does not help",
    ErrorTable.locked("account", "broker")
  ),
  row(
    /(?:user|client|account) (?:is )?blocked/i,
    "The account is locked",
    ErrorTable.locked("account", "self-service")
  ),
  row(/exceeded maxim\w+ limit/i, "Too many tries", rateLimited),
  row(/(?:retry|try again) after \d+ (?:sec|min)/i, "Too many calls", rateLimited),
  row(
    /not (?:yet )?approved|approval (?:is )?pending/i,
    "The app is not approved by the broker yet",
    ErrorTable.denied("activation"),
    "RMoney's API page asks for an approval; the broker's words are not known"
  ),
  row(
    /\bip\b.*(?:not|un)[ -]?(?:white ?listed|listed|registered|allowed)|(?:un|not )registered ip/i,
    "The caller's IP address is not registered",
    ErrorTable.denied("ip"),
    "RMoney's API page asks for a static IPv4 address; the broker's words are not known"
  ),
  row(
    /invalid parameter/i,
    "A field is missing or wrong",
    ErrorTable.invalidRequest("request", "has invalid parameters")
  ),
  row(
    /linked with multiple client/i,
    "The mobile number belongs to several clients",
    ErrorTable.invalidRequest("userId", "belongs to several clients: give the client id")
  ),
  row(/^failed\W*$/i, "The back end failed", ErrorTable.unavailable),
  row(/failed to validate/i, "The back end failed", ErrorTable.unavailable),
  row(/something went wrong/i, "The back end failed", ErrorTable.unavailable),
  row(/can'?t send otp/i, "No code could be sent", ErrorTable.unavailable)
]
