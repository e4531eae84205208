import * as AuthError from "@auth/broker-core/login/AuthError"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { validationErrors } from "./dialects.ts"
import { table } from "./endpoints.ts"

const { denied, invalidCode, invalidCredentials, invalidRequest, sessionExpired, unavailable, unlessOutage } =
  ErrorTable
const source = "Samco Trade API documentation v3.2"
const row = ErrorTable.rows(source, "2026-11-21")
const oauth = ErrorTable.rows(`${source}, OAuth 2.1 flow, error codes`, "2026-11-21")
const legacy = ErrorTable.rows(`${source}, legacy login`, "2026-11-21")

/** After this error, a refresh can be repeated, but an authorization code must not be sent again. */
export const concurrentExchange = "EOAUTH030"

const replayed = invalidCode(
  "authorization-code",
  () => [{ id: "CodeReused", text: "An authorization code is valid for one use." }],
  "The broker has revoked all tokens of this app and account, including those of running sessions. " +
    "Delete the stored sessions, and begin the browser login again."
)
const again = "Begin the browser login again, and complete it within ten minutes."
const beginAgain = invalidCode("authorization-code", undefined, again)
const taken = invalidCode(
  "authorization-code",
  () => [{ id: "CodeReused", text: "Another request with this code is in progress." }],
  "Begin the browser login again. Sending the code again would make the broker revoke all tokens of this app and account."
)
const concurrent = /concurrent token exchange/i
const coded = (reason: typeof unavailable) => (failure: ErrorTable.Failure) =>
  reason({ ...failure, code: concurrentExchange })
const encrypted = "in the encrypted form that the dashboard issued. Do not log in again with the same value."
const apiKey = invalidCredentials("apiKey", `Use the API key of an active app, ${encrypted}`)
const apiSecret = invalidCredentials("apiSecret", `Use the API secret ${encrypted}`)
const secretApiKey = invalidCredentials("secretApiKey", "Use the key from the broker's email, or generate a new one.")
const accessToken = invalidCredentials(
  "accessToken",
  "Get a new access token with SamcoApi.accessToken. An access token expires at 08:00 IST at the latest."
)
const otp = invalidCode("otp", undefined, "Request a new code. A code is valid for one try.")
const appSignIn = ErrorTable.actionRequired("Sign in to the SAMCO mobile app once")
const registerIp = denied(
  "ip",
  "In Samco's dashboard, register the public IP address of the machine that exchanges the code (your server, " +
    "not the browser). Then begin the browser login again: the code of this login cannot be used again."
)
const otherRedirectUrl = invalidRequest("redirectUrl", "is not the registered one")
const otherScopes = invalidRequest("scopes", "are not the scopes of the app")
const badRequest = invalidRequest("request", "was rejected as malformed")
const lacksField = invalidRequest("request", "lacks a field that the broker requires")

const endpoints = Object.values(table)
const own = { operations: endpoints.map(({ name }) => name) }
const required = endpoints.filter(({ token }) => token === "required")
const withToken = { operations: [...required.map(({ name }) => name), otherCall] }
const exchange = { operations: [table.oauthToken.name] }
const login = { operations: [table.login.name], source: "assumed: no text for a wrong access token is documented" }
const otpCalls = {
  operations: [table.secretKeyGenerator.name, table.webSecretCodeValidation.name],
  source: `${source}, Login Code Validation`
}

/** The documentation shows no failed OAuth call. A failure may have an error code, a message, or both. */
const oauthCodes: ReadonlyArray<ErrorTable.ErrorRow> = [
  oauth("EOAUTH009", "The IP address of the caller is not allowed", registerIp),
  row(/not the registered static IP/i, "The IP address is not registered (HTTP 403 for orders)", denied("ip")),
  oauth("EOAUTH001", "Unknown or inactive API key", apiKey),
  oauth("EOAUTH008", "Wrong API secret", apiSecret),
  oauth("EOAUTH011", "Unknown authorization code", beginAgain),
  oauth("EOAUTH012", "Authorization code used before: all tokens are revoked", replayed),
  oauth("EOAUTH013", "Authorization code expired", beginAgain),
  oauth("EOAUTH016", "Unknown or invalidated refresh token", sessionExpired("refresh-invalid")),
  oauth("EOAUTH017", "Refresh token expired", sessionExpired("refresh-expired")),
  oauth("EOAUTH002", "The redirect URL differs from the registered redirect URL", otherRedirectUrl),
  oauth("EOAUTH003", "The app does not have the requested scopes", otherScopes),
  oauth("EOAUTH010", "Authorization code missing", invalidRequest("code", "is missing")),
  oauth("EOAUTH015", "Refresh token missing", invalidRequest("refresh_token", "is missing")),
  oauth(concurrentExchange, "Another request with this authorization code is in progress", taken, exchange),
  oauth(concurrentExchange, "Another token request is in progress: a refresh can be sent again", unavailable),
  oauth("EOAUTH999", "The trading back end could not start a session", appSignIn),
  row(/authorization code already used/i, "Authorization code used before (no error code)", replayed),
  row(/authorization code has expired/i, "Authorization code expired (no error code)", beginAgain),
  row(
    concurrent,
    "Another request with this authorization code is in progress (no error code)",
    coded(taken),
    exchange
  ),
  row(concurrent, "Another token request is in progress (no error code)", coded(unavailable))
]

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  ...oauthCodes,
  row(/invalid (?:or inactive )?api key/i, "Unknown or inactive API key (no error code)", apiKey),
  row(/invalid api secret/i, "Wrong API secret (no error code)", apiSecret),
  row(/unable to start your trading session/i, "The user must first sign in to the mobile app (HTTP 401)", appSignIn),
  legacy(/invalid password/i, "Wrong password", invalidCredentials("password")),
  legacy(/secret key does not match/i, "Wrong secret API key", secretApiKey),
  row(/access ?token/i, "Wrong or expired access token", unlessOutage(accessToken), login),
  row(/\botp\b/i, "Wrong or expired one-time code", unlessOutage(otp), otpCalls),
  row(/invalid otp/i, "Wrong one-time code", invalidCode("otp")),
  row(validationErrors, "The answer lists faults of the request", badRequest),
  row(/are required/i, "Fields are missing (HTTP 400)", lacksField, { status: 400 }),
  // This row applies only to the calls of this package. In an answer to an order, `blocked` can describe a share.
  row(/blocked|dormant/i, "The account is blocked or dormant", ErrorTable.locked("account", "broker"), own),
  row(/not subscribed/i, "The user has not subscribed to the API (HTTP 403)", denied("subscription"), { status: 403 }),
  row(/token is mandatory/i, "No session token was sent", sessionExpired("missing"), withToken),
  row(/session|token|unauthorized/i, "The session token is not accepted", sessionExpired("invalid"), {
    status: 401,
    ...withToken
  }),
  row(429, "Too many requests", ErrorTable.rateLimited, { source: "the open-source project openalgo, Samco adapter" })
]

/** `code` is the callback's `error`, such as `access_denied`. `brokerMessage` is the callback's `errorMessage`. */
export const callbackRefusal = (code: string, brokerMessage: string | undefined): AuthError.Reason => {
  if (code !== "invalid_request") return new AuthError.RedirectRejected({ code, brokerMessage, why: "denied" })
  return new AuthError.InvalidRequest({
    code,
    brokerMessage,
    problems: [{ field: "request", problem: "was rejected by the login page" }],
    advice:
      "Compare the redirect URL and the scopes with those of the app in the dashboard. Then begin the login again."
  })
}
