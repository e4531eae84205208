import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

// Source of the paths and limits: the page "Authentication" and the usage page of the Vortex documentation, as of
// 2026-11-21. Source of the answers that these pages do not describe: types and mocks of @rupeezy/jsvortex 2.0.2.

const { Secret, Text, each, list, text } = Shape
const Flag = Shape.optional(Shape.boolean)

const holder = {
  ...each(text, "user_name", "login_time", "email", "mobile", "user_id", "referral_id", "dp_id", "dp_client_id"),
  mfa_type: text,
  ...each(list, "exchanges", "product_types"),
  ...each(Flag, "tradingActive", "isDematActive", "mfTradeActive"),
  others: Shape.optional(Shape.struct({ userCode: text, POA: Shape.optional(Shape.finite) }))
}

const Login = Shape.struct({ ...each(Text, "client_code", "application_id"), ...each(Secret, "password", "totp") })

/** `token` is the parameter `auth` of the callback. `checksum` is SHA-256 of application id, `token` and API key. */
const Exchange = Shape.struct({ applicationId: Text, ...each(Secret, "checksum", "token") })

const Bank = Shape.struct({ ...each(text, "account_number", "ifsc", "account_type", "bank_name"), is_primary: Flag })
const Amounts = Shape.make(({ Schema }) => Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)))
const Segment = Shape.optional(Amounts)
const Funds = Shape.struct(each(Segment, "nse", "mcx", "exchange_combined"))
const Banks = Shape.struct(each(Shape.items(Bank), "nse", "mcx"))

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

/** Converts a text such as `2023-Mar-29 13:10:50` to milliseconds since the epoch. */
const instantOf = (text: string | undefined, offset: string): number | undefined => {
  const [, year, name, day, time] = /^(\d{4})-([A-Za-z]{3})-(\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text ?? "") ?? []
  const month = months.findIndex((candidate) => candidate.toLowerCase() === name?.toLowerCase()) + 1
  if (month === 0) return undefined
  const at = DateTime.make(`${year}-${String(month).padStart(2, "0")}-${day}T${time}${offset}`)
  return Option.getOrUndefined(Option.map(at, DateTime.toEpochMillis))
}

const post = Endpoint.rows({ method: "POST", token: "none", limits: [{ requests: 1, per: "1 second" }] })

/** The documented limit is for all calls together. This package applies it to each GET endpoint separately. */
const perDay = { requests: 50_000, per: "1 day" } as const
const get = Endpoint.rows({ method: "GET", token: "required", safe: true, limits: [perDay] })

/** `offset`: UTC offset of `login_time`. The broker does not send the offset. */
export const make = (offset = "+05:30") => {
  const loginAt = ({ login_time }: { readonly login_time?: string }) => {
    const at = instantOf(login_time, offset)
    return (at === undefined ? {} : { loginAt: at }) as { readonly loginAt?: number }
  }
  const Tokens = Shape.struct({ ...holder, access_token: Shape.requiredSecret, oc_token: Shape.secret })
  const created = { response: Shape.extend(Tokens, loginAt), essential: ["access_token"] }
  return {
    login: post("login", "/v2/user/login", { account: "client_code", request: Login, ...created }),
    /** Exchanges the `auth` parameter of a callback for a session. */
    createSession: post("createSession", "/v2/user/session", {
      account: "applicationId",
      request: Exchange,
      ...created
    }),
    /** The documentation has no separate limit for this call. */
    deleteSession: Endpoint.make({
      name: "deleteSession",
      method: "DELETE",
      path: "/v2/user/session",
      token: "required",
      response: Shape.struct(each(text, "message", "response"))
    }),
    getFunds: get("getFunds", "/v2/user/funds", { response: Funds }),
    getBanks: get("getBanks", "/v2/user/profile/banks", { response: Banks }),
    /** The SDKs make this call, but its answer is not documented. */
    getBrokerage: get("getBrokerage", "/v2/user/profile/brokerage", { response: Shape.unknown }),
    /** Known only from a third-party client. The broker may not have this call. */
    getProfile: get("getProfile", "/v2/user/profile", { response: Shape.extend(Shape.struct(holder), loginAt) })
  }
}
