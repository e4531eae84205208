import type * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import { type Options as ApiOptions, SamcoApi } from "../SamcoApi.ts"
import { broker } from "../SamcoBroker.ts"

type Api = SamcoApi["Service"]

export interface Options extends ApiOptions, Method.Options {
  /** The call that the `Profile` service makes. Default: `getLimits`. */
  readonly probe?: "getLimits" | "whoami" | undefined
  /** `off`: accepts a session of an account other than `userId`. Default: rejects such a session. */
  readonly accountCheck?: "off" | undefined
}

export interface CredentialCheck {
  /** `off`: accepts an API key and a secret that do not look encrypted. Default: the layer rejects them. */
  readonly credentialCheck?: "off" | undefined
}

export const checked = <F extends Credentials.Fields>(fields: F, { credentialCheck }: CredentialCheck): F => {
  if (credentialCheck !== "off") return fields
  const free = (field: Credentials.Field) => (field.secret ? { ...field, problem: undefined, freeText: true } : field)
  return Record.map(fields, free) as unknown as F
}

export const cutOff = Expiry.dailyAt("08:00")

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

export const accountId = (id: string): string => id.trim().toUpperCase()

type Holder = Pick<ResponseOf<SamcoApi, "sessionToken">, "accountName" | "exchangeList" | "productList">

export const toProfile = ({ id }: Account.Account, holder: Holder): Session.UserProfile =>
  Session.makeProfile({ id, name: holder.accountName, exchanges: holder.exchangeList, products: holder.productList })

export const checkAccount = (
  { account, options }: { readonly account: Account.Account; readonly options: Options },
  answered: string,
  failure: Effect.Effect<never, AuthError.AuthError>
): Effect.Effect<void, AuthError.AuthError> =>
  options.accountCheck === "off" || accountId(answered) === account.id ? Effect.void : failure

const wrongAccount = Effect.fail(
  AuthError.invalidRequest(broker.id, "login", "userId", "is not the account that these credentials belong to")
)

export const toIssue = Effect.fnUntraced(function* (
  given: { readonly account: Account.Account; readonly options: Options },
  call: Effect.Effect<ResponseOf<SamcoApi, "sessionToken">, AuthError.AuthError>
) {
  const response = yield* call
  yield* checkAccount(given, response.accountID, wrongAccount)
  return { tokens: { access: Session.bareToken(response.sessionToken) }, profile: toProfile(given.account, response) }
})

export const family = {
  broker,
  api: SamcoApi,
  accountId,
  // Samco Trade API documentation v3.2, overview: a session ends at 08:00 IST, even if `expires_in` gives a later time.
  expiry: Expiry.earliest(cutOff, Expiry.expiresIn, Expiry.jwt),
  logout: (api: Api, session: Session.Session) => api.logout(session),
  profile: (api: Api, session: Session.Session, { probe = "getLimits" }: Options) =>
    Effect.as(
      Effect.asVoid<unknown, AuthError.AuthError, never>(api[probe](session)),
      session.profile ?? { id: session.account.id }
    )
} satisfies Method.Family<SamcoApi, Api, Options>
