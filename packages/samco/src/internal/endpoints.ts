import * as Endpoint from "@auth/broker-core/Endpoint"
import { List, Maybe } from "@auth/broker-core/Wire"
import * as Schema from "effect/Schema"

// Paths and fields: Samco Trade API documentation v3.2, as of 2026-11-21. It publishes no limits for these calls.

const seconds = Schema.optionalKey(Schema.NullOr(Schema.Finite))

/** What nearly every answer says of itself. */
const Stamp = { serverTime: Maybe, msgId: Maybe, statusMessage: Maybe } as const

/** Who has logged in. `accountID` is spelled so. */
const Holder = {
  accountName: Maybe,
  exchangeList: List,
  orderTypeList: List,
  productList: List,
  srcIp: Maybe,
  primaryIp: Maybe,
  secondaryIp: Maybe
} as const

const SessionResponse = Schema.Struct({
  ...Stamp,
  ...Holder,
  sessionToken: Endpoint.Text,
  tokenId: Maybe,
  accountID: Endpoint.Text
})

const TokensResponse = Schema.Struct({
  ...Holder,
  access_token: Endpoint.Text,
  token_type: Maybe,
  expires_in: seconds,
  refresh_token: Maybe,
  refresh_token_expires_in: seconds,
  session_id: Maybe,
  user_id: Endpoint.Text,
  accountID: Maybe,
  scopes: List
})

const Done = Schema.Struct({ ...Stamp, message: Maybe })

export const sessionToken = Endpoint.make({
  name: "sessionToken",
  method: "POST",
  path: "/session/token",
  token: "none",
  request: Schema.Struct({ apiKey: Endpoint.Secret, apiSecret: Endpoint.Secret }),
  response: SessionResponse,
  essential: ["sessionToken", "accountID"]
})

export const oauthAuthorize = Endpoint.make({
  name: "oauthAuthorize",
  method: "GET",
  path: "/oauth/authorize",
  token: "none",
  response: Schema.Struct({
    appName: Maybe,
    apiKey: Maybe,
    redirectUrl: Maybe,
    state: Maybe,
    scopes: List,
    clientUid: Maybe,
    nextAction: Maybe
  })
})

export const oauthAuthenticate = Endpoint.make({
  name: "oauthAuthenticate",
  method: "POST",
  path: "/oauth/authenticate",
  token: "none",
  request: Schema.Struct({
    apiKey: Endpoint.Secret,
    apiSecret: Endpoint.Secret,
    redirectUrl: Endpoint.Text,
    state: Endpoint.Secret,
    scopes: Endpoint.Text
  }),
  response: Schema.Struct({ redirectTo: Endpoint.Text })
})

export const oauthToken = Endpoint.make({
  name: "oauthToken",
  method: "POST",
  path: "/oauth/token",
  token: "none",
  request: Schema.Struct({ grant_type: Schema.Literal("authorization_code"), code: Endpoint.Secret }),
  response: TokensResponse,
  essential: ["access_token", "user_id"]
})

export const oauthRefresh = Endpoint.make({
  name: "oauthRefresh",
  method: "POST",
  path: "/oauth/token",
  token: "none",
  request: Schema.Struct({ grant_type: Schema.Literal("refresh_token"), refresh_token: Endpoint.Secret }),
  response: TokensResponse,
  essential: ["access_token", "user_id"]
})

export const oauthRevoke = Endpoint.make({
  name: "oauthRevoke",
  method: "POST",
  path: "/oauth/revoke",
  token: "none",
  request: Schema.Struct({
    token: Endpoint.Secret,
    token_type: Schema.Literals(["access_token", "refresh_token"])
  }),
  response: Done
})

export const generateOtp = Endpoint.make({
  name: "generateOtp",
  method: "POST",
  path: "/otp/generateOtp",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text }),
  response: Done
})

