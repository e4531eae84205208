import * as AuthError from "@auth/broker-core/login/AuthError"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { validationErrors } from "./dialects.ts"
import * as endpoints from "./endpoints.ts"

const asOf = "2026-11-21"
const documented = "Samco Trade API documentation v3.2"
const oauth = `${documented}, OAuth 2.1 flow, error codes`
const legacy = `${documented}, legacy login`

const encrypted = "as the dashboard issued it: encrypted, not in plain text"

/** The code of a concurrent exchange. A refresh may be repeated after it, an authorization code may not. */
export const concurrentExchange = "EOAUTH030"

const replayed = ErrorTable.invalidCode(
  "authorization-code",
  () => [{ id: "CodeReused", text: "An authorization code is good once." }],
  "The broker has revoked all tokens of this app and account, those of running sessions too: " +
    "drop the sessions that you have stored, and begin the browser login again."
)

const beginAgain = ErrorTable.invalidCode(
  "authorization-code",
  () => [],
  "Begin the browser login again, and complete it within ten minutes."
)

const taken = ErrorTable.invalidCode(
  "authorization-code",
  () => [{ id: "CodeReused", text: "Another exchange of this code is under way." }],
  "Begin the browser login again. The code is not sent again: the broker would revoke all tokens of the account."
)

const apiKey = ErrorTable.invalidCredentials(
  "apiKey",
  `Give the API key of an active app, ${encrypted}. Do not repeat it unchanged.`
)
const apiSecret = ErrorTable.invalidCredentials(
  "apiSecret",
  `Give the API secret ${encrypted}. Do not repeat it unchanged.`
)

const appSignIn = ErrorTable.actionRequired("Sign in to the SAMCO mobile app once")

const row = (
  code: string,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  source: string = oauth
): ErrorTable.ErrorRow => ({
  code,
  meaning,
  reason,
  source,
  asOf
})

const text = (
  message: RegExp,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  more: Partial<Pick<ErrorTable.ErrorRow, "status" | "operations" | "source">> = {}
): ErrorTable.ErrorRow => ({ message, meaning, reason, source: documented, asOf, ...more })

const own = Object.values(endpoints.table).map(({ name }) => name)
const withToken = [
  ...Object.values(endpoints.table)
    .filter(({ token }) => token === "required")
    .map(({ name }) => name),
  otherCall
]

const otpCalls = [endpoints.secretKeyGenerator.name, endpoints.webSecretCodeValidation.name]

const registerIp =
  "Register the public IP address of the machine that exchanges the code, your server's, in Samco's dashboard. Then begin " +
  "the browser login again: the code of this one is spent."

