/**
 * Describes the fake Rupeezy as data: accounts, switches, field names in requests and answers, and login page.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeRupeezy from "./FakeRupeezy.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./RupeezyApi.ts"
import { broker } from "./RupeezyBroker.ts"
import * as codes from "./internal/codes.ts"
import * as endpoints from "./internal/endpoints.ts"

const { oneOf, body, query, form, answer, header, redirected, curlCode, curlJson } = FakeDescriptor
const { text, id, mobile, email, count, duration, redirectUrl, totpSecret } = FakeDescriptor.rules
const ip = oneOf("registered", "unregistered")
const tokenEnd = oneOf("in-token", "absent")
const reusedCode = oneOf("refused", "accepted")
const ordersOnly =
  "`unregistered`: orders are refused with IP_NOT_ALLOWED. `registered`: they are refused with HTTP 400, because a fake accepts no orders"

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeRupeezy.Account, FakeRupeezy.Switches>({
  accountField: "clientCode",
  accounts: [{ ...FakeRupeezy.demoAccount }],
  make: FakeRupeezy.make,
  fields: {
    clientCode: [id, [body("login", "client_code"), form("flow", "client_code")]],
    password: [text, [body("login", "password"), form("flow", "password")]],
    totpSecret: [totpSecret, [body("login", "totp", "code"), form("flow", "totp", "code")]],
    applicationId: [
      text,
      [body("login", "application_id"), query("flow", "applicationId"), body("createSession", "applicationId")]
    ],
    apiKey: [text, [header("x-api-key"), body("createSession", "checksum", "hash")]],
    redirectUrl: [redirectUrl, redirected],
    name: [text, [answer("login", "user_name")]],
    email: [email, [answer("login", "email")]],
    mobile: [mobile, [answer("login", "mobile")]],
    userCode: [text, [answer("login", "userCode")]],
    state: [oneOf("active", "blocked"), "`blocked`: a login is refused"],
    whitelist: [oneOf("listed", "unlisted"), "`unlisted`: the login page refuses the account"],
    ip: [ip, ordersOnly]
  },
  switches: {
    refusedLogin: oneOf(200, 400, 401),
    reusedCode,
    lockAfter: count,
    tokenEnd,
    lifetime: duration,
    earlierSessions: oneOf("live", "die"),
    loggedOutTokens: oneOf("die", "live"),
    deadToken: oneOf(401, 403),
    cbParam: oneOf("echoed", "dropped"),
    authCode: oneOf("single-use", "reusable"),
    authCodeLifetime: duration,
    exchangeKey: oneOf("optional", "required"),
    funds: oneOf("segments", "combined", "enveloped"),
    logoutResponse: oneOf("null", "text"),
    profileCall: oneOf("absent", "present")
  },
  loginPages: { "https://flow.rupeezy.in": ["/"] },
  page: ({ applicationId }) => ["https://flow.rupeezy.in", "/", { applicationId }],
  curl: ({ apiKey, applicationId, clientCode, password }, served) => [
    curlCode(served, "rupeezy", clientCode),
    `curl -s "${served.origins["https://vortex-api.rupeezy.in"]}/v2/user/login" \\`,
    `  -H "Content-Type: application/json" -H "x-api-key: ${apiKey}" \\`,
    `  -d ${curlJson({ client_code: clientCode, password, totp: "$code", application_id: applicationId })}`
  ]
})

const status = OpenApi.word("success")

const service = OpenApi.inside("data", { status })

const envelopes: Readonly<Record<string, (data: OpenApi.Json) => OpenApi.Json>> = {
  deleteSession: OpenApi.beside({ status }),
  // In the mocks of the official SDK, `getBanks` has an envelope, and `getFunds` has none. Our OpenAPI document allows
  // both forms for both calls.
  getFunds: (data) => ({ anyOf: [data, service(data)] }),
  getBanks: (data) => ({ anyOf: [data, service(data)] })
}

/**
 * Makes the OpenAPI 3.1 document of the broker's calls, for clients in other languages.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table: endpoints.make("+05:30"),
    codes: codes.make({}),
    headers: headersFor({ apiKey: OpenApi.sample("apiKey") }),
    yes: (data, { name }) => (envelopes[name] ?? service)(data),
    no: {
      type: "object",
      properties: { status: OpenApi.word("error"), code: OpenApi.text, message: OpenApi.text },
      required: ["status"]
    },
    refusesWith200: "yes"
  })
