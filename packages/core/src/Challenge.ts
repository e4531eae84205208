/**
 * What a broker still wants before it hands out a session: a one-time code.
 *
 * A challenge is answered once, in its time, for its account. The ledger of a layer sees to that.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Account from "./Account.ts"
import * as AuthError from "./AuthError.ts"

/**
 * How a one-time code reaches the holder.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeKind = "totp" | "otp"

/**
 * A pending step-up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Challenge {
  /** Not a secret; unique within its layer. */
  readonly id: string
  readonly account: Account.Account
  /** The kinds of code that will do, the preferred first. */
  readonly kinds: readonly [CodeKind, ...ReadonlyArray<CodeKind>]
  /** Where a code was sent to, masked by the broker: `xxxxxx1234`. */
  readonly destinations: ReadonlyArray<string>
  /** Earliest instant for a resend, milliseconds since the epoch; `undefined` if it cannot be resent. */
  readonly resendAt: number | undefined
  readonly resendsLeft: number | undefined
  /** Milliseconds since the epoch; `undefined` if the broker does not say. */
  readonly expiresAt: number | undefined
  /** The broker's token between the steps. */
  readonly stepToken: Redacted.Redacted<string>
}

/**
 * Remembers which challenges are open.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ledger {
  /** Opens a challenge of this layer's account, and gives it its id. */
  readonly open: (fields: Omit<Challenge, "id" | "account">) => Effect.Effect<Challenge>
  /** Takes the challenge for one answer; fails with `ChallengeExpired` if it is not open any more. */
  readonly claim: (challenge: Challenge) => Effect.Effect<Challenge, AuthError.AuthError>
  /** Opens it again after an answer that the broker did not count as the last. */
  readonly reopen: (challenge: Challenge) => Effect.Effect<void>
}

/**
 * Makes the ledger of one account's layer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLedger = (account: Account.Account): Effect.Effect<Ledger> =>
  Effect.sync(() => {
    const pending = new Set<string>()
    const key = Account.toKey(account)
    let opened = 0
    const expired = (why: AuthError.ChallengeExpired["why"]) =>
      Effect.fail(AuthError.make(account.broker, "verify", new AuthError.ChallengeExpired({ why })))
    return {
      open: (fields) =>
        Effect.sync(() => {
          opened += 1
          const challenge: Challenge = { ...fields, id: `${key}#${opened}`, account }
          pending.add(challenge.id)
          return challenge
        }),
      claim: Effect.fnUntraced(function* (challenge: Challenge) {
        if (Account.toKey(challenge.account) !== key) return yield* expired("other-account")
        const now = yield* Clock.currentTimeMillis
        if (!pending.delete(challenge.id)) return yield* expired("used")
        if (challenge.expiresAt !== undefined && now >= challenge.expiresAt) return yield* expired("timed-out")
        return challenge
      }),
      reopen: (challenge) => Effect.sync(() => void pending.add(challenge.id))
    }
  })