/** Codes of the OAuth calls. What their failures look like is not printed, so the known texts have rows of their own. */
const oauthCodes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row("EOAUTH009", "The IP address is not allowed, of the exchange too", (failure) => {
    const { code, message: brokerMessage } = failure
    return new AuthError.PermissionDenied({ code, brokerMessage, why: "ip", advice: registerIp })
  }),
  text(
    /not the registered static IP/i,
    "The IP address is not registered, HTTP 403 on orders",
    ErrorTable.denied("ip")
  ),
  row("EOAUTH001", "Unknown or inactive API key", apiKey),
  row("EOAUTH008", "Wrong API secret", apiSecret),
  row("EOAUTH011", "Unknown authorization code", beginAgain),
  row("EOAUTH012", "Authorization code used before: all tokens are revoked", replayed),
  row("EOAUTH013", "Authorization code expired", beginAgain),
  row("EOAUTH016", "Unknown or void refresh token", ErrorTable.sessionExpired("refresh-invalid")),
  row("EOAUTH017", "Refresh token expired", ErrorTable.sessionExpired("refresh-expired")),
  row(
    "EOAUTH002",
    "Not the registered redirect URL",
    ErrorTable.invalidRequest("redirectUrl", "is not the registered one")
  ),
  row("EOAUTH003", "Scopes that the app has not", ErrorTable.invalidRequest("scopes", "are not those of the app")),
  row("EOAUTH010", "Authorization code missing", ErrorTable.invalidRequest("code", "is missing")),
  row("EOAUTH015", "Refresh token missing", ErrorTable.invalidRequest("refresh_token", "is missing")),
  {
    ...row(concurrentExchange, "Another exchange of this authorization code is under way", taken),
    operations: [endpoints.oauthToken.name]
  },
  row(concurrentExchange, "Another exchange is under way: a refresh may be repeated once", ErrorTable.unavailable),
  row("EOAUTH999", "The trading back end could not start a session", appSignIn),
  text(/authorization code already used/i, "Authorization code used before, without a code", replayed),
  text(/authorization code has expired/i, "Authorization code expired, without a code", beginAgain),
  text(
    /concurrent token exchange/i,
    "Another exchange of this authorization code is under way, without a code",
    (failure) => taken({ ...failure, code: concurrentExchange }),
    { operations: [endpoints.oauthToken.name] }
  ),
  text(/concurrent token exchange/i, "Another exchange is under way, without a code", (failure) =>
    ErrorTable.unavailable({ ...failure, code: concurrentExchange })
  )
]

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  ...oauthCodes,
  text(/invalid (?:or inactive )?api key/i, "Unknown or inactive API key, without a code", apiKey),
  text(/invalid api secret/i, "Wrong API secret, without a code", apiSecret),
  text(/unable to start your trading session/i, "The app has to be opened once; comes as HTTP 401", appSignIn),
  text(/invalid password/i, "Wrong password", ErrorTable.invalidCredentials("password"), { source: legacy }),
  text(
    /secret key does not match/i,
    "Wrong secret API key",
    ErrorTable.invalidCredentials("secretApiKey", "Give the secret API key that came by mail, or generate a new one."),
    { source: legacy }
  ),
  text(
    /access ?token/i,
    "Wrong or dead access token",
    ErrorTable.unlessOutage(
      ErrorTable.invalidCredentials(
        "accessToken",
        "Get a new access token: it dies every day before 08:00 IST. SamcoApi.accessToken gives one."
      )
    ),
    { operations: [endpoints.login.name], source: "made up: no text for a wrong access token is documented" }
  ),
  text(
    /\botp\b/i,
    "Wrong or expired one-time code",
    ErrorTable.unlessOutage(
      ErrorTable.invalidCode("otp", () => [], "Ask for a fresh code. A code is good for one try.")
    ),
    { operations: otpCalls, source: `${documented}, Login Code Validation` }
  ),
  text(/invalid otp/i, "Wrong one-time code", ErrorTable.invalidCode("otp")),
  row(
    validationErrors,
    "Faults in the request, as a list",
    ErrorTable.invalidRequest("request", "was refused as badly formed"),
    documented
  ),
  text(
    /are required/i,
    "Fields are missing, HTTP 400",
    ErrorTable.invalidRequest("request", "lacks a field that the broker wants"),
    { status: 400 }
  ),
  // An order may be refused since a share is blocked.
  text(/blocked|dormant/i, "The account is blocked or dormant", ErrorTable.locked("account", "broker"), {
    operations: own
  }),
  text(/not subscribed/i, "The API is not subscribed, HTTP 403", ErrorTable.denied("subscription"), { status: 403 }),
  text(/token is mandatory/i, "No session token was sent", ErrorTable.sessionExpired("missing"), {
    operations: withToken
  }),
  text(/session|token|unauthorized/i, "The session token is not accepted", ErrorTable.sessionExpired("invalid"), {
    status: 401,
    operations: withToken
  }),
  {
    status: 429,
    meaning: "Too many requests",
    reason: ErrorTable.rateLimited,
    source: "openalgo, adapter for Samco",
    asOf
  }
]

/** Samco's callback says `access_denied` or `invalid_request`, and tells why in `errorMessage`. */
export const callbackRefusal = (code: string, brokerMessage: string | undefined): AuthError.Reason => {
  if (code !== "invalid_request") return new AuthError.RedirectRejected({ code, brokerMessage, why: "denied" })
  return new AuthError.InvalidRequest({
    code,
    brokerMessage,
    problems: [{ field: "request", problem: "was refused by the login page" }],
    advice: "Compare redirect URL and scopes with those of the app in the dashboard, then begin again."
  })
}
