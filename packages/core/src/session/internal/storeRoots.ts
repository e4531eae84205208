import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** The innermost store that `store` wraps. If `store` wraps no other store, `store` itself. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/** Wraps `store`: the functions in `changes` replace its own. Both stores read and write the same entries. */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
