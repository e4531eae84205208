import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Runs an effect for many callers. A caller gets the result of a run that started after the call, so the result is
 * never older than the call. Callers that wait at the same time share one run. Runs continue if a caller is
 * interrupted.
 */
export const make = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let isRunning = false
    let next: Deferred.Deferred<A, E> | undefined
    const runs = Effect.gen(function* () {
      while (next !== undefined) {
        const current = next
        next = undefined
        yield* Deferred.into(effect, current)
      }
      isRunning = false
    })
    return Effect.suspend(() => {
      const own = (next ??= Deferred.makeUnsafe<A, E>())
      if (isRunning) return Deferred.await(own)
      isRunning = true
      return Effect.andThen(Effect.forkIn(runs, scope), Deferred.await(own))
    })
  })
