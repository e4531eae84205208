import * as AuthError from "@auth/broker-core/AuthError"
import { Authorize } from "@auth/broker-core/Authorize"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import * as Session from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AngelApi, type ProfileResponse, type TokensResponse } from "../AngelApi.ts"
import { broker } from "../AngelBroker.ts"

type Api = AngelApi["Service"]

/** SmartAPI documentation: a session lives until midnight in India. A token that says it ends earlier is believed. */
export const documentedExpiry = Expiry.earliest(Expiry.dailyAt("00:00"), Expiry.jwt)

/** A token as it is, without `Bearer `; empty ones are none. */
const bare = (token: Redacted.Redacted<string> | undefined) => {
  const stripped = token === undefined ? undefined : Session.bareToken(token)
  return stripped === undefined || Redacted.value(stripped) === "" ? undefined : stripped
}

export const toTokens = (response: TokensResponse, previous?: Session.Tokens): Session.Tokens => {
  const refresh = bare(response.refreshToken) ?? previous?.refresh
  const feed = bare(response.feedToken) ?? previous?.feed
  return {
    access: Session.bareToken(response.jwtToken),
    ...(refresh === undefined ? {} : { refresh }),
    ...(feed === undefined ? {} : { feed })
  }
}

export const toProfile = (response: ProfileResponse): Session.UserProfile => ({
  id: response.clientcode,
  ...(response.name === undefined ? {} : { name: response.name }),
  ...(response.email === undefined ? {} : { email: response.email }),
  ...(response.mobileno === undefined ? {} : { mobile: response.mobileno }),
  exchanges: response.exchanges,
  products: response.products
})

/** What both layers have. */
export const common = (api: Api) =>
  Context.make(
    Logout.Logout,
    Logout.make(broker.id, (session) => Logout.revoke(session, api.logout({ clientcode: session.account.id }, session)))
  ).pipe(
    Context.add(
      Profile.Profile,
      Profile.make(broker.id, (session) => Effect.map(api.getProfile(session), toProfile))
    ),
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Object.values(api.origins)
    }),
    Context.add(AngelApi, api)
  )

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))
