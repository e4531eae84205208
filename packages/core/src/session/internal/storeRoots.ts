import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** Returns the innermost store that `store` wraps. Returns `store` itself if `store` wraps no other store. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/**
 * Returns a copy of `store`. The members in the argument `changes` replace the members with the same names. The copy
 * and `store` read and write the same entries.
 */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
