import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"

// Paths and limits: SmartAPI documentation, "Login" and "Rate limits", as of 2026-11-21. Each client code has its own
// limits.

const { Secret, Text, each, list, secret, text } = Shape

/** The broker sends `jwtToken` without a `Bearer ` prefix. */
const tokens = {
  response: Shape.struct({
    jwtToken: Shape.requiredSecret,
    ...each(secret, "refreshToken", "feedToken"),
    state: text
  }),
  essential: ["jwtToken"]
}

/** `password` is the 4-digit PIN. The broker returns `state` unchanged. */
const Login = Shape.struct({
  clientcode: Text,
  ...each(Secret, "password", "totp"),
  state: Shape.optionalKey(Shape.string)
})

const Holder = Shape.struct({
  clientcode: Text,
  ...each(text, "name", "email", "mobileno", "lastlogintime", "brokerid"),
  ...each(list, "exchanges", "products")
})

const Funds = Shape.struct({
  ...each(text, "net", "availablecash", "availableintradaypayin", "availablelimitmargin", "collateral"),
  ...each(text, "m2munrealized", "m2mrealized", "utiliseddebits", "utilisedspan", "utilisedoptionpremium"),
  ...each(text, "utilisedholdingsales", "utilisedexposure", "utilisedturnover", "utilisedpayout")
})

const perSecond = (requests: number) => ({ requests, per: "1 second" }) as const
const perHour = { requests: 1000, per: "1 hour" } as const
const post = Endpoint.rows({ method: "POST", token: "required", limits: [perSecond(1)] })
const get = Endpoint.rows({ method: "GET", token: "required", safe: true })

export const table = {
  loginByPassword: Endpoint.make({
    name: "loginByPassword",
    method: "POST",
    path: "/rest/auth/angelbroking/user/v1/loginByPassword",
    token: "none",
    account: "clientcode",
    limits: [perSecond(1)],
    request: Login,
    ...tokens
  }),
  /** The three tokens of the answer replace the previous tokens. */
  generateTokens: post("generateTokens", "/rest/auth/angelbroking/jwt/v1/generateTokens", {
    limits: [perSecond(1), perHour],
    request: Shape.struct({ refreshToken: Secret }),
    ...tokens
  }),
  /** The publisher login uses this call to find the account of a token. */
  getProfile: get("getProfile", "/rest/secure/angelbroking/user/v1/getProfile", {
    limits: [perSecond(3), perHour],
    response: Holder,
    essential: ["clientcode"]
  }),
  /** Funds and margins. Amounts are text, in rupees. */
  getRMS: get("getRMS", "/rest/secure/angelbroking/user/v1/getRMS", { limits: [perSecond(2)], response: Funds }),
  logout: post("logout", "/rest/secure/angelbroking/user/v1/logout", {
    request: Shape.struct({ clientcode: Text }),
    response: Shape.unknown
  })
}
