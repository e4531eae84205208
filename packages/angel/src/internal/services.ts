import type { Family } from "@auth/broker-core/broker/Method"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AngelApi, type Options as ApiOptions } from "../AngelApi.ts"
import { broker } from "../AngelBroker.ts"

type Api = AngelApi["Service"]

/** What may be set beside the credentials. */
export interface Options extends Omit<ApiOptions, "apiKey">, Method.Options {}

/** SmartAPI documentation: a session lives until midnight in India. A token that says it ends earlier is believed. */
const documentedExpiry = Expiry.earliest(Expiry.dailyAt("00:00"), Expiry.jwt)

/** A token without `Bearer `. Other programs leave empty ones. */
const bare = (token: Redacted.Redacted<string> | undefined) => {
  const stripped = token === undefined ? undefined : Session.bareToken(token)
  return stripped === undefined || Redacted.value(stripped) === "" ? undefined : stripped
}

export interface AngelTokens {
  readonly jwtToken: Redacted.Redacted<string>
  readonly refreshToken?: Redacted.Redacted<string> | undefined
  readonly feedToken?: Redacted.Redacted<string> | undefined
}

/** The tokens of an answer. What it leaves out is kept of `previous`. */
export const toTokens = (response: AngelTokens, previous?: Session.Tokens): Session.Tokens => {
  const refresh = bare(response.refreshToken) ?? previous?.refresh
  const feed = bare(response.feedToken) ?? previous?.feed
  return {
    access: Session.bareToken(response.jwtToken),
    ...(refresh === undefined ? {} : { refresh }),
    ...(feed === undefined ? {} : { feed })
  }
}

export const profile = (api: Api, session: Session.Authorized) =>
  Effect.map(api.getProfile(session), ({ clientcode: id, email, exchanges, mobileno: mobile, name, products }) =>
    Session.makeProfile({ id, name, email, mobile, exchanges, products })
  )

export const family = {
  broker,
  api: AngelApi,
  expiry: documentedExpiry,
  logout: (api: Api, session: Session.Session) => api.logout({ clientcode: session.account.id }, session),
  profile
} satisfies Family<AngelApi, Api, Options>
