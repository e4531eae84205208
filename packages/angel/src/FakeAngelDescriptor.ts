/**
 * Describes the fake Angel One as data: accounts, switches, field names in requests and answers, and login page.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeAngel from "./FakeAngel.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./AngelApi.ts"
import { broker } from "./AngelBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

const { matches, oneOf, body, query, form, answer, header, redirected, curlCode, curlJson } = FakeDescriptor
const { text, id, mobile, email, redirectUrl, totpSecret } = FakeDescriptor.rules
const ip = oneOf("registered", "unregistered")
const tokenEnd = oneOf("in-token", "absent")
const reusedCode = oneOf("refused", "accepted")
const ordersOnly =
  "`unregistered`: orders are refused with AG7002. `registered`: they are refused with AB2000, because a fake accepts no orders"

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeAngel.Account, FakeAngel.Switches>({
  accountField: "clientCode",
  accounts: [{ ...FakeAngel.demoAccount }],
  make: FakeAngel.make,
  fields: {
    clientCode: [id, [body("loginByPassword", "clientcode"), form("publisher-login", "clientcode")]],
    pin: [matches("four digits", /^\d{4}$/), [body("loginByPassword", "password"), form("publisher-login", "pin")]],
    totpSecret: [totpSecret, [body("loginByPassword", "totp", "code"), form("publisher-login", "totp", "code")]],
    apiKey: [text, [header("x-privatekey")]],
    publisherKey: [text, [header("x-privatekey"), query("publisher-login", "api_key")]],
    redirectUrl: [redirectUrl, redirected],
    name: [text, [answer("getProfile", "name")]],
    email: [email, [answer("getProfile", "email")]],
    mobile: [mobile, [answer("getProfile", "mobileno")]],
    state: [oneOf("active", "blocked"), "`blocked`: loginByPassword fails with AB1006"],
    ip: [ip, ordersOnly]
  },
  switches: {
    reusedCode,
    refreshedTokens: oneOf("die", "live"),
    tokenEnd,
    publisherRefreshToken: oneOf("sent", "absent")
  },
  loginPages: { "https://smartapi.angelone.in": ["/publisher-login"] },
  page: ({ publisherKey }) => ["https://smartapi.angelone.in", "/publisher-login", { api_key: publisherKey }],
  curl: ({ apiKey, clientCode, pin }, served) => [
    curlCode(served, "angel", clientCode),
    `curl -s "${served.origins["https://apiconnect.angelone.in"]}/rest/auth/angelbroking/user/v1/loginByPassword" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -H "X-UserType: USER" -H "X-SourceID: WEB" -H "X-PrivateKey: ${apiKey}" \\`,
    `  -H "X-ClientLocalIP: 127.0.0.1" -H "X-ClientPublicIP: 0.0.0.0" -H "X-MACAddress: 00:00:00:00:00:00" \\`,
    `  -d ${curlJson({ clientcode: clientCode, password: pin, totp: "$code" })}`
  ]
})

/**
 * Makes the OpenAPI 3.1 document of the broker's calls.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table,
    codes,
    headers: headersFor({ apiKey: OpenApi.sample("apiKey") }),
    // `status` is a boolean in some answers, and text in others.
    yes: OpenApi.inside("data", {
      status: { enum: [true, "true", "SUCCESS", "success"] },
      message: OpenApi.text,
      errorcode: OpenApi.text
    }),
    // Refusals by the broker's API gateway have `success` in place of `status`.
    no: {
      type: "object",
      properties: { message: OpenApi.text, errorcode: OpenApi.text, errorCode: OpenApi.text },
      anyOf: [
        { properties: { status: { enum: [false, "false", "ERROR", "error"] } }, required: ["status"] },
        { properties: { success: { const: false } }, required: ["success"] }
      ]
    },
    refusesWith200: "yes"
  })
