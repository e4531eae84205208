import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"

/** Fibers acquire a mutex in the order of their requests. */
export interface Mutexes {
  readonly take: (key: string) => Effect.Effect<void, never, Scope.Scope>
}

export const make = (): Mutexes => {
  const mutexes = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  const enter = (key: string) => {
    const mutex = mutexes.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
    mutexes.set(key, mutex)
    mutex.users += 1
    return mutex
  }
  const leave = (key: string) => {
    const mutex = mutexes.get(key)
    if (mutex === undefined) return
    mutex.users -= 1
    if (mutex.users === 0) mutexes.delete(key)
  }
  return {
    take: (key) =>
      Effect.acquireRelease(
        Effect.sync(() => enter(key)),
        () => Effect.sync(() => leave(key))
      ).pipe(Effect.flatMap(({ semaphore }) => Semaphore.takeScoped(semaphore, 1)))
  }
}
