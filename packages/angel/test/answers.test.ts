import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http, HttpResponse } from "msw"
import { setupServer } from "msw/node"
import { broker } from "@auth/angel/AngelBroker"
import { calls, layer, layerAnswer, printed, reasonOf } from "./support.ts"

const mebibyte = 1_048_576

const bodyOf20MiB = () => {
  const chunk = new TextEncoder().encode(`{"status":true,"data":"`.padEnd(mebibyte / 4, "x"))
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

describe("oversized and unexpected answers:", () => {
  for (const [endpoint, call] of Object.entries(calls)) {
    for (const [what, headers] of [
      ["with a correct content-length", { "content-length": String(20 * mebibyte) }],
      ["without content-length", {}],
      ["with a too small content-length", { "content-length": "1000", "content-encoding": "identity" }]
    ] as const) {
      it.effect(`${endpoint} rejects 20 MiB ${what} before 2 MiB are read`, () =>
        Effect.gen(function* () {
          const { body, counted } = bodyOf20MiB()
          const error = yield* Effect.flip(Effect.provide(call, layerAnswer(body, { headers })))
          const reason = reasonOf(error, "MalformedResponse")
          assert.strictEqual(reason.problem, "it is larger than the option maxBodyBytes allows")
          assert.isNotEmpty(error.remedy)
          assert.isBelow(counted.chunks, 8)
        })
      )
    }
  }

  it.effect("maxBodyBytes limits the size of an answer", () =>
    Effect.gen(function* () {
      const body = JSON.stringify({ status: true, data: "" }).padEnd(2000, " ")
      const logout = calls["logout"] ?? Effect.void
      yield* Effect.provide(logout, layerAnswer(body, undefined, { maxBodyBytes: 2000 }))
      const error = yield* Effect.flip(Effect.provide(logout, layerAnswer(body, undefined, { maxBodyBytes: 1999 })))
      assert.strictEqual(
        reasonOf(error, "MalformedResponse").message,
        "The broker's answer (HTTP 200) could not be decoded: it is larger than the option maxBodyBytes allows"
      )
    })
  )

  it.effect("a maintenance page of 63 kB is reported as MalformedResponse", () =>
    Effect.gen(function* () {
      const page = `<html><body>${"<p>Back at seven.</p>".repeat(3_000)}</body></html>`
      const error = yield* Effect.flip(Effect.provide(calls["loginByPassword"] ?? Effect.void, layerAnswer(page)))
      const { excerpt } = reasonOf(error, "MalformedResponse")
      assert.match(excerpt, /^Back at seven\./)
      assert.isAtMost(excerpt.length, 201)
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.effect(`a redirect with HTTP ${status} is not followed`, () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const server = setupServer(
          http.all(`${broker.environments["production"]?.["api"]}/*`, ({ request }) => {
            asked.push(new URL(request.url).host)
            return new HttpResponse(null, { status, headers: { location: "https://evil.example/rest" } })
          }),
          http.all("https://evil.example/*", ({ request }) => {
            asked.push(new URL(request.url).host)
            return HttpResponse.json({ status: true, data: { jwtToken: "eyJ" } })
          })
        )
        yield* Effect.acquireRelease(
          Effect.sync(() => server.listen({ onUnhandledFrame: "error" })),
          () => Effect.sync(() => server.close())
        )
        for (const call of Object.values(calls)) {
          const error = yield* Effect.flip(Effect.provide(call, layer()))
          assert.strictEqual(reasonOf(error, "MalformedResponse").status, status)
          assert.notInclude(printed(error), "of.a.test")
        }
        assert.deepStrictEqual(
          asked,
          Array.from(asked, () => "apiconnect.angelone.in")
        )
        assert.strictEqual(asked.length, 5)
      })
    )
  }
})
