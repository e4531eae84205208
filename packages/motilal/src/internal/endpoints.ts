import * as Endpoint from "@auth/broker-core/Endpoint"
import { List, Maybe } from "@auth/broker-core/Wire"
import * as Schema from "effect/Schema"

/** Which versions of the calls are used. */
export type Generation = "v7" | "v4" | "v3"

/**
 * Versions in the paths. v7: Motilal OpenAPI documentation of 2026. v4: the official Python SDK 3.0. v3: the
 * documentation of 2024 and before. As of 2026-11-21.
 */
const versions: Readonly<Record<Generation, { readonly login: string; readonly otp: string; readonly user: string }>> =
  {
    v7: { login: "v7", otp: "v5", user: "v5" },
    v4: { login: "v4", otp: "v3", user: "v1" },
    v3: { login: "v3", otp: "v3", user: "v1" }
  }

/** The broker wants a hash of 64 characters: a password in clear must not leave by a slip. */
const PasswordHash = Schema.Redacted(Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)))

/** The documentation says a number of six digits, the official SDKs send text. */
const Otp = Schema.Union([Endpoint.Secret, Schema.Redacted(Schema.Finite)])

const LoginAnswer = Schema.Struct({
  AuthToken: Schema.NonEmptyString,
  // "TRUE" or "FALSE" as text; a client has met flags of both kinds elsewhere in this API.
  isAuthTokenVerified: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Boolean])))
})

/**
 * Beside `status` is the documented place. The official Java SDK 3.3 reads the next two as well, a third-party client of
 * v7 the last. As of 2026-11-27.
 */
const AccessTokenAnswer = Schema.Union([
  Schema.Struct({ accesstoken: Endpoint.Text }),
  Schema.Struct({ data: Schema.Struct({ accessToken: Endpoint.Text }) }),
  Schema.Struct({ AccessToken: Endpoint.Text }),
  Schema.Struct({ data: Schema.Struct({ accesstoken: Endpoint.Text }) })
])

/** The access token, from where it stands in the answer. */
export const accessTokenOf = (answer: typeof AccessTokenAnswer.Type): string => {
  if ("accesstoken" in answer) return answer.accesstoken
  if ("AccessToken" in answer) return answer.AccessToken
  return "accessToken" in answer.data ? answer.data.accessToken : answer.data.accesstoken
}

const Profile = Schema.Struct({
  clientcode: Schema.NonEmptyString,
  name: Maybe,
  usertype: Maybe,
  exchanges: List,
  products: List,
  poastatus: Maybe
})

/** The table of calls. None of them is sent twice but for the profile, which changes nothing. */
export const make = (generation: Generation, requestsPerSecond: number) => {
  const { login, otp, user } = versions[generation]
  const limits = [{ requests: requestsPerSecond, per: "1 second" }] as const
  return {
    authdirectapi: Endpoint.make({
      name: "authdirectapi",
      method: "POST",
      path: `/rest/login/${login}/authdirectapi`,
      token: "none",
      limits,
      request: Schema.Struct({
        userid: Endpoint.Text,
        password: PasswordHash,
        "2FA": Schema.optionalKey(Endpoint.Secret),
        totp: Schema.optionalKey(Endpoint.Secret)
      }),
      // One client has seen the token inside `data`.
      response: Schema.Union([LoginAnswer, Schema.Struct({ data: LoginAnswer })]),
      essential: ["AuthToken"]
    }),
    getaccesstoken: Endpoint.make({
      name: "getaccesstoken",
      method: "POST",
      path: "/rest/login/v1/getaccesstoken",
      token: "required",
      limits,
      request: Schema.UndefinedOr(Schema.Struct({})),
      response: AccessTokenAnswer,
      essential: ["accesstoken", "accessToken", "AccessToken"]
    }),
    resendotp: Endpoint.make({
      name: "resendotp",
      method: "POST",
      path: `/rest/login/${otp}/resendotp`,
      token: "required",
      limits,
      request: Schema.UndefinedOr(Schema.Struct({})),
      response: Schema.Unknown
    }),
    verifyotp: Endpoint.make({
      name: "verifyotp",
      method: "POST",
      path: `/rest/login/${otp}/verifyotp`,
      token: "required",
      limits,
      request: Schema.Struct({ otp: Otp }),
      response: Schema.Unknown
    }),
    getprofile: Endpoint.make({
      name: "getprofile",
      method: "POST",
      path: `/rest/login/${user}/getprofile`,
      token: "required",
      safe: true,
      limits,
      request: Schema.UndefinedOr(Schema.Struct({ clientcode: Schema.optionalKey(Endpoint.Text) })),
      response: Schema.Struct({ data: Profile }),
      // The portal login asks it whose token came.
      essential: ["clientcode"]
    }),
    logout: Endpoint.make({
      name: "logout",
      method: "POST",
      path: `/rest/login/${user}/logout`,
      token: "required",
      limits,
      request: Schema.UndefinedOr(Schema.Struct({ userid: Schema.optionalKey(Endpoint.Text) })),
      response: Schema.Unknown
    })
  } as const
}

export const generations: ReadonlyArray<Generation> = ["v7", "v4", "v3"]
