import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Runs an effect for many callers, one run at a time. All calls during a run share the next run, so a result is never
 * older than the call. If a caller is interrupted, the run continues. If the scope closes, all callers are interrupted.
 */
export const make = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    let isClosed = false
    let isRunning = false
    let next: Deferred.Deferred<A, E> | undefined
    yield* Effect.addFinalizer(() => {
      isClosed = true
      return next === undefined ? Effect.void : Deferred.interrupt(next)
    })
    const runs = Effect.gen(function* () {
      while (next !== undefined) {
        const current = next
        next = undefined
        yield* Deferred.into(effect, current)
      }
      isRunning = false
    })
    return Effect.uninterruptibleMask((restore) => {
      if (isClosed) return Effect.interrupt
      const own = (next ??= Deferred.makeUnsafe<A, E>())
      if (isRunning) return restore(Deferred.await(own))
      isRunning = true
      return Effect.andThen(Effect.forkIn(runs, scope), restore(Deferred.await(own)))
    })
  })
