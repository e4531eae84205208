/**
 * Describes the fake Motilal Oswal as data: accounts, switches, field names in requests and answers, and login pages.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeMotilal from "./FakeMotilal.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import type { Tokens } from "@auth/broker-core/login/Session"
import { broker } from "./MotilalBroker.ts"
import { codes } from "./internal/codes.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

const { matches, oneOf, body, query, form, answer, header, redirected } = FakeDescriptor
const { text, optionalText, id, pan, count, redirectUrl, totpSecret } = FakeDescriptor.rules
const ip = oneOf("registered", "unregistered")
const reusedCode = oneOf("refused", "accepted")

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeMotilal.Account, FakeMotilal.Switches>({
  accountField: "userId",
  accounts: [{ ...FakeMotilal.demoAccount }],
  make: FakeMotilal.make,
  fields: {
    userId: [id, [body("authdirectapi", "userid"), header("vendorinfo"), form("portal-login", "userid")]],
    password: [text, [body("authdirectapi", "password", "hash"), form("portal-login", "password")]],
    apiKey: [text, [header("apikey"), query("portal-login", "apikey")]],
    apiSecret: [text, [header("apisecretkey")]],
    secondFactor: [
      matches("a date of birth as dd/mm/yyyy", /^\d\d\/\d\d\/\d{4}$/),
      [body("authdirectapi", "2FA"), form("portal-login", "2FA")]
    ],
    pan: [pan, [body("authdirectapi", "2FA"), form("portal-login", "2FA")]],
    totpSecret: [totpSecret, [body("authdirectapi", "totp", "code"), form("portal-login", "totp", "code")]],
    redirectUrl: [redirectUrl, redirected],
    name: [text, [answer("getprofile", "name")]],
    role: [oneOf("investor", "dealer"), "`dealer`: a login needs no `2FA`, and getprofile needs the client code"],
    client: [optionalText, [body("getprofile", "clientcode")]],
    state: [
      oneOf("active", "not-live", "no-consent", "pan-not-linked"),
      "any value except `active`: a login is refused"
    ],
    ip: [ip, "`unregistered`: orders are refused (MO2035). With the switch `addressCheck: all`, every call is refused"]
  },
  switches: {
    accept: oneOf("any-with-json", "exact"),
    refusals: oneOf("each", "FAILURE", "ERROR"),
    loginWithoutSecret: oneOf("refused", "accepted"),
    unverified: oneOf("MO1097", "MO8003", "MO1100"),
    maxSessions: count,
    reusedCode,
    otpType: oneOf("either", "text", "number"),
    portalState: oneOf("echoed", "dropped"),
    addressCheck: oneOf("orders", "all"),
    writing: oneOf("json", "typographic-quotes", "trailing-bytes"),
    sourceId: oneOf("any-case", "upper-case"),
    identity: oneOf("lenient", "strict"),
    limit: oneOf("two-a-second", "none")
  },
  loginPages: {
    "https://invest.motilaloswal.com": ["/OpenAPI/Login.aspx"],
    "https://uattrade.motilaloswaluat.com": ["/OpenAPI/Login.aspx"]
  },
  page: ({ apiKey }) => ["https://invest.motilaloswal.com", "/OpenAPI/Login.aspx", { apikey: apiKey }]
})

const headersOf = headers.make({
  apiKey: OpenApi.sample("apiKey"),
  apiSecret: OpenApi.sample("apiSecret"),
  generation: "v7"
})

const ofLogin = ({ access, login = access }: Tokens): Tokens => ({ access: login })

const status = OpenApi.word("SUCCESS")

const envelope = { message: OpenApi.text, errorcode: OpenApi.text }

/**
 * Makes the OpenAPI 3.1 document of the broker's calls.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table: endpoints.make("v7", 2),
    codes,
    headers: ({ account, endpoint, tokens }) =>
      headersOf(account, tokens && endpoints.ofLogin.has(endpoint?.name ?? "") ? ofLogin(tokens) : tokens),
    yes: OpenApi.beside({ status, ...envelope }),
    // The package treats every status except SUCCESS as a refusal.
    no: {
      type: "object",
      properties: { status: { type: "string", not: status }, ...envelope },
      required: ["status"]
    },
    refusesWith200: "yes"
  })
