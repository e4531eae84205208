/**
 * Describes Zerodha as data: login methods, credentials, hosts and assumptions.
 *
 * @since 0.1.0
 */
import * as Broker from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"

const asOf = "2026-11-27"

const keyProblem = (value: string) =>
  /^[A-Za-z0-9]+$/.test(value) ? undefined : "has characters other than letters and digits"

/**
 * Credentials of a login, with their environment variables.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  userId: Credentials.plain("ZERODHA_USER_ID", "Client id, such as ZZ0001", Credentials.clientCode("client id")),
  apiKey: Credentials.secret("ZERODHA_API_KEY", "API key of your app", { problem: keyProblem }),
  apiSecret: Credentials.secret("ZERODHA_API_SECRET", "API secret of your app. It is never sent"),
  redirectUrl: Credentials.plain("ZERODHA_REDIRECT_URL", "The app's redirect URL", {
    problem: Credentials.redirectUrlProblem("127.0.0.1", "localhost")
  })
}

const budget = Broker.twoPerDay(
  "The login page blocks a user after five wrong attempts. Only a person can log in there"
)
const when = "After 06:00 IST, when every session counts as ended"
const byPerson = { ...budget, by: [], when: `${when}: a person logs in again in the browser` } as const
const byRefresh = { ...budget, by: ["refresh"], when, afterCutOff: true } as const
const capabilities = ["RedirectLogin", "Logout", "Profile", "Authorize"] as const
const browser = { id: "browser", layer: "ZerodhaAuth", title: "Browser", capabilities, renewal: byPerson }
const platform = { id: "platform", layer: "ZerodhaPlatform", title: "Browser, as an approved platform" }
const methods = [browser, { ...platform, capabilities: [...capabilities, "Refresh"] as const, renewal: byRefresh }]

/**
 * The description of Zerodha.
 *
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker.Broker = {
  id: "zerodha",
  title: "Zerodha",
  methods: methods.map((method) => ({ ...method, credentials, expiry: "06:00 IST" })),
  environments: { production: { api: "https://api.kite.trade", login: "https://kite.zerodha.com" } },
  secretHeaders: ["authorization"],
  documentation: ["https://kite.trade/docs/connect/v3/", "https://github.com/zerodha/kiteconnectjs"],
  staticIp: {
    text: "Required for placing, modifying and cancelling orders. Logins, reads and WebSockets work from any address. A developer account can have two addresses, and can change them once in a calendar week",
    source: "support article of Zerodha on static IP addresses",
    confidence: "high",
    asOf: "2026-11-27"
  },
  orderRate: {
    text: "10 orders in a second, 400 in a minute and 5,000 in a day, for each user and API key",
    source: 'Kite Connect 3 documentation, "Exceptions"; Kite forum, discussion 52396',
    confidence: "high",
    asOf: "2026-11-27"
  },
  assumptions: Broker.assumptions(asOf, [
    [
      "early-end",
      "medium",
      "expiry",
      "Every session counts as ended at 06:00 IST. Some sessions end later: at 07:00, 07:30 or 08:00 IST."
    ],
    ["before-six", "low", "expiry", "A session that starts before 06:00 IST ends at 06:00 IST of the same day."],
    ["cancelled", "medium", "none", "The callback of a cancelled login has status=cancelled and no state."],
    ["other-status", "low", "none", "Any status other than success in the callback is a denial."],
    ["checksum", "medium", "none", "The error type of a wrong checksum is TokenException or InputException."],
    ["dead-delete", "low", "none", "A logout of an expired session is refused with TokenException."],
    ["one-session", "medium", "none", "A new login with the same API key ends the previous session."],
    ["login-host", "medium", "origins.login", "The login page is at kite.zerodha.com, not at kite.trade."],
    ["rotation", "low", "none", "If a refresh returns no refresh token, the old refresh token stays valid."],
    ["refresh-late", "low", "none", "A refresh token can also renew a session that has ended."],
    ["limits", "medium", "none", "Each account can make ten calls to the same endpoint in a second."]
  ]),
  verifiedOn: asOf
}
