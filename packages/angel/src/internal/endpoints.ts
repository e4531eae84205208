import * as Endpoint from "@auth/broker-core/Endpoint"
import { List, Maybe } from "@auth/broker-core/Wire"
import * as Schema from "effect/Schema"

// Paths and limits: SmartAPI documentation, "Login" and "Rate limits", as of 2026-11-21. Limits count per client code.

const Tokens = Schema.Struct({
  jwtToken: Endpoint.Text,
  refreshToken: Maybe,
  feedToken: Maybe,
  state: Maybe
})

export const loginByPassword = Endpoint.make({
  name: "loginByPassword",
  method: "POST",
  path: "/rest/auth/angelbroking/user/v1/loginByPassword",
  token: "none",
  limits: [{ requests: 1, per: "1 second" }],
  request: Schema.Struct({
    clientcode: Endpoint.Text,
    password: Endpoint.Secret,
    totp: Endpoint.Secret,
    state: Schema.optionalKey(Schema.String)
  }),
  response: Tokens,
  essential: ["jwtToken"]
})

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
    name: Maybe,
    email: Maybe,
    mobileno: Maybe,
    exchanges: List,
    products: List,
    lastlogintime: Maybe,
    brokerid: Maybe
  }),
  // The publisher login asks it whose token came.
  essential: ["clientcode"]
})

export const getRMS = Endpoint.make({
  name: "getRMS",
  method: "GET",
  path: "/rest/secure/angelbroking/user/v1/getRMS",
  token: "required",
  safe: true,
  limits: [{ requests: 2, per: "1 second" }],
  response: Schema.Struct({
    net: Maybe,
    availablecash: Maybe,
    availableintradaypayin: Maybe,
    availablelimitmargin: Maybe,
    collateral: Maybe,
    m2munrealized: Maybe,
    m2mrealized: Maybe,
    utiliseddebits: Maybe,
    utilisedspan: Maybe,
    utilisedoptionpremium: Maybe,
    utilisedholdingsales: Maybe,
    utilisedexposure: Maybe,
    utilisedturnover: Maybe,
    utilisedpayout: Maybe
  })
})

export const logout = Endpoint.make({
  name: "logout",
  method: "POST",
  path: "/rest/secure/angelbroking/user/v1/logout",
  token: "required",
  limits: [{ requests: 1, per: "1 second" }],
  request: Schema.Struct({ clientcode: Endpoint.Text }),
  response: Schema.Unknown
})

export const all = [loginByPassword, generateTokens, getProfile, getRMS, logout] as const
