import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as NodeHttpClient from "@auth/node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Zlib from "node:zlib"
import * as Undici from "undici"
import { fromTransport } from "../src/internal/http/client.ts"
import * as nodeHttp from "../src/internal/http/nodeHttp.ts"
import { type Respond, serve, serveRaw, until } from "./httpServers.ts"

const clients = {
  "the dispatcher inside Node": NodeHttpClient.make({ connections: 1 }),
  "a dispatcher from the package undici": Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent({ connections: 1 })),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (dispatcher) => NodeHttpClient.make({ dispatcher })
  ),
  "node:http": Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => nodeHttp.make(1)),
      ({ close }) => Effect.promise(close)
    ),
    (transport) =>
      fromTransport(transport, { bodyTimeout: 30_000, headersTimeout: 30_000, maxBodyBytes: 1_048_576 }, undefined)
  ),
  fetch: Effect.map(Layer.build(FetchClient.layer), (built) => Context.get(built, HttpClient.HttpClient))
}

const canary = "canary-8e21"

const table = {
  login: Endpoint.make({
    name: "login",
    method: "POST",
    path: "/login",
    token: "none",
    request: Schema.Struct({ pin: Decode.Secret }),
    response: Schema.Struct({ token: Schema.NonEmptyString })
  }),
  find: Endpoint.make({
    name: "find",
    method: "GET",
    path: "/find",
    token: "none",
    safe: true,
    query: { name: "name", key: "key" },
    request: Schema.Struct({ name: Schema.String, key: Decode.Secret }),
    response: Schema.Struct({ token: Schema.NonEmptyString })
  })
}

const protocol: BrokerClient.Protocol = {
  broker: "tiny",
  headers: () => ({ "content-type": "application/json", "x-key": Redacted.make(canary) }),
  dialects: [
    {
      name: "plain",
      source: "a test",
      read: ({ json, status }) => (json === undefined || status >= 300 ? undefined : Envelope.yes(json))
    }
  ],
  codes: []
}

const apiOf = (client: HttpClient.HttpClient, url: string, options: BrokerClient.Options = {}) =>
  Effect.provideService(
    BrokerClient.make(protocol, { api: url }, { maxBodyBytes: 1000, timeout: "250 millis", ...options }),
    HttpClient.HttpClient,
    client
  )

const request = { pin: Redacted.make(canary) }

const logIn = (api: BrokerClient.BrokerClient) => api.call(table.login, { account: "T1", request })

const good = JSON.stringify({ token: "é ₹ 漢" })

const answers: Readonly<Record<string, Respond>> = {
  "JSON of known length": (_, response) => response.setHeader("content-length", Buffer.byteLength(good)).end(good),
  "JSON in chunks": (_, response) => {
    response.write(good.slice(0, 5))
    setTimeout(() => response.end(good.slice(5)), 5)
  },
  "JSON compressed with gzip": (_, response) => {
    response.setHeader("content-encoding", "gzip").end(Zlib.gzipSync(good))
  },
  "JSON compressed with br": (_, response) => {
    response.setHeader("content-encoding", "br").end(Zlib.brotliCompressSync(good))
  },
  "uncompressed text announced as gzip": (_, response) => {
    response.setHeader("content-encoding", "gzip").end(good)
  },
  "a content-length above `maxBodyBytes`": (_, response) => {
    response.setHeader("content-length", 1001).end("x".repeat(1001))
  },
  "a body in chunks above `maxBodyBytes`": (_, response) => {
    for (let index = 0; index < 20; index += 1) response.write("x".repeat(100))
    response.end()
  },
  "gzip that decompresses to more than `maxBodyBytes`": (_, response) => {
    response.setHeader("content-encoding", "gzip").end(Zlib.gzipSync("x".repeat(100_000)))
  },
  "a redirect to another origin": (_, response) => {
    response.writeHead(307, { location: "http://localhost:9/other" }).end()
  },
  "a refusal with headers": (_, response) => {
    response.writeHead(429, { "retry-after": "7", "content-type": "text/plain" }).end("slow down")
  },
  "an error page": (_, response) => response.writeHead(502).end("<html>bad gateway</html>"),
  "no body": (_, response) => response.writeHead(204).end(),
  "a closed connection": (_, response) => response.destroy(),
  "a connection closed in the middle of the body": (_, response) => {
    response.setHeader("content-length", 100).write("{")
    setTimeout(() => response.destroy(), 5)
  },
  "no answer": () => undefined
}

