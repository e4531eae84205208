/**
 * Description of Samco as data.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"

const asOf = "2026-11-21"

const userId = Credentials.plain(
  "SAMCO_USER_ID",
  "Client id of the account, such as DV99999",
  Credentials.clientCode("client id, such as DV99999")
)
const apiKey = Credentials.secret(
  "SAMCO_API_KEY",
  "API key of your app, in the encrypted form that the dashboard mails"
)
const apiSecret = Credentials.secret(
  "SAMCO_API_SECRET",
  "API secret of your app, in the encrypted form that the dashboard shows once (about 96 hexadecimal digits)"
)
const redirectUrl = Credentials.plain(
  "SAMCO_REDIRECT_URL",
  "The app's registered redirect URL: https, or http://127.0.0.1",
  { problem: Credentials.redirectUrlProblem("127.0.0.1") }
)

const plaintext =
  'looks like plain text: give it encrypted, as the dashboard issued it (credentialCheck: "off" permits it)'

/** One block of AES in hexadecimal is 32 digits; the broker's secrets have about 96. */
const secretProblem = (value: string): string | undefined => (/^[0-9a-f]{32,}$/i.test(value) ? undefined : plaintext)

/** The form of the key is less certain than that of the secret, so base64 is accepted too. */
const keyProblem = (value: string): string | undefined => (/^[0-9a-z+/=]{32,}$/i.test(value) ? undefined : plaintext)

const yearProblem = (value: string) => (/^(?:19|20)\d\d$/.test(value) ? undefined : "must be a year of four digits")

/**
 * Credentials of `SamcoAuth`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId,
  apiKey: { ...apiKey, problem: keyProblem },
  apiSecret: { ...apiSecret, problem: secretProblem }
}

/**
 * Credentials of `SamcoOAuth`, with their environment variables. The API secret is not one of them: the user enters it
 * on the broker's page.
 *
 * @category credentials
 * @since 0.1.0
 */
export const oauthCredentials = { userId, apiKey: credentials.apiKey, redirectUrl }

/**
 * Credentials of `SamcoLegacy`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const legacyCredentials = {
  userId,
  password: Credentials.secret("SAMCO_PASSWORD", "Password of the SAMCO app and web site", { freeText: true }),
  accessToken: Credentials.secret(
    "SAMCO_ACCESS_TOKEN",
    "Access token of the day: it expires by 08:00 IST, and SamcoApi.accessToken returns a new one"
  ),
  yob: Credentials.secret("SAMCO_YOB", "Year of birth, four digits", { optional: true, problem: yearProblem })
}

const budget = Broker.twoPerDay("No lock-out is documented, though accounts can be blocked")
const when = "After 08:00 IST, the end of every session"
const expiry = "08:00 IST, or the token's own expiry if that is earlier"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
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
      renewal: { ...budget, by: ["login"], when }
    },
    {
      id: "oauth",
      layer: "SamcoOAuth",
      title: "Browser",
      capabilities: ["RedirectLogin", "Refresh", "Logout", "Profile", "Authorize"],
      credentials: oauthCredentials,
      expiry,
      renewal: {
        ...budget,
        by: ["refresh"],
        early: "5 minutes",
        when: `${when}; earlier if the token expires before that, because a refresh then gives a later expiry`,
        afterCutOff: true
      }
    },
    {
      id: "legacy",
      layer: "SamcoLegacy",
      title: "User id, password and access token (deprecated)",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials: legacyCredentials,
      expiry,
      renewal: { ...budget, by: ["login"], needs: "an access token of the day", when }
    }
  ],
  // The broker has no test environment.
  environments: { production: { api: "https://tradeapi.samco.in" } },
  secretHeaders: ["x-session-token"],
  documentation: ["https://docs-tradeapi.samco.in", "https://docs-tradeapi.samco.in/release-notes/v3.2.0.html"],
  assumptions: Broker.assumptions(asOf, [
    ["encrypted-credentials", "medium", "credentialCheck", "A short API key or secret is plain text."],
    ["account-id", "medium", "accountCheck", "accountID and user_id of the answers are the configured client id."],
    ["daily-end", "medium", "expiry", "Sessions of all three logins end at 08:00 IST, whatever expires_in says."],
    ["refresh-across-the-cut-off", "medium", "refreshAfterEnd", "A refresh also renews a session after 08:00 IST."],
    ["lock-out", "low", "renewal", "Two wrong keys or passwords a day do not block the account."],
    ["refresh-before-the-end", "low", "renewal.early", "A refresh five minutes before the end gives a later one."],
    ["authorize-parameters", "medium", "authorizePage", "The page accepts the documented names, not those of OAuth."],
    ["oauth-failures", "low", "none needed", "Failures of the OAuth calls have their code in errorCode."],
    ["authenticate-body", "low", "none", "The login page sends these fields to /oauth/authenticate; no layer does."],
    ["access-token-text", "low", "none", "A refusal of /login that mentions the access token: it has expired."],
    ["ip-answer", "low", "none", "The deprecated IP calls need no session; any field of the answer may be absent."],
    ["time-zone", "medium", "none needed", "serverTime is Indian time. It is passed on as text."],
    ["concurrent-exchange", "medium", "concurrentExchange", "After EOAUTH030, a refresh token is valid once more."]
  ]),
  verifiedOn: asOf
}
