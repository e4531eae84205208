import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Schema from "effect/Schema"

// Paths and fields: Samco Trade API documentation v3.2, as of 2026-11-21. It publishes no limits for these calls.

const seconds = Decode.optional(Schema.Finite)

/** What nearly every answer says of itself. */
const Stamp = { serverTime: Decode.text, msgId: Decode.text, statusMessage: Decode.text } as const

/** Who has logged in. `accountID` is spelled so. */
const Holder = {
  accountName: Decode.text,
  exchangeList: Decode.list,
  /** `L, MKT, SL, SL-M` from the direct login, `LIMIT, MARKET, SL, SL-M` from OAuth. */
  orderTypeList: Decode.list,
  productList: Decode.list,
  srcIp: Decode.text,
  primaryIp: Decode.text,
  secondaryIp: Decode.text
} as const

const SessionResponse = Schema.Struct({
  ...Stamp,
  ...Holder,
  sessionToken: Decode.requiredSecret,
  tokenId: Decode.secret,
  accountID: Endpoint.Text
})

const TokensResponse = Schema.Struct({
  ...Holder,
  /** Travels as `x-session-token`, though `token_type` says `Bearer`. */
  access_token: Decode.requiredSecret,
  token_type: Decode.text,
  expires_in: seconds,
  /** Good once: each refresh brings a new one. */
  refresh_token: Decode.secret,
  refresh_token_expires_in: seconds,
  session_id: Decode.secret,
  user_id: Endpoint.Text,
  accountID: Decode.text,
  scopes: Decode.list
})

/** What the login page asks for. */
const app = { apiKey: Endpoint.Secret, redirectUrl: Endpoint.Text, state: Endpoint.Secret, scopes: Endpoint.Text }

const Done = Decode.discard(Schema.Struct({ ...Stamp, message: Decode.text }))

/** `POST /session/token` */
export const sessionToken = Endpoint.make({
  name: "sessionToken",
  method: "POST",
  path: "/session/token",
  token: "none",
  request: Schema.Struct({ apiKey: Endpoint.Secret, apiSecret: Endpoint.Secret }),
  response: SessionResponse,
  essential: ["sessionToken", "accountID"]
})

/** `GET /oauth/authorize`: the login page asks so whether app and redirect URL are right. */
export const oauthAuthorize = Endpoint.make({
  name: "oauthAuthorize",
  method: "GET",
  path: "/oauth/authorize",
  token: "none",
  query: { api_key: "apiKey", redirect_url: "redirectUrl", state: "state", scopes: "scopes" },
  request: Schema.Struct(app),
  response: Schema.Struct({
    appName: Decode.text,
    apiKey: Decode.secret,
    redirectUrl: Decode.text,
    state: Decode.secret,
    scopes: Decode.list,
    clientUid: Decode.text,
    nextAction: Decode.text
  })
})

/** `POST /oauth/authenticate`: the login page sends so the secret that its user typed. The answer has the code. */
export const oauthAuthenticate = Endpoint.make({
  name: "oauthAuthenticate",
  method: "POST",
  path: "/oauth/authenticate",
  token: "none",
  request: Schema.Struct({ ...app, apiSecret: Endpoint.Secret }),
  response: Schema.Struct({ redirectTo: Decode.requiredSecret })
})

/** `POST /oauth/token` for a code. A code that is sent twice revokes all tokens of the account. */
export const oauthToken = Endpoint.make({
  name: "oauthToken",
  method: "POST",
  path: "/oauth/token",
  token: "none",
  request: Schema.Struct({ code: Endpoint.Secret }),
  body: ({ code }) => ({ grant_type: "authorization_code", code }),
  response: TokensResponse,
  essential: ["access_token", "user_id"]
})

/** `POST /oauth/token` for a refresh token, which is void from then on. */
export const oauthRefresh = Endpoint.make({
  name: "oauthRefresh",
  method: "POST",
  path: "/oauth/token",
  token: "none",
  request: Schema.Struct({ refresh_token: Endpoint.Secret }),
  body: ({ refresh_token }) => ({ grant_type: "refresh_token", refresh_token }),
  response: TokensResponse,
  essential: ["access_token", "user_id"]
})

/** `POST /oauth/revoke`: ends the whole session; the answer is a yes for any token. */
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

