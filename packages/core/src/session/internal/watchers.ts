/** The functions that a store calls after another program has changed a stored session. */
import * as Effect from "effect/Effect"
import * as Account from "../../login/Account.ts"

export type Changed = (version: number) => Effect.Effect<void>

export interface Watchers {
  /** Adds a watcher of an account. Returns an effect that removes it. */
  readonly add: (account: Account.Account, changed: Changed) => () => void
  /** Number of accounts with a watcher. */
  readonly size: () => number
  /** Tells the watchers of the account. `key` is the text that `Account.toKey` returns. */
  readonly tell: (key: string, version: number) => Effect.Effect<void>
}

export const make = (): Watchers => {
  // Most accounts have one watcher. A list of one needs less memory than a set, and a program may have a hundred
  // thousand accounts.
  const watchers = new Map<string, ReadonlyArray<Changed>>()
  return {
    add: (account, changed) => {
      const key = Account.toKey(account)
      watchers.set(key, [...(watchers.get(key) ?? []), changed])
      return () => {
        const rest = (watchers.get(key) ?? []).filter((other) => other !== changed)
        if (rest.length === 0) watchers.delete(key)
        else watchers.set(key, rest)
      }
    },
    size: () => watchers.size,
    tell: (key, version) => {
      const told = watchers.get(key)
      return told === undefined ? Effect.void : Effect.forEach(told, (changed) => changed(version), { discard: true })
    }
  }
}
