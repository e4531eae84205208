import type * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import { assert, describe, it } from "@effect/vitest"
import { fetchSend } from "../src/broker/internal/fetchSend.ts"

const maxBodyBytes = 1000

/**
 * Makes a `fetch` that answers with these headers and a body of 1,000,000 bytes. `pulled` counts the chunks that were
 * read.
 */
const fetchOf = (headers: Record<string, string>) => {
  const pulled = { count: 0 }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled.count += 1
        controller.enqueue(new TextEncoder().encode(" ".repeat(100)))
        if (pulled.count === 10_000) controller.close()
      }
    },
    { highWaterMark: 0 }
  )
  return { fetch: () => Promise.resolve(new Response(body, { headers })), pulled }
}

const send = (fetch: typeof globalThis.fetch) =>
  new Promise<PlainHttp.Answer>((resolve, reject) => {
    const request = { method: "GET", url: "https://api.example.com", headers: {}, body: undefined, maxBodyBytes }
    fetchSend(fetch, {})(request, { onAnswer: resolve, onError: reject })
  })

it("fetchSend sends no content type if the request has none", async () => {
  const types: Array<string | null> = []
  const fetch: typeof globalThis.fetch = (input, init) => {
    types.push(new Request(input, init).headers.get("content-type"))
    return Promise.resolve(new Response("{}"))
  }
  for (const headers of [{}, { "content-type": "application/json" }]) {
    const request = { method: "POST", url: "https://api.example.com", headers, body: "₹=1", maxBodyBytes }
    await new Promise((resolve, reject) => {
      fetchSend(fetch, {})(request, { onAnswer: resolve, onError: reject })
    })
  }
  assert.deepStrictEqual(types, [null, "application/json"])
})

describe("fetchSend", () => {
  it.each(["3", "-1", "1e2", "0x10", "many", "", "5, 5"])(
    "measures the body, and does not trust the content-length '%s'",
    async (announced) => {
      const { fetch } = fetchOf({ "content-length": announced })
      const { isTooLarge, text } = await send(fetch)
      assert.deepStrictEqual([isTooLarge, text.length], [true, 0])
    }
  )

  it.each([
    ["exactly `maxBodyBytes` bytes are allowed", "₹".repeat(333) + "x", false],
    ["one byte more is too large, even with only 334 characters", "₹".repeat(333) + "é", true]
  ])("measures the body in bytes: %s", async (_, text, expected) => {
    const fetch = () => Promise.resolve(new Response(text, { headers: { "content-length": "3" } }))
    const { isTooLarge } = await send(fetch)
    assert.strictEqual(isTooLarge, expected)
  })

  it.each(["-1", "many", "", "5, 5", undefined])(
    "stops reading a too large body whose content-length is %j",
    async (announced) => {
      const { fetch, pulled } = fetchOf(announced === undefined ? {} : { "content-length": announced })
      assert.isTrue((await send(fetch)).isTooLarge)
      assert.isAtMost(pulled.count, 12)
    }
  )
})
