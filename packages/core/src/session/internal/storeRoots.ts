import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** The innermost store that `store` wraps. If `store` wraps no other store, `store` itself. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/** Returns a copy of a store in which some functions are replaced. Both stores have the same entries. */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
