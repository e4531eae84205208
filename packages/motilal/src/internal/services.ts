import type * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import { Authorize } from "@auth/broker-core/Authorize"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import type * as Session from "@auth/broker-core/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { MotilalApi, type ProfileResponse } from "../MotilalApi.ts"
import { broker } from "../MotilalBroker.ts"

type Api = MotilalApi["Service"]

/** A dealer acts for a client, and says which. */
export interface Dealer {
  readonly clientCode: string
}

/** Motilal OpenAPI documentation: a token lives for 24 hours or until logout, and every one dies at 06:00 in India. */
export const documentedExpiry = Expiry.earliest(Expiry.dailyAt("06:00"), Expiry.after("24 hours"))

/** The tokens that later calls carry. The current generation wants a second one beside the login's own. */
export const exchange = (
  api: Api,
  account: Account.Account,
  authToken: Redacted.Redacted<string>
): Effect.Effect<Session.Tokens, AuthError.AuthError> =>
  api.generation === "v7"
    ? Effect.map(api.getaccesstoken({ account, tokens: { access: authToken } }), ({ accesstoken }) => ({
        access: accesstoken,
        login: authToken
      }))
    : Effect.succeed({ access: authToken })

/** The broker writes "Investor Client", "Investorclient" and more. */
const userType = (text: string): string => (/^investor\s*client$/i.test(text.trim()) ? "Investor Client" : text.trim())

export const toProfile = (response: ProfileResponse): Session.UserProfile => ({
  id: response.clientcode,
  ...(response.name === undefined ? {} : { name: response.name }),
  exchanges: response.exchanges,
  products: response.products.map((product) => product.toUpperCase()),
  flags: {
    ...(response.usertype === undefined ? {} : { userType: userType(response.usertype) }),
    ...(response.poastatus === undefined ? {} : { powerOfAttorney: response.poastatus })
  }
})

export const getProfile = (
  api: Api,
  dealer: Dealer | undefined,
  session: Pick<Session.Session, "account" | "tokens">
) =>
  Effect.map(api.getprofile(session, dealer === undefined ? undefined : { clientcode: dealer.clientCode }), toProfile)

/** What both layers have. */
export const common = (api: Api, dealer: Dealer | undefined) =>
  Context.make(
    Logout.Logout,
    Logout.make(broker.id, (session) =>
      Logout.revoke(session, api.logout(session, dealer === undefined ? undefined : { userid: session.account.id }))
    )
  ).pipe(
    Context.add(
      Profile.Profile,
      Profile.make(broker.id, (session) => getProfile(api, dealer, session))
    ),
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Object.values(api.origins)
    }),
    Context.add(MotilalApi, api)
  )

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

/** What a dealer option must have, before anything is sent. */
export const checkDealer = (dealer: Dealer | undefined): Effect.Effect<Dealer | undefined, AuthError.AuthError> => {
  if (dealer === undefined) return Effect.succeed(undefined)
  const clientCode: unknown = dealer.clientCode
  return Predicate.isString(clientCode) && /^[A-Za-z0-9]{1,20}$/.test(clientCode.trim())
    ? Effect.succeed({ clientCode: clientCode.trim().toUpperCase() })
    : Effect.fail(
        AuthError.invalidRequest(broker.id, "configuration", "dealer.clientCode", "is not the code of a client")
      )
}

/** The two are easily swapped, and what the broker answers to that is hard to read. */
export const refuseSameKeys = (
  apiKey: Redacted.Redacted<string>,
  apiSecret: Redacted.Redacted<string> | undefined
): Effect.Effect<void, AuthError.AuthError> =>
  apiSecret !== undefined && Redacted.value(apiKey) === Redacted.value(apiSecret)
    ? Effect.fail(
        AuthError.invalidRequest(
          broker.id,
          "credentials",
          "apiSecret",
          "is the same as the apiKey: the portal shows two different ones"
        )
      )
    : Effect.void