/** `mapRequest` drops `PlainHttp.Send`, so that calls use the client's `execute`. */
const withoutSend = (client: HttpClient.HttpClient) => HttpClient.mapRequest(client, (same) => same)

const currentFiber = Effect.withFiber((fiber) => Effect.succeed(fiber))

const outcomeOf = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.match(exit, {
    onSuccess: (value) => value,
    onFailure: (cause) => JSON.parse(JSON.stringify(cause.toString()))
  })

describe.each(Object.entries(clients))("PlainHttp over %s", (_, make) => {
  it.live.each(Object.entries(answers))("gives the same result as the client's `execute`: %s", ([, respond]) =>
    Effect.gen(function* () {
      const server = yield* serve(respond)
      const client = yield* make
      assert.isFunction(PlainHttp.sendOf(client, yield* currentFiber))
      assert.isUndefined(PlainHttp.sendOf(withoutSend(client), yield* currentFiber))
      const outcomes = []
      for (const used of [client, withoutSend(client)]) {
        outcomes.push(outcomeOf(yield* Effect.exit(logIn(yield* apiOf(used, server.url)))))
      }
      assert.deepStrictEqual(outcomes[0], outcomes[1])
      const [first, second] = server.received
      assert.deepStrictEqual(first?.body, JSON.stringify({ pin: canary }))
      assert.deepStrictEqual(first, second)
    })
  )

  it.live("sends the same query as the client's `execute`", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => response.end(good))
      const client = yield* make
      const given = { name: "a b&c=ü/?#%+'", key: Redacted.make(`${canary} &`) }
      for (const used of [client, withoutSend(client)]) {
        yield* (yield* apiOf(used, server.url)).call(table.find, { account: "T1", request: given })
      }
      const [first, second] = server.received
      assert.strictEqual(first?.path, second?.path)
      assert.strictEqual(new URLSearchParams(first?.path.split("?")[1]).get("name"), given.name)
      assert.deepStrictEqual(first, second)
    })
  )

  it.live("repeats only safe calls after a lost connection", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => response.destroy())
      const api = yield* apiOf(yield* make, server.url)
      yield* Effect.flip(logIn(api))
      assert.lengthOf(server.received, 1)
      const error = yield* Effect.flip(
        api.call(table.find, { account: "T1", request: { name: "n", key: Redacted.make("k") } })
      )
      assert.lengthOf(server.received, 3)
      assert.strictEqual(error.reason._tag, "BrokerUnavailable")
    })
  )

  it.live("reports ECONNREFUSED if the port is closed", () =>
    Effect.gen(function* () {
      const closedUrl = yield* Effect.scoped(
        Effect.map(
          serve(() => undefined),
          ({ url }) => url
        )
      )
      const error = yield* Effect.flip(logIn(yield* apiOf(yield* make, closedUrl)))
      assert.include(error.reason, { why: "network", systemCode: "ECONNREFUSED" })
      assert.notInclude(JSON.stringify(error), canary)
    })
  )

  it.live("closes the connection after an interruption or a time-out", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const api = yield* apiOf(yield* make, server.url, { timeout: "30 seconds" })
      const fiber = yield* Effect.forkChild(logIn(api))
      yield* until(() => server.received.length === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.open() === 0)
      const short = yield* apiOf(yield* make, server.url, { timeout: "50 millis" })
      const error = yield* Effect.flip(logIn(short))
      assert.include(error.reason, { why: "time-out" })
      yield* until(() => server.open() === 0)
    })
  )

  it.effect("measures the time-out with the program's clock", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const api = yield* apiOf(yield* make, server.url, { timeout: "1 hour" })
      const fiber = yield* Effect.forkChild(Effect.flip(logIn(api)))
      yield* until(() => server.received.length === 1)
      yield* TestClock.adjust("1 hour")
      assert.include((yield* Fiber.join(fiber)).reason, { why: "time-out" })
    })
  )

  it.live("omits the text of an invalid HTTP answer from the error", () =>
    Effect.gen(function* () {
      const server = yield* serveRaw((socket) => socket.end(`${canary} nonsense\r\n\r\n`))
      const error = yield* Effect.flip(logIn(yield* apiOf(yield* make, server.url)))
      assert.strictEqual(error.reason._tag, "BrokerUnavailable")
      assert.notInclude(JSON.stringify(error), canary)
    })
  )
})

