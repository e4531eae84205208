import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Schema from "effect/Schema"

// Paths, fields and limits: Kite Connect 3 documentation, "User" and "Exceptions", as of 2026-11-27.

const Holder = {
  user_id: Endpoint.Text,
  ...Decode.each(Decode.text, "user_type", "user_name", "user_shortname", "email", "broker", "avatar_url"),
  ...Decode.each(Decode.list, "exchanges", "products", "order_types"),
  meta: Decode.optional(Schema.Struct({ demat_consent: Decode.text }))
}
const secrets = Decode.each(Decode.secret, "refresh_token", "public_token", "enctoken", "api_key")
const Refreshed = Schema.Struct({ user_id: Endpoint.Text, access_token: Decode.requiredSecret, ...secrets })
const Issued = Schema.Struct({ ...Refreshed.fields, ...Holder, ...Decode.each(Decode.text, "silo", "login_time") })
const amount = Decode.optional(Schema.Finite)
const Available = Schema.Struct({
  ...Decode.each(amount, "adhoc_margin", "cash", "opening_balance", "live_balance", "collateral", "intraday_payin")
})
const Utilised = Schema.Struct({
  ...Decode.each(amount, "debits", "exposure", "m2m_realised", "m2m_unrealised", "option_premium", "payout", "span"),
  ...Decode.each(amount, "holding_sales", "turnover", "liquid_collateral", "stock_collateral", "delivery")
})
const utilised = Decode.optional(Utilised)
const Segment = Schema.Struct({ enabled: Schema.Boolean, net: amount, available: Decode.optional(Available), utilised })
const Margins = Schema.Struct(Decode.each(Decode.optional(Segment), "equity", "commodity"))

const limits = [{ requests: 10, per: "1 second" }] as const
const post = { method: "POST", token: "none", encoding: "form", app: ["api_key"], limits } as const
const read = { method: "GET", token: "required", safe: true, limits, essential: ["user_id", "enabled"] } as const
const end = { method: "DELETE", token: "required", app: ["api_key"], limits, response: Schema.Unknown } as const

const ByRequestToken = Schema.Struct(Decode.each(Endpoint.Secret, "request_token", "checksum"))
const ByRefreshToken = Schema.Struct(Decode.each(Endpoint.Secret, "refresh_token", "checksum"))
const AccessToken = Schema.Struct({ access_token: Endpoint.Secret })
const RefreshToken = Schema.Struct({ refresh_token: Endpoint.Secret })

const exchange = <R, S>(name: string, path: string, request: Schema.Decoder<R>, response: Schema.Decoder<S>) =>
  Endpoint.make({ ...post, name, path, request, response, essential: ["access_token", "user_id"] })
const remove = <R>(name: string, path: string, request: Schema.Decoder<R>, token: string) =>
  Endpoint.make({ ...end, name, path, request, query: { [token]: token } })
const get = <S>(name: string, path: string, response: Schema.Decoder<S>) =>
  Endpoint.make({ ...read, name, path, response })

export const table = {
  /** `login_time` is in IST. */
  sessionToken: exchange("sessionToken", "/session/token", ByRequestToken, Issued),
  /** Only for approved platforms. Only the SDKs document this call. */
  refreshToken: exchange("refreshToken", "/session/refresh_token", ByRefreshToken, Refreshed),
  /** Ends the session. */
  deleteSession: remove("deleteSession", "/session/token", AccessToken, "access_token"),
  /** Invalidates a refresh token. */
  deleteRefreshToken: remove("deleteRefreshToken", "/session/token", RefreshToken, "refresh_token"),
  getProfile: get("getProfile", "/user/profile", Schema.Struct(Holder)),
  /** Amounts in rupees. The call can fail with HTTP 502 or 503, even if the session is valid. */
  getMargins: get("getMargins", "/user/margins", Margins),
  getEquityMargins: get("getEquityMargins", "/user/margins/equity", Segment),
  getCommodityMargins: get("getCommodityMargins", "/user/margins/commodity", Segment)
}
