/**
 * RMoney, described as data.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Predicate from "effect/Predicate"

const asOf = "2026-11-21"

type Origins = Readonly<Record<string, string>> | undefined

const hosts = "`uat`, `production`, or the https origin of another production host"
const environment = Credentials.plain("RMONEY_ENVIRONMENT", hosts, {
  problem: (value: string) =>
    /^(?:uat|production)$/i.test(value) || /^https?:\/\//i.test(value)
      ? undefined
      : 'is not chosen: give "uat" or "production", or the https origin of another production host',
  option: (options: { readonly environment?: unknown; readonly origins?: Origins }, configured: unknown = "none") => {
    const { environment, origins } = options
    if (environment === undefined) return origins?.["api"] ?? origins?.["openApi"] ?? configured
    return Predicate.hasProperty(environment, "production") ? (environment.production ?? null) : environment
  }
})

// It travels in a header between blanks, and no header carries others.
const userIdProblem = (value: string) =>
  /^[\x21\x23-\x5f\x61-\x7e]+$/.test(value) ? undefined : "has characters that no user id has"

const userId = Credentials.plain(
  "RMONEY_USER_ID",
  "User id; for a password login the e-mail address, mobile number or PAN of the account will do too",
  { problem: userIdProblem }
)

const clientIdProblem = (value: string) =>
  /^[A-Za-z0-9]+$/.test(value) ? undefined : "must be the client id: letters and digits, no e-mail address"

/** A login by browser or picture is compared with this, so an alias will not do. */
const clientId = Credentials.plain("RMONEY_USER_ID", "Client id of the account, such as TEST101", {
  problem: clientIdProblem
})

const deviceId = Credentials.plain(
  "RMONEY_DEVICE_ID",
  "Id of this device, the same at every login; made of the user id unless given",
  { optional: true }
)

const vendor = Credentials.secret("RMONEY_VENDOR", "Vendor id of your app")

const redirectUrl = Credentials.plain("RMONEY_REDIRECT_URL", "The redirect URL that is registered for the app", {
  problem: Credentials.addressProblem
})

/**
 * What `RmoneyAuth` needs, and under which names it looks for it in the environment.
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
    "The secret behind the QR code of enabling TOTP; without it codes come by SMS and mail",
    { codes: true, optional: true }
  ),
  deviceId,
  vendor: { ...vendor, optional: true as const }
}

/**
 * What `RmoneySso` needs for the vendor call with a checksum.
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
 * What `RmoneySso` needs for the older vendor call.
 *
 * @category credentials
 * @since 0.1.0
 */
export const ssoVendorCredentials = { environment, userId: clientId, vendor, redirectUrl }

/**
 * What `RmoneyQr` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const qrCredentials = { environment, userId: clientId }

const accessToken = Credentials.secret(
  "RMONEY_ACCESS_TOKEN",
  "Access token of the session before, on a device with biometric login enabled"
)

/**
 * What `RmoneyBiometric` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const biometricCredentials = { environment, userId, accessToken, deviceId }

/**
 * What `RmoneyRecovery` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const recoveryCredentials = { environment, userId, deviceId }

/**
 * The fourth wrong password or code in 300 seconds locks the account. Two leave one for a person. Three times the span is
 * safe also if each wrong one makes the broker count from the start.
 */
const budget = {
  maxFailures: 2,
  window: "15 minutes",
  source:
    "The vendor's back end as other brokers run it: the 4th wrong password or code in 300 seconds locks the account"
} as const

const expiry = "The end that the token itself tells, else unknown"
const session = ["Logout", "Authorize"] as const
const login = ["Logout", "Profile", "Authorize"] as const
const bySso = { ...budget, by: [], when: "A person logs in by browser again" } as const
const sso = { layer: "RmoneySso", capabilities: ["RedirectLogin", ...login], expiry, renewal: bySso } as const