/**
 * `POST /otp/generateOtp`: has a code sent by SMS and mail.
 *
 * @deprecated Part of the old login.
 */
export const generateOtp = Endpoint.make({
  name: "generateOtp",
  method: "POST",
  path: "/otp/generateOtp",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text }),
  response: Done
})

/**
 * `POST /otp/secretKeyGenerator`: has the secret API key sent by mail. It never expires.
 *
 * @deprecated Part of the old login.
 */
export const secretKeyGenerator = Endpoint.make({
  name: "secretKeyGenerator",
  method: "POST",
  path: "/otp/secretKeyGenerator",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text, otp: Endpoint.Secret }),
  response: Done
})

/**
 * `POST /accessToken/token`: the access token of the day.
 *
 * @deprecated Part of the old login.
 */
export const accessToken = Endpoint.make({
  name: "accessToken",
  method: "POST",
  path: "/accessToken/token",
  token: "none",
  request: Schema.Struct({ uid: Endpoint.Text, secretApiKey: Endpoint.Secret }),
  response: Schema.Struct({ ...Stamp, accessToken: Decode.requiredSecret }),
  essential: ["accessToken"]
})

/**
 * `POST /login`
 *
 * @deprecated The broker will remove it: use `sessionToken`.
 */
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

/** `GET /webSecretCode`: a code with which a person logs in to the web site. */
export const webSecretCode = Endpoint.make({
  name: "webSecretCode",
  method: "GET",
  path: "/webSecretCode",
  token: "required",
  // A GET that makes a code: repeating it could void the one before.
  response: Schema.Struct({ ...Stamp, timeRemainingInSeconds: Schema.Finite, OTP: Decode.requiredSecret })
})

/** `POST /webSecretCodeValidation`: makes a session of such a code. */
export const webSecretCodeValidation = Endpoint.make({
  name: "webSecretCodeValidation",
  method: "POST",
  path: "/webSecretCodeValidation",
  token: "none",
  request: Schema.Struct({ otp: Endpoint.Secret }),
  response: SessionResponse,
  essential: ["sessionToken", "accountID"]
})

/** `DELETE /logout` */
export const logout = Endpoint.make({
  name: "logout",
  method: "DELETE",
  path: "/logout",
  token: "required",
  response: Done
})

/** `GET /ip/whoami` */
export const whoami = Endpoint.make({
  name: "whoami",
  method: "GET",
  path: "/ip/whoami",
  token: "required",
  safe: true,
  response: Schema.Struct({
    srcIp: Decode.text,
    primaryIp: Decode.text,
    secondaryIp: Decode.text,
    matches: Schema.Boolean,
    matchedAs: Decode.text
  })
})

const IpRequest = Schema.Struct({
  clientId: Endpoint.Text,
  password: Endpoint.Secret,
  primaryIp: Endpoint.Text,
  secondaryIp: Schema.optionalKey(Endpoint.Text)
})

const IpResponse = Schema.Struct({
  client_id: Decode.text,
  primary_ip: Decode.text,
  secondary_ip: Decode.text,
  ip_updated_at: Decode.text
})

/**
 * `POST /ip/ipRegistration`
 *
 * @deprecated Register addresses in the broker's dashboard.
 */
export const ipRegistration = Endpoint.make({
  name: "ipRegistration",
  method: "POST",
  path: "/ip/ipRegistration",
  token: "none",
  request: IpRequest,
  response: IpResponse
})

/**
 * `POST /ip/ipUpdate`, once in seven days.
 *
 * @deprecated Register addresses in the broker's dashboard.
 */
export const ipUpdate = Endpoint.make({
  name: "ipUpdate",
  method: "POST",
  path: "/ip/ipUpdate",
  token: "none",
  request: IpRequest,
  response: IpResponse
})

const Limit = Decode.optional(
  Schema.Struct({
    grossAvailableMargin: Decode.text,
    payInToday: Decode.text,
    notionalCash: Decode.text,
    marginUsed: Decode.text,
    netAvailableMargin: Decode.text
  })
)

/** `GET /limit/getLimits` */
export const getLimits = Endpoint.make({
  name: "getLimits",
  method: "GET",
  path: "/limit/getLimits",
  token: "required",
  safe: true,
  response: Schema.Struct({ ...Stamp, equityLimit: Limit, commodityLimit: Limit })
})

export const table = {
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
}
