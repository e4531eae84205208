/**
 * Account recovery: unblocks an account, or sets a new password.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AuthError } from "./AuthError.ts"
import type { Challenge } from "./Challenge.ts"

/**
 * Unblocks an account in two steps, or sets a new password in three steps. The second step confirms the recovery with a
 * one-time code from the broker.
 *
 * @example
 * ```ts
 * import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * const unblock = (identity: Redacted.Redacted<string>, code: Effect.Effect<Redacted.Redacted<string>>) =>
 *   Effect.gen(function* () {
 *     const recovery = yield* AccountRecovery.AccountRecovery
 *     const challenge = yield* recovery.unblock(identity)
 *     yield* recovery.confirmUnblock(challenge, yield* code)
 *   })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class AccountRecovery extends Context.Service<
  AccountRecovery,
  {
    readonly unblock: (identity: Redacted.Redacted<string>) => Effect.Effect<Challenge, AuthError>
    readonly confirmUnblock: (challenge: Challenge, code: Redacted.Redacted<string>) => Effect.Effect<void, AuthError>
    readonly forgotPassword: (identity: Redacted.Redacted<string>) => Effect.Effect<Challenge, AuthError>
    /** Returns another challenge, which `resetPassword` accepts only once. */
    readonly confirmForgotPassword: (
      challenge: Challenge,
      code: Redacted.Redacted<string>
    ) => Effect.Effect<Challenge, AuthError>
    readonly resetPassword: (
      challenge: Challenge,
      password: Redacted.Redacted<string>
    ) => Effect.Effect<void, AuthError>
  }
>()("@auth/broker-core/login/AccountRecovery") {}
