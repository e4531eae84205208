import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"

type Reason = ErrorTable.ErrorRow["reason"]

export interface CodeOptions {
  readonly refusals?: "as-sent" | undefined
  readonly forbidden?: "session-over" | undefined
}

const asOf = "2026-11-21"
const usage = "Vortex usage page, table of HTTP statuses"
const mocks = "@rupeezy/jsvortex 2.0.2, tests/api.test.ts: mocks, not captures"
const words = "no failure of a login is documented: an assumption about the words of its message"

const logins = ["login", "createSession"]

/** A server's own fault and a notice of maintenance are no word about credentials, whatever else they name. */
const unlessFault =
  (reason: Reason): Reason =>
  (failure) =>
    failure.status >= 500 ? ErrorTable.unavailable(failure) : ErrorTable.unlessOutage(reason)(failure)

const status = (
  code: number,
  meaning: string,
  reason: Reason,
  operations?: ReadonlyArray<string>
): ErrorTable.ErrorRow => ({
  status: code,
  meaning,
  reason,
  source: usage,
  asOf,
  ...(operations === undefined ? {} : { operations })
})

const message = (
  pattern: RegExp,
  meaning: string,
  reason: Reason,
  operations: ReadonlyArray<string> = ["login"]
): ErrorTable.ErrorRow => ({ message: pattern, meaning, reason, source: words, asOf, operations })

const address = ErrorTable.denied(
  "ip",
  "Register the public address that you call from at Rupeezy, and both of them where the machine has IPv4 and IPv6."
)

/** The lock comes first, since its message may tell of passwords; then the code, since its message may tell of clients. */
const byMessage: ReadonlyArray<ErrorTable.ErrorRow> = [
  message(
    /\b(?:block|lock|disabled)/i,
    "The account is locked",
    unlessFault(ErrorTable.locked("account", "unknown")),
    logins
  ),
  message(
    /\b(?:t?otp|2fa)/i,
    "The one-time code is wrong",
    unlessFault(ErrorTable.invalidCode("totp", ErrorTable.totpHints))
  ),
  message(
    /invalid cred|password|client/i,
    "Client code or password is wrong",
    unlessFault(ErrorTable.invalidCredentials("clientCode or password"))
  )
]

const badRequest = ErrorTable.invalidRequest("request", "was refused as badly formed")

const byWord: ReadonlyArray<ErrorTable.ErrorRow> = [
  {
    status: 500,
    message: /internal server error/i,
    meaning: "The server failed",
    reason: ErrorTable.unavailable,
    source: mocks,
    asOf
  },
  {
    code: "IP_NOT_ALLOWED",
    meaning: "The caller's address is not registered; only calls that place orders look at it",
    reason: address,
    source: "report of an integrator, static-IP questions of Rupeezy",
    asOf
  },
  { ...status(403, "The caller's address is not registered", address), message: /\bip(?:v[46])?\b/i }
]

/** What HTTP 401 means to a login, by the reason that it has for a field. */
const byUnauthorized = (reason: (field: string) => Reason): ReadonlyArray<ErrorTable.ErrorRow> => [
  status(401, "The x-api-key is wrong, or may not call this", reason("apiKey"), ["login"]),
  status(401, "Key, checksum or auth code is wrong", reason("apiKey, applicationId or auth code"), ["createSession"])
]

const unreadUnauthorized = byUnauthorized(ErrorTable.invalidCredentials)

const readUnauthorized = byUnauthorized((field) =>
  ErrorTable.unauthorizedLogin(field, /invalid (?:x-?)?(?:key|token|auth|application)|checksum/i)
)

const byStatus: ReadonlyArray<ErrorTable.ErrorRow> = [
  status(401, "The token is dead", ErrorTable.sessionExpired("invalid")),
  status(403, "Access is denied", ErrorTable.denied("unknown")),
  status(
    404,
    "There is no such call",
    ErrorTable.invalidRequest("request", "names a call that the broker does not have")
  ),
  status(400, "The request is badly formed", badRequest),
  status(422, "The request is badly formed", badRequest),
  status(429, "The rate limit is exceeded", ErrorTable.rateLimited)
]

const authorized = ["deleteSession", "getFunds", "getBanks", "getBrokerage", "getProfile", otherCall]

/** One integrator takes 403 on the funds for a session that was revoked. */
const revoked = status(403, "The session was revoked", ErrorTable.sessionExpired("unknown"), authorized)

export const make = ({ forbidden, refusals }: CodeOptions): ReadonlyArray<ErrorTable.ErrorRow> => {
  const statuses = forbidden === "session-over" ? [revoked, ...byStatus] : byStatus
  return refusals === "as-sent"
    ? [...unreadUnauthorized, ...statuses]
    : [...byMessage, ...byWord, ...readUnauthorized, ...statuses]
}
