import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { calls, layerAnswer, printed, reasonOf, sentBy } from "./support.ts"

const mebibyte = 1_048_576

const bodyOf20MiB = () => {
  const chunk = new TextEncoder().encode(`{"status":"SUCCESS","AuthToken":"`.padEnd(mebibyte / 4, "x"))
  const counted = { chunks: 0 }
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      counted.chunks += 1
      if (counted.chunks > 80) return controller.close()
      controller.enqueue(chunk)
    }
  })
  return { body, counted }
}

const refusal = (message: string, errorcode = "MO9999") =>
  JSON.stringify({ status: "FAILURE", message, errorcode, data: "null" })

describe("answers that are too large or repeat secrets", () => {
  for (const [endpoint, call] of Object.entries(calls)) {
    it.effect(`${endpoint}: an answer of 20 MiB is rejected before its end is read`, () =>
      Effect.gen(function* () {
        const { body, counted } = bodyOf20MiB()
        const error = yield* Effect.flip(Effect.provide(call, layerAnswer(body)))
        assert.strictEqual(
          reasonOf(error, "MalformedResponse").problem,
          "it is larger than the option maxBodyBytes allows"
        )
        assert.isBelow(counted.chunks, 8)
      })
    )

    it.effect(`${endpoint}: the error does not show secrets from the broker's refusal`, () =>
      Effect.gen(function* () {
        const sent = sentBy(endpoint)
        const error = yield* Effect.flip(Effect.provide(call, layerAnswer(refusal(`no ${sent.join(" and ")}`))))
        assert.strictEqual(error.reason.code, "MO9999")
        const shown = printed(error)
        for (const secret of sent) assert.notInclude(shown, secret)
      })
    )
  }
})
