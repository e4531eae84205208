/**
 * Who the session belongs to. Also the cheap way to learn whether it is alive.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AuthError } from "./AuthError.ts"
import type { Session, UserProfile } from "./Session.ts"

/**
 * Asks the broker about the account's holder; fails with `SessionExpired` if the session is over.
 *
 * @category services
 * @since 0.1.0
 */
export class Profile extends Context.Service<
  Profile,
  { readonly profile: (session: Session) => Effect.Effect<UserProfile, AuthError> }
>()("@auth/broker-core/Profile") {}

/**
 * @category accessors
 * @since 0.1.0
 */
export const profile = (session: Session): Effect.Effect<UserProfile, AuthError, Profile> =>
  Effect.flatMap(Profile, (service) => service.profile(session))
