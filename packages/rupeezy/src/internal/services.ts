import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Effect from "effect/Effect"
import { type Options as ApiOptions, RupeezyApi } from "../RupeezyApi.ts"
import { broker } from "../RupeezyBroker.ts"

type Api = RupeezyApi["Service"]

export interface Options extends Omit<ApiOptions, "apiKey">, Method.Options {
  /** Time of day in IST at which every session ends, such as `08:00`. Default: none. */
  readonly dailyEnd?: `${number}:${number}` | undefined
  /** The call that the `Profile` service makes. Default: `funds`. Rupeezy does not document the call `profile`. */
  readonly probe?: "funds" | "banks" | "profile" | undefined
}

const expiryOf = ({ dailyEnd, expiry = Expiry.jwt }: Options): Effect.Effect<Expiry.Expiry, AuthError.AuthError> => {
  if (dailyEnd === undefined) return Effect.succeed(expiry)
  return /^(?:[01]?\d|2[0-3]):[0-5]\d$/.test(dailyEnd)
    ? Effect.succeed(Expiry.earliest(expiry, Expiry.dailyAt(dailyEnd)))
    : Effect.fail(AuthError.invalidRequest(broker.id, "configuration", "dailyEnd", "is not a time such as 08:00"))
}

const toProfile = (id: string, response: ResponseOf<RupeezyApi, "getProfile">): Session.UserProfile =>
  Session.makeProfile({
    id,
    name: response.user_name,
    email: response.email,
    mobile: response.mobile,
    exchanges: response.exchanges,
    products: response.product_types,
    flags: {
      userId: response.user_id,
      userCode: response.others?.userCode,
      poa: response.others?.POA?.toString(),
      tradingActive: response.tradingActive,
      isDematActive: response.isDematActive,
      mfTradeActive: response.mfTradeActive,
      mfaType: response.mfa_type
    }
  })

export const toIssue = (id: string, response: ResponseOf<RupeezyApi, "login">): Session.Issue => ({
  tokens: { access: Session.bareToken(response.access_token) },
  profile: toProfile(id, response)
})

/** Returns the profile from the login, because `getFunds` and `getBanks` return no profile. */
const remembered = ({ account, profile }: Session.Session): Session.UserProfile => ({ ...profile, id: account.id })

const probes = {
  funds: (api: Api, session: Session.Session) => Effect.as(api.getFunds(session), remembered(session)),
  banks: (api: Api, session: Session.Session) => Effect.as(api.getBanks(session), remembered(session)),
  profile: (api: Api, session: Session.Session) =>
    Effect.map(api.getProfile(session), (response) => ({
      ...remembered(session),
      ...toProfile(session.account.id, response)
    }))
} as const

export const family = {
  broker,
  api: RupeezyApi,
  expiry: Expiry.jwt,
  expiryOf,
  logout: (api: Api, session: Session.Session) => api.deleteSession(session),
  profile: (api: Api, session: Session.Session, { probe = "funds" }: Options) => probes[probe](api, session)
} satisfies Method.Family<RupeezyApi, Api, Options>
