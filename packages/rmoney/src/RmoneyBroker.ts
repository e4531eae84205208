/**
 * Describes RMoney as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Predicate from "effect/Predicate"

const asOf = "2026-11-21"

type Origins = Readonly<Record<string, string>> | undefined

const hosts = "`uat`, `production`, or the https origin of a production host"
const environment = Credentials.plain("RMONEY_ENVIRONMENT", hosts, {
  problem: (value: string) =>
    /^(?:uat|production)$/i.test(value) || /^https?:\/\//i.test(value)
      ? undefined
      : 'must be "uat", "production" or the https origin of a production host',
  option: (options: { readonly environment?: unknown; readonly origins?: Origins }, configured: unknown = "none") => {
    const { environment, origins } = options
    if (environment === undefined) return origins?.["api"] ?? origins?.["openApi"] ?? configured
    return Predicate.hasProperty(environment, "production") ? (environment.production ?? null) : environment
  }
})

// A user id with a space would be ambiguous in the header `Authorization: Bearer <userId> <source> <token>`.
const userIdProblem = (value: string) =>
  /^[\x21\x23-\x5f\x61-\x7e]+$/.test(value) ? undefined : "has characters that a user id cannot have"

const userId = Credentials.plain(
  "RMONEY_USER_ID",
  "User id. A password login also accepts the email address, the mobile number or the PAN of the account",
  { problem: userIdProblem }
)

/** A login by browser or QR code compares this value with the client id of the session. */
const clientId = Credentials.plain("RMONEY_USER_ID", "Client id of the account, such as TEST101", {
  problem: (value: string) =>
    /^[A-Za-z0-9]+$/.test(value) ? undefined : "must be the client id: letters and digits, no email address"
})

const deviceId = Credentials.plain(
  "RMONEY_DEVICE_ID",
  "Id of this device, which must be the same at each login. By default it is derived from the user id",
  { optional: true }
)

const vendor = Credentials.secret("RMONEY_VENDOR", "Vendor id of your app")

const redirectUrl = Credentials.redirectUrl("RMONEY_REDIRECT_URL")

/**
 * Credentials of `RmoneyAuth`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  environment,
  userId,
  password: Credentials.secret("RMONEY_PASSWORD", "Password of the account", { freeText: true }),
  totp: Credentials.secret(
    "RMONEY_TOTP_SECRET",
    "The secret behind the QR code that is shown when TOTP is enabled. Without this secret, a login needs a code from an SMS or email",
    { codes: true, optional: true }
  ),
  deviceId,
  vendor: { ...vendor, optional: true as const }
}

/**
 * Credentials of `RmoneySso` with the option `exchange: "checksum"`, and their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const ssoCredentials = {
  environment,
  userId: clientId,
  appCode: Credentials.secret("RMONEY_APP_CODE", "App code of your app"),
  apiSecret: Credentials.secret("RMONEY_API_SECRET", "API secret of your app", { freeText: true }),
  redirectUrl
}

/**
 * Credentials of `RmoneySso` with the option `exchange: "vendor"`, and their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const ssoVendorCredentials = { environment, userId: clientId, vendor, redirectUrl }

/**
 * Credentials of `RmoneyQr`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const qrCredentials = { environment, userId: clientId }

const accessToken = Credentials.token(
  "RMONEY_ACCESS_TOKEN",
  "Access token of the previous session. Biometric login must be enabled on the device"
)

/**
 * Credentials of `RmoneyBiometric`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const biometricCredentials = { environment, userId, accessToken, deviceId }

/**
 * Credentials of `RmoneyRecovery`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const recoveryCredentials = { environment, userId, deviceId }

/**
 * Each wrong attempt may restart the 300 seconds that `source` states. Then up to 15 minutes can lie between the first
 * and the 4th wrong attempt, which locks the account. After two failed logins, a person still has one wrong attempt.
 */
const budget = {
  maxFailures: 2,
  window: "15 minutes",
  source:
    "At other brokers with the same back end, the 4th wrong password in 300 seconds locks the account, and after the 4th wrong code all codes are refused for 300 seconds"
} as const

const expiry = "The expiry in the token. If the token has no expiry, the end of the session is unknown"
const session = ["Logout", "Authorize"] as const
const login = ["Logout", "Profile", "Authorize"] as const
const bySso = {
  ...budget,
  by: [],
  when: "After the session has expired: a person logs in again in the browser"
} as const
const sso = { layer: "RmoneySso", capabilities: ["RedirectLogin", ...login], expiry, renewal: bySso } as const

