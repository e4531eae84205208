/**
 * Ends a session.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Account } from "./Account.ts"
import type { AuthError } from "./AuthError.ts"
import * as Session from "./Session.ts"

/**
 * Result of a logout:
 *
 * - `Revoked`: the broker has confirmed that the session has ended.
 * - `LocalOnly`, `already-over`: the session had already ended.
 * - `LocalOnly`, `no-such-call`: the broker has no logout call, and did not end the session.
 *
 * @category models
 * @since 0.1.0
 */
export type LogoutReceipt =
  | { readonly _tag: "Revoked"; readonly account: Account }
  | { readonly _tag: "LocalOnly"; readonly account: Account; readonly why: "already-over" | "no-such-call" }

/**
 * `logout` ends a session. Do not use the session again, even if `logout` fails.
 *
 * @category services
 * @since 0.1.0
 */
export class Logout extends Context.Service<
  Logout,
  { readonly logout: (session: Session.Session) => Effect.Effect<LogoutReceipt, AuthError> }
>()("@auth/broker-core/login/Logout") {}

/**
 * Makes a broker's `Logout` service. If the argument of the service's `logout` is not a session, the service sends
 * nothing and fails with `SessionExpired` (`missing`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, logout: Logout["Service"]["logout"]): Logout["Service"] => ({
  logout: (session) => Effect.flatMap(Session.required(broker, "logout", session), logout)
})

/**
 * Runs the logout call of a broker. If the call fails with `SessionExpired`, the result is `LocalOnly`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const revoke = <R>(
  session: Session.Session,
  call: Effect.Effect<unknown, AuthError, R>
): Effect.Effect<LogoutReceipt, AuthError, R> =>
  call.pipe(
    Effect.as<LogoutReceipt>({ _tag: "Revoked", account: session.account }),
    Effect.catchReason("AuthError", "SessionExpired", () =>
      Effect.succeed<LogoutReceipt>({ _tag: "LocalOnly", account: session.account, why: "already-over" })
    )
  )

/**
 * Ends a session, and returns the result.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Logout from "@auth/broker-core/login/Logout"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   const receipt = yield* Logout.logout(session)
 *   receipt._tag // => "Revoked"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const logout = (session: Session.Session): Effect.Effect<LogoutReceipt, AuthError, Logout> =>
  Effect.flatMap(Logout, (service) => service.logout(session))
