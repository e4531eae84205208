import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/**
 * For each effect of `readyOr`, every 64th `yield*` goes through Effect's runtime, so that other fibers can run. This
 * number must be a power of 2.
 */
const readsPerYield = 64

/**
 * The exit is created only once, because the value may be returned a million times. `next` makes the object an iterator
 * for `yield*`.
 */
export interface Ready<A> {
  readonly value: A
  readonly exit: Exit.Exit<A>
  readonly done: true
  readonly next: () => Ready<A>
}

/** A program may have a hundred thousand ready values. A class instance needs less memory than an object literal. */
class ReadyValue<A> implements Ready<A> {
  readonly value: A
  readonly exit: Exit.Exit<A>
  readonly done = true
  constructor(value: A) {
    this.value = value
    this.exit = Exit.succeed(value)
  }
  next(): this {
    return this
  }
}

export const make = <A>(value: A): Ready<A> => new ReadyValue(value)

interface ReadyOr<Subject, A, E, R> extends Effect.Effect<A, E, R> {
  readonly subject: Subject
  reads: number
}

/**
 * The returned function makes effects. An effect returns the value of `ready`. If `ready` returns `undefined`, the
 * effect runs `otherwise`.
 *
 * In a generator, `yield*` usually reads a ready value without Effect's runtime. A read through the runtime takes five
 * times as long.
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
      this.reads = (this.reads + 1) & (readsPerYield - 1)
      if (fiber === undefined || this.reads === 0) return iterate.call(this)
      return ready(this.subject, fiber) ?? iterate.call(this)
    }
  })
  class Impl {
    readonly subject: Subject
    reads = 0
    constructor(subject: Subject) {
      this.subject = subject
    }
  }
  Object.setPrototypeOf(Impl.prototype, prototype)
  return (subject) => new Impl(subject) as unknown as Self
}

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

/** The returned function makes effects that run `find(subject)`. To save memory, each effect is one small object. */
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
