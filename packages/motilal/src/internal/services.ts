import type * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as MotilalApi from "../MotilalApi.ts"
import { broker } from "../MotilalBroker.ts"

type Api = MotilalApi.MotilalApi["Service"]

export interface Options extends Omit<MotilalApi.Options, "apiKey" | "apiSecret">, Method.Options {
  /**
   * Set this option for a dealer's login, which needs no date of birth and no PAN. `clientCode` is the code of the
   * client for whom the dealer acts.
   */
  readonly dealer?: { readonly clientCode: string } | undefined
}

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

/** The broker writes "Investor Client", "Investorclient" and other forms. */
const userType = (text: string): string => (/^investor\s*client$/i.test(text.trim()) ? "Investor Client" : text.trim())

const toProfile = (response: ResponseOf<MotilalApi.MotilalApi, "getprofile">): Session.UserProfile =>
  Session.makeProfile({
    id: response.clientcode,
    name: response.name,
    exchanges: response.exchanges,
    products: response.products.map((product) => product.toUpperCase()),
    flags: {
      userType: response.usertype === undefined ? undefined : userType(response.usertype),
      powerOfAttorney: response.poastatus
    }
  })

const clientOf = ({ dealer }: Options): string | undefined => dealer?.clientCode.trim().toUpperCase()

export const profile = (api: Api, session: Session.Authorized, options: Options) => {
  const clientcode = clientOf(options)
  return Effect.map(api.getprofile(clientcode === undefined ? {} : { clientcode }, session), toProfile)
}

export const expectedHolder = (account: Account.Account, options: Options): string => clientOf(options) ?? account.id

export const accountOf = ({ userId: id }: { readonly userId: string }, { environment }: Options) => ({
  id,
  environment
})

type Keys = Pick<MotilalApi.Options, "apiKey" | "apiSecret">

export const makeApi = Effect.fnUntraced(function* (keys: Keys, options: Options) {
  yield* refuseSameKeys(keys)
  yield* checkDealer(options.dealer)
  return yield* MotilalApi.make({ ...options, ...keys })
})

export const family = {
  broker,
  api: MotilalApi.MotilalApi,
  accountId: (id: string) => id.trim().toUpperCase(),
  // Motilal OpenAPI documentation, as of 2026-11-21: a token ends at logout, after 24 hours, or at 06:00 IST, whichever
  // comes first.
  expiry: Expiry.earliest(Expiry.dailyAt("06:00"), Expiry.after("24 hours")),
  logout: (api: Api, session: Session.Session, { dealer }: Options) =>
    api.logout(dealer === undefined ? {} : { userid: session.account.id }, session),
  profile
} satisfies Method.Family<MotilalApi.MotilalApi, Api, Options>

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

const checkDealer = (dealer: Options["dealer"]): Effect.Effect<void, AuthError.AuthError> => {
  if (dealer === undefined) return Effect.void
  const clientCode: unknown = dealer.clientCode
  return Predicate.isString(clientCode) && /^[A-Za-z0-9]{1,20}$/.test(clientCode.trim())
    ? Effect.void
    : Effect.fail(
        AuthError.invalidRequest(broker.id, "configuration", "dealer.clientCode", "must have 1 to 20 letters or digits")
      )
}

/** Rejects an API secret that equals the API key. The broker's answer would not name this mistake. */
const refuseSameKeys = ({ apiKey, apiSecret }: Keys): Effect.Effect<void, AuthError.AuthError> => {
  if (apiSecret === undefined || Redacted.value(apiKey) !== Redacted.value(apiSecret)) return Effect.void
  const problem = "is the same as apiKey: copy the API secret from Motilal's portal, which shows it as a separate value"
  return Effect.fail(AuthError.invalidRequest(broker.id, "credentials", "apiSecret", problem))
}
