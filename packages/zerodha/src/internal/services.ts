import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ZerodhaApi, make } from "../ZerodhaApi.ts"
import { broker, credentials } from "../ZerodhaBroker.ts"

type Api = ZerodhaApi["Service"]
type Spec = Method.RedirectSpec<Api, typeof credentials, Options, { readonly code: Redacted.Redacted<string> }>

/** Credentials of a browser login. */
export interface ZerodhaCredentials extends Credentials.Input<typeof credentials> {}

/** Options of the layer. */
export interface Options extends BrokerClient.Options, Method.Options {}

const toProfile = (answer: ResponseOf<ZerodhaApi, "getProfile">): Session.UserProfile => {
  const { email, exchanges, products, user_id: id, user_name: name } = answer
  const flags = { userType: answer.user_type, dematConsent: answer.meta?.demat_consent }
  return Session.makeProfile({ id: id.trim().toUpperCase(), name, email, exchanges, products, flags })
}

export const family = {
  broker,
  api: ZerodhaApi,
  accountId: (id: string) => id.trim().toUpperCase(),
  expiry: Expiry.dailyAt("06:00"),
  logout: (api: Api, session: Session.Session) => api.deleteSession({ access_token: session.tokens.access }, session),
  profile: (api: Api, session: Session.Session) => Effect.map(api.getProfile(session), toProfile)
} satisfies Method.Family<ZerodhaApi, Api, Options>

export const spec = {
  credentials,
  api: ({ apiKey }, options) => make({ ...options, apiKey }),
  account: ({ userId }) => userId,
  redirectUrl: ({ redirectUrl }) => redirectUrl,
  page: ({ api, credentials: { apiKey }, state }) => {
    // The broker drops a parameter `state`, but appends the pairs of `redirect_params` to the callback.
    const pairs = new URLSearchParams({ state: Redacted.value(state) }).toString()
    return RedirectLogin.page(`${api.origins["login"]}/connect/login`, {
      v: "3",
      api_key: apiKey,
      redirect_params: pairs
    })
  },
  state: () => "required",
  outcome: { parameter: "status", success: "success" },
  carries: "code",
  receive: (parameters) => {
    // Other pages, such as the page for a basket of orders, also redirect to `redirectUrl`, with another `action`.
    const isLogin = Redacted.value(parameters.get("action") ?? Redacted.make("login")) === "login"
    const token = RedirectLogin.requireParameter(broker.id, isLogin ? parameters : new Map(), "request_token")
    return Effect.map(token, (code) => ({ code }))
  },
  exchange: Effect.fnUntraced(function* ({ code }, { api, credentials: { apiKey, apiSecret } }) {
    const checksum = yield* Checksum.sha256([apiKey, code, apiSecret])
    const answer = yield* api.sessionToken({ request_token: code, checksum })
    const { access_token: access, api_key: key = apiKey, refresh_token: refresh } = answer
    if (Redacted.value(key) !== Redacted.value(apiKey)) {
      return yield* AuthError.make(broker.id, "complete", new AuthError.RedirectRejected({ why: "other-account" }))
    }
    return { tokens: { access, ...(refresh && { refresh }) }, profile: toProfile(answer) }
  })
} satisfies Omit<Spec, "id">

export const refresh: NonNullable<Spec["refresh"]> = Effect.fnUntraced(function* (given) {
  const { api, credentials: own, refreshToken: token } = given
  const checksum = yield* Checksum.sha256([own.apiKey, token, own.apiSecret])
  const answer = yield* api.refreshToken({ refresh_token: token, checksum })
  const { access_token: access, refresh_token: refresh = token, user_id: id } = answer
  return { tokens: { access, refresh }, profile: { ...given.session.profile, id } }
})
