import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Dispatcher, fetch } from "undici"

const makeSystem = (ports: ReadonlyArray<number>) => {
  const events: Array<string> = []
  let count = 0
  const open = (wanted: number) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const port = wanted === 0 ? (ports[count++ % ports.length] ?? 0) : wanted
        events.push(`open ${port}`)
        return port
      }),
      (port) => Effect.sync(() => void events.push(`close ${port}`))
    )
  return { events, open }
}

describe("BlockedPort", () => {
  it("`isBlocked` agrees with `fetch` on ports 1 to 11,999", async () => {
    const isRefused = async (port: number) => {
      const sent = new Error("sent")
      const dispatcher = Object.assign(new Dispatcher(), {
        dispatch: (_: unknown, handler: Dispatcher.DispatchHandler) => {
          handler.onResponseError?.(undefined as never, sent)
          return true
        }
      })
      const error = await fetch(`http://127.0.0.1:${port}`, { dispatcher }).catch((cause: Error) => cause)
      return error instanceof Error && error.cause !== sent
    }
    const differing: Array<number> = []
    for (let port = 1; port < 12_000; port++) {
      if ((await isRefused(port)) !== BlockedPort.isBlocked(port)) differing.push(port)
    }
    assert.deepStrictEqual(differing, [])
  })

  it.effect("`avoid` tries again if the system selects a blocked port", () =>
    Effect.gen(function* () {
      const { events, open } = makeSystem([10_080, 6000, 50_123])
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.strictEqual(yield* BlockedPort.avoid(0, open), 50_123)
          assert.deepStrictEqual(events, ["open 10080", "open 6000", "open 50123", "close 6000", "close 10080"])
        })
      )
      assert.strictEqual(events.at(-1), "close 50123")
    })
  )

  it.effect("`avoid` fails after 5 blocked ports", () =>
    Effect.gen(function* () {
      const { events, open } = makeSystem([10_080])
      const error = yield* Effect.flip(Effect.scoped(BlockedPort.avoid(0, open)))
      assert.deepInclude(error, { _tag: "BlockedPort", port: 10_080, code: "ERR_UNSAFE_PORT" })
      assert.deepStrictEqual(
        [
          events.filter((event) => event === "open 10080").length,
          events.filter((event) => event === "close 10080").length
        ],
        [5, 5]
      )
    })
  )

  it.effect("`avoid` fails, and opens nothing, if the given port is blocked", () =>
    Effect.gen(function* () {
      const { events, open } = makeSystem([])
      const error = yield* Effect.flip(Effect.scoped(BlockedPort.avoid(6000, open)))
      assert.include(error.message, "refuse to open port 6000")
      assert.deepStrictEqual(events, [])
      assert.strictEqual(yield* Effect.scoped(BlockedPort.avoid(8400, open)), 8400)
    })
  )
})
