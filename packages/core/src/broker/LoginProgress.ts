/**
 * Stores the progress of a login with several steps. If a later step fails, the login can continue at that step. At
 * some brokers, a new login would open a second session.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/**
 * The token that the broker returned in the first steps of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginProgress {
  readonly token: Redacted.Redacted<string>
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** When the token expires, in milliseconds since the epoch. `undefined` if unknown. */
  readonly endsAt?: number | undefined
}

/**
 * The function that stores the progress of a login. A `SessionManager` stores the progress in its `SessionStore`.
 * Default: `undefined`, which stores nothing.
 *
 * @category references
 * @since 0.1.0
 */
export const Keeper = Context.Reference<((progress: LoginProgress) => Effect.Effect<void>) | undefined>(
  "@auth/broker-core/LoginProgress/Keeper",
  { defaultValue: () => undefined }
)

/**
 * Stores the progress of a login. Call `keep` before the next step is sent.
 *
 * @example
 * ```ts
 * import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const kept: Array<LoginProgress.LoginProgress> = []
 * const keeper = (progress: LoginProgress.LoginProgress) => Effect.sync(() => void kept.push(progress))
 *
 * const program = Effect.gen(function* () {
 *   yield* LoginProgress.keep({ token: Redacted.make("…"), issuedAt: 0 })
 *   kept.length // => 1
 * }).pipe(Effect.provideService(LoginProgress.Keeper, keeper))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const keep = (progress: LoginProgress): Effect.Effect<void> =>
  Effect.flatMap(Keeper, (keeper) => (keeper === undefined ? Effect.void : keeper(progress)))
