import * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import { Authorize } from "@auth/broker-core/Authorize"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import type * as Renewal from "@auth/broker-core/Renewal"
import * as Session from "@auth/broker-core/Session"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Holder, type Options as ApiOptions, SamcoApi, type SessionResponse } from "../SamcoApi.ts"
import { broker } from "../SamcoBroker.ts"

type Api = SamcoApi["Service"]

/** What may be set for every layer. */
export interface Options extends ApiOptions {
  /** Your name for the API key, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. 08:00 IST, or what the token or the broker's answer says if that is earlier. */
  readonly expiry?: Expiry.Expiry | undefined
  /** The call behind `Profile`. `getLimits` unless said otherwise. */
  readonly probe?: "getLimits" | "whoami" | undefined
  /** Takes a session also if the broker's answer names another account than `userId`. */
  readonly accountCheck?: "off" | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
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

export const accountOf = (userId: string, app: string | undefined): Account.Account =>
  Account.make({ broker: broker.id, app, id: userId.trim().toUpperCase() })

export const toProfile = (account: Account.Account, holder: Holder): Session.UserProfile => ({
  id: account.id,
  ...(holder.accountName === undefined ? {} : { name: holder.accountName }),
  exchanges: holder.exchangeList,
  products: holder.productList
})

/** Succeeds if the answer is for the account that the layer was made for. */
export const checkAccount = (
  account: Account.Account,
  answered: string,
  options: Options,
  failure: Effect.Effect<never, AuthError.AuthError>
): Effect.Effect<void, AuthError.AuthError> =>
  options.accountCheck === "off" || answered.trim().toUpperCase() === account.id ? Effect.void : failure

/** A login that answers with a session at once. */
export const issueSession = (
  fields: { readonly account: Account.Account; readonly method: string },
  options: Options,
  call: Effect.Effect<SessionResponse, AuthError.AuthError>
): Effect.Effect<Session.Session, AuthError.AuthError> =>
  Session.issue(
    { ...fields, expiry: options.expiry ?? documentedExpiry },
    Effect.gen(function* () {
      const response = yield* call
      const problem = "is not the account that these credentials belong to"
      const failure = Effect.fail(AuthError.invalidRequest(broker.id, "login", "userId", problem))
      yield* checkAccount(fields.account, response.accountID, options, failure)
      return {
        tokens: { access: Session.bareToken(response.sessionToken) },
        profile: toProfile(fields.account, response)
      }
    })
  )

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

/** What all layers have. No call tells of the holder: the probe says that the session lives, the login said the rest. */
export const common = (api: Api, options: Options) =>
  Context.make(
    Profile.Profile,
    Profile.make(broker.id, (session) =>
      Effect.as(
        Effect.asVoid<unknown, AuthError.AuthError, never>(api[options.probe ?? "getLimits"](session)),
        session.profile ?? { id: session.account.id }
      )
    )
  ).pipe(
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Object.values(api.origins)
    }),
    Context.add(SamcoApi, api)
  )

/** `DELETE /logout`, for a session of any kind. */
export const logoutByDelete = (api: Api): Logout.Logout["Service"] =>
  Logout.make(broker.id, (session) => Logout.revoke(session, api.logout(session)))
