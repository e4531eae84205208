/**
 * RMoney, described as data.
 *
 * @since 0.1.0
 */
import type { Assumption, Broker, Renewal } from "@auth/broker-core/broker/Broker"
import * as Result from "effect/Result"

const asOf = "2026-11-21"

const userId = {
  env: "RMONEY_USER_ID",
  description: "User id; for a password login the e-mail address, mobile number or PAN of the account will do too",
  secret: false,
  // It travels in a header between blanks, and no header carries others.
  problem: (value: string) =>
    /^[\x21\x23-\x5f\x61-\x7e]+$/.test(value) ? undefined : "has characters that no user id has"
} as const

/** Who logs in by browser or picture is compared with this, so an alias will not do. */
const clientId = {
  ...userId,
  description: "Client id of the account, such as TEST101",
  problem: (value: string) =>
    /^[A-Za-z0-9]+$/.test(value) ? undefined : "must be the client id: letters and digits, no e-mail address"
} as const

const environment = {
  env: "RMONEY_ENVIRONMENT",
  description: "`uat`, `production`, or the https origin of another production host",
  secret: false,
  problem: (value: string) =>
    /^(?:uat|production)$/i.test(value) || /^https?:\/\//i.test(value)
      ? undefined
      : 'is not chosen: give "uat" or "production", or the https origin of another production host'
} as const

const deviceId = {
  env: "RMONEY_DEVICE_ID",
  description: "Id of this device, the same at every login; made of the user id unless given",
  secret: false,
  optional: true
} as const

const vendor = {
  env: "RMONEY_VENDOR",
  description: "Vendor id of your app",
  secret: true
} as const

const redirectUrl = {
  env: "RMONEY_REDIRECT_URL",
  description: "The redirect URL that is registered for the app",
  secret: false,
  problem: (value: string) => (Result.isSuccess(Result.try(() => new URL(value))) ? undefined : "is not an address")
} as const

/**
 * What `RmoneyAuth` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  environment,
  userId,
  password: { env: "RMONEY_PASSWORD", description: "Password of the account", secret: true, freeText: true },
  totpSecret: {
    env: "RMONEY_TOTP_SECRET",
    description: "The secret behind the QR code of enabling TOTP; without it codes come by SMS and mail",
    secret: true,
    codes: true,
    optional: true
  },
  deviceId,
  vendor: { ...vendor, optional: true }
} as const

/**
 * What `RmoneySso` needs for the vendor call with a checksum.
 *
 * @category credentials
 * @since 0.1.0
 */
export const ssoCredentials = {
  environment,
  userId: clientId,
  appCode: { env: "RMONEY_APP_CODE", description: "App code of your app", secret: true },
  apiSecret: { env: "RMONEY_API_SECRET", description: "API secret of your app", secret: true, freeText: true },
  redirectUrl
} as const

/**
 * What `RmoneySso` needs for the older vendor call.
 *
 * @category credentials
 * @since 0.1.0
 */
export const ssoVendorCredentials = { environment, userId: clientId, vendor, redirectUrl } as const

/**
 * What `RmoneyQr` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const qrCredentials = { environment, userId: clientId } as const

/**
 * What `RmoneyBiometric` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const biometricCredentials = {
  environment,
  userId,
  accessToken: {
    env: "RMONEY_ACCESS_TOKEN",
    description: "Access token of the session before, on a device with biometric login enabled",
    secret: true
  },
  deviceId
} as const

/**
 * What `RmoneyRecovery` needs.
 *
 * @category credentials
 * @since 0.1.0
 */
export const recoveryCredentials = { environment, userId, deviceId } as const

/**
 * The fourth wrong password or code in 300 seconds locks the account. Two leave one for a person, and three times the
 * span is safe also if each wrong one makes the broker count from the start.
 */
const budget = {
  maxFailures: 2,
  window: "15 minutes",
  source:
    "The vendor's back end as other brokers run it: the 4th wrong password or code in 300 seconds locks the account"
} as const

/**
 * How the sessions of each method are renewed.
 *
 * @category renewals
 * @since 0.1.0
 */
export const renewals = {
  password: {
    by: ["login"],
    needs: "the TOTP secret",
    codes: "totp",
    when: "After the end that the token tells: a login before it would end the session that still lives",
    ...budget
  },
  sso: { by: [], when: "A person logs in by browser again", ...budget },
  qr: { by: [], when: "A person scans a picture again", ...budget },
  biometric: {
    by: ["refresh", "login"],
    early: "5 minutes",
    when: "Before the end that the token tells: it is what the next login is proved with",
    ...budget
  }
} as const satisfies Record<string, Renewal>

const assumption = (id: string, confidence: Assumption["confidence"], option: string, text: string): Assumption => ({
  id,
  text,
  confidence,
  option,
  asOf
})

