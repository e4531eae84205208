import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"

type Reason = ErrorTable.ErrorRow["reason"]

export interface CodeOptions {
  readonly refusals?: "as-sent" | undefined
  readonly forbidden?: "session-over" | undefined
}

const row = ErrorTable.rows("Vortex usage page, table of HTTP statuses", "2026-11-21")

const source = "an assumption about the words in the message, because no refused login is documented"
const login = { operations: ["login"], source }
const logins = { operations: ["login", "createSession"], source }

/** A server fault or a maintenance notice says nothing about the credentials. */
const unlessFault =
  (reason: Reason): Reason =>
  (failure) =>
    failure.status >= 500 ? ErrorTable.unavailable(failure) : ErrorTable.unlessOutage(reason)(failure)

const address = ErrorTable.denied(
  "ip",
  "Register this machine's public IP address with Rupeezy. If it has an IPv4 and an IPv6 address, register both."
)

const locked = unlessFault(ErrorTable.locked("account", "unknown"))
const wrongCode = unlessFault(ErrorTable.invalidCode("totp", ErrorTable.totpHints))
const wrongCredentials = unlessFault(ErrorTable.invalidCredentials("clientCode or password"))

/**
 * The order matters: a message about a lock can contain "password", and a message about a code can contain "client".
 */
const byMessage: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(/\b(?:block|lock|disabled)/i, "The account is locked", locked, logins),
  row(/\b(?:t?otp|2fa)/i, "The one-time code is wrong", wrongCode, login),
  row(/invalid cred|password|client/i, "Client code or password is wrong", wrongCredentials, login)
]

const badRequest = ErrorTable.invalidRequest("request", "was rejected as malformed")
const noSuchCall = ErrorTable.invalidRequest("request", "names a call that the broker does not have")

const serverFault = row(500, "The server failed", ErrorTable.unavailable, {
  message: /internal server error/i,
  source: "@rupeezy/jsvortex 2.0.2, tests/api.test.ts: mocks, not captures"
})

const byAddress: ReadonlyArray<ErrorTable.ErrorRow> = [
  row("IP_NOT_ALLOWED", "A call that changes data came from an IP address that is not registered", address, {
    source: "an integrator's report, and the Vortex FAQ on static IP addresses"
  }),
  row(403, "The caller's IP address is not registered", address, { message: /\bip(?:v[46])?\b/i })
]

const byUnauthorized = (reason: (field: string) => Reason): ReadonlyArray<ErrorTable.ErrorRow> => [
  row(401, "The x-api-key is wrong, or is not allowed to make this call", reason("apiKey"), { operations: ["login"] }),
  row(401, "Key, checksum or auth code is wrong", reason("apiKey, applicationId or auth code"), {
    operations: ["createSession"]
  })
]

const readUnauthorized = byUnauthorized((field) =>
  ErrorTable.unauthorizedLogin(field, /invalid (?:x-?)?(?:key|token|auth|application)|checksum/i)
)

const byStatus: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(401, "The token is no longer valid", ErrorTable.sessionExpired("invalid")),
  row(403, "Access is denied", ErrorTable.denied("unknown")),
  row(404, "The call does not exist", noSuchCall),
  row(400, "The request is malformed", badRequest),
  row(422, "The request is malformed", badRequest),
  row(429, "The rate limit is exceeded", ErrorTable.rateLimited)
]

/**
 * According to one integrator, HTTP 403 on a call for funds means a revoked session. The same is assumed for every
 * other call that requires a session.
 */
const revoked = row(403, "The session was revoked", ErrorTable.sessionExpired("unknown"), {
  operations: ["deleteSession", "getFunds", "getBanks", "getBrokerage", "getProfile", otherCall]
})

export const make = ({ forbidden, refusals }: CodeOptions = {}): ReadonlyArray<ErrorTable.ErrorRow> => {
  // `byAddress` is before `revoked`, because a new session does not help against an unregistered IP address.
  const statuses = forbidden === "session-over" ? [...byAddress, revoked, ...byStatus] : byStatus
  return refusals === "as-sent"
    ? [...byUnauthorized(ErrorTable.invalidCredentials), ...statuses]
    : [...byAddress, ...byMessage, serverFault, ...readUnauthorized, ...statuses]
}
