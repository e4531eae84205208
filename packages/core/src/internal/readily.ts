import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** How often in a row a value is taken past the runtime, which lets other fibers run by counting its steps. A power of 2. */
const inARow = 64

const taken = <A>(value: A) => ({ next: () => ({ done: true as const, value }) })

/** `effect`, but for what `yield*` does in a generator. */
const withIterator = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  iterator: (fiber: AnyFiber) => Effect.EffectIterator<Effect.Effect<A, E, R>> | undefined
): Effect.Effect<A, E, R> => {
  const own = effect[Symbol.iterator].bind(effect)
  return Object.assign(effect, {
    [Symbol.iterator]: () => {
      const fiber = Fiber.getCurrent()
      return (fiber && iterator(fiber)) ?? own()
    }
  })
}

/**
 * `ready`'s value while there is one, and else `otherwise`. Both are asked anew each time that the effect is run.
 *
 * In a generator `yield*` takes a value that is ready without the runtime, which costs a fifth of a step of it.
 */
export const readily = <A, E, R>(
  ready: (fiber: AnyFiber) => A | undefined,
  otherwise: (fiber: AnyFiber) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const effect = Effect.withFiber<A, E, R>((fiber) => {
    const value = ready(fiber)
    return value === undefined ? otherwise(fiber) : Effect.succeed(value)
  })
  let row = 0
  return withIterator(effect, (fiber) => {
    row = (row + 1) & (inARow - 1)
    const value = row === 0 ? undefined : ready(fiber)
    return value === undefined ? undefined : taken(value)
  })
}

/** The effect that `find` finds, which may be one of the above. Without it `missing` says why there is none. */
export const found = <A, E, R>(
  find: (fiber: AnyFiber) => Effect.Effect<A, E, R> | undefined,
  missing: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  withIterator(
    Effect.withFiber((fiber) => find(fiber) ?? missing),
    (fiber) => find(fiber)?.[Symbol.iterator]()
  )