const assumptions: ReadonlyArray<Assumption> = [
  assumption(
    "production-host",
    "low",
    "environment",
    "Production logs in at https://weblive.rmoneyindia.net, as the Python package tradion_api_client does."
  ),
  assumption(
    "base-path",
    "low",
    "basePath, paths",
    "Production serves the same paths below /auth/v1 as UAT, with their spellings pwd/forgot and topt/verify."
  ),
  assumption(
    "sso-host",
    "low",
    "origins.login, origins.openApi",
    "UAT serves the login page and the checksum call on the host of its login API."
  ),
  assumption(
    "step-header",
    "medium",
    "stepHeader",
    "The token between two steps travels as `Authorization: Bearer <token>`, as the Python package tradion_api_client sends it."
  ),
  assumption("step-source", "medium", "source", "The source in the bodies of the password and code steps is WEB."),
  assumption(
    "profile",
    "medium",
    "none: a session tells its holder without it",
    "GET /open-api/od/v1/profile tells whose session it is, as the Python package tradion_api_client reads it."
  ),
  assumption(
    "canonical-user-id",
    "low",
    "laterUserId",
    "Later steps go by the user id of the answer, unless it has none or a masked one."
  ),
  assumption(
    "refusals",
    "medium",
    "none: what is not known stays as it came",
    "Failures look and read as at other brokers with the same back end: HTTP 200 and Not ok."
  ),
  assumption(
    "device",
    "low",
    "osName, versionNo, appName, deviceId",
    "The values of the only known client are good for any program, with a device id made of the user id."
  ),
  assumption("code-lifetime", "medium", "codeLifetime", "A one-time code is good for 300 seconds."),
  assumption(
    "code-misses",
    "medium",
    "codeMisses",
    "After more than three wrong codes the account is held, so the third miss ends a challenge."
  ),
  assumption(
    "password-misses",
    "medium",
    "renewal.maxFailures, renewal.window",
    "The fourth wrong password in 300 seconds locks the account: renewals stop after two in 15 minutes."
  ),
  assumption(
    "code-sent-with-password",
    "medium",
    "sendCode",
    "The password step sends the one-time code, and otp/send only sends it again."
  ),
  assumption(
    "bearer",
    "medium",
    "none: Authorize gives the header",
    "Later calls carry the access token as `Authorization: Bearer <token>`, and so does bio/enable."
  ),
  assumption(
    "biometric-token",
    "medium",
    "none: give the newest token",
    "A biometric login wants the access token that the broker gave last."
  ),
  assumption(
    "biometric-renewal",
    "low",
    "renewal.early",
    "A living access token proves a biometric login; whether a dead one does is not known, so it is used before its end."
  ),
  assumption(
    "biometric-device",
    "low",
    "osName, deviceType",
    "Only mobile devices log in by biometrics, so the sample's MOBIOS and IOS are sent."
  ),
  assumption("qr-lifetime", "medium", "codeLifetime of RmoneyQr", "A picture is good for 35 seconds."),
  assumption(
    "qr-pending",
    "low",
    "none: any yes without a token counts",
    "A picture that was not scanned yet is answered with a yes that has no token."
  ),
  assumption(
    "vendor-login-page",
    "low",
    "loginPath",
    "The login page takes the vendor id of the older call as its appcode."
  ),
  assumption(
    "redirect-state",
    "low",
    "state",
    "The login page may drop the state, so a callback without one is taken; another state is refused."
  ),
  assumption(
    "session-end",
    "medium",
    "expiry",
    "An access token is a JWT and ends with its exp; without one the end is unknown."
  ),
  assumption(
    "logout",
    "low",
    "logoutCall",
    "There is no call that ends a session, so logout drops local state and says so."
  )
]

const expiry = "The end that the token itself tells, else unknown"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker = {
  id: "rmoney",
  title: "RMoney",
  methods: [
    {
      id: "password",
      layer: "RmoneyAuth",
      title: "User id and password, then a one-time code or TOTP",
      capabilities: ["Login", "StepUp", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: renewals.password
    },
    {
      id: "sso",
      layer: "RmoneySso",
      title: "Browser, app code and API secret",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: ssoCredentials,
      expiry,
      renewal: renewals.sso
    },
    {
      id: "sso-vendor",
      layer: "RmoneySso",
      title: "Browser, vendor id (the older call)",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: ssoVendorCredentials,
      expiry,
      renewal: renewals.sso
    },
    {
      id: "qr",
      layer: "RmoneyQr",
      title: "Picture scanned with the mobile app",
      capabilities: ["QrLogin", "Logout", "Authorize"],
      credentials: qrCredentials,
      expiry,
      renewal: renewals.qr
    },
    {
      id: "biometric",
      layer: "RmoneyBiometric",
      title: "Biometrics of a mobile device, with the access token of the session before",
      capabilities: ["Login", "Logout", "Authorize"],
      credentials: biometricCredentials,
      expiry,
      renewal: renewals.biometric
    },
    {
      id: "recovery",
      layer: "RmoneyRecovery",
      title: "Unblocking, and a new password",
      capabilities: ["AccountRecovery"],
      credentials: recoveryCredentials,
      expiry: "No session comes of it"
    }
  ],
  environments: {
    uat: {
      api: "https://webuat.rmoneyindia.co.in",
      login: "https://webuat.rmoneyindia.co.in",
      openApi: "https://webuat.rmoneyindia.co.in"
    },
    production: {
      api: "https://weblive.rmoneyindia.net",
      login: "https://weblive.rmoneyindia.net",
      openApi: "https://weblive.rmoneyindia.net"
    }
  },
  secretHeaders: ["authorization"],
  documentation: [
    "https://weblive.rmoneyindia.net/apidocs/Authentication/",
    "https://ninjafox.codifi.in/Authentication"
  ],
  assumptions,
  verifiedOn: asOf
}
