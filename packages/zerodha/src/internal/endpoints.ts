import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"

// Paths, fields and limits: Kite Connect 3 documentation, "User" and "Exceptions", as of 2026-11-27.

const Holder = {
  user_id: Shape.Text,
  ...Shape.each(Shape.text, "user_type", "user_name", "user_shortname", "email", "broker", "avatar_url"),
  ...Shape.each(Shape.list, "exchanges", "products", "order_types"),
  meta: Shape.optional(Shape.struct({ demat_consent: Shape.text }))
}
const secrets = Shape.each(Shape.secret, "refresh_token", "public_token", "enctoken", "api_key")
const Refreshed = Shape.struct({ user_id: Shape.Text, access_token: Shape.requiredSecret, ...secrets })
const Issued = Shape.struct({ ...Refreshed.fields, ...Holder, ...Shape.each(Shape.text, "silo", "login_time") })
const amount = Shape.optional(Shape.finite)
const Available = Shape.struct({
  ...Shape.each(amount, "adhoc_margin", "cash", "opening_balance", "live_balance", "collateral", "intraday_payin")
})
const Utilised = Shape.struct({
  ...Shape.each(amount, "debits", "exposure", "m2m_realised", "m2m_unrealised", "option_premium", "payout", "span"),
  ...Shape.each(amount, "holding_sales", "turnover", "liquid_collateral", "stock_collateral", "delivery")
})
const utilised = Shape.optional(Utilised)
const Segment = Shape.struct({ enabled: Shape.boolean, net: amount, available: Shape.optional(Available), utilised })
const Margins = Shape.struct(Shape.each(Shape.optional(Segment), "equity", "commodity"))

const limits = [{ requests: 10, per: "1 second" }] as const
const post = { method: "POST", token: "none", encoding: "form", app: ["api_key"], limits } as const
const read = { method: "GET", token: "required", safe: true, limits, essential: ["user_id", "enabled"] } as const
const end = { method: "DELETE", token: "required", app: ["api_key"], limits, response: Shape.unknown } as const

const ByRequestToken = Shape.struct(Shape.each(Shape.Secret, "request_token", "checksum"))
const ByRefreshToken = Shape.struct(Shape.each(Shape.Secret, "refresh_token", "checksum"))
const AccessToken = Shape.struct({ access_token: Shape.Secret })
const RefreshToken = Shape.struct({ refresh_token: Shape.Secret })

const exchange = <R extends Shape.Input, S extends Shape.Input>(name: string, path: string, request: R, response: S) =>
  Endpoint.make({ ...post, name, path, request, response, essential: ["access_token", "user_id"] })
const remove = <R extends Shape.Input>(name: string, path: string, request: R, token: string) =>
  Endpoint.make({ ...end, name, path, request, query: { [token]: token } })
const get = <S extends Shape.Input>(name: string, path: string, response: S) =>
  Endpoint.make({ ...read, name, path, response })

export const table = {
  /** `login_time` is in IST. */
  sessionToken: exchange("sessionToken", "/session/token", ByRequestToken, Issued),
  /** Only for platforms that the stock exchange has approved. Only the SDKs document this call. */
  refreshToken: exchange("refreshToken", "/session/refresh_token", ByRefreshToken, Refreshed),
  deleteSession: remove("deleteSession", "/session/token", AccessToken, "access_token"),
  deleteRefreshToken: remove("deleteRefreshToken", "/session/token", RefreshToken, "refresh_token"),
  getProfile: get("getProfile", "/user/profile", Shape.struct(Holder)),
  /** Amounts in rupees. Can fail with HTTP 502 or 503, even if the session is valid. */
  getMargins: get("getMargins", "/user/margins", Margins),
  getEquityMargins: get("getEquityMargins", "/user/margins/equity", Segment),
  getCommodityMargins: get("getCommodityMargins", "/user/margins/commodity", Segment)
}
