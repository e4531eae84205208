/**
 * Samco, described as data.
 *
 * @since 0.1.0
 */
import type { Assumption, Broker, Renewal } from "@auth/broker-core/broker/Broker"
import { redirectUrlProblem } from "@auth/broker-core/broker/Credentials"

const asOf = "2026-11-21"

const userId = {
  env: "SAMCO_USER_ID",
  description: "Client id of the account, such as DV99999",
  secret: false,
  normalize: (value: string) => value.toUpperCase(),
  problem: (value: string) => {
    if (value.includes("@")) return "is an e-mail address: give the client id, such as DV99999"
    return /^[A-Za-z0-9]+$/.test(value) ? undefined : "has characters other than letters and digits"
  }
} as const

const apiKey = {
  env: "SAMCO_API_KEY",
  description: "API key of your app, encrypted as the dashboard mails it",
  secret: true
} as const

const apiSecret = {
  env: "SAMCO_API_SECRET",
  description: "API secret of your app, encrypted as the dashboard shows it once (about 96 hexadecimal digits)",
  secret: true
} as const

const plaintext =
  'looks like plain text: give it encrypted, as the dashboard issued it (credentialCheck: "off" permits it)'

/** One block of AES in hexadecimal is 32 digits; the broker's secrets have about 96. */
const secretProblem = (value: string): string | undefined => (/^[0-9a-f]{32,}$/i.test(value) ? undefined : plaintext)

/** The form of the key is less certain than that of the secret, so that base64 passes too. */
const keyProblem = (value: string): string | undefined => (/^[0-9a-z+/=]{32,}$/i.test(value) ? undefined : plaintext)

const redirectUrl = {
  env: "SAMCO_REDIRECT_URL",
  description: "The redirect URL that is registered for the app: https, or http://127.0.0.1",
  secret: false,
  problem: redirectUrlProblem("127.0.0.1")
} as const

/**
 * What `SamcoAuth` needs, with key and secret in any form.
 *
 * @category credentials
 * @since 0.1.0
 */
export const uncheckedCredentials = {
  userId,
  apiKey: { ...apiKey, freeText: true },
  apiSecret: { ...apiSecret, freeText: true }
} as const

/**
 * What `SamcoAuth` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId,
  apiKey: { ...apiKey, problem: keyProblem },
  apiSecret: { ...apiSecret, problem: secretProblem }
} as const

/**
 * What `SamcoOAuth` needs, with the key in any form.
 *
 * @category credentials
 * @since 0.1.0
 */
export const uncheckedOAuthCredentials = { userId, apiKey: uncheckedCredentials.apiKey, redirectUrl } as const

/**
 * What `SamcoOAuth` needs, and under which names it looks for it in the environment. The API secret is not among it:
 * the holder of the account types it on the broker's page.
 *
 * @category credentials
 * @since 0.1.0
 */
export const oauthCredentials = { ...uncheckedOAuthCredentials, apiKey: credentials.apiKey } as const

/**
 * What `SamcoLegacy` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const legacyCredentials = {
  userId,
  password: {
    env: "SAMCO_PASSWORD",
    description: "Password of the SAMCO app and web site",
    secret: true,
    freeText: true
  },
  accessToken: {
    env: "SAMCO_ACCESS_TOKEN",
    description: "Access token of the day: it dies before 08:00 IST, and SamcoApi.accessToken gives a new one",
    secret: true
  },
  yob: {
    env: "SAMCO_YOB",
    description: "Year of birth, four digits",
    secret: true,
    optional: true,
    problem: (value: string) => (/^(?:19|20)\d\d$/.test(value) ? undefined : "must be a year of four digits")
  }
} as const

/** Two, until more is known: no broker here locks an account before the third refusal. */
const budget = {
  maxFailures: 2,
  window: "24 hours",
  source: "No lock-out is documented, though accounts can be blocked"
} as const

/**
 * How the sessions of each method are renewed.
 *
 * @category renewals
 * @since 0.1.0
 */
