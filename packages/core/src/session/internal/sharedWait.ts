import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

type AnyFiber = Fiber.Fiber<unknown, unknown>

interface Waiter<A, E> {
  readonly fiber: AnyFiber
  readonly resume: (result: Effect.Effect<A, E>) => void
}

/** A result that many fibers wait for. */
export interface SharedWait<A, E> {
  readonly wait: Effect.Effect<A, E>
  /** Ends all current and later waits with this result. Further calls of `end` do nothing. */
  readonly end: (result: Effect.Effect<A, E>) => void
}

/** While the list of waiters is shorter than this, no waiter is removed. */
const firstSweep = 64

/**
 * Uses no `Deferred`, because a `Deferred` needs a finalizer for each waiter. Instead, the waiters whose fibers have
 * ended are removed each time the list of waiters has doubled.
 */
export const make = <A, E>(): SharedWait<A, E> => {
  let result: Effect.Effect<A, E> | undefined
  let waiters: Array<Waiter<A, E>> = []
  let sweepAt = firstSweep
  const add = (waiter: Waiter<A, E>) => {
    waiters.push(waiter)
    if (waiters.length < sweepAt) return
    waiters = waiters.filter(({ fiber }) => fiber.pollUnsafe() === undefined)
    sweepAt = Math.max(firstSweep, waiters.length * 2)
  }
  return {
    wait: Effect.withFiber((fiber: AnyFiber) => result ?? Effect.callback<A, E>((resume) => add({ fiber, resume }))),
    end: (given) => {
      if (result !== undefined) return
      result = given
      const all = waiters
      waiters = []
      for (const { resume } of all) resume(given)
    }
  }
}