const methods: ReadonlyArray<Broker.Method> = [
  {
    id: "password",
    layer: "RmoneyAuth",
    title: "User id and password, then a one-time code (SMS, email or TOTP)",
    capabilities: ["Login", "StepUp", ...login],
    credentials,
    expiry,
    renewal: {
      ...budget,
      by: ["login"],
      needs: "the TOTP secret",
      codes: "totp",
      when: "After the token expires, because a login before the expiry ends a session that is still valid"
    }
  },
  { ...sso, id: "sso", title: "Browser, app code and API secret", credentials: ssoCredentials },
  { ...sso, id: "sso-vendor", title: "Browser, vendor id (older way to log in)", credentials: ssoVendorCredentials },
  {
    id: "qr",
    layer: "RmoneyQr",
    title: "QR code scanned with the mobile app",
    capabilities: ["QrLogin", ...session],
    credentials: qrCredentials,
    expiry,
    renewal: { ...budget, by: [], when: "A person scans a QR code again" }
  },
  {
    id: "biometric",
    layer: "RmoneyBiometric",
    title: "Biometrics of a mobile device, with the access token of the previous session",
    capabilities: ["Login", ...session],
    credentials: biometricCredentials,
    expiry,
    renewal: {
      ...budget,
      by: ["refresh", "login"],
      early: "5 minutes",
      when: "Before the token expires, because the next login needs a valid token"
    }
  },
  {
    id: "recovery",
    layer: "RmoneyRecovery",
    title: "Unblocking, and a new password",
    capabilities: ["AccountRecovery"],
    credentials: recoveryCredentials,
    expiry: "Returns no session"
  }
]

const uat = "https://webuat.rmoneyindia.co.in"
const production = "https://weblive.rmoneyindia.net"

/**
 * The description of RMoney.
 *
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
  id: "rmoney",
  title: "RMoney",
  methods,
  environments: {
    uat: { api: uat, login: uat, openApi: uat },
    production: { api: production, login: production, openApi: production }
  },
  secretHeaders: ["authorization"],
  documentation: [`${production}/apidocs/Authentication/`, "https://ninjafox.codifi.in/Authentication"],
  staticIp: {
    text: "Each app needs a registered static IPv4 address and an approval. It is unknown which calls check the address",
    source: "RMoney's API page for vendors",
    confidence: "high",
    asOf
  },
  assumptions: Broker.assumptions(asOf, [
    ["production-host", "low", "environment", "The production host is https://weblive.rmoneyindia.net."],
    ["base-path", "low", "basePath, paths", "Production has the same paths below /auth/v1 as the test environment."],
    [
      "sso-host",
      "low",
      "origins.login, origins.openApi",
      "The host of the test environment also serves the login page and the code exchange with a checksum."
    ],
    ["step-header", "medium", "stepHeader", "The step token is sent as `Authorization: Bearer <token>`."],
    ["step-source", "medium", "source", "The password step and the step with a code by SMS and email send source=WEB."],
    ["profile", "medium", "none", "GET /open-api/od/v1/profile returns a session's account."],
    [
      "canonical-user-id",
      "low",
      "laterUserId",
      "Later steps send the user id that the first step returns. If this id is masked, they send the configured id."
    ],
    [
      "refusals",
      "medium",
      "none",
      "A failure has HTTP 200 and the status Not ok, as at other brokers with this back end."
    ],
    ["device", "low", "osName, versionNo, appName, deviceId", "Any device id, program name and version is accepted."],
    ["code-lifetime", "medium", "codeLifetime", "A one-time code is valid for 300 seconds."],
    ["code-misses", "medium", "codeMisses", "The third wrong code ends a challenge."],
    ["password-misses", "medium", "renewal", "The fourth wrong password in 300 seconds locks the account."],
    ["code-sent-with-password", "medium", "sendCode", "The broker sends the one-time code at the password step."],
    ["bearer", "medium", "none", "Calls after the login send `Authorization: Bearer <token>`."],
    ["biometric-token", "medium", "accessToken", "A biometric login needs the newest access token."],
    ["biometric-renewal", "low", "renewal.early", "A biometric login needs an access token that has not expired."],
    ["biometric-device", "low", "osName, deviceType", "Only mobile devices can log in by biometrics."],
    ["qr-lifetime", "medium", "codeLifetime of RmoneyQr", "A QR code is valid for 35 seconds."],
    [
      "qr-pending",
      "low",
      "none",
      "Before the QR code is scanned, the broker answers a poll with success and without a token."
    ],
    ["vendor-login-page", "low", "loginPath", "The login page accepts the vendor id in its parameter appcode."],
    ["redirect-state", "low", "state", "The login page may drop the state, so a callback without a state is accepted."],
    [
      "session-end",
      "medium",
      "expiry",
      "A token expires at the time in its claim exp. Without exp, the expiry is unknown."
    ],
    ["logout", "low", "logoutCall", "No call ends a session, so a logout deletes only local state."]
  ]),
  verifiedOn: asOf
}