export const renewals = {
  "api-key": { by: ["login"], when: "After 08:00 IST, the end of every session", ...budget },
  oauth: {
    by: ["refresh"],
    early: "5 minutes",
    when: "After 08:00 IST, the end of every session; earlier where the token ends before that, since a refresh gives a later end then",
    afterCutOff: true,
    ...budget
  },
  legacy: {
    by: ["login"],
    needs: "an access token of the day",
    when: "After 08:00 IST, the end of every session",
    ...budget
  }
} as const satisfies Record<string, Renewal>

const assume = (id: string, confidence: Assumption["confidence"], text: string, option: string): Assumption => ({
  id,
  text,
  confidence,
  option,
  asOf
})

const assumptions: ReadonlyArray<Assumption> = [
  assume(
    "encrypted-credentials",
    "medium",
    "API key and secret are long strings of hexadecimal digits (the key may be base64), so that a short one is plain text.",
    "credentialCheck"
  ),
  assume(
    "account-id",
    "medium",
    "accountID and user_id of the answers are the client id that the layer is configured with.",
    "accountCheck"
  ),
  assume(
    "daily-end",
    "medium",
    "Sessions of all three ways end at 08:00 IST, also where expires_in or an older statement says 24 hours.",
    "expiry"
  ),
  assume(
    "refresh-across-the-cut-off",
    "medium",
    "A refresh token of seven days still renews a session that 08:00 IST has ended.",
    "refreshAfterEnd"
  ),
  assume(
    "lock-out",
    "low",
    "The account is not blocked before the third wrong key or password: renewals stop after two in 24 hours.",
    "renewal.maxFailures, renewal.window"
  ),
  assume(
    "refresh-before-the-end",
    "low",
    "A token that tells an end before 08:00 IST is refreshed five minutes before it, and ends later then.",
    "renewal.early"
  ),
  assume(
    "authorize-parameters",
    "medium",
    "The authorize page takes api_key, redirect_url, state and scopes; an older sample had the standard OAuth names.",
    "authorizePage"
  ),
  assume(
    "oauth-failures",
    "low",
    "Failures of the OAuth calls name their code in errorCode, whatever the HTTP status and the rest of the body.",
    "none needed: the known texts are recognised without a code"
  ),
  assume(
    "authenticate-body",
    "low",
    "/oauth/authenticate takes apiKey, apiSecret, redirectUrl, state and scopes. No layer calls it: the login page does.",
    "none needed: use the browser"
  ),
  assume(
    "access-token-text",
    "low",
    "A refusal of /login that speaks of the access token means that this credential is wrong or of yesterday.",
    "none needed: the broker's own words are kept"
  ),
  assume(
    "ip-answer",
    "low",
    "The deprecated IP calls need no session, and answer with client_id, primary_ip, secondary_ip and ip_updated_at.",
    "none needed: every field is optional"
  ),
  assume(
    "time-zone",
    "medium",
    "serverTime is Indian time without saying so. It is handed on as text, and nothing is reckoned from it.",
    "none needed: use it as you like"
  ),
  assume(
    "concurrent-exchange",
    "medium",
    "EOAUTH030 on a refresh means that nothing was exchanged: the refresh token is good for one more try, a second later.",
    "concurrentExchange"
  )
]

const expiry = "08:00 IST, or the token's own end if that is earlier"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker = {
  id: "samco",
  title: "Samco",
  methods: [
    {
      id: "api-key",
      layer: "SamcoAuth",
      title: "API key and secret",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: renewals["api-key"]
    },
    {
      id: "oauth",
      layer: "SamcoOAuth",
      title: "Browser",
      capabilities: ["RedirectLogin", "Refresh", "Logout", "Profile", "Authorize"],
      credentials: oauthCredentials,
      expiry,
      renewal: renewals.oauth
    },
    {
      id: "legacy",
      layer: "SamcoLegacy",
      title: "User id, password and access token (deprecated)",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials: legacyCredentials,
      expiry,
      renewal: renewals.legacy
    }
  ],
  // The broker has no other environment to try things in.
  environments: { production: { api: "https://tradeapi.samco.in" } },
  secretHeaders: ["x-session-token"],
  documentation: ["https://docs-tradeapi.samco.in", "https://docs-tradeapi.samco.in/release-notes/v3.2.0.html"],
  assumptions,
  verifiedOn: asOf
}
