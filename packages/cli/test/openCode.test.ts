import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { askCode, type Handlers } from "../src/internal/open/logins.ts"

const ask = Effect.gen(function* () {
  let ended = (): void => undefined
  const question = {
    kinds: ["otp"],
    destinations: [],
    digits: 6,
    resendAt: 0,
    resend: () => new Promise<void>((resolve) => (ended = resolve))
  } as unknown as CodeQuestion
  const shown: Array<string> = []
  let handlers: Handlers = {}
  const fiber = yield* Effect.forkChild(
    askCode((step, given = {}) => {
      shown.push(step._tag)
      handlers = given
    }, question),
    { startImmediately: true }
  )
  const { answer, resend = Effect.die("The question has no resend.") } = handlers
  const resending = yield* Effect.forkChild(resend, { startImmediately: true })
  assert.deepStrictEqual(shown, ["code", "code"])
  const endResend = Effect.andThen(
    Effect.sync(() => ended()),
    Fiber.join(resending)
  )
  return { fiber, shown, answer, endResend }
})

describe("the code question of `broker-auth open`", () => {
  it.live("appears again after a resend", () =>
    Effect.gen(function* () {
      const { answer, endResend, fiber, shown } = yield* ask
      yield* endResend
      assert.deepStrictEqual(shown, ["code", "code", "code"])
      answer?.(Redacted.make("123456"))
      assert.strictEqual(yield* Fiber.join(fiber), "123456")
    })
  )

  it.live("does not appear again if the user answers during a resend", () =>
    Effect.gen(function* () {
      const { answer, endResend, fiber, shown } = yield* ask
      answer?.(Redacted.make("123456"))
      assert.strictEqual(yield* Fiber.join(fiber), "123456")
      yield* endResend
      assert.deepStrictEqual(shown, ["code", "code", "busy"])
    })
  )

  it.live("does not appear again if the login is cancelled during a resend", () =>
    Effect.gen(function* () {
      const { endResend, fiber, shown } = yield* ask
      yield* Fiber.interrupt(fiber)
      yield* endResend
      assert.deepStrictEqual(shown, ["code", "code"])
    })
  )
})