const methods: ReadonlyArray<Broker.Method> = [
  {
    id: "password",
    layer: "RmoneyAuth",
    title: "User id and password, then a one-time code or TOTP",
    capabilities: ["Login", "StepUp", ...login],
    credentials,
    expiry,
    renewal: {
      ...budget,
      by: ["login"],
      needs: "the TOTP secret",
      codes: "totp",
      when: "After the end that the token tells: a login before it would end the session that still lives"
    }
  },
  { ...sso, id: "sso", title: "Browser, app code and API secret", credentials: ssoCredentials },
  { ...sso, id: "sso-vendor", title: "Browser, vendor id (the older call)", credentials: ssoVendorCredentials },
  {
    id: "qr",
    layer: "RmoneyQr",
    title: "Picture scanned with the mobile app",
    capabilities: ["QrLogin", ...session],
    credentials: qrCredentials,
    expiry,
    renewal: { ...budget, by: [], when: "A person scans a picture again" }
  },
  {
    id: "biometric",
    layer: "RmoneyBiometric",
    title: "Biometrics of a mobile device, with the access token of the session before",
    capabilities: ["Login", ...session],
    credentials: biometricCredentials,
    expiry,
    renewal: {
      ...budget,
      by: ["refresh", "login"],
      early: "5 minutes",
      when: "Before the end that the token tells: it is what the next login is proved with"
    }
  },
  {
    id: "recovery",
    layer: "RmoneyRecovery",
    title: "Unblocking, and a new password",
    capabilities: ["AccountRecovery"],
    credentials: recoveryCredentials,
    expiry: "No session comes of it"
  }
]

const uat = "https://webuat.rmoneyindia.co.in"
const production = "https://weblive.rmoneyindia.net"

/**
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
  assumptions: Broker.assumptions(asOf, [
    ["production-host", "low", "environment", "Production logs in at https://weblive.rmoneyindia.net."],
    ["base-path", "low", "basePath, paths", "Production has the same paths below /auth/v1 as UAT."],
    [
      "sso-host",
      "low",
      "origins.login, origins.openApi",
      "UAT serves the login page and the checksum call on its API host."
    ],
    ["step-header", "medium", "stepHeader", "The token between two steps travels as `Authorization: Bearer <token>`."],
    ["step-source", "medium", "source", "The source in the bodies of the password and code steps is WEB."],
    [
      "profile",
      "medium",
      "none: a session tells its holder without it",
      "GET /open-api/od/v1/profile tells whose session it is."
    ],
    ["canonical-user-id", "low", "laterUserId", "Later steps go by the user id of the answer, unless it is masked."],
    [
      "refusals",
      "medium",
      "none: what is not known stays as it came",
      "Failures look as at other brokers with this back end: HTTP 200 and Not ok."
    ],
    ["device", "low", "osName, versionNo, appName, deviceId", "A made-up device id is good for any program."],
    ["code-lifetime", "medium", "codeLifetime", "A one-time code is good for 300 seconds."],
    ["code-misses", "medium", "codeMisses", "The third wrong code ends a challenge."],
    [
      "password-misses",
      "medium",
      "renewal.maxFailures, renewal.window",
      "The fourth wrong password in 300 seconds locks."
    ],
    ["code-sent-with-password", "medium", "sendCode", "The password step sends the one-time code."],
    ["bearer", "medium", "none: Authorize gives the header", "Later calls, bio/enable too, carry `Bearer <token>`."],
    [
      "biometric-token",
      "medium",
      "none: give the newest token",
      "A biometric login wants the access token that came last."
    ],
    ["biometric-renewal", "low", "renewal.early", "Only a living access token proves a biometric login."],
    ["biometric-device", "low", "osName, deviceType", "Only mobile devices log in by biometrics."],
    ["qr-lifetime", "medium", "codeLifetime of RmoneyQr", "A picture is good for 35 seconds."],
    [
      "qr-pending",
      "low",
      "none: any yes without a token counts",
      "Until the scan, the answer is a yes without a token."
    ],
    ["vendor-login-page", "low", "loginPath", "The login page takes the vendor id as its appcode."],
    ["redirect-state", "low", "state", "The login page may drop the state: a callback without one is accepted."],
    ["session-end", "medium", "expiry", "An access token ends with its exp; without one the end is unknown."],
    ["logout", "low", "logoutCall", "There is no call that ends a session: logout drops local state."]
  ]),
  verifiedOn: asOf
}
