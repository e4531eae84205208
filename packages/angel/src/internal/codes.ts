import * as Envelope from "@auth/broker-core/broker/Envelope"
import type { Hint } from "@auth/broker-core/login/AuthError"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Predicate from "effect/Predicate"

const row = ErrorTable.rows('SmartAPI documentation, "Error codes"', "2026-11-21")
const from = (source: string) => ({ source })

/**
 * The broker often returns AB1050 although the one-time code is right, for example if the client code is wrong. No hint
 * is about the PIN or the API key, because the broker checks them after the one-time code.
 */
const totpHints = (failure: ErrorTable.Failure): ReadonlyArray<Hint> => {
  const clientCode = Envelope.field(failure.request, "clientcode")
  return ErrorTable.totpHints(failure, [
    Predicate.isString(clientCode) && clientCode.includes("@")
      ? { id: "ClientCodeShape", text: "The client code is an email address. Use the client code, such as A123456." }
      : {
          id: "WrongClientCode",
          text: "Check the client code: the broker reports a wrong client code as a wrong one-time code."
        }
  ])
}

const { invalidCode, invalidCredentials, invalidRequest, rateLimited, sessionExpired, unavailable } = ErrorTable
const apiKey = invalidCredentials("apiKey")
const blocked = ErrorTable.locked("trading", "broker")
const clientOrPin = invalidCredentials("clientCode or pin")
const pinAndTotp = invalidCredentials(
  "pin",
  "Use the 4-digit PIN of the mobile app, not the web password, and enable TOTP for the account."
)

const orderCodes = "AB1008 AB1009 AB1012 AB1013 AB1014 AB1015 AB1016 AB1017 AB1018 AB2002 AB4008".split(" ")
const ofOrders = "A call for orders or market data failed"

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(/loginbypassword is not allowed/i, "The web password was used, or TOTP is not enabled", pinAndTotp, {
    source: "SmartAPI forum post 18388, topic 4692"
  }),
  row("AG8001", "Invalid token", sessionExpired("invalid")),
  row("AG8002", "Token expired", sessionExpired("expired")),
  row("AG8003", "Token missing", sessionExpired("missing")),
  row("AG8004", "Invalid API key", apiKey, from("SmartAPI forum topic 4933, smartapi-java ApiKeyException")),
  row("AG7002", "Unregistered IP address", ErrorTable.denied("ip"), from("SmartAPI forum user algo_trader")),
  row("AB8050", "Invalid refresh token", sessionExpired("refresh-invalid")),
  row("AB8051", "Refresh token expired", sessionExpired("refresh-expired")),
  row("AB1000", "Invalid email or password", clientOrPin),
  row("AB1001", "Invalid email", invalidCredentials("clientCode")),
  row("AB1002", "Invalid password length", invalidCredentials("pin")),
  row("AB1003", "Client already exists", invalidRequest("clientCode", "exists already")),
  row("AB1004", "Something went wrong, try later; or the body is malformed", unavailable),
  row("AB1005", "User type must be USER", invalidRequest("X-UserType", "must be USER")),
  row("AB1006", "Blocked for trading", blocked, from("SmartAPI documentation; smartapi-python PR 46 (login)")),
  row("AB1007", "Blocked for trading", blocked, { message: /block|lock/i, source: "SmartAPI forum topic 2199" }),
  row("AB1007", "Login id or password is invalid", clientOrPin, {
    message: /password|user id/i,
    source: "SmartAPI documentation, sample of a failure"
  }),
  row("AB1007", "Invalid parameters", invalidRequest("request", "has invalid parameters"), {
    message: /parameter/i,
    source: "SmartAPI forum post 12790"
  }),
  row("AB1007", "Error in the broker's back end (AMX)", unavailable),
  row("AB1010", "The session in the broker's back end (AMX) has expired", sessionExpired("expired")),
  row("AB1011", "Client not logged in", sessionExpired("logged-out")),
  row("AB1021", "Too many requests", rateLimited, from("an assumption, from comments in third-party clients")),
  row("AB1031", "Old password mismatch", invalidCredentials("pin")),
  row("AB1032", "User not found", invalidCredentials("clientCode")),
  row("AB1034", "Apps not found: the API key is unknown", apiKey, from("SmartAPI forum post 2542")),
  row("AB1050", "Invalid TOTP", invalidCode("totp", totpHints), from("SmartAPI forum topic 5277, post 18722")),
  row("AB1053", "Invalid API key, on generateTokens", apiKey, from("SmartAPI forum post 18195")),
  row("AB2000", "Error not specified", unavailable),
  row("AB2001", "Internal error", unavailable),
  ...orderCodes.map((code) => row(code, ofOrders, ErrorTable.rejected)),
  row("AB4006", ofOrders, ErrorTable.rejected, from("reported by users, not documented")),
  row(/exceeding access rate/i, "Rate limit exceeded", rateLimited, from("SmartAPI forum topics 3396, 4661, 5071")),
  row(/^(?:request rejected|not found)$/i, "The firewall stopped the request", ErrorTable.denied("waf"), {
    source: "SmartAPI forum topic 5400, post 18654"
  })
]
