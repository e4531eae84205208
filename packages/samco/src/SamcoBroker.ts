/**
 * Describes Samco as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as DateTime from "effect/DateTime"

const asOf = "2026-11-21"

const userId = Credentials.plain(
  "SAMCO_USER_ID",
  "Client id of the account, such as DV99999",
  Credentials.clientCode("client id, such as DV99999")
)
const apiKey = Credentials.secret(
  "SAMCO_API_KEY",
  "API key of your app, in the encrypted form that the dashboard sends by email"
)
const apiSecret = Credentials.secret(
  "SAMCO_API_SECRET",
  "API secret of your app, in the encrypted form that the dashboard shows once (about 96 hexadecimal digits)"
)
const redirectUrl = Credentials.plain(
  "SAMCO_REDIRECT_URL",
  "The app's registered redirect URL, which begins with https:// or http://127.0.0.1",
  { problem: Credentials.redirectUrlProblem("127.0.0.1") }
)

const plaintext =
  'looks like plain text: use the encrypted form that the dashboard issued (credentialCheck: "off" skips this check)'

/** An encrypted secret has at least one AES block: 32 hexadecimal digits. */
const secretProblem = (value: string): string | undefined => (/^[0-9a-f]{32,}$/i.test(value) ? undefined : plaintext)

/** The broker does not clearly document the form of the key, so base64 is accepted too. */
const keyProblem = (value: string): string | undefined => (/^[0-9a-z+/=]{32,}$/i.test(value) ? undefined : plaintext)

const yearProblem = (value: string, now: number) => {
  if (!/^(?:19|20)\d\d$/.test(value)) return "must be a year of four digits"
  return value > DateTime.formatIso(DateTime.makeUnsafe(now)).slice(0, 4) ? "is a year in the future" : undefined
}

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
 * Credentials of `SamcoOAuth`, with their environment variables. The user enters the API secret on the broker's page.
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
  accessToken: Credentials.token(
    "SAMCO_ACCESS_TOKEN",
    "Access token of the day. It expires at 08:00 IST at the latest. SamcoApi.accessToken returns a new access token"
  ),
  yob: Credentials.secret("SAMCO_YOB", "Year of birth, four digits", { optional: true, problem: yearProblem })
}

const budget = Broker.twoPerDay("The broker can block accounts, but does not document after how many refused logins")
const when = "After 08:00 IST, when every session ends"
const expiry = "08:00 IST, or the expiry of the token if the token expires earlier"

/**
 * The description of Samco.
 *
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
        when: `${when}. A token that expires before 08:00 IST is refreshed before its expiry, because the new token expires later`,
        afterCutOff: true
      }
    },
    {
      id: "legacy",
      layer: "SamcoLegacy",
      title: "User id, password and access token (older way to log in)",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials: legacyCredentials,
      expiry,
      renewal: { ...budget, by: ["login"], needs: "an access token of the day", when }
    }
  ],
  environments: { production: { api: "https://tradeapi.samco.in" } },
  secretHeaders: ["x-session-token"],
  documentation: ["https://docs-tradeapi.samco.in", "https://docs-tradeapi.samco.in/release-notes/v3.2.0.html"],
  staticIp: {
    text: "Required for orders, and for the request that exchanges an authorization code for tokens (SamcoOAuth). A login with API key and secret works from any address. A registered address can be changed once in 7 days",
    source: "Samco Trade API documentation v3.2",
    confidence: "high",
    asOf: "2026-11-27"
  },
  assumptions: Broker.assumptions(asOf, [
    [
      "encrypted-credentials",
      "medium",
      "credentialCheck",
      "A key or secret shorter than 32 characters is not in the encrypted form that the dashboard issues."
    ],
    ["account-id", "medium", "accountCheck", "In answers, accountID and user_id equal the configured client id."],
    [
      "daily-end",
      "medium",
      "expiry",
      "Sessions of all three layers end at 08:00 IST, even if expires_in gives a later time."
    ],
    ["refresh-across-the-cut-off", "medium", "refreshAfterEnd", "A refresh token still works after 08:00 IST."],
    ["lock-out", "low", "renewal", "Two wrong keys or passwords a day do not block the account."],
    ["refresh-before-the-end", "low", "renewal.early", "A refresh 5 minutes before the expiry gives a later expiry."],
    [
      "authorize-parameters",
      "medium",
      "authorizePage",
      "The login page accepts api_key and redirect_url, not OAuth's client_id and redirect_uri."
    ],
    ["oauth-failures", "low", "none", "A failure of an OAuth call has an error code in the field errorCode."],
    [
      "authenticate-body",
      "low",
      "none",
      "The login page sends the fields that SamcoApi.oauthAuthenticate sends. No layer calls oauthAuthenticate."
    ],
    [
      "access-token-text",
      "low",
      "none",
      "If /login fails with a text about the access token, the token is wrong or has expired."
    ],
    [
      "ip-answer",
      "low",
      "none",
      "ipRegistration and ipUpdate need no session. Any field of their answers may be absent."
    ],
    ["time-zone", "medium", "none", "serverTime is in Indian time. SamcoApi returns it as text."],
    [
      "concurrent-exchange",
      "medium",
      "concurrentExchange",
      "After EOAUTH030 (another token request is in progress), the refresh token is still valid."
    ]
  ]),
  verifiedOn: asOf
}
