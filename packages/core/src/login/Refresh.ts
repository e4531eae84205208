/**
 * Renews a session without a login.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AuthError } from "./AuthError.ts"
import * as Session from "./Session.ts"

/**
 * Renews sessions. After a successful refresh, do not use the old session, because its tokens may no longer be valid.
 *
 * @category services
 * @since 0.1.0
 */
export class Refresh extends Context.Service<
  Refresh,
  { readonly refresh: (session: Session.Session) => Effect.Effect<Session.Session, AuthError> }
>()("@auth/broker-core/login/Refresh") {}

/**
 * Makes a broker's `Refresh` service. If the argument of `refresh` is not a session, `refresh` sends nothing and fails
 * with `SessionExpired` (`missing`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, refresh: Refresh["Service"]["refresh"]): Refresh["Service"] => ({
  refresh: (session) => Effect.flatMap(Session.required(broker, "refresh", session), refresh)
})

/**
 * Renews a session without a login. Use the new session instead of the old session.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Refresh from "@auth/broker-core/login/Refresh"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   const renewed = yield* Refresh.refresh(session)
 *   renewed.account // => session.account
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const refresh = (session: Session.Session): Effect.Effect<Session.Session, AuthError, Refresh> =>
  Effect.flatMap(Refresh, (service) => service.refresh(session))
