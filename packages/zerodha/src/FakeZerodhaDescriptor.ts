/**
 * Describes the fake Zerodha as data: accounts, switches, field names in requests and answers, and login page.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeZerodha from "./FakeZerodha.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./ZerodhaApi.ts"
import { broker } from "./ZerodhaBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

const { oneOf, query, form, answer, redirected } = FakeDescriptor
const { text, id, email, timeOfDay, duration, redirectUrl, totpSecret } = FakeDescriptor.rules

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeZerodha.Account, FakeZerodha.Switches>({
  accountField: "userId",
  accounts: [{ ...FakeZerodha.demoAccount }],
  make: FakeZerodha.make,
  fields: {
    userId: [id, [form("loginPage", "user_id"), answer("sessionToken", "user_id")]],
    password: [text, [form("loginPage", "password")]],
    totpSecret: [totpSecret, [form("loginPage", "totp", "code")]],
    apiKey: [text, [query("loginPage", "api_key"), form("sessionToken", "api_key")]],
    apiSecret: [text, [form("sessionToken", "checksum", "hash")]],
    redirectUrl: [redirectUrl, redirected],
    name: [text, [answer("sessionToken", "user_name")]],
    email: [email, [answer("sessionToken", "email")]],
    state: [oneOf("active", "blocked"), "`blocked`: the login page refuses the user"],
    app: [oneOf("enabled", "disabled"), "`disabled`: the login page refuses the user"],
    ip: [
      oneOf("registered", "unregistered", "none"),
      "any value except `registered`: orders are refused (PermissionException)"
    ],
    platform: [oneOf("approved", "ordinary"), "`approved`: a login returns a refresh token"]
  },
  switches: {
    wrongChecksum: oneOf("TokenException", "InputException"),
    refusedExchange: oneOf("uses-up", "keeps"),
    requestTokenLifetime: duration,
    cancelled: oneOf("status", "with-pairs"),
    dailyEnd: timeOfDay,
    earlierSessions: oneOf("die", "live"),
    refreshToken: oneOf("rotates", "stays"),
    refreshAfterEnd: oneOf("works", "refused"),
    holder: oneOf("usual", "old", "with-picture")
  },
  loginPages: { "https://kite.zerodha.com": ["/connect/login"] },
  page: ({ apiKey }) => ["https://kite.zerodha.com", "/connect/login", { v: "3", api_key: apiKey }]
})

const apiKey = OpenApi.sample("apiKey")

/**
 * Makes the OpenAPI 3.1 document of the broker's calls, for clients in other languages.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table,
    codes,
    headers: headersFor(apiKey),
    app: { api_key: apiKey },
    yes: OpenApi.inside("data", { status: { const: "success" } }),
    no: {
      type: "object",
      properties: { status: { const: "error" }, message: OpenApi.text, error_type: OpenApi.text, data: {} },
      required: ["status", "error_type"]
    },
    refusesWith200: "no"
  })
