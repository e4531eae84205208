import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as AuthError from "../AuthError.ts"

/**
 * What a running login reports to the login guard, or asks the login guard. Before a login is sent, the guard records
 * the login as unanswered. An unanswered login counts as failed, unless the broker has accepted the same credentials
 * before.
 */
export interface LoginAttempt {
  /**
   * Reports that the broker accepted the password and sent a code by SMS or email. Until `beforeCode` runs, the login
   * does not count as unanswered.
   */
  readonly codeAwaited: Effect.Effect<void>
  /**
   * Runs `ask`, which waits for a one-time code. During the wait, the login does not count as unanswered. A logout of
   * the account interrupts `ask`, and `asking` fails.
   */
  readonly asking: <A, E, R>(ask: Effect.Effect<A, E, R>) => Effect.Effect<A, E | AuthError.AuthError, R>
  /** Records that a code is now sent to the broker. Fails if no further code may be sent. */
  readonly beforeCode: Effect.Effect<void, AuthError.AuthError>
  /** Counts a refused code as a failed login. */
  readonly codeRefused: Effect.Effect<void>
  /**
   * Reports that this login sends all requests through `BrokerClient`. So the guard knows whether the login has sent
   * a request.
   */
  readonly byClient: Effect.Effect<void>
  /** How many more failures the login guard allows. At 0, no code and no login may be sent. */
  readonly failuresLeft: () => number
}

/** The current login. `undefined` outside the login guard. */
export const LoginAttempt = Context.Reference<LoginAttempt | undefined>("@auth/broker-core/internal/LoginAttempt", {
  defaultValue: () => undefined
})

export const report = <E>(use: (attempt: LoginAttempt) => Effect.Effect<void, E>): Effect.Effect<void, E> =>
  Effect.flatMap(LoginAttempt, (attempt) => (attempt === undefined ? Effect.void : use(attempt)))

export const asking = <A, E, R>(ask: Effect.Effect<A, E, R>): Effect.Effect<A, E | AuthError.AuthError, R> =>
  Effect.flatMap(LoginAttempt, (attempt): Effect.Effect<A, E | AuthError.AuthError, R> => attempt?.asking(ask) ?? ask)
