/**
 * Describes Rupeezy as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"

const asOf = "2026-11-21"

const applicationIdProblem = (value: string): string | undefined =>
  /\s/.test(value) ? "has white space inside" : Credentials.visibleProblem(value)

const { problem } = Credentials.clientCode("client code, such as XX9999")

const app = {
  clientCode: Credentials.plain("RUPEEZY_CLIENT_CODE", "Client code of the account, such as XX9999", { problem }),
  applicationId: Credentials.plain(
    "RUPEEZY_APPLICATION_ID",
    "Application id of your app, from the Vortex developer portal, such as dev_1234",
    { problem: applicationIdProblem }
  ),
  apiKey: Credentials.key("RUPEEZY_API_KEY", "The x-api-key of your app, from the Vortex developer portal")
}

/**
 * Credentials of `RupeezyAuth`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  clientCode: app.clientCode,
  password: Credentials.secret("RUPEEZY_PASSWORD", "Password of the account", { freeText: true }),
  totp: Credentials.totp("RUPEEZY_TOTP_SECRET"),
  applicationId: app.applicationId,
  apiKey: app.apiKey
}

/**
 * Credentials of `RupeezyPartner`, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const partnerCredentials = { ...app, redirectUrl: Credentials.redirectUrl("RUPEEZY_REDIRECT_URL") }

const budget = Broker.twoPerDay("No document says how many refused logins lock an account")
const expiry = "The expiry in the token; unknown if the token has no expiry"

/**
 * The description of Rupeezy.
 *
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
  id: "rupeezy",
  title: "Rupeezy",
  methods: [
    {
      id: "totp",
      layer: "RupeezyAuth",
      title: "Client code, password and TOTP",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: {
        ...budget,
        by: ["login"],
        when: "After the token's expiry. No document says that a login before the expiry gives a later expiry",
        codes: "totp"
      }
    },
    Broker.byBrowser({ id: "partner", layer: "RupeezyPartner", credentials: partnerCredentials, expiry }, budget)
  ],
  environments: { production: { api: "https://vortex-api.rupeezy.in", login: "https://flow.rupeezy.in" } },
  secretHeaders: ["authorization", "x-api-key"],
  documentation: ["https://vortex.rupeezy.in/docs/", "https://vortex.rupeezy.in/docs/jsvortex/"],
  staticIp: {
    text: "Required for orders and other calls that change data. Reads work from any address. Each client can register two addresses, each of them IPv4 or IPv6",
    source: "Vortex FAQ on static IP addresses",
    confidence: "high",
    asOf: "2026-11-27"
  },
  assumptions: Broker.assumptions(asOf, [
    ["hosts", "medium", "origins", "There is no test host. The documentation and the SDKs contain no test host."],
    [
      "refusals",
      "medium",
      "refusals",
      "The message of a refused login shows whether the password or the code is wrong."
    ],
    [
      "state-comes-back",
      "low",
      "state",
      "The state is sent as cb_param. The broker may drop it, so a callback without it is accepted. A wrong cb_param is rejected."
    ],
    ["user-id-is-client-code", "low", "otherAccount", "In the answer to a browser login, user_id is the client code."],
    ["end-in-token", "medium", "expiry", "The exp of a token is its expiry. Without exp, the expiry is unknown."],
    ["no-daily-end", "low", "dailyEnd", "Sessions do not all end at the same time of day."],
    ["dead-after-logout", "medium", "none", "After a logout, the broker no longer accepts the token."],
    ["forbidden", "medium", "forbidden", "HTTP 403 means that access is denied. The session stays valid."],
    ["address-of-orders", "medium", "refusals", "HTTP 403 with IP_NOT_ALLOWED means an unregistered IP address."],
    ["funds-segments", "medium", "probe", "Funds are in nse and mcx, in exchange_combined, or in all three fields."],
    [
      "profile-call",
      "low",
      "probe",
      "GET /user/profile returns the same user data as the answer to a login. It is not called by default."
    ],
    ["lock-out", "low", "renewal", "Two wrong passwords or codes in 24 hours do not lock the account."],
    ["renewal-at-the-end", "low", "renewal.early", "A login before the end of a session does not give a later expiry."],
    ["login-time", "low", "loginTimeOffset", "login_time has no time zone. It is in Indian Standard Time."]
  ]),
  verifiedOn: asOf
}
