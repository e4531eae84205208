import * as Endpoint from "@auth/broker-core/Endpoint"
import { List, Maybe } from "@auth/broker-core/Wire"
import * as Schema from "effect/Schema"

// Paths and limits: Vortex documentation, "Authentication", and its usage page, as of 2026-11-21. What logins do not
// answer: types and mocks of @rupeezy/jsvortex 2.0.2.

/** The broker may leave a field out or set it to null. */
const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Flag = maybe(Schema.Boolean)

const oncePerSecond = [{ requests: 1, per: "1 second" }] as const

/** The cap on all calls of a day: no single call may pass it either. */
const perDay = [{ requests: 50_000, per: "1 day" }] as const

const holder = {
  user_name: Maybe,
  login_time: Maybe,
  email: Maybe,
  mobile: Maybe,
  exchanges: List,
  product_types: List,
  others: maybe(Schema.Struct({ userCode: Maybe, POA: maybe(Schema.Finite) })),
  user_id: Maybe,
  tradingActive: Flag,
  referral_id: Maybe,
  isDematActive: Flag,
  mfTradeActive: Flag,
  dp_id: Maybe,
  dp_client_id: Maybe,
  mfa_type: Maybe
}

export const Holder = Schema.Struct(holder)

export const Created = Schema.Struct({ ...holder, access_token: Endpoint.Text, oc_token: Maybe })

export const login = Endpoint.make({
  name: "login",
  method: "POST",
  path: "/v2/user/login",
  token: "none",
  limits: oncePerSecond,
  request: Schema.Struct({
    client_code: Endpoint.Text,
    password: Endpoint.Secret,
    totp: Endpoint.Secret,
    application_id: Endpoint.Text
  }),
  response: Created,
  essential: ["access_token"]
})

export const createSession = Endpoint.make({
  name: "createSession",
  method: "POST",
  path: "/v2/user/session",
  token: "none",
  limits: oncePerSecond,
  request: Schema.Struct({ checksum: Endpoint.Secret, applicationId: Endpoint.Text, token: Endpoint.Secret }),
  response: Created,
  essential: ["access_token"]
})

/** No limit is documented. */
export const deleteSession = Endpoint.make({
  name: "deleteSession",
  method: "DELETE",
  path: "/v2/user/session",
  token: "required",
  response: Schema.Struct({ message: Maybe, response: Maybe })
})

const Segment = maybe(Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)))

export const getFunds = Endpoint.make({
  name: "getFunds",
  method: "GET",
  path: "/v2/user/funds",
  token: "required",
  safe: true,
  limits: perDay,
  response: Schema.Struct({ nse: Segment, mcx: Segment, exchange_combined: Segment })
})

export const Bank = Schema.Struct({
  account_number: Maybe,
  ifsc: Maybe,
  is_primary: Flag,
  account_type: Maybe,
  bank_name: Maybe
})

const Banks = maybe(Schema.Array(Bank))

export const getBanks = Endpoint.make({
  name: "getBanks",
  method: "GET",
  path: "/v2/user/profile/banks",
  token: "required",
  safe: true,
  limits: perDay,
  response: Schema.Struct({ nse: Banks, mcx: Banks })
})

export const getBrokerage = Endpoint.make({
  name: "getBrokerage",
  method: "GET",
  path: "/v2/user/profile/brokerage",
  token: "required",
  safe: true,
  limits: perDay,
  // The SDKs call it and say nothing of its answer.
  response: Schema.Unknown
})

export const getProfile = Endpoint.make({
  name: "getProfile",
  method: "GET",
  path: "/v2/user/profile",
  token: "required",
  safe: true,
  limits: perDay,
  response: Holder
})

export const all = [login, createSession, deleteSession, getFunds, getBanks, getBrokerage, getProfile] as const
