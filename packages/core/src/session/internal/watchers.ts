import * as Effect from "effect/Effect"
import * as Account from "../../login/Account.ts"
import type { Changed, Watchers } from "./changes.ts"

export const make = (): Watchers => {
  // Most accounts have one watcher, and a list with one element needs less memory than a set.
  const watchers = new Map<string, ReadonlyArray<Changed>>()
  return {
    add: (account, changed) => {
      const key = Account.toKey(account)
      const before = watchers.get(key)
      // V8 reserves unused space in a list that is made with a spread, so the first list is made without a spread.
      watchers.set(key, before === undefined ? [changed] : [...before, changed])
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
