import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** How often in a row a value is taken past the runtime, which lets other fibers run by counting its steps. A power of 2. */
const inARow = 64

/** A value in every form in which it is asked for, made once: what is handed out a million times must not be made anew. */
export interface Ready<A> {
  readonly value: A
  readonly exit: Exit.Exit<A>
  readonly iterator: { readonly next: () => { readonly done: true; readonly value: A } }
}

export const make = <A>(value: A): Ready<A> => {
  const end = { done: true as const, value }
  return { value, exit: Exit.succeed(value), iterator: { next: () => end } }
}

interface ReadyOr<Subject, A, E, R> extends Effect.Effect<A, E, R> {
  readonly subject: Subject
  row: number
}

/**
 * Makes effects that give `ready`'s value while there is one, and else what `otherwise` gives. Both are asked anew each
 * time that such an effect is run.
 *
 * In a generator `yield*` takes a value that is ready without the runtime, at a fifth of the cost. An effect is one small
 * object, so that a hundred thousand of them still are quick to reach.
 */
export const readyOr = <Subject, A, E, R>(
  ready: (subject: Subject, fiber: AnyFiber) => Ready<A> | undefined,
  otherwise: (subject: Subject, fiber: AnyFiber) => Effect.Effect<A, E, R>
): ((subject: Subject) => Effect.Effect<A, E, R>) => {
  type Self = ReadyOr<Subject, A, E, R>
  const base = Effectable.Prototype<Self>({
    label: "ReadyOr",
    evaluate(fiber) {
      return ready(this.subject, fiber)?.exit ?? otherwise(this.subject, fiber)
    }
  })
  const iterate = base[Symbol.iterator]
  const prototype = Object.assign(Object.create(base), {
    [Symbol.iterator](this: Self) {
      const fiber = Fiber.getCurrent()
      this.row = (this.row + 1) & (inARow - 1)
      if (fiber === undefined || this.row === 0) return iterate.call(this)
      return ready(this.subject, fiber)?.iterator ?? iterate.call(this)
    }
  })
  return (subject) => Object.assign(Object.create(prototype), { subject, row: 0 }) as Self
}

/** The effect that `find` finds, which may be one of the above. Without it `missing` says why there is none. */
export const found = <A, E, R>(
  find: (fiber: AnyFiber) => Effect.Effect<A, E, R> | undefined,
  missing: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const effect = Effect.withFiber<A, E, R>((fiber) => find(fiber) ?? missing)
  const iterate = effect[Symbol.iterator].bind(effect)
  return Object.assign(effect, {
    [Symbol.iterator]: () => {
      const fiber = Fiber.getCurrent()
      return (fiber && find(fiber))?.[Symbol.iterator]() ?? iterate()
    }
  })
}

/** Makes effects that are what `find` finds for their subject each time that they are run. Each is one small object. */
export const delegating = <Subject, A, E, R>(
  find: (subject: Subject) => Effect.Effect<A, E, R>
): ((subject: Subject) => Effect.Effect<A, E, R>) => {
  type Self = Effect.Effect<A, E, R> & { readonly subject: Subject }
  const base = Effectable.Prototype<Self>({
    label: "Delegating",
    evaluate() {
      return find(this.subject)
    }
  })
  const prototype = Object.assign(Object.create(base), {
    [Symbol.iterator](this: Self) {
      return find(this.subject)[Symbol.iterator]()
    }
  })
  return (subject) => Object.assign(Object.create(prototype), { subject }) as Self
}
