import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** The innermost store that `store` wraps. If `store` wraps no other store, `store` itself. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/** Returns a copy of `store` with the functions in `changes`. The copy has the same entries as `store`. */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
