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
import type { Session } from "./Session.ts"

/**
 * The headers that every later call to this broker needs, and the origins that may see them.
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
  }
>()("@auth/broker-core/Authorize") {}

/** As the client reads it that will send the request. */
const originOf = (url: string): string | undefined => Result.getOrUndefined(Result.try(() => new URL(url).origin))

/**
 * Puts the session's headers on a request. A request to any other host than the broker's is given back as it is:
 * a token must not leave for a stranger.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Authorize from "@auth/broker-core/Authorize"
 * import * as Login from "@auth/broker-core/Login"
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
): Effect.Effect<HttpClientRequest.HttpClientRequest, never, Authorize> =>
  Effect.map(Authorize, ({ headers, origins }) => {
    const origin = originOf(request.url)
    if (origin === undefined || !origins.some((known) => known.toLowerCase() === origin)) return request
    const plain: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers(session))) {
      plain[name] = Redacted.isRedacted(value) ? Redacted.value(value) : value
    }
    return HttpClientRequest.setHeaders(request, plain)
  })
