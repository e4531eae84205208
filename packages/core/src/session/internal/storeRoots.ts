import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** The innermost store that `store` wraps. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/** Both stores read and write the same entries. */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
