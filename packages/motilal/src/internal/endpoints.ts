import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const { Text } = Endpoint

/**
 * Versions in the paths, as of 2026-11-21. Source of v7: Motilal OpenAPI documentation of 2026. Source of v4: the
 * official Python SDK 3.0. Source of v3: the documentation of 2024 and before.
 */
const versions = {
  v7: { login: "v7", otp: "v5", user: "v5" },
  v4: { login: "v4", otp: "v3", user: "v1" },
  v3: { login: "v3", otp: "v3", user: "v1" }
}

export type Generation = keyof typeof versions

export const generations: ReadonlyArray<Generation> = ["v7", "v4", "v3"]

/** Rejects a password that was not hashed. */
const PasswordHash = Schema.Redacted(Endpoint.SecretText.check(Schema.isPattern(/^[0-9a-f]{64}$/)))

const LoginData = Schema.Struct({
  AuthToken: Endpoint.SecretText,
  // The documented values are texts. According to a third-party client, similar fields of other calls can be booleans.
  isAuthTokenVerified: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Boolean])))
})

type Flag = "TRUE" | "FALSE" | undefined

/** `FALSE` means that a one-time code is required. */
const flagOf = (value: string | boolean | null | undefined): Flag => {
  const word = String(value).trim().toUpperCase()
  return word === "TRUE" || word === "FALSE" ? word : undefined
}

/** According to one third-party client, the token can be inside `data`. */
const LoginAnswer = Decode.map(
  Schema.Union([LoginData, Schema.Struct({ data: LoginData })]),
  (answer): { readonly AuthToken: Redacted.Redacted<string>; readonly isAuthTokenVerified: Flag } => {
    const { AuthToken, isAuthTokenVerified } = "data" in answer ? answer.data : answer
    return { AuthToken: Redacted.make(AuthToken), isAuthTokenVerified: flagOf(isAuthTokenVerified) }
  }
)

/**
 * The possible places of the access token, as of 2026-11-27. The first place is documented. The official Java SDK 3.3
 * also reads the second and the third place. A third-party client of v7 reads the fourth place.
 */
const AccessTokenData = Schema.Union([
  Schema.Struct({ accesstoken: Endpoint.SecretText }),
  Schema.Struct({ data: Schema.Struct({ accessToken: Endpoint.SecretText }) }),
  Schema.Struct({ AccessToken: Endpoint.SecretText }),
  Schema.Struct({ data: Schema.Struct({ accesstoken: Endpoint.SecretText }) })
])

const accessTokenOf = (answer: typeof AccessTokenData.Type): string => {
  if ("accesstoken" in answer) return answer.accesstoken
  if ("AccessToken" in answer) return answer.AccessToken
  return "accessToken" in answer.data ? answer.data.accessToken : answer.data.accesstoken
}

const AccessTokenAnswer = Decode.map(AccessTokenData, (answer) => ({
  accesstoken: Redacted.make(accessTokenOf(answer))
}))

const Profile = Schema.Struct({
  clientcode: Schema.NonEmptyString,
  ...Decode.each(Decode.text, "name", "usertype", "poastatus"),
  ...Decode.each(Decode.list, "exchanges", "products")
})

const Login = Schema.Struct({
  userid: Text,
  password: PasswordHash,
  ...Decode.each(Schema.optionalKey(Endpoint.Secret), "2FA", "totp")
})

const Nothing = Decode.discard(Schema.Unknown)

export const make = (generation: Generation = "v7", requestsPerSecond = 2, otpType: "text" | "number" = "text") => {
  const { login, otp, user } = versions[generation]
  const limits = [{ requests: requestsPerSecond, per: "1 second" }] as const
  const post = Endpoint.rows({ method: "POST", token: "required", limits })
  return {
    authdirectapi: Endpoint.make({
      name: "authdirectapi",
      method: "POST",
      path: `/rest/login/${login}/authdirectapi`,
      token: "none",
      account: "userid",
      limits,
      request: Login,
      response: LoginAnswer,
      essential: ["AuthToken"]
    }),
    /** Sent after the login and its one-time code. The generations v4 and v3 do not have this call. */
    getaccesstoken: post("getaccesstoken", "/rest/login/v1/getaccesstoken", {
      response: AccessTokenAnswer,
      essential: ["accesstoken", "accessToken", "AccessToken"]
    }),
    resendotp: post("resendotp", `/rest/login/${otp}/resendotp`, { response: Nothing }),
    /** The answer contains no token. After this call, the token of the login is valid. */
    verifyotp: post("verifyotp", `/rest/login/${otp}/verifyotp`, {
      request: Schema.Struct({ otp: Endpoint.Secret }),
      body: ({ otp }) => ({ otp: otpType === "number" ? Redacted.make(Number(Redacted.value(otp))) : otp }),
      response: Nothing
    }),
    /** A dealer sends the code of its client. */
    getprofile: post("getprofile", `/rest/login/${user}/getprofile`, {
      safe: true,
      request: Schema.Struct({ clientcode: Schema.optionalKey(Text) }),
      response: Decode.map(Schema.Struct({ data: Profile }), ({ data }) => data),
      essential: ["clientcode"]
    }),
    /** A dealer sends its own user id. */
    logout: post("logout", `/rest/login/${user}/logout`, {
      request: Schema.Struct({ userid: Schema.optionalKey(Text) }),
      response: Nothing
    })
  }
}

/** Calls that are made before the login is finished. They send only the token of the login. */
export const ofLogin: ReadonlySet<string> = new Set(["getaccesstoken", "resendotp", "verifyotp"])
