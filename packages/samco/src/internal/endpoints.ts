import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"

// Source: Samco Trade API documentation v3.2, as of 2026-11-21. The documentation states no rate limits.

const { Secret, Text, each, list, requiredSecret, secret, text } = Shape
const seconds = Shape.optional(Shape.finite)

const Stamp = each(text, "serverTime", "msgId", "statusMessage")

/** `orderTypeList` contains `LIMIT` and `MARKET` after a browser login, and `L` and `MKT` after any other login. */
const Holder = {
  ...each(text, "accountName", "srcIp", "primaryIp", "secondaryIp"),
  ...each(list, "exchangeList", "orderTypeList", "productList")
}

const Session = Shape.struct({ ...Stamp, ...Holder, sessionToken: requiredSecret, tokenId: secret, accountID: Text })

const Tokens = Shape.struct({
  ...Holder,
  /** The token is sent in the header `x-session-token`, although `token_type` is `Bearer`. */
  access_token: requiredSecret,
  /** A refresh token is valid for one use. Each refresh returns a new refresh token. */
  refresh_token: secret,
  session_id: secret,
  user_id: Text,
  ...each(text, "token_type", "accountID"),
  ...each(seconds, "expires_in", "refresh_token_expires_in"),
  scopes: list
})

const Authorization = Shape.struct({
  ...each(text, "appName", "redirectUrl", "clientUid", "nextAction"),
  ...each(secret, "apiKey", "state"),
  scopes: list
})

const Limit = Shape.optional(
  Shape.struct(each(text, "grossAvailableMargin", "payInToday", "notionalCash", "marginUsed", "netAvailableMargin"))
)

const toSession = { response: Session, essential: ["sessionToken", "accountID"] }
const toTokens = { response: Tokens, essential: ["access_token", "user_id"] }
const toNothing = { response: Shape.discard(Shape.struct({ ...Stamp, message: text })) }

/** Fields that Samco's login page sends to Samco's API. */
const app = { ...each(Secret, "apiKey", "state"), ...each(Text, "redirectUrl", "scopes") }
const appQuery = { api_key: "apiKey", redirect_url: "redirectUrl", state: "state", scopes: "scopes" }

const addresses = {
  request: Shape.struct({
    ...each(Text, "clientId", "primaryIp"),
    password: Secret,
    secondaryIp: Shape.optionalKey(Text)
  }),
  response: Shape.struct(each(text, "client_id", "primary_ip", "secondary_ip", "ip_updated_at"))
}

const post = Endpoint.rows({ method: "POST", token: "none" })
const get = Endpoint.rows({ method: "GET", token: "required", safe: true })

export const table = {
  sessionToken: post("sessionToken", "/session/token", {
    request: Shape.struct(each(Secret, "apiKey", "apiSecret")),
    ...toSession
  }),
  /** The login page uses this call to check the app and the redirect URL. */
  oauthAuthorize: Endpoint.make({
    name: "oauthAuthorize",
    method: "GET",
    path: "/oauth/authorize",
    token: "none",
    query: appQuery,
    request: Shape.struct(app),
    response: Authorization
  }),
  /** The login page sends the API secret that the user entered. The answer contains the authorization code. */
  oauthAuthenticate: post("oauthAuthenticate", "/oauth/authenticate", {
    request: Shape.struct({ ...app, apiSecret: Secret }),
    response: Shape.struct({ redirectTo: requiredSecret })
  }),
  /** If an authorization code is sent twice, the broker revokes all tokens that the app has for the account. */
  oauthToken: post("oauthToken", "/oauth/token", {
    request: Shape.struct({ code: Secret }),
    body: ({ code }) => ({ grant_type: "authorization_code", code }),
    ...toTokens
  }),
  oauthRefresh: post("oauthRefresh", "/oauth/token", {
    request: Shape.struct({ refresh_token: Secret }),
    body: ({ refresh_token }) => ({ grant_type: "refresh_token", refresh_token }),
    ...toTokens
  }),
  /** The broker reports success even for an unknown token. */
  oauthRevoke: post("oauthRevoke", "/oauth/revoke", {
    request: Shape.struct({ token: Secret, token_type: Shape.literals(["access_token", "refresh_token"]) }),
    ...toNothing
  }),
  /**
   * The broker sends a one-time code by SMS and email.
   *
   * @deprecated Part of the legacy login.
   */
  generateOtp: post("generateOtp", "/otp/generateOtp", { request: Shape.struct({ uid: Text }), ...toNothing }),
  /**
   * The broker sends the secret API key by email. The key never expires.
   *
   * @deprecated Part of the legacy login.
   */
  secretKeyGenerator: post("secretKeyGenerator", "/otp/secretKeyGenerator", {
    request: Shape.struct({ uid: Text, otp: Secret }),
    ...toNothing
  }),
  /** @deprecated Part of the legacy login. */
  accessToken: post("accessToken", "/accessToken/token", {
    request: Shape.struct({ uid: Text, secretApiKey: Secret }),
    response: Shape.struct({ ...Stamp, accessToken: requiredSecret }),
    essential: ["accessToken"]
  }),
  /**
   * The field `accessToken` is optional, because older programs log in without it.
   *
   * @deprecated The broker will remove this call: use `sessionToken`.
   */
  login: post("login", "/login", {
    request: Shape.struct({
      userId: Text,
      password: Secret,
      ...each(Shape.optionalKey(Secret), "accessToken", "yob")
    }),
    ...toSession
  }),
  /** Returns a code for a login on the web site. `safe` is false: a second call could invalidate the first code. */
  webSecretCode: get("webSecretCode", "/webSecretCode", {
    safe: false,
    response: Shape.struct({ ...Stamp, timeRemainingInSeconds: Shape.finite, OTP: requiredSecret })
  }),
  webSecretCodeValidation: post("webSecretCodeValidation", "/webSecretCodeValidation", {
    request: Shape.struct({ otp: Secret }),
    ...toSession
  }),
  logout: Endpoint.make({ name: "logout", method: "DELETE", path: "/logout", token: "required", ...toNothing }),
  whoami: get("whoami", "/ip/whoami", {
    response: Shape.struct({
      ...each(text, "srcIp", "primaryIp", "secondaryIp", "matchedAs"),
      matches: Shape.boolean
    })
  }),
  /** @deprecated Register addresses in the broker's dashboard. */
  ipRegistration: post("ipRegistration", "/ip/ipRegistration", addresses),
  /**
   * The broker permits one update in seven days.
   *
   * @deprecated Register addresses in the broker's dashboard.
   */
  ipUpdate: post("ipUpdate", "/ip/ipUpdate", addresses),
  getLimits: get("getLimits", "/limit/getLimits", {
    response: Shape.struct({ ...Stamp, ...each(Limit, "equityLimit", "commodityLimit") })
  })
}
