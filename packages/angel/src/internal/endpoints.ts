import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Schema from "effect/Schema"

// Paths and limits: SmartAPI documentation, "Login" and "Rate limits", as of 2026-11-21. Limits count per client code.

const Tokens = Schema.Struct({
  /** Without a `Bearer ` prefix. */
  jwtToken: Decode.requiredSecret,
  refreshToken: Decode.secret,
  feedToken: Decode.secret,
  state: Decode.text
})

/** `POST /rest/auth/angelbroking/user/v1/loginByPassword`, sent once. */
export const loginByPassword = Endpoint.make({
  name: "loginByPassword",
  method: "POST",
  path: "/rest/auth/angelbroking/user/v1/loginByPassword",
  token: "none",
  account: "clientcode",
  limits: [{ requests: 1, per: "1 second" }],
  request: Schema.Struct({
    clientcode: Endpoint.Text,
    /** The 4-digit PIN. */
    password: Endpoint.Secret,
    /** Six digits. */
    totp: Endpoint.Secret,
    /** Comes back in the answer as it is. */
    state: Schema.optionalKey(Schema.String)
  }),
  response: Tokens,
  essential: ["jwtToken"]
})

/** `POST /rest/auth/angelbroking/jwt/v1/generateTokens`, sent once. Keep all three tokens of the answer. */
export const generateTokens = Endpoint.make({
  name: "generateTokens",
  method: "POST",
  path: "/rest/auth/angelbroking/jwt/v1/generateTokens",
  token: "required",
  limits: [
    { requests: 1, per: "1 second" },
    { requests: 1000, per: "1 hour" }
  ],
  request: Schema.Struct({ refreshToken: Endpoint.Secret }),
  response: Tokens,
  essential: ["jwtToken"]
})

/** `GET /rest/secure/angelbroking/user/v1/getProfile` */
export const getProfile = Endpoint.make({
  name: "getProfile",
  method: "GET",
  path: "/rest/secure/angelbroking/user/v1/getProfile",
  token: "required",
  safe: true,
  limits: [
    { requests: 3, per: "1 second" },
    { requests: 1000, per: "1 hour" }
  ],
  response: Schema.Struct({
    clientcode: Endpoint.Text,
    name: Decode.text,
    email: Decode.text,
    mobileno: Decode.text,
    exchanges: Decode.list,
    products: Decode.list,
    lastlogintime: Decode.text,
    brokerid: Decode.text
  }),
  // The publisher login asks it whose token came.
  essential: ["clientcode"]
})

/** `GET /rest/secure/angelbroking/user/v1/getRMS`: funds and margins. Amounts are rupees, as text. */
export const getRMS = Endpoint.make({
  name: "getRMS",
  method: "GET",
  path: "/rest/secure/angelbroking/user/v1/getRMS",
  token: "required",
  safe: true,
  limits: [{ requests: 2, per: "1 second" }],
  response: Schema.Struct({
    net: Decode.text,
    availablecash: Decode.text,
    availableintradaypayin: Decode.text,
    availablelimitmargin: Decode.text,
    collateral: Decode.text,
    m2munrealized: Decode.text,
    m2mrealized: Decode.text,
    utiliseddebits: Decode.text,
    utilisedspan: Decode.text,
    utilisedoptionpremium: Decode.text,
    utilisedholdingsales: Decode.text,
    utilisedexposure: Decode.text,
    utilisedturnover: Decode.text,
    utilisedpayout: Decode.text
  })
})

/** `POST /rest/secure/angelbroking/user/v1/logout` */
export const logout = Endpoint.make({
  name: "logout",
  method: "POST",
  path: "/rest/secure/angelbroking/user/v1/logout",
  token: "required",
  limits: [{ requests: 1, per: "1 second" }],
  request: Schema.Struct({ clientcode: Endpoint.Text }),
  response: Schema.Unknown
})

export const table = { loginByPassword, generateTokens, getProfile, getRMS, logout }
