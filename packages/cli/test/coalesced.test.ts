import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as coalesced from "../src/internal/serve/coalesced.ts"

describe("a coalesced effect", () => {
  it.live("runs only once more for all calls that arrive during a run", () =>
    Effect.gen(function* () {
      let runs = 0
      const call = yield* coalesced.make(
        Effect.delay(
          Effect.sync(() => (runs += 1)),
          "20 millis"
        )
      )
      const first = yield* Effect.forkChild(call)
      yield* Effect.sleep("5 millis")
      assert.deepStrictEqual(yield* Effect.all([call, call], { concurrency: 2 }), [2, 2])
      assert.strictEqual(yield* Fiber.join(first), 1)
      assert.strictEqual(yield* call, 3)
    })
  )

  it.live("can be called after a caller was interrupted at any step", () =>
    Effect.gen(function* () {
      // A fiber gives way to other fibers after 2048 steps. So `steps` decides where a caller is interrupted.
      for (let steps = 2020; steps < 2060; steps += 1) {
        const call = yield* coalesced.make(Effect.succeed("result"))
        const caller = Effect.gen(function* () {
          for (let step = 0; step < steps; step += 1) yield* Effect.sync(() => undefined)
          yield* call
        })
        const fiber = yield* Effect.forkChild(caller)
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const result = yield* Effect.timeoutOption(call, "1 second")
        assert.strictEqual(result._tag, "Some", `interrupted after ${steps} steps`)
      }
    })
  )

  it.live("interrupts waiting and later callers when its scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const call = yield* Scope.provide(coalesced.make(Effect.never), scope)
      const callers = yield* Effect.forEach(["first", "second"], () => Effect.forkChild(call))
      yield* Effect.sleep("5 millis")
      yield* Scope.close(scope, Exit.void)
      const late = yield* Effect.forkChild(call)
      for (const fiber of [...callers, late]) {
        const exit = yield* Effect.timeout(Fiber.await(fiber), "1 second")
        assert.isTrue(Exit.hasInterrupts(exit))
      }
    })
  )
})
