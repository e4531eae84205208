import { assert, describe, it } from "@effect/vitest"
import { Ended, makeSteps, tableOf } from "./steps.ts"

const fail = () => Promise.reject(new Error("it failed"))

describe("a step of a rehearsal", () => {
  it("runs even if an earlier step failed", async () => {
    const lines: Array<string> = []
    const { done, step } = makeSteps((line) => lines.push(line), new AbortController().signal)
    assert.deepStrictEqual([await step("first", () => undefined), await step("second", fail)], [true, false])
    assert.isTrue(await step("third", async () => undefined))
    assert.deepStrictEqual(
      done().map(({ problem }) => problem),
      [undefined, "it failed", undefined]
    )
    assert.match(tableOf(done()), /^ok {4} +0\.0 s {2}first\nFAILED +0\.0 s {2}second\nok .*\n3 steps, 1 failed, 0 s$/)
    assert.match(lines.join("\n"), /… second\nFAILED \(0\.0 s\)\nit failed/)
  })

  it("ends the rehearsal if `need` runs the step and the step fails", async () => {
    const { done, need } = makeSteps(() => undefined, new AbortController().signal)
    await need("first", () => undefined)
    const error = await need("second", fail).catch((cause: unknown) => cause)
    assert.instanceOf(error, Ended)
    assert.lengthOf(done(), 2)
  })

  it("does not start after an interruption", async () => {
    const interruption = new AbortController()
    const { done, step } = makeSteps(() => undefined, interruption.signal)
    await step("first", () => interruption.abort())
    let isStarted = false
    const error = await step("second", () => void (isStarted = true)).catch((cause: unknown) => cause)
    assert.instanceOf(error, Ended)
    assert.isFalse(isStarted)
    assert.lengthOf(done(), 1)
  })
})
