import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as Redacted from "effect/Redacted"

const { Text } = Shape

/**
 * The versions in the paths of each API generation, as of 2026-11-21. Sources: the Motilal OpenAPI documentation of
 * 2026 (generation v7), the official Python SDK 3.0 (v4), and the documentation of 2024 and before (v3).
 */
const versions = {
  v7: { login: "v7", otp: "v5", user: "v5" },
  v4: { login: "v4", otp: "v3", user: "v1" },
  v3: { login: "v3", otp: "v3", user: "v1" }
}

export type Generation = keyof typeof versions

export const generations: ReadonlyArray<Generation> = ["v7", "v4", "v3"]

const hash = /^[0-9a-f]{64}$/

const PasswordHash = Shape.make(
  ({ Decode, Schema }) => Schema.Redacted(Decode.SecretText.check(Schema.isPattern(hash))),
  (value) => Redacted.isRedacted(value) && hash.test(String(Redacted.value(value)))
)

const LoginData = Shape.struct({
  AuthToken: Shape.SecretText,
  // The documented values are texts. According to a third-party client, similar fields of other calls can be booleans.
  isAuthTokenVerified: Shape.optionalKey(Shape.nullOr(Shape.union([Shape.string, Shape.boolean])))
})

type Flag = "TRUE" | "FALSE" | undefined

/** If `isAuthTokenVerified` is `FALSE`, the login requires a one-time code. */
const flagOf = (value: string | boolean | null | undefined): Flag => {
  const word = String(value).trim().toUpperCase()
  return word === "TRUE" || word === "FALSE" ? word : undefined
}

/** According to one third-party client, the token can be inside `data`. */
const LoginAnswer = Shape.map(
  Shape.union([LoginData, Shape.struct({ data: LoginData })]),
  (answer): { readonly AuthToken: Redacted.Redacted<string>; readonly isAuthTokenVerified: Flag } => {
    const { AuthToken, isAuthTokenVerified } = "data" in answer ? answer.data : answer
    return { AuthToken: Redacted.make(AuthToken), isAuthTokenVerified: flagOf(isAuthTokenVerified) }
  }
)

/**
 * The possible places of the access token, as of 2026-11-27. Sources: the documentation (first place), the official
 * Java SDK 3.3 (second and third), and a third-party client of v7 (fourth).
 */
const AccessTokenData = Shape.union([
  Shape.struct({ accesstoken: Shape.SecretText }),
  Shape.struct({ data: Shape.struct({ accessToken: Shape.SecretText }) }),
  Shape.struct({ AccessToken: Shape.SecretText }),
  Shape.struct({ data: Shape.struct({ accesstoken: Shape.SecretText }) })
])

const accessTokenOf = (answer: Shape.TypeOf<typeof AccessTokenData>): string => {
  if ("accesstoken" in answer) return answer.accesstoken
  if ("AccessToken" in answer) return answer.AccessToken
  return "accessToken" in answer.data ? answer.data.accessToken : answer.data.accesstoken
}

const AccessTokenAnswer = Shape.map(AccessTokenData, (answer) => ({
  accesstoken: Redacted.make(accessTokenOf(answer))
}))

const Profile = Shape.struct({
  clientcode: Shape.make(({ Schema }) => Schema.NonEmptyString),
  ...Shape.each(Shape.text, "name", "usertype", "poastatus"),
  ...Shape.each(Shape.list, "exchanges", "products")
})

const Login = Shape.struct({
  userid: Text,
  password: PasswordHash,
  ...Shape.each(Shape.optionalKey(Shape.Secret), "2FA", "totp")
})

const Nothing = Shape.discard(Shape.unknown)

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
    /** Exchanges the login token for the access token. Only generation v7 has this call. */
    getaccesstoken: post("getaccesstoken", "/rest/login/v1/getaccesstoken", {
      response: AccessTokenAnswer,
      essential: ["accesstoken", "accessToken", "AccessToken"]
    }),
    resendotp: post("resendotp", `/rest/login/${otp}/resendotp`, { response: Nothing }),
    /** Confirms the token of the login. The answer contains no new token. */
    verifyotp: post("verifyotp", `/rest/login/${otp}/verifyotp`, {
      request: Shape.struct({ otp: Shape.Secret }),
      body: ({ otp }) => ({ otp: otpType === "number" ? Redacted.make(Number(Redacted.value(otp))) : otp }),
      response: Nothing
    }),
    /** Only a dealer sends `clientcode`: the code of the dealer's client. */
    getprofile: post("getprofile", `/rest/login/${user}/getprofile`, {
      safe: true,
      request: Shape.struct({ clientcode: Shape.optionalKey(Text) }),
      response: Shape.map(Shape.struct({ data: Profile }), ({ data }) => data),
      essential: ["clientcode"]
    }),
    /** Only a dealer sends `userid`: the dealer's own user id. */
    logout: post("logout", `/rest/login/${user}/logout`, {
      request: Shape.struct({ userid: Shape.optionalKey(Text) }),
      response: Nothing
    })
  }
}

export const ofLogin: ReadonlySet<string> = new Set(["getaccesstoken", "resendotp", "verifyotp"])
