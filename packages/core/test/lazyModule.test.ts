import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { lazyModule } from "../src/login/internal/lazyModule.ts"

it.effect("lazyModule loads a module once, and tries again only after a failure", () =>
  Effect.gen(function* () {
    let loads = 0
    const module = lazyModule(() => {
      loads += 1
      return loads === 1 ? Promise.reject(new Error("The file is missing.")) : Promise.resolve({ answer: 42 })
    })
    assert.strictEqual(loads, 0)
    assert.strictEqual(yield* Effect.flip(module), "not loaded")
    assert.deepStrictEqual(yield* module, { answer: 42 })
    assert.deepStrictEqual(Effect.runSync(module), { answer: 42 })
    assert.strictEqual(loads, 2)
  })
)
