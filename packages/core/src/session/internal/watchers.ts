import * as Effect from "effect/Effect"
import * as Account from "../../login/Account.ts"
import type { Changed, Watchers } from "../SessionStore.ts"

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
    has: (key) => watchers.has(key),
    size: () => watchers.size,
    tell: (key, version) => {
      const told = watchers.get(key)
      return told === undefined ? Effect.void : Effect.forEach(told, (changed) => changed(version), { discard: true })
    }
  }
}
