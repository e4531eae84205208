/**
 * Stores the result of the first steps of a login until the last step succeeds. If a step fails, the login is resumed
 * at that step, because each new login opens another session at the broker.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/**
 * The token of a login that the broker has accepted but that has no session yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginProgress {
  readonly token: Redacted.Redacted<string>
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** When the token expires, milliseconds since the epoch. `undefined` if unknown. */
  readonly endsAt?: number | undefined
}

/**
 * The function that stores the progress. A `SessionManager` provides it, and stores the progress encrypted. If there is
 * no such function, nothing is stored.
 *
 * @category references
 * @since 0.1.0
 */
export const Keeper = Context.Reference<((progress: LoginProgress) => Effect.Effect<void>) | undefined>(
  "@auth/broker-core/LoginProgress/Keeper",
  { defaultValue: () => undefined }
)

/**
 * Stores the progress of a login before its next step is sent. `resume` of the method's `Renewal` continues from the
 * stored progress.
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
