import type { SessionStore } from "../SessionStore.ts"

type Store = SessionStore["Service"]

const roots = new WeakMap<Store, Store>()

/** Returns the innermost store that `store` wraps, or `store` itself if it wraps none. */
export const rootOf = (store: Store): Store => roots.get(store) ?? store

/** Returns a copy of `store` with the members of `changes`. Both stores must access the same entries. */
export const wrap = (store: Store, changes: Partial<Store>): Store => {
  const made = { ...store, ...changes }
  roots.set(made, rootOf(store))
  return made
}