describe("PlainHttp over a client with one connection", () => {
  it.live.each(["the dispatcher inside Node", "a dispatcher from the package undici", "node:http"] as const)(
    "never sends a call interrupted while waiting for a connection: %s",
    (name) =>
      Effect.gen(function* () {
        const waiting: Array<() => void> = []
        const server = yield* serve((_, response) => waiting.push(() => response.end(good)))
        const api = yield* apiOf(yield* clients[name], server.url, { timeout: "30 seconds" })
        const first = yield* Effect.forkChild(logIn(api))
        yield* until(() => waiting.length === 1)
        const second = yield* Effect.forkChild(logIn(api))
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(second)
        waiting[0]?.()
        yield* Fiber.join(first)
        const third = yield* Effect.forkChild(logIn(api))
        yield* until(() => waiting.length === 2)
        waiting[1]?.()
        yield* Fiber.join(third)
        assert.lengthOf(server.received, 2)
      })
  )
})

describe("FetchClient", () => {
  const answered = (headers: HeadersInit = {}) => new Response(good, { headers })

  it.effect("uses the program's `fetch` and `RequestInit`, and sets `redirect` to `manual`", () =>
    Effect.gen(function* () {
      const seen: Array<RequestInit | undefined> = []
      const own: typeof fetch = (_, init) => {
        seen.push(init)
        return Promise.resolve(answered())
      }
      const settings = {
        headers: { "x-app": "mine", "x-key": "theirs" },
        redirect: "follow",
        cache: "no-store"
      } as const
      const client = Context.get(
        yield* Layer.build(FetchClient.layer).pipe(
          Effect.provideService(FetchHttpClient.Fetch, own),
          Effect.provideService(FetchHttpClient.RequestInit, settings)
        ),
        HttpClient.HttpClient
      )
      const api = yield* apiOf(client, "http://127.0.0.1:9")
      yield* logIn(api)
      assert.deepInclude(seen[0], { method: "POST", redirect: "manual", cache: "no-store" })
      const headers = new Headers(seen[0]?.headers)
      assert.strictEqual(headers.get("x-app"), "mine")
      assert.strictEqual(headers.get("x-key"), canary)
      const other: typeof fetch = () => Promise.resolve(answered({ "x-other": "1" }))
      yield* Effect.provideService(logIn(api), FetchHttpClient.Fetch, other)
      assert.lengthOf(seen, 1)
    })
  )

  it.effect("reports a redirect that the program's `fetch` followed", () =>
    Effect.gen(function* () {
      const client = Context.get(yield* Layer.build(FetchClient.layer), HttpClient.HttpClient)
      const followed = Object.defineProperty(answered(), "url", { value: "https://elsewhere.example/x" })
      const error = yield* Effect.flip(
        Effect.provideService(logIn(yield* apiOf(client, "http://127.0.0.1:9")), FetchHttpClient.Fetch, () =>
          Promise.resolve(followed)
        )
      )
      assert.include(error.message, "followed a redirect to https://elsewhere.example")
    })
  )
})
