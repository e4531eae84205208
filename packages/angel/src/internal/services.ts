import type * as Method from "@auth/broker-core/broker/Method"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { AngelApi, type Options as ApiOptions } from "../AngelApi.ts"
import { broker } from "../AngelBroker.ts"

type Api = AngelApi["Service"]

export interface Options extends Omit<ApiOptions, "apiKey">, Method.Options {}

/** A token that is missing from the answer is taken from `previous`. */
export const toTokens = (
  response: {
    readonly jwtToken: Redacted.Redacted<string>
    readonly refreshToken?: Redacted.Redacted<string> | undefined
    readonly feedToken?: Redacted.Redacted<string> | undefined
  },
  previous?: Session.Tokens
): Session.Tokens => {
  const { feedToken: feed, jwtToken: access, refreshToken: refresh } = response
  return { ...previous, ...Session.makeTokens({ access, refresh, feed }) }
}

export const profile = (api: Api, session: Session.Authorized) =>
  Effect.map(api.getProfile(session), ({ clientcode: id, email, exchanges, mobileno: mobile, name, products }) =>
    Session.makeProfile({ id, name, email, mobile, exchanges, products })
  )

export const family = {
  broker,
  api: AngelApi,
  accountId: (id: string) => id.trim().toUpperCase(),
  // SmartAPI documentation: a session is valid until midnight IST.
  expiry: Expiry.earliest(Expiry.dailyAt("00:00"), Expiry.jwt),
  logout: (api: Api, session: Session.Session) => api.logout({ clientcode: session.account.id }, session),
  profile
} satisfies Method.Family<AngelApi, Api, Options>
