/**
 * Carrying a session on your own calls to the broker.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { type AuthError, invalidRequest } from "./AuthError.ts"
import { headerProblem, unsendable } from "./internal/headerText.ts"
import { mayReplay, noteRequest } from "./internal/requestsSent.ts"
import type { Session } from "./Session.ts"

/**
 * The answer to a call of your own, its body read as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  /** HTTP status. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * The headers that every later call to this broker needs, the origins that may see them, and what the answers mean.
 *
 * @category services
 * @since 0.1.0
 */
export class Authorize extends Context.Service<
  Authorize,
  {
    readonly headers: (session: Session) => Readonly<Record<string, string | Redacted.Redacted<string>>>
    /** Such as `https://apiconnect.angelone.in`. */
    readonly origins: ReadonlyArray<string>
    /** The origin that the broker told this session at login, at brokers that do. It counts as the broker's own. */
    readonly toldOrigin?: (session: Session) => string | undefined
    /**
     * What the broker's answer to any call that carried the session means, if it is a refusal: brokers say so in
     * several dialects, and often with HTTP 200. `SessionExpired` says that the token is dead. `undefined` is no refusal,
     * and neither is an answer with HTTP 2xx that is in none of the broker's dialects. The operation is `request`, and
     * no secret of the session shows.
     */
    readonly refusal: (answer: Answer, session: Session) => AuthError | undefined
  }
>()("@auth/broker-core/login/Authorize") {}

/** As the client reads it that will send the request. */
const originOf = (url: string): string | undefined => Result.getOrUndefined(Result.try(() => new URL(url).origin))

/**
 * Whether a request goes to one of the broker's origins.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isOwn = (request: HttpClientRequest.HttpClientRequest, origins: ReadonlyArray<string>): boolean => {
  const origin = originOf(request.url)
  return origin !== undefined && origins.some((known) => known.toLowerCase() === origin)
}

/**
 * The origins that may see the session's token.
 *
 * @category predicates
 * @since 0.1.0
 */
export const originsFor = (
  { origins, toldOrigin }: Pick<Authorize["Service"], "origins" | "toldOrigin">,
  session: Session
): ReadonlyArray<string> => {
  const told = toldOrigin?.(session)
  return told === undefined ? origins : [...origins, told]
}

/**
 * Puts the session's headers on a request. A request to any other host than the broker's is given back as it is:
 * a token must not leave for a stranger. It fails with `InvalidRequest` if a token has a character that no header can
 * carry.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Authorize from "@auth/broker-core/login/Authorize"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const orders = HttpClientRequest.get("https://apiconnect.angelone.in/rest/secure/angelbroking/order/v1/getOrderBook")
 * const stranger = HttpClientRequest.get("https://example.com/")
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   const authorized = yield* Authorize.request(orders, session)
 *   "authorization" in authorized.headers // => true
 *   yield* Authorize.request(stranger, session) // => stranger
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const request = (
  request: HttpClientRequest.HttpClientRequest,
  session: Session
): Effect.Effect<HttpClientRequest.HttpClientRequest, AuthError, Authorize> =>
  Effect.gen(function* () {
    const authorize = yield* Authorize
    if (!isOwn(request, originsFor(authorize, session))) return request
    const plain: Record<string, string> = {}
    for (const [name, value] of Object.entries(authorize.headers(session))) {
      plain[name] = Redacted.isRedacted(value) ? Redacted.value(value) : value
    }
    const field = unsendable({ ...session.tokens }, plain)
    if (field !== undefined) {
      return yield* Effect.fail(invalidRequest(session.account.broker, "request", field, headerProblem))
    }
    yield* noteRequest({ safe: yield* mayReplay(request) })
    return HttpClientRequest.setHeaders(request, plain)
  })

/**
 * What an answer to a call of your own means, if it is a refusal. Above all, whether the session is over, which no
 * HTTP status tells at these brokers.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Authorize from "@auth/broker-core/login/Authorize"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const orders = { status: 200, headers: {}, text: '{"status":true,"message":"SUCCESS","errorcode":"","data":[]}' }
 * const dead = { status: 200, headers: {}, text: '{"success":false,"message":"Token Expired","errorCode":"AG8002"}' }
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   yield* Authorize.refusal(orders, session) // => undefined
 *   const error = yield* Authorize.refusal(dead, session)
 *   error?.reason._tag // => "SessionExpired"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const refusal = (answer: Answer, session: Session): Effect.Effect<AuthError | undefined, never, Authorize> =>
  Effect.map(Authorize, (service) => service.refusal(answer, session))
