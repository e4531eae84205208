import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

// Paths and limits: Vortex documentation, "Authentication", and its usage page, as of 2026-11-21. What logins do not
// answer: types and mocks of @rupeezy/jsvortex 2.0.2.

const Flag = Decode.optional(Schema.Boolean)

const oncePerSecond = [{ requests: 1, per: "1 second" }] as const

/** The cap on all calls of a day: no single call may pass it either. */
const perDay = [{ requests: 50_000, per: "1 day" }] as const

const holder = {
  user_name: Decode.text,
  login_time: Decode.text,
  email: Decode.text,
  mobile: Decode.text,
  exchanges: Decode.list,
  product_types: Decode.list,
  others: Decode.optional(Schema.Struct({ userCode: Decode.text, POA: Decode.optional(Schema.Finite) })),
  user_id: Decode.text,
  tradingActive: Flag,
  referral_id: Decode.text,
  isDematActive: Flag,
  mfTradeActive: Flag,
  dp_id: Decode.text,
  dp_client_id: Decode.text,
  mfa_type: Decode.text
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

/** Of a text such as `2023-Mar-29 13:10:50`: milliseconds since the epoch. */
const instantOf = (text: string | undefined, offset: string): number | undefined => {
  const [, year, name, day, time] = /^(\d{4})-([A-Za-z]{3})-(\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text ?? "") ?? []
  const month = months.findIndex((candidate) => candidate.toLowerCase() === name?.toLowerCase()) + 1
  if (month === 0) return undefined
  const at = DateTime.make(`${year}-${String(month).padStart(2, "0")}-${day}T${time}${offset}`)
  return Option.getOrUndefined(Option.map(at, DateTime.toEpochMillis))
}

/** `DELETE /user/session`. No limit is documented. */
const deleteSession = Endpoint.make({
  name: "deleteSession",
  method: "DELETE",
  path: "/v2/user/session",
  token: "required",
  response: Schema.Struct({ message: Decode.text, response: Decode.text })
})

const Segment = Decode.optional(Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)))

/** `GET /user/funds` */
const getFunds = Endpoint.make({
  name: "getFunds",
  method: "GET",
  path: "/v2/user/funds",
  token: "required",
  safe: true,
  limits: perDay,
  response: Schema.Struct({ nse: Segment, mcx: Segment, exchange_combined: Segment })
})

const Bank = Schema.Struct({
  account_number: Decode.text,
  ifsc: Decode.text,
  is_primary: Flag,
  account_type: Decode.text,
  bank_name: Decode.text
})

const Banks = Decode.items(Bank)

/** `GET /user/profile/banks` */
const getBanks = Endpoint.make({
  name: "getBanks",
  method: "GET",
  path: "/v2/user/profile/banks",
  token: "required",
  safe: true,
  limits: perDay,
  response: Schema.Struct({ nse: Banks, mcx: Banks })
})

/** `GET /user/profile/brokerage`. Its answer is documented nowhere. */
const getBrokerage = Endpoint.make({
  name: "getBrokerage",
  method: "GET",
  path: "/v2/user/profile/brokerage",
  token: "required",
  safe: true,
  limits: perDay,
  // The SDKs call it and say nothing of its answer.
  response: Schema.Unknown
})

/** The table for logins whose `login_time` has this offset: the broker says none. */
export const make = (offset: string) => {
  const loginAt = ({ login_time }: { readonly login_time?: string }) => {
    const at = instantOf(login_time, offset)
    return (at === undefined ? {} : { loginAt: at }) as { readonly loginAt?: number }
  }
  const Created = Decode.extend(
    Schema.Struct({ ...holder, access_token: Decode.requiredSecret, oc_token: Decode.secret }),
    loginAt
  )
  return {
    /** `POST /user/login`, sent once. */
    login: Endpoint.make({
      name: "login",
      method: "POST",
      path: "/v2/user/login",
      token: "none",
      account: "client_code",
      limits: oncePerSecond,
      request: Schema.Struct({
        client_code: Endpoint.Text,
        password: Endpoint.Secret,
        /** Six digits. */
        totp: Endpoint.Secret,
        application_id: Endpoint.Text
      }),
      response: Created,
      essential: ["access_token"]
    }),
    /** `POST /user/session`, sent once: it exchanges the `auth` parameter of a callback. */
    createSession: Endpoint.make({
      name: "createSession",
      method: "POST",
      path: "/v2/user/session",
      token: "none",
      account: "applicationId",
      limits: oncePerSecond,
      request: Schema.Struct({
        /** SHA-256 of application id, auth token and API key, in lower-case hexadecimal. */
        checksum: Endpoint.Secret,
        applicationId: Endpoint.Text,
        /** The parameter `auth` of the callback. */
        token: Endpoint.Secret
      }),
      response: Created,
      essential: ["access_token"]
    }),
    deleteSession,
    getFunds,
    getBanks,
    getBrokerage,
    /** `GET /user/profile`. One client of a third party calls it, so it may not be there. */
    getProfile: Endpoint.make({
      name: "getProfile",
      method: "GET",
      path: "/v2/user/profile",
      token: "required",
      safe: true,
      limits: perDay,
      response: Decode.extend(Schema.Struct(holder), loginAt)
    })
  }
}
