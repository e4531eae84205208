/**
 * Adds the headers of a session to your own calls to the broker.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import { type AuthError, invalidRequest } from "./AuthError.ts"
import { headerProblem, unsendable } from "./internal/headerText.ts"
import { withHeaders } from "./internal/requestHeaders.ts"
import { mayReplay, noteRequest } from "./internal/requestsSent.ts"
import type { Session } from "./Session.ts"

/**
 * The answer to one of your own calls, with its body as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  /** HTTP status. */
  readonly status: number
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * Gives the headers for calls with a session, and the origins that may receive the headers. Also detects refusals.
 *
 * @category services
 * @since 0.1.0
 */
export class Authorize extends Context.Service<
  Authorize,
  {
    readonly headers: (session: Session) => Readonly<Record<string, string | Redacted.Redacted<string>>>
    /** The origins to which the headers may be sent, such as `https://apiconnect.angelone.in`. */
    readonly origins: ReadonlyArray<string>
    /**
     * Returns the origin that the broker assigned to this session at login. This origin may also receive the headers.
     * `toldOrigin` is absent if the broker never assigns an origin.
     */
    readonly toldOrigin?: (session: Session) => string | undefined
    /**
     * Returns an error if the broker's answer refuses a call with the session, otherwise `undefined`. Brokers often
     * send a refusal with HTTP 200. If the broker refuses the token, the reason of the error is `SessionExpired`. The
     * error contains no secret of the session.
     */
    readonly refusal: (answer: Answer, session: Session) => AuthError | undefined
  }
>()("@auth/broker-core/login/Authorize") {}

/** The HTTP client parses the address with `URL`, too. So the request goes to the origin returned here. */
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
 * Returns the origins to which the token of the session may be sent.
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
 * Adds the session's headers to a request to one of the broker's origins. Returns any other request unchanged, without
 * a token.
 *
 * Fails with `InvalidRequest` in these cases:
 *
 * - A token of the session contains a space, a control character or a character outside ASCII.
 * - A header of the session contains a character that RFC 9110 forbids.
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
 * const elsewhere = HttpClientRequest.get("https://example.com/")
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   const authorized = yield* Authorize.request(orders, session)
 *   "authorization" in authorized.headers // => true
 *   yield* Authorize.request(elsewhere, session) // => elsewhere
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
    const field = unsendable(session.tokens, plain)
    if (field !== undefined) {
      return yield* Effect.fail(invalidRequest(session.account.broker, "request", field, headerProblem))
    }
    yield* noteRequest({ safe: yield* mayReplay(request) })
    return withHeaders(request, plain)
  })

/**
 * Returns an error if the answer to one of your own calls is a refusal, otherwise `undefined`. The HTTP status alone
 * does not show whether the session has ended.
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
 * const refused = { status: 200, headers: {}, text: '{"success":false,"message":"Token Expired","errorCode":"AG8002"}' }
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   yield* Authorize.refusal(orders, session) // => undefined
 *   const error = yield* Authorize.refusal(refused, session)
 *   error?.reason._tag // => "SessionExpired"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const refusal = (answer: Answer, session: Session): Effect.Effect<AuthError | undefined, never, Authorize> =>
  Effect.map(Authorize, (service) => service.refusal(answer, session))