export const secretKeyGenerator = Endpoint.make({
  name: "secretKeyGenerator",
  method: "POST",
  path: "/otp/secretKeyGenerator",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text, otp: Endpoint.Secret }),
  response: Done
})

export const accessToken = Endpoint.make({
  name: "accessToken",
  method: "POST",
  path: "/accessToken/token",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text, secretApiKey: Endpoint.Secret }),
  response: Schema.Struct({ ...Stamp, accessToken: Endpoint.Text }),
  essential: ["accessToken"]
})

export const login = Endpoint.make({
  name: "login",
  method: "POST",
  path: "/login",
  token: "none",
  request: Schema.Struct({
    userId: Endpoint.Text,
    password: Endpoint.Secret,
    // Clients before the access token sent none.
    accessToken: Schema.optionalKey(Endpoint.Secret),
    yob: Schema.optionalKey(Endpoint.Secret)
  }),
  response: SessionResponse,
  essential: ["sessionToken", "accountID"]
})

export const webSecretCode = Endpoint.make({
  name: "webSecretCode",
  method: "GET",
  path: "/webSecretCode",
  token: "required",
  // A GET that makes a code: repeating it could void the one before.
  response: Schema.Struct({ ...Stamp, timeRemainingInSeconds: Schema.Finite, OTP: Endpoint.Text })
})

export const webSecretCodeValidation = Endpoint.make({
  name: "webSecretCodeValidation",
  method: "POST",
  path: "/webSecretCodeValidation",
  token: "none",
  request: Schema.Struct({ otp: Endpoint.Secret }),
  response: SessionResponse,
  essential: ["sessionToken", "accountID"]
})

export const logout = Endpoint.make({
  name: "logout",
  method: "DELETE",
  path: "/logout",
  token: "required",
  response: Done
})

export const whoami = Endpoint.make({
  name: "whoami",
  method: "GET",
  path: "/ip/whoami",
  token: "required",
  safe: true,
  response: Schema.Struct({
    srcIp: Maybe,
    primaryIp: Maybe,
    secondaryIp: Maybe,
    matches: Schema.Boolean,
    matchedAs: Maybe
  })
})

const IpRequest = Schema.Struct({
  clientId: Endpoint.Text,
  password: Endpoint.Secret,
  primaryIp: Endpoint.Text,
  secondaryIp: Schema.optionalKey(Endpoint.Text)
})

const IpResponse = Schema.Struct({
  client_id: Maybe,
  primary_ip: Maybe,
  secondary_ip: Maybe,
  ip_updated_at: Maybe
})

export const ipRegistration = Endpoint.make({
  name: "ipRegistration",
  method: "POST",
  path: "/ip/ipRegistration",
  token: "none",
  request: IpRequest,
  response: IpResponse
})

export const ipUpdate = Endpoint.make({
  name: "ipUpdate",
  method: "POST",
  path: "/ip/ipUpdate",
  token: "none",
  request: IpRequest,
  response: IpResponse
})

const Limit = Schema.optionalKey(
  Schema.NullOr(
    Schema.Struct({
      grossAvailableMargin: Maybe,
      payInToday: Maybe,
      notionalCash: Maybe,
      marginUsed: Maybe,
      netAvailableMargin: Maybe
    })
  )
)

export const getLimits = Endpoint.make({
  name: "getLimits",
  method: "GET",
  path: "/limit/getLimits",
  token: "required",
  safe: true,
  response: Schema.Struct({ ...Stamp, equityLimit: Limit, commodityLimit: Limit })
})

export const all = [
  sessionToken,
  oauthAuthorize,
  oauthAuthenticate,
  oauthToken,
  oauthRefresh,
  oauthRevoke,
  generateOtp,
  secretKeyGenerator,
  accessToken,
  login,
  webSecretCode,
  webSecretCodeValidation,
  logout,
  whoami,
  ipRegistration,
  ipUpdate,
  getLimits
] as const
