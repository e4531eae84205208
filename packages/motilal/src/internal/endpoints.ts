import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const { Text } = Endpoint

/**
 * Versions in the paths. v7: Motilal OpenAPI documentation of 2026. v4: the official Python SDK 3.0. v3: the
 * documentation of 2024 and before. As of 2026-11-21.
 */
const versions = {
  v7: { login: "v7", otp: "v5", user: "v5" },
  v4: { login: "v4", otp: "v3", user: "v1" },
  v3: { login: "v3", otp: "v3", user: "v1" }
}

/** Generation of the calls. */
export type Generation = keyof typeof versions

export const generations: ReadonlyArray<Generation> = ["v7", "v4", "v3"]

/** The broker requires a hash of 64 characters. The check prevents that a password is sent in clear by mistake. */
const PasswordHash = Schema.Redacted(Endpoint.SecretText.check(Schema.isPattern(/^[0-9a-f]{64}$/)))

const LoginData = Schema.Struct({
  AuthToken: Endpoint.SecretText,
  // "TRUE" or "FALSE" as text. A client reports flags of both types elsewhere in this API.
  isAuthTokenVerified: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Boolean])))
})

/** `FALSE` while a one-time code is required; `undefined` if the broker does not say. */
const flagOf = (value: string | boolean | null | undefined): "TRUE" | "FALSE" | undefined => {
  const word = String(value).trim().toUpperCase()
  return word === "TRUE" || word === "FALSE" ? word : undefined
}

/** One client reports the token inside `data`. */
const LoginAnswer = Decode.map(
  Schema.Union([LoginData, Schema.Struct({ data: LoginData })]),
  (
    answer
  ): { readonly AuthToken: Redacted.Redacted<string>; readonly isAuthTokenVerified: "TRUE" | "FALSE" | undefined } => {
    const { AuthToken, isAuthTokenVerified } = "data" in answer ? answer.data : answer
    return { AuthToken: Redacted.make(AuthToken), isAuthTokenVerified: flagOf(isAuthTokenVerified) }
  }
)

/**
 * Beside `status` is the documented place. The official Java SDK 3.3 reads the next two as well, a third-party client
 * of v7 the last. As of 2026-11-27.
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

/** The table of calls. Only the profile may be sent twice, because it changes nothing. */
export const make = (generation: Generation, requestsPerSecond: number, otpType: "text" | "number" = "text") => {
  const { login, otp, user } = versions[generation]
  const limits = [{ requests: requestsPerSecond, per: "1 second" }] as const
  const post = Endpoint.rows({ method: "POST", token: "required", limits })
  return {
    /** `POST /rest/login/v7/authdirectapi`, sent once. */
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
    /**
     * `POST /rest/login/v1/getaccesstoken`, after the login and its one-time code. Earlier generations do not have it.
     */
    getaccesstoken: post("getaccesstoken", "/rest/login/v1/getaccesstoken", {
      response: AccessTokenAnswer,
      essential: ["accesstoken", "accessToken", "AccessToken"]
    }),
    /** `POST /rest/login/v5/resendotp` */
    resendotp: post("resendotp", `/rest/login/${otp}/resendotp`, { response: Nothing }),
    /** `POST /rest/login/v5/verifyotp`, sent once. It returns no token: the login's own token is valid from then on. */
    verifyotp: post("verifyotp", `/rest/login/${otp}/verifyotp`, {
      request: Schema.Struct({ otp: Endpoint.Secret }),
      body: ({ otp }) => ({ otp: otpType === "number" ? Redacted.make(Number(Redacted.value(otp))) : otp }),
      response: Nothing
    }),
    /**
     * `POST /rest/login/v5/getprofile`: the portal login uses it to find the account of its token. A dealer names its
     * client.
     */
    getprofile: post("getprofile", `/rest/login/${user}/getprofile`, {
      safe: true,
      request: Schema.Struct({ clientcode: Schema.optionalKey(Text) }),
      response: Decode.map(Schema.Struct({ data: Profile }), ({ data }) => data),
      essential: ["clientcode"]
    }),
    /** `POST /rest/login/v5/logout`. A dealer names itself. */
    logout: post("logout", `/rest/login/${user}/logout`, {
      request: Schema.Struct({ userid: Schema.optionalKey(Text) }),
      response: Nothing
    })
  }
}

/** Calls of an unfinished login: they carry only its first token. */
export const ofLogin: ReadonlySet<string> = new Set(["getaccesstoken", "resendotp", "verifyotp"])
