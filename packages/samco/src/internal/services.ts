import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Options as ApiOptions, SamcoApi } from "../SamcoApi.ts"
import { broker } from "../SamcoBroker.ts"

type Api = SamcoApi["Service"]

/** What may be set for every layer. */
export interface Options extends ApiOptions, Method.Options {
  /** The call behind `Profile`. `getLimits` unless said otherwise. */
  readonly probe?: "getLimits" | "whoami" | undefined
  /** Takes a session also if the broker's answer names another account than `userId`. */
  readonly accountCheck?: "off" | undefined
}

const cutOff = Expiry.dailyAt("08:00")

/**
 * Samco Trade API documentation v3.2, overview: a session lives until 08:00 in India, whatever `expires_in` says. What
 * says that it ends earlier is believed.
 */
export const documentedExpiry = Expiry.earliest(cutOff, Expiry.expiresIn, Expiry.jwt)

/** The end of what was issued at `now`, in milliseconds since the epoch. */
export const nextCutOff = (now: number): number | undefined =>
  cutOff({ issuedAt: now, accessToken: Redacted.make("") })?.at

/** Fails when the access token of the old login must be dead. */
export const onlyBefore = (end: number | undefined): Effect.Effect<void, AuthError.AuthError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    end === undefined || now < end
      ? Effect.void
      : fail(
          "login",
          new AuthError.ActionRequired({
            what: "Give SamcoLegacy the access token of today: the one that it has died at 08:00 IST",
            advice: "SamcoApi.accessToken gives a new one. Nothing was sent. SamcoAuth needs no such token."
          })
        )
  )

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

export const accountId = ({ userId }: { readonly userId: string }): string => userId.trim().toUpperCase()

export const accountOf = (userId: string, app: string | undefined): Account.Account =>
  Account.make({ broker: broker.id, app, id: accountId({ userId }) })

type Holder = Pick<ResponseOf<SamcoApi, "sessionToken">, "accountName" | "exchangeList" | "productList">

export const toProfile = ({ id }: Account.Account, holder: Holder): Session.UserProfile =>
  Session.makeProfile({
    id,
    name: holder.accountName,
    exchanges: holder.exchangeList,
    products: holder.productList
  })

export const checkAccount = (
  account: Account.Account,
  answered: string,
  options: Options,
  failure: Effect.Effect<never, AuthError.AuthError>
): Effect.Effect<void, AuthError.AuthError> =>
  options.accountCheck === "off" || answered.trim().toUpperCase() === account.id ? Effect.void : failure

const wrongAccount = Effect.fail(
  AuthError.invalidRequest(broker.id, "login", "userId", "is not the account that these credentials belong to")
)

/** What a direct login brought. */
export const toIssue = (
  account: Account.Account,
  options: Options,
  call: Effect.Effect<ResponseOf<SamcoApi, "sessionToken">, AuthError.AuthError>
): Effect.Effect<Session.Issue, AuthError.AuthError> =>
  Effect.gen(function* () {
    const response = yield* call
    yield* checkAccount(account, response.accountID, options, wrongAccount)
    return { tokens: { access: Session.bareToken(response.sessionToken) }, profile: toProfile(account, response) }
  })

/** A session from a token that another program got. */
export const fromToken = (options: {
  readonly userId: string
  readonly app?: string | undefined
  readonly method: string
  readonly sessionToken: Redacted.Redacted<string>
  readonly issuedAt: number
}): Session.Session =>
  Session.make({
    account: accountOf(options.userId, options.app),
    method: options.method,
    tokens: { access: Session.bareToken(options.sessionToken) },
    issuedAt: options.issuedAt,
    expiry: documentedExpiry
  })

export const family = {
  broker,
  api: SamcoApi,
  expiry: documentedExpiry,
  logout: (api: Api, session: Session.Session) => api.logout(session),
  profile: (api: Api, session: Session.Session, { probe = "getLimits" }: Options) =>
    Effect.as(
      Effect.asVoid<unknown, AuthError.AuthError, never>(api[probe](session)),
      session.profile ?? { id: session.account.id }
    )
} satisfies Method.Family<SamcoApi, Api, Options>
