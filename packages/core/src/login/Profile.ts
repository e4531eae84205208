/**
 * Gets the profile of the account holder. The call changes nothing at the broker. A successful call shows that the
 * broker accepts the session.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AuthError } from "./AuthError.ts"
import * as Session from "./Session.ts"

/**
 * Gets the profile of the account holder from the broker. Fails with `SessionExpired` if the session has ended.
 *
 * @category services
 * @since 0.1.0
 */
export class Profile extends Context.Service<
  Profile,
  { readonly profile: (session: Session.Session) => Effect.Effect<Session.UserProfile, AuthError> }
>()("@auth/broker-core/login/Profile") {}

/**
 * Makes a broker's `Profile` service. If a session has no account or no access token, the service sends nothing and
 * fails with `SessionExpired` (`missing`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, profile: Profile["Service"]["profile"]): Profile["Service"] => ({
  profile: (session) => Effect.flatMap(Session.required(broker, "profile", session), profile)
})

/**
 * Gets the profile of the account holder from the broker.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Profile from "@auth/broker-core/login/Profile"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const profile = yield* Profile.profile(yield* Login.session)
 *   profile.name // => "DEMO TRADER"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const profile = (session: Session.Session): Effect.Effect<Session.UserProfile, AuthError, Profile> =>
  Effect.flatMap(Profile, (service) => service.profile(session))
