/**
 * Describes the fake Samco as data: accounts, switches, field names in requests and answers, and login page.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeSamco from "./FakeSamco.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headers } from "./SamcoApi.ts"
import { broker } from "./SamcoBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

const { matches, oneOf, body, query, form, answer, curlJson } = FakeDescriptor
const { text, optionalText, id, hex, redirectUrl } = FakeDescriptor.rules
const tokenEnd = oneOf("in-token", "absent")

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeSamco.Account, FakeSamco.Switches>({
  accountField: "userId",
  accounts: [{ ...FakeSamco.demoAccount }],
  make: FakeSamco.make,
  fields: {
    userId: [id, [body("login", "userId"), body("accessToken", "uid"), answer("sessionToken", "accountID")]],
    name: [text, [answer("sessionToken", "accountName")]],
    apiKey: [hex, [body("sessionToken", "apiKey"), query("authorizePage", "api_key")]],
    apiSecret: [hex, [body("sessionToken", "apiSecret"), form("authorizePage", "apiSecret")]],
    redirectUrl: [redirectUrl, [query("authorizePage", "redirect_url")]],
    appName: [text, [answer("oauthAuthorize", "appName")]],
    app: [oneOf("active", "inactive"), "`inactive`: the API key of the app is refused (EOAUTH001)"],
    password: [text, [body("login", "password")]],
    yob: [matches("a year of four digits", /^\d{4}$/), [body("login", "yob")]],
    secretApiKey: [text, [body("accessToken", "secretApiKey")]],
    accessToken: [text, [body("login", "accessToken")]],
    state: [oneOf("active", "blocked", "dormant"), "any value except `active`: a login is refused"],
    subscription: [oneOf("active", "none"), "`none`: a login is refused"],
    appSignIn: [oneOf("done", "needed"), "`needed`: a login is refused. The error of a browser login is EOAUTH999"],
    ip: [
      oneOf("registered", "unregistered", "unregistered-server"),
      "`unregistered`: the login page gives no code (EOAUTH009), and orders fail (HTTP 403); `unregistered-server`: the exchange of a code is refused (EOAUTH009), and orders fail (HTTP 403)"
    ],
    primaryIp: [text, [answer("sessionToken", "primaryIp"), body("ipUpdate", "primaryIp")]],
    secondaryIp: [optionalText, [answer("sessionToken", "secondaryIp"), body("ipUpdate", "secondaryIp")]]
  },
  switches: {
    refreshAfterEnd: oneOf("works", "refused"),
    refreshedToken: oneOf("dies", "lives"),
    tokenEnd,
    legacyFailures: oneOf(200, 401),
    oauthFailures: oneOf(200, 400),
    oauthFailureBody: oneOf("code-and-text", "text", "code"),
    accessToken: oneOf("required", "ignored"),
    codeExchange: oneOf("alone", "concurrent"),
    authenticate: oneOf("json", "redirect")
  },
  loginPages: { "https://tradeapi.samco.in": ["/app/oauth/authorize"] },
  page: ({ apiKey, redirectUrl }) => [
    "https://tradeapi.samco.in",
    "/app/oauth/authorize",
    { api_key: apiKey, redirect_url: redirectUrl }
  ],
  curl: ({ apiKey, apiSecret }, { origins }) => [
    `curl -s "${origins["https://tradeapi.samco.in"]}/session/token" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d ${curlJson({ apiKey, apiSecret })}`
  ]
})

const status = OpenApi.word("success")

const flat = OpenApi.beside({ status, statusMessage: OpenApi.text })

const nested = OpenApi.inside("data", { status, message: OpenApi.text })

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
    headers,
    // Answers to OAuth calls and to a few other calls have their fields in `data`.
    yes: (data) => ({ anyOf: [flat(data), nested(data)] }),
    no: {
      type: "object",
      properties: {
        status: { type: "string", not: status },
        errorCode: OpenApi.text,
        statusMessage: OpenApi.text,
        message: OpenApi.text,
        validationErrors: { type: "array", items: { type: "string" } }
      }
    },
    refusesWith200: "yes"
  })
