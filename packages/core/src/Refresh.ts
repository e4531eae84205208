/**
 * Renewing a session without a login.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AuthError } from "./AuthError.ts"
import type { Session } from "./Session.ts"

/**
 * Renews sessions. The old session must be taken as dead once this succeeded: brokers rotate.
 *
 * @category services
 * @since 0.1.0
 */
export class Refresh extends Context.Service<
  Refresh,
  { readonly refresh: (session: Session) => Effect.Effect<Session, AuthError> }
>()("@auth/broker-core/Refresh") {}

/**
 * @category accessors
 * @since 0.1.0
 */
export const refresh = (session: Session): Effect.Effect<Session, AuthError, Refresh> =>
  Effect.flatMap(Refresh, (service) => service.refresh(session))
