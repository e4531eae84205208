import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { table } from "./endpoints.ts"

const row = (
  code: string | undefined,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  more: Partial<ErrorTable.ErrorRow> = {}
): ErrorTable.ErrorRow => ({ ...(code && { code }), meaning, reason, source, asOf: "2026-11-27", ...more })

const source = 'Kite Connect 3 documentation, "Exceptions"; the messages: Kite Connect forum and issues of the SDKs'
const exchange = { operations: [table.sessionToken.name] }
const refresh = { operations: [table.refreshToken.name] }

const hints = () => [{ id: "CodeReused" as const, text: "A request token is valid for one use and for a few minutes." }]
const used = ErrorTable.invalidCode(
  "authorization-code",
  hints,
  "Begin the browser login again, and complete it without delay."
)
const wrongKey = ErrorTable.invalidCredentials("apiKey", "Use the API key of an active app in the developer console.")
const wrongSecret = ErrorTable.invalidCredentials("apiSecret", "Use the API secret that belongs to this API key.")
const badRequest = ErrorTable.invalidRequest("request", "was rejected as malformed")
const unclassified = (failure: ErrorTable.Failure) =>
  (failure.status < 500 ? ErrorTable.rejected : ErrorTable.unavailable)(failure)

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(undefined, "Too many requests. The error type is NetworkException", ErrorTable.rateLimited, { status: 429 }),
  row(undefined, "Wrong checksum", wrongSecret, { message: /invalid `?checksum/i }),
  row("TokenException", "Wrong API key", wrongKey, { message: /api_key/i, ...exchange }),
  row("TokenException", "The request token was used, has expired or belongs to another app", used, exchange),
  row("TokenException", "Refresh token refused", ErrorTable.sessionExpired("refresh-invalid"), refresh),
  row("TokenException", "The session has expired", ErrorTable.sessionExpired("invalid")),
  row("UserException", "Account blocked", ErrorTable.locked("account", "broker"), {
    message: /\b(?:block|disab|lock)/i
  }),
  row("UserException", "Problem with the account", ErrorTable.denied("unknown")),
  row("TwoFAException", "No second factor", ErrorTable.actionRequired("Log in with the second factor in the browser")),
  row("PermissionException", "IP address not registered", ErrorTable.denied("ip"), { message: /\bIPs?\b/ }),
  row("PermissionException", "The call is not in the plan", ErrorTable.denied("subscription"), {
    message: /insufficient permission/i
  }),
  row("PermissionException", "Not allowed for the key or the user", ErrorTable.denied("unknown")),
  row("ForbiddenError", "Not allowed, with an older error type", ErrorTable.denied("unknown")),
  row("InputException", "Field missing or invalid", badRequest),
  row("OrderException", "An order is rejected", ErrorTable.rejected),
  row("MarginException", "Insufficient funds", ErrorTable.rejected),
  row("HoldingException", "Insufficient holdings", ErrorTable.rejected),
  row("NetworkException", "The order system cannot be reached", ErrorTable.unavailable),
  row("DataException", "The order system sent a malformed answer", ErrorTable.unavailable),
  row("GeneralException", "Error that the broker does not classify", unclassified),
  row(undefined, "Forbidden, with an unknown error type", ErrorTable.denied("unknown"), { status: 403 }),
  row(undefined, "Bad request, with an unknown error type", badRequest, { status: 400 })
]
