import { collect } from "../../../tools/bench/heap.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SharedWait from "../src/session/internal/sharedWait.ts"

describe("SharedWait", () => {
  it.effect("ends current and later waits with the first result", () =>
    Effect.gen(function* () {
      const { end, wait } = SharedWait.make<number, string>()
      const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.forkChild(wait))
      yield* Effect.yieldNow
      end(Effect.succeed(1))
      end(Effect.fail("too late"))
      for (const fiber of fibers) assert.strictEqual(yield* Fiber.join(fiber), 1)
      assert.strictEqual(yield* wait, 1)
    })
  )

  it.effect("ends the waits that were not interrupted", () =>
    Effect.gen(function* () {
      const { end, wait } = SharedWait.make<number, string>()
      const remaining: Array<Fiber.Fiber<number, string>> = []
      for (let index = 0; index < 1000; index++) {
        const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
        if (index % 10 === 0) remaining.push(fiber)
        else yield* Fiber.interrupt(fiber)
      }
      end(Effect.fail("refused"))
      for (const fiber of remaining) assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "refused")
    })
  )

  it.effect("retains only a limited number of interrupted fibers", () =>
    Effect.gen(function* () {
      const { wait } = SharedWait.make<number, string>()
      const references: Array<WeakRef<object>> = []
      for (let index = 0; index < 1000; index++) {
        const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
        references.push(new WeakRef(fiber))
        yield* Fiber.interrupt(fiber)
      }
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))
      collect()
      const retained = references.filter((reference) => reference.deref() !== undefined)
      // SharedWait removes ended fibers only when its list reaches a limit.
      assert.isBelow(retained.length, 130)
      yield* Effect.forkChild(wait)
    })
  )
})
