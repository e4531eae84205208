/**
 * Describes Angel One as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"

const asOf = "2026-11-21"

const clientCode = Credentials.plain(
  "ANGEL_CLIENT_CODE",
  "Client code of the account, such as A123456",
  Credentials.clientCode("client code, such as A123456")
)

const apiKey = Credentials.key("ANGEL_API_KEY", "API key of your app, from the SmartAPI portal")

// A login sends the four-digit PIN in the field `password`. Source: an administrator in SmartAPI's forum, posts
// 18654 and 18722.
const pinProblem = (value: string) =>
  /^[0-9]{4}$/.test(value)
    ? undefined
    : "must be four digits, 0 to 9: the PIN that opens the mobile app, not the web password"

const bareAddress = /^(?:localhost\.?|\d{1,3}(?:\.\d{1,3}){3}|\[.*\])$/i

const redirectUrlProblem = (value: string): string | undefined => {
  const problem = Credentials.addressProblem(value)
  if (problem !== undefined) return problem
  const { hostname, protocol } = new URL(value)
  return protocol === "https:" && !bareAddress.test(hostname)
    ? undefined
    : "must be https with a host name: the broker refuses http, localhost and bare IP addresses"
}

/**
 * Credentials of `AngelAuth`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  clientCode,
  pin: Credentials.secret("ANGEL_PIN", "4-digit PIN of the mobile app (not the web password)", { problem: pinProblem }),
  apiKey,
  totp: Credentials.totp("ANGEL_TOTP_SECRET")
}

/**
 * Credentials of `AngelPublisher`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const publisherCredentials = {
  clientCode,
  apiKey: {
    ...apiKey,
    description:
      'API key of an app of the kind "Publisher". With the key of an app of another kind, the broker answers HTTP 403'
  },
  redirectUrl: Credentials.redirectUrl("ANGEL_REDIRECT_URL", redirectUrlProblem)
}

const budget = Broker.twoPerDay(
  "The documentation does not mention a lock-out after wrong PINs or codes, but users assume one"
)
const expiry = "Midnight IST, or the token's own expiry if that is earlier"

/**
 * The description of Angel One.
 *
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
  id: "angel",
  title: "Angel One",
  methods: [
    {
      id: "totp",
      layer: "AngelAuth",
      title: "Client code, PIN and TOTP",
      capabilities: ["Login", "Refresh", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: {
        ...budget,
        by: ["refresh", "login"],
        when: "Until midnight IST: by a refresh. After midnight IST, when every session has ended: by a login",
        codes: "totp"
      }
    },
    Broker.byBrowser({ id: "publisher", layer: "AngelPublisher", credentials: publisherCredentials, expiry }, budget)
  ],
  environments: {
    production: {
      api: "https://apiconnect.angelone.in",
      login: "https://smartapi.angelone.in",
      feed: "https://smartapisocket.angelone.in"
    }
  },
  secretHeaders: ["authorization", "x-privatekey"],
  documentation: ["https://smartapi.angelone.in/docs"],
  staticIp: {
    text: "Required for orders only. Logins and reads work from any address. An app has a primary and a secondary address",
    source: "statement of Angel One of 2026-02-25; tests of users in the SmartAPI forum",
    confidence: "high",
    asOf: "2026-11-27"
  },
  assumptions: Broker.assumptions(asOf, [
    [
      "identity-headers",
      "medium",
      "clientLocalIp, clientPublicIp, macAddress",
      "The broker does not check the IP and MAC addresses in the request headers."
    ],
    ["refresh-within-the-day", "medium", "none", "A session that ended at midnight IST cannot be refreshed."],
    ["refresh-token-in-callback", "low", "none", "The publisher callback may contain a refresh token."],
    ["redirect-url-parameter", "medium", "sendRedirectUrl", "The publisher page accepts a redirect_url parameter."],
    ["daily-end", "medium", "expiry", "Sessions end at midnight IST, as documented. An older statement says 05:00."],
    ["lock-out", "low", "renewal", "Two wrong PINs or codes in 24 hours do not lock the account."]
  ]),
  verifiedOn: asOf
}
