/** Types that `SessionStore` exports. */
import type * as Effect from "effect/Effect"
import type { Account } from "../../login/Account.ts"

export type Changed = (version: number) => Effect.Effect<void>

export interface Changes {
  /**
   * Returns a mark, or `undefined` while `watch` cannot report changes, for example without a connection. If two runs
   * return the same mark, `watch` has missed no change between these runs.
   */
  readonly mark: Effect.Effect<string | number | undefined>
  /**
   * Calls `changed` with the new version number after any program has written the session of the account. The effect
   * that `changed` returns must complete at once. Returns an effect that ends the calls of `changed`.
   */
  readonly watch: (account: Account, changed: Changed) => Effect.Effect<Effect.Effect<void>>
}

export interface Watchers {
  /** Registers `changed` for the account. The returned function removes `changed`. */
  readonly add: (account: Account, changed: Changed) => () => void
  /** Whether a function is registered for the account. `key` is the text that `Account.toKey` returns. */
  readonly has: (key: string) => boolean
  /** Number of accounts with a registered function. */
  readonly size: () => number
  /** Calls each registered function of the account with `version`. */
  readonly tell: (key: string, version: number) => Effect.Effect<void>
}
