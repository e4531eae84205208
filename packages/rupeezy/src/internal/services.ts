import * as AuthError from "@auth/broker-core/AuthError"
import { Authorize } from "@auth/broker-core/Authorize"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import type * as Renewal from "@auth/broker-core/Renewal"
import * as Session from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { type ProfileResponse, RupeezyApi, type SessionResponse } from "../RupeezyApi.ts"
import { broker } from "../RupeezyBroker.ts"

type Api = RupeezyApi["Service"]

/** What both methods let a user set. */
export interface SessionOptions {
  /** Your name for the API key, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. The token's own end unless said otherwise. */
  readonly expiry?: Expiry.Expiry | undefined
  /** A time in India, such as `08:00`, at which every session ends. None unless said otherwise. */
  readonly dailyEnd?: `${number}:${number}` | undefined
  /**
   * The call that tells whether a session is alive. `funds` unless said otherwise; `profile` is not documented, but
   * tells more than the login did.
   */
  readonly probe?: "funds" | "banks" | "profile" | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

/** The documentation names no lifetime, and its sample token has `exp` in it. */
export const documentedExpiry = Expiry.jwt

export const expiryOf = ({
  dailyEnd,
  expiry = documentedExpiry
}: SessionOptions): Effect.Effect<Expiry.Expiry, AuthError.AuthError> => {
  if (dailyEnd === undefined) return Effect.succeed(expiry)
  return /^(?:[01]?\d|2[0-3]):[0-5]\d$/.test(dailyEnd)
    ? Effect.succeed(Expiry.earliest(expiry, Expiry.dailyAt(dailyEnd)))
    : Effect.fail(AuthError.invalidRequest(broker.id, "configuration", "dailyEnd", "is not a time such as 08:00"))
}

const flagsOf = ({ others, ...response }: ProfileResponse): NonNullable<Session.UserProfile["flags"]> => {
  const flags = {
    userId: response.user_id,
    userCode: others.userCode,
    poa: others.POA === undefined ? undefined : String(others.POA),
    tradingActive: response.tradingActive,
    isDematActive: response.isDematActive,
    mfTradeActive: response.mfTradeActive,
    mfaType: response.mfa_type
  }
  return Object.fromEntries(
    Object.entries(flags).filter((flag): flag is [string, string | boolean] => flag[1] !== undefined)
  )
}

/** The id is always the account's: it is what sessions are kept by. */
export const toProfile = (id: string, response: ProfileResponse): Session.UserProfile => ({
  id,
  ...(response.user_name === undefined ? {} : { name: response.user_name }),
  ...(response.email === undefined ? {} : { email: response.email }),
  ...(response.mobile === undefined ? {} : { mobile: response.mobile }),
  exchanges: response.exchanges,
  products: response.product_types,
  flags: flagsOf(response)
})

export const toIssue = (id: string, response: SessionResponse): Session.Issue => ({
  tokens: { access: Session.bareToken(response.access_token) },
  profile: toProfile(id, response)
})

/** What the login told still holds; a probe of the funds tells nothing new but that the session is alive. */
const remembered = ({ account, profile }: Session.Session): Session.UserProfile => ({ ...profile, id: account.id })

const probes = {
  funds: (api: Api, session: Session.Session) => Effect.map(api.getFunds(session), () => remembered(session)),
  banks: (api: Api, session: Session.Session) => Effect.map(api.getBanks(session), () => remembered(session)),
  profile: (api: Api, session: Session.Session) =>
    Effect.map(api.getProfile(session), (response) => ({
      ...remembered(session),
      ...toProfile(session.account.id, response)
    }))
} as const

/** What both layers have. */
export const common = (api: Api, { probe = "funds" }: SessionOptions) =>
  Context.make(
    Logout.Logout,
    Logout.make(broker.id, (session) => Logout.revoke(session, api.deleteSession(session)))
  ).pipe(
    Context.add(
      Profile.Profile,
      Profile.make(broker.id, (session) => probes[probe](api, session))
    ),
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Object.values(api.origins)
    }),
    Context.add(RupeezyApi, api)
  )
