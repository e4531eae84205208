import * as Effect from "effect/Effect"
import * as Account from "../../login/Account.ts"
import * as StoreRoots from "./storeRoots.ts"
import type { Entry, SessionStore, Slot } from "../SessionStore.ts"

/**
 * Avoids repeated reads of the login guard's entry during one renewal. After a read from `store` or a write to `store`,
 * the wrapper remembers the entry. The next `get` returns the remembered entry and forgets it. If another program has
 * written the entry in the meantime, the next `put` returns `false`, and the login guard reads the entry again.
 */
export const withRecentEntries = (store: SessionStore["Service"]): SessionStore["Service"] => {
  const recent = new Map<string, Entry | undefined>()
  return StoreRoots.wrap(store, {
    get: (account, slot) => {
      if (slot !== guard) return store.get(account, slot)
      const key = Account.toKey(account)
      return Effect.suspend(() => {
        const found = recent.get(key)
        if (recent.delete(key)) return Effect.succeed(found)
        return Effect.tap(store.get(account, slot), (entry) => Effect.sync(() => recent.set(key, entry)))
      })
    },
    put: (account, slot, value, expected) => {
      if (slot !== guard) return store.put(account, slot, value, expected)
      const key = Account.toKey(account)
      return Effect.suspend(() => {
        recent.delete(key)
        return Effect.tap(store.put(account, slot, value, expected), (isWritten) =>
          Effect.sync(() => isWritten && recent.set(key, { version: expected + 1, value }))
        )
      })
    }
  })
}

const guard: Slot = "guard"
