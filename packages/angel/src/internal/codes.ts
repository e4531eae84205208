import type { Hint } from "@auth/broker-core/login/AuthError"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { field } from "@auth/broker-core/broker/Decode"
import * as Predicate from "effect/Predicate"

const asOf = "2026-11-21"
const documented = 'SmartAPI documentation, "Error codes"'

/** AB1050 comes before PIN and API key are looked at, and for much that is no wrong code. */
const totpHints = (failure: ErrorTable.Failure): ReadonlyArray<Hint> => {
  const clientCode = field(failure.request, "clientcode")
  return ErrorTable.totpHints(failure, [
    Predicate.isString(clientCode) && clientCode.includes("@")
      ? { id: "ClientCodeShape", text: "The client code is an e-mail address: give the client code, such as A123456." }
      : { id: "WrongClientCode", text: "Is the client code right? A wrong one is answered like a wrong code." }
  ])
}

const row = (
  code: string,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  source: string = documented
): ErrorTable.ErrorRow => ({ code, meaning, reason, source, asOf })

const apiKey = ErrorTable.invalidCredentials("apiKey")

/** Codes of calls that have nothing to do with logging in: kept as they came. */
const orderCodes: ReadonlyArray<readonly [string, string]> = [
  ["AB1008", documented],
  ["AB1009", documented],
  ["AB1012", documented],
  ["AB1013", documented],
  ["AB1014", documented],
  ["AB1015", documented],
  ["AB1016", documented],
  ["AB1017", documented],
  ["AB1018", documented],
  ["AB2002", documented],
  ["AB4006", "seen by users, not documented"],
  ["AB4008", documented]
]

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  {
    message: /loginbypassword is not allowed/i,
    meaning: "The web password was given, or TOTP is not enabled",
    source: "SmartAPI forum post 18388, topic 4692",
    asOf,
    reason: ErrorTable.invalidCredentials(
      "pin",
      "Give the 4-digit PIN that opens the mobile app, not the web password, and enable TOTP for the account."
    )
  },
  row("AG8001", "Invalid token", ErrorTable.sessionExpired("invalid")),
  row("AG8002", "Token expired", ErrorTable.sessionExpired("expired")),
  row("AG8003", "Token missing", ErrorTable.sessionExpired("missing")),
  row("AG8004", "Invalid API key", apiKey, "SmartAPI forum topic 4933, smartapi-java ApiKeyException"),
  row("AG7002", "Unregistered IP address", ErrorTable.denied("ip"), "SmartAPI forum user algo_trader"),
  row("AB8050", "Invalid refresh token", ErrorTable.sessionExpired("refresh-invalid")),
  row("AB8051", "Refresh token expired", ErrorTable.sessionExpired("refresh-expired")),
  row("AB1000", "Invalid e-mail or password", ErrorTable.invalidCredentials("clientCode or pin")),
  row("AB1001", "Invalid e-mail", ErrorTable.invalidCredentials("clientCode")),
  row("AB1002", "Invalid password length", ErrorTable.invalidCredentials("pin")),
  row("AB1003", "Client already exists", ErrorTable.invalidRequest("clientCode", "exists already")),
  row("AB1004", "Something went wrong, try later; also for a malformed body", ErrorTable.unavailable),
  row("AB1005", "User type must be USER", ErrorTable.invalidRequest("X-UserType", "must be USER")),
  row(
    "AB1006",
    "Client is blocked for trading",
    ErrorTable.locked("trading", "broker"),
    "SmartAPI documentation; on login: smartapi-python pull request 46"
  ),
  ...[
    {
      message: /block|lock/i,
      reason: ErrorTable.locked("trading", "broker"),
      meaning: "User is blocked for trading",
      source: "SmartAPI forum topic 2199"
    },
    {
      message: /password|user id/i,
      reason: ErrorTable.invalidCredentials("clientCode or pin"),
      meaning: "Login id or password is invalid",
      source: "SmartAPI documentation, sample of a failure"
    },
    {
      message: /parameter/i,
      reason: ErrorTable.invalidRequest("request", "has invalid parameters"),
      meaning: "Invalid parameters",
      source: "SmartAPI forum post 12790"
    },
    { reason: ErrorTable.unavailable, meaning: "AMX error", source: documented }
  ].map((variant): ErrorTable.ErrorRow => ({ code: "AB1007", asOf, ...variant })),
  row("AB1010", "AMX session expired", ErrorTable.sessionExpired("expired")),
  row("AB1011", "Client not logged in", ErrorTable.sessionExpired("logged-out")),
  row("AB1021", "Too many requests", ErrorTable.rateLimited, "comments in clients of third parties: an assumption"),
  row("AB1031", "Old password mismatch", ErrorTable.invalidCredentials("pin")),
  row("AB1032", "User not found", ErrorTable.invalidCredentials("clientCode")),
  row("AB1034", "Apps not found: the API key is not known", apiKey, "SmartAPI forum post 2542"),
  row("AB1050", "Invalid TOTP", ErrorTable.invalidCode("totp", totpHints), "SmartAPI forum topic 5277, post 18722"),
  row("AB1053", "Invalid API key, on generateTokens", apiKey, "SmartAPI forum post 18195"),
  row("AB2000", "Error not specified", ErrorTable.unavailable),
  row("AB2001", "Internal error", ErrorTable.unavailable),
  ...orderCodes.map(([code, source]) => row(code, "Concerns orders or market data", ErrorTable.rejected, source)),
  {
    message: /exceeding access rate/i,
    meaning: "The rate limit is exceeded",
    source: "SmartAPI forum topics 3396, 4661 and 5071",
    asOf,
    reason: ErrorTable.rateLimited
  },
  {
    message: /^(?:request rejected|not found)$/i,
    meaning: "The firewall stopped the request",
    source: "SmartAPI forum topic 5400, post 18654",
    asOf,
    reason: ErrorTable.denied("waf")
  }
]
