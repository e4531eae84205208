/** Types that `SessionStore` exports, and that the modules `watchers` and `redisChanges` use. */
import type * as Effect from "effect/Effect"
import type { Account } from "../../login/Account.ts"

export type Changed = (version: number) => Effect.Effect<void>

export interface Changes {
  /**
   * Returns a mark. Returns `undefined` instead if `watch` cannot report changes at present, for example because a
   * connection is interrupted. If two runs of this effect return the same mark, `watch` has missed no change between
   * the two runs.
   */
  readonly mark: Effect.Effect<string | number | undefined>
  /**
   * Calls `changed` with the new version number after any program has written the session of the account. The effect
   * that `changed` returns must complete at once. `watch` returns an effect that ends these calls.
   */
  readonly watch: (account: Account, changed: Changed) => Effect.Effect<Effect.Effect<void>>
}

export interface Watchers {
  /** Adds `changed` to the functions that `tell` calls for the account. The returned function removes `changed`. */
  readonly add: (account: Account, changed: Changed) => () => void
  /** Whether `tell` has a function to call for the account. `key` is the text that `Account.toKey` returns. */
  readonly has: (key: string) => boolean
  /** Number of accounts for which `tell` has a function to call. */
  readonly size: () => number
  /** Calls the functions of the account, each with `version`. */
  readonly tell: (key: string, version: number) => Effect.Effect<void>
}
