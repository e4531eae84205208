/**
 * The second step of a login. This step answers the broker's challenge with a one-time code.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as AuthError from "./AuthError.ts"
import type { Challenge } from "./Challenge.ts"
import type { Session } from "./Session.ts"

/**
 * Answers challenges. `verify` sends a code to the broker at most once, even if the broker does not answer.
 *
 * @example
 * ```ts
 * import type { Challenge } from "@auth/broker-core/login/Challenge"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as StepUp from "@auth/broker-core/login/StepUp"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * // A web app runs `begin` in one HTTP request, and `finish` in a later one. In between, it keeps the challenge in
 * // memory.
 * const begin = Login.login
 *
 * const finish = (challenge: Challenge, code: Redacted.Redacted<string>) =>
 *   Effect.flatMap(StepUp.StepUp, (stepUp) => stepUp.verify(challenge, code))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class StepUp extends Context.Service<
  StepUp,
  {
    readonly verify: (
      challenge: Challenge,
      code: Redacted.Redacted<string>
    ) => Effect.Effect<Session, AuthError.AuthError>
    /**
     * Requests a new code from the broker, and returns a new challenge. After success, the old challenge can no longer
     * be answered. After a failure, the old challenge can still be answered, unless it has ended or expired.
     */
    readonly resend: (challenge: Challenge) => Effect.Effect<Challenge, AuthError.AuthError>
  }
>()("@auth/broker-core/login/StepUp") {}

const isChallenge = (value: Challenge): boolean => {
  const { account, kinds, stepToken } = { ...value }
  return Predicate.isObject(account) && Array.isArray(kinds) && Redacted.isRedacted(stepToken)
}

/**
 * Makes a broker's `StepUp` service. For a value without the fields of a challenge, `verify` and `resend` send nothing
 * and fail with `InvalidRequest`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, { resend, verify }: StepUp["Service"]): StepUp["Service"] => {
  const refused = (operation: string) =>
    Effect.fail(AuthError.invalidRequest(broker, operation, "challenge", "must be a challenge that a login returned"))
  return {
    verify: (challenge, code) => (isChallenge(challenge) ? verify(challenge, code) : refused("verify")),
    resend: (challenge) => (isChallenge(challenge) ? resend(challenge) : refused("resend"))
  }
}
