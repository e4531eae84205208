/**
 * Address and headers of Angel One's market feed.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AngelApi } from "./AngelApi.ts"
import { broker } from "./AngelBroker.ts"

/**
 * A session with the token of the market feed. Every TOTP login returns this token. A browser login can return it too.
 *
 * @category models
 * @since 0.1.0
 */
export type FeedSession = Session.Authorized & { readonly tokens: { readonly feed: Redacted.Redacted<string> } }

/**
 * Address of the feed, and headers of the request that opens the websocket.
 *
 * @category models
 * @since 0.1.0
 */
export interface FeedSocket {
  readonly url: string
  readonly headers: {
    readonly Authorization: Redacted.Redacted<string>
    readonly "x-api-key": Redacted.Redacted<string>
    readonly "x-client-code": string
    readonly "x-feed-token": Redacted.Redacted<string>
  }
}

/**
 * Returns whether a session has the token of the market feed.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFeedSession = <S extends Session.Authorized>(session: S): session is S & FeedSession =>
  session.tokens.feed !== undefined

const noFeed = AuthError.invalidRequest(
  broker.id,
  "smart-stream",
  "tokens.feed",
  "is missing: log in again with AngelAuth, which returns the feed token"
)

/**
 * Returns the address of the market feed, and the headers of the request that opens the websocket. Sends no request.
 * Source: the official SDK as of 2026-11-27.
 *
 * If a request header is wrong, the feed answers HTTP 401. The response header `x-error-message` gives the reason.
 *
 * Fails with `InvalidRequest` if the session has no feed token.
 *
 * @example
 * ```ts
 * import * as AngelApi from "@auth/angel/AngelApi"
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as AngelFeed from "@auth/angel/AngelFeed"
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const session = AngelAuth.fromTokens({
 *   userId: "A123456",
 *   accessToken: Redacted.make("jwt"),
 *   feedToken: Redacted.make("feed"),
 *   issuedAt: 0
 * })
 *
 * const Api = AngelApi.layer({ apiKey: Redacted.make("demoTrd1") }).pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const { headers, url } = yield* AngelFeed.socket(session)
 *   url // => "wss://smartapisocket.angelone.in/smart-stream"
 *   headers["x-client-code"] // => "A123456"
 * }).pipe(Effect.provide(Api))
 * ```
 *
 * @category feed
 * @since 0.1.0
 */
export const socket = (session: Session.Authorized): Effect.Effect<FeedSocket, AuthError.AuthError, AngelApi> =>
  Effect.flatMap(AngelApi, (api) => {
    if (!isFeedSession(session)) return Effect.fail(noFeed)
    const { account, tokens } = session
    const key = api.headers(session)["x-privatekey"] ?? ""
    return Effect.succeed({
      url: `${(api.origins["feed"] ?? "").replace(/^http/, "ws")}/smart-stream`,
      headers: {
        Authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`),
        "x-api-key": Redacted.isRedacted(key) ? key : Redacted.make(key),
        "x-client-code": account.id,
        "x-feed-token": tokens.feed
      }
    })
  })
