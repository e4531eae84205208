import * as Codes from "@auth/broker-core/broker/Codes"
import { table } from "./endpoints.ts"

const row = (
  code: string | undefined,
  meaning: string,
  reason: Codes.CodeRow["reason"],
  more: Partial<Codes.CodeRow> = {}
): Codes.CodeRow => ({ ...(code && { code }), meaning, reason, source, asOf: "2026-11-27", ...more })

const source = 'Kite Connect 3 documentation, "Exceptions"; messages: forum and issues of the SDKs'
const exchange = { operations: [table.sessionToken.name] }
const refresh = { operations: [table.refreshToken.name] }

const hints = () => [{ id: "CodeReused" as const, text: "A request token is good once, for a few minutes." }]
const used = Codes.invalidCode("authorization-code", hints, "Begin the browser login again, and complete it at once.")
const wrongKey = Codes.invalidCredentials("apiKey", "Give the API key of an active app of the developer console.")
const wrongSecret = Codes.invalidCredentials("apiSecret", "Give the API secret that belongs to this API key.")
const badRequest = Codes.invalidRequest("request", "was refused as badly formed")
const trouble = (failure: Codes.Failure) => (failure.status < 500 ? Codes.rejected : Codes.unavailable)(failure)

export const codes: ReadonlyArray<Codes.CodeRow> = [
  row(undefined, "Too many requests, as NetworkException", Codes.rateLimited, { status: 429 }),
  row(undefined, "Wrong checksum", wrongSecret, { message: /invalid `?checksum/i }),
  row("TokenException", "Wrong API key", wrongKey, { message: /api_key/i, ...exchange }),
  row("TokenException", "Request token used, expired or of another app", used, exchange),
  row("TokenException", "Refresh token refused", Codes.sessionExpired("refresh-invalid"), refresh),
  row("TokenException", "The session is over", Codes.sessionExpired("invalid")),
  row("UserException", "Account blocked", Codes.locked("account", "broker"), { message: /\b(?:block|disab|lock)/i }),
  row("UserException", "Trouble with the account", Codes.denied("unknown")),
  row("TwoFAException", "No second factor", Codes.actionRequired("Log in in the browser with the second factor")),
  row("PermissionException", "IP address not registered", Codes.denied("ip"), { message: /\bIPs?\b/ }),
  row("PermissionException", "Not in the plan", Codes.denied("subscription"), { message: /insufficient permission/i }),
  row("PermissionException", "Not allowed for the key or the user", Codes.denied("unknown")),
  row("ForbiddenError", "Not allowed, older spelling", Codes.denied("unknown")),
  row("InputException", "Field missing or invalid", badRequest),
  row("OrderException", "An order is refused", Codes.rejected),
  row("MarginException", "The funds do not suffice", Codes.rejected),
  row("HoldingException", "The holdings do not suffice", Codes.rejected),
  row("NetworkException", "The order system cannot be reached", Codes.unavailable),
  row("DataException", "The order system answered in a wrong form", Codes.unavailable),
  row("GeneralException", "Not classified", trouble),
  row(undefined, "Forbidden, of an unknown type", Codes.denied("unknown"), { status: 403 }),
  row(undefined, "Bad request, of an unknown type", badRequest, { status: 400 })
]
