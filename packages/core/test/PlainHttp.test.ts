import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as Shape from "@auth/broker-core/broker/Shape"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"

const url = "https://api.example.com/orders"

const loading = () => {
  const sent: Array<string> = []
  const loads: Array<{
    readonly resolve: (client: HttpClient.HttpClient) => void
    readonly reject: (error: Error) => void
  }> = []
  const whole = HttpClient.make((request) => {
    sent.push(request.method)
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("ok")))
  })
  const client = PlainHttp.makeClient({
    find: () => undefined,
    load: () => new Promise((resolve, reject) => loads.push({ resolve, reject }))
  })
  return { client, sent, loads, end: () => loads.at(-1)?.resolve(whole) }
}

const start = (client: HttpClient.HttpClient) => Effect.forkChild(client.post(url), { startImmediately: true })

describe("a client that is loaded at its first request", () => {
  it.live("is loaded once", () =>
    Effect.gen(function* () {
      const { client, end, loads, sent } = loading()
      assert.lengthOf(loads, 0)
      const first = yield* start(client)
      assert.deepStrictEqual(sent, [])
      end()
      assert.strictEqual(yield* (yield* Fiber.join(first)).text, "ok")
      yield* client.get(url)
      assert.deepStrictEqual(sent, ["POST", "GET"])
      assert.lengthOf(loads, 1)
    })
  )

  it.live("never sends a request that was interrupted during the load", () =>
    Effect.gen(function* () {
      const { client, end, sent } = loading()
      const first = yield* start(client)
      const interruption = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
      end()
      yield* Fiber.join(interruption)
      const second = yield* Effect.forkChild(client.get(url), { startImmediately: true })
      end()
      yield* Fiber.join(second)
      assert.deepStrictEqual(sent, ["GET"])
    })
  )

  it.live("sends nothing if the load fails, and is loaded again at the next request", () =>
    Effect.gen(function* () {
      const { client, end, loads, sent } = loading()
      const first = yield* start(client)
      loads[0]?.reject(new Error("no such file"))
      assert.isTrue(Exit.hasDies(yield* Fiber.await(first)))
      assert.deepStrictEqual(sent, [])
      const second = yield* start(client)
      end()
      yield* Fiber.join(second)
      assert.deepStrictEqual(sent, ["POST"])
    })
  )

  it.live("keeps the interval between rate-limited calls, even after a slow load", () =>
    Effect.gen(function* () {
      const sentAt: Array<number> = []
      const whole = HttpClient.make((request) =>
        Effect.sync(() => {
          sentAt.push(performance.now())
          return HttpClientResponse.fromWeb(request, Response.json({}))
        })
      )
      let loaded: Promise<HttpClient.HttpClient> | undefined
      const client = PlainHttp.makeClient({
        find: () => undefined,
        load: () => (loaded ??= new Promise((resolve) => setTimeout(resolve, 400, whole)))
      })
      const layer = PlainHttp.layer(Effect.succeed(client))
      const endpoint = Endpoint.make({
        name: "login",
        method: "POST",
        path: "/login",
        token: "none",
        response: Shape.unknown,
        limits: [{ requests: 1, per: "300 millis" }]
      })
      const protocol: BrokerClient.Protocol = {
        broker: "tiny",
        headers: () => ({}),
        dialects: [{ name: "plain", source: "a test", read: ({ json }) => Envelope.yes(json) }],
        codes: []
      }
      const made = BrokerClient.make(protocol, { api: "https://api.example.com" })
      const broker = yield* Effect.provide(made, layer)
      const call = broker.call(endpoint, { account: "T1" })
      yield* Effect.all([call, call], { concurrency: "unbounded" })
      const [first = 0, second = 0] = sentAt
      assert.isAtLeast(second - first, 300)
    })
  )
})
