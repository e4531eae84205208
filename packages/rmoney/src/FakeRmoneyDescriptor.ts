/**
 * Describes the fake RMoney as data: accounts, switches, field names in requests and answers, and login pages.
 *
 * @since 0.1.0
 */
import * as FakeDescriptor from "@auth/broker-core/testing/FakeDescriptor"
import * as FakeRmoney from "./FakeRmoney.ts"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { broker } from "./RmoneyBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

const { oneOf, body, query, form, answer, redirected } = FakeDescriptor
const { text, id, pan, mobile, email, redirectUrl, totpSecret } = FakeDescriptor.rules
const tokenEnd = oneOf("in-token", "absent")

/**
 * Describes the fake for programs that serve it, such as the simulator.
 *
 * @category models
 * @since 0.1.0
 */
export const descriptor = FakeDescriptor.make<FakeRmoney.Account, FakeRmoney.Switches>({
  accountField: "userId",
  accounts: [{ ...FakeRmoney.demoAccount }, { ...FakeRmoney.demoTotpAccount }],
  make: FakeRmoney.make,
  fields: {
    userId: [id, [body("pwdValidate", "userId"), form("login-page", "userid")]],
    password: [text, [body("pwdValidate", "password"), form("login-page", "password")]],
    pan: [pan, [body("pwdForgot", "pan"), body("pwdValidate", "userId")]],
    email: [email, [body("pwdValidate", "userId")]],
    mobile: [mobile, [body("pwdValidate", "userId")]],
    name: [text, [answer("otpValidate", "clientName")]],
    totpSecret: [totpSecret, [body("toptVerify", "totp", "code"), form("login-page", "totp", "code")]],
    totp: [oneOf("enabled", "disabled"), "`enabled`: the account has an authenticator"],
    vendor: [text, [body("ssoGetUserDetails", "vendor"), query("login-page", "appcode")]],
    appCode: [text, [query("login-page", "appcode")]],
    apiSecret: [text, [body("vendorGetUserDetails", "checkSum", "hash")]],
    redirectUrl: [redirectUrl, redirected],
    deviceId: [text, [body("bioPwdValidate", "deviceId")]],
    accessToken: [text, [body("bioPwdValidate", "token")]],
    state: [
      oneOf("active", "barred", "unapproved", "unlisted", "totp-first"),
      "`barred`: the broker has blocked the account. `unapproved`, `unlisted`, `totp-first`: exchanging an authorization code is refused"
    ],
    passChangeFlag: [oneOf("Y", "N"), [answer("otpValidate", "passChangeFlag")]],
    isDormant: [oneOf("Y", "N"), [answer("otpValidate", "isDormant")]]
  },
  switches: {
    stepToken: oneOf("checked", "ignored"),
    stepHeader: oneOf("either", "bare", "three-part"),
    codeSent: oneOf("with-password", "on-demand"),
    result: oneOf("object", "array"),
    userIds: oneOf("canonical", "masked"),
    lockAfter: oneOf(4, 5),
    tokenEnd,
    state: oneOf("echoed", "dropped"),
    callback: oneOf("query", "hash"),
    qrPending: oneOf("empty-token", "no-result"),
    image: oneOf("bare", "data-uri"),
    logout: oneOf("absent", "get", "post")
  },
  loginPages: {
    "https://webuat.rmoneyindia.co.in": ["/", "/qr-scan"],
    "https://weblive.rmoneyindia.net": ["/", "/qr-scan"]
  },
  page: ({ appCode }) => ["https://webuat.rmoneyindia.co.in", "/", { appcode: appCode }]
})

const ok = OpenApi.word("ok")
const failed = { type: "string", not: ok }
const access = { status: ok, message: OpenApi.text }
const sso = OpenApi.beside({ stat: ok, emsg: OpenApi.text })

const app = {
  deviceId: OpenApi.sample("deviceId"),
  appName: "RMONEY",
  osName: "WEBEXTERNAL",
  versionNo: "1.0.0.1.4",
  source: "WEB"
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
    table,
    codes,
    headers: headers.make("bare", app.source),
    app,
    // Usually, the data is in `result`, as an object or as a list with one object. The calls that exchange an
    // authorization code return the data next to `stat`.
    yes: (data) => ({
      anyOf: [
        OpenApi.inside("result", access)(data),
        OpenApi.inside("result", access)({ type: "array", items: data, maxItems: 1 }),
        sso(data)
      ]
    }),
    no: {
      type: "object",
      properties: { status: failed, stat: failed, message: OpenApi.text, emsg: OpenApi.text, errorCode: OpenApi.text }
    },
    refusesWith200: "yes"
  })
