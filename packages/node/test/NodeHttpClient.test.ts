import * as AngelAuth from "@auth/angel/AngelAuth"
import { AnswerLimit } from "@auth/broker-core/broker/AnswerLimit"
import * as Login from "@auth/broker-core/login/Login"
import * as NodeHttpClient from "@auth/node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cookies from "effect/http/Cookies"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpMethod } from "effect/http/HttpMethod"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import https from "node:https"
import { connect, type Socket } from "node:net"
import { inspect } from "node:util"
import * as Zlib from "node:zlib"
import * as Undici from "undici"
import * as builtin from "../src/internal/http/builtinDispatcher.ts"
import { fromTransport } from "../src/internal/http/client.ts"
import * as nodeHttp from "../src/internal/http/nodeHttp.ts"
import { type Received, type Respond, serve, serveRaw, serveTls, trustCertificate, until } from "./httpServers.ts"

interface Settings {
  readonly connections?: number
  readonly maxBodyBytes?: number
  readonly headersTimeout?: number
  readonly bodyTimeout?: number
}

const withUndici = ({ connections = 64, ...options }: Settings) =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent({ connections })),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (dispatcher) => NodeHttpClient.make({ ...options, dispatcher })
  )

const withNodeHttp = ({
  bodyTimeout = 30_000,
  connections = 64,
  headersTimeout = 30_000,
  maxBodyBytes = 1_048_576
}: Settings) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => nodeHttp.make(connections)),
      ({ close }) => Effect.promise(close)
    ),
    (transport) => fromTransport(transport, { bodyTimeout, headersTimeout, maxBodyBytes }, undefined)
  )

const transports = {
  "the dispatcher inside Node": (settings: Settings) => NodeHttpClient.make(settings),
  "a dispatcher from the package undici": withUndici,
  "node:http": withNodeHttp
}

const canary = "canary-5d1f0c"

const invalidUrls = [
  "ftp://127.0.0.1/",
  "/relative",
  "http://a b/",
  `http://[bad/?key=${canary}`,
  `http://user:${canary}@127.0.0.1/`,
  `http://${canary}@127.0.0.1/`,
  `http://user:${canary}@[bad/`,
  `http:user:${canary}@127.0.0.1/`,
  `http:\\\\user:${canary}@127.0.0.1/`,
  `https:///user:${canary}@127.0.0.1/a@b`,
  `ftp://user:${canary}@127.0.0.1/`,
  ` https://user:${canary}@127.0.0.1/`,
  `ht\ntps://user:${canary}@127.0.0.1/`,
  `//user:${canary}@127.0.0.1/`,
  `https://user:a/${canary}@127.0.0.1/`,
  `https://user:${canary}#a@127.0.0.1/`,
  `https://user:${canary}?a@127.0.0.1/`
]

const withSecrets = (request: HttpClientRequest.HttpClientRequest) =>
  request.pipe(
    HttpClientRequest.setHeader("authorization", `Bearer ${canary}`),
    HttpClientRequest.setHeader("x-token", canary),
    HttpClientRequest.setUrlParam("token", Redacted.make(canary)),
    (made) => (made.method === "GET" || made.method === "HEAD" ? made : HttpClientRequest.bodyText(made, canary))
  )

/** The error, its causes and its hidden properties must not contain a secret. */
const errorOf = <A>(effect: Effect.Effect<A, HttpClientError.HttpClientError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    const shown = inspect(error, { depth: 20, showHidden: true, getters: true })
    assert.notInclude(shown, canary)
    assert.notInclude(JSON.stringify(error), canary)
    assert.notInclude(error.stack ?? "", canary)
    const seen = new Set<unknown>()
    const walk = (value: unknown): void => {
      if (typeof value === "string") assert.notInclude(value, canary)
      if (value instanceof Uint8Array) assert.notInclude(Buffer.from(value).toString("latin1"), canary)
      if (value === null || typeof value !== "object" || seen.has(value)) return
      seen.add(value)
      for (const key of Reflect.ownKeys(value)) walk(Reflect.get(value, key))
    }
    walk(error)
    return error
  })

const codeOf = ({ cause }: HttpClientError.HttpClientError): unknown =>
  typeof cause === "object" && cause !== null ? Reflect.get(cause, "code") : undefined

const echo: Respond = (request, response) => response.end(JSON.stringify(request))

const sent = (client: HttpClient.HttpClient, request: HttpClientRequest.HttpClientRequest) =>
  Effect.map(
    Effect.flatMap(client.execute(request), ({ text }) => text),
    (text) => JSON.parse(text) as Received
  )

const logIn = (client: HttpClient.HttpClient, api: string, options: AngelAuth.Options = {}) =>
  AngelAuth.layer({
    credentials: {
      clientCode: "A123456",
      pin: Redacted.make("4711"),
      apiKey: Redacted.make(canary),
      totp: Redacted.make("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    },
    origins: { api },
    ...options
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)), (layer) => Effect.provide(Login.session, layer))

const json = { a: "1", text: "é ₹ 漢" }
const methods: ReadonlyArray<HttpMethod> = ["GET", "POST", "PUT", "PATCH", "DELETE"]

const okHead = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

const codings: ReadonlyArray<readonly [coding: string, encode: (bytes: Buffer) => Buffer]> = [
  ["gzip", Zlib.gzipSync],
  ["x-gzip", Zlib.gzipSync],
  ["br", Zlib.brotliCompressSync],
  ["deflate", Zlib.deflateSync],
  ["deflate", Zlib.deflateRawSync],
  ["identity", (bytes) => bytes],
  ["", (bytes) => bytes],
  ["gzip,", Zlib.gzipSync],
  [", br,", Zlib.brotliCompressSync],
  ["gzip, br", (bytes) => Zlib.brotliCompressSync(Zlib.gzipSync(bytes))]
]

describe.each(Object.entries(transports))("NodeHttpClient over %s", (_, make) => {
  describe("when it sends a request", () => {
    it.live("sends each method with its body, headers and query", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        for (const method of methods) {
          const request = HttpClientRequest.make(method)(`${server.url}/a/b?x=1#fragment`).pipe(
            HttpClientRequest.setUrlParam("y z", Redacted.make("ä&=")),
            HttpClientRequest.setHeader("X-Own", "value"),
            HttpClientRequest.bodyJsonUnsafe(json)
          )
          const got = yield* sent(client, request)
          assert.strictEqual(got.method, method)
          assert.strictEqual(got.path, "/a/b?x=1&y+z=%C3%A4%26%3D")
          assert.deepStrictEqual(JSON.parse(got.body), json)
          assert.strictEqual(got.headers["x-own"], "value")
          assert.strictEqual(got.headers["content-type"], "application/json")
          assert.strictEqual(got.headers["content-length"], String(Buffer.byteLength(JSON.stringify(json))))
        }
      })
    )

    it.live("sends content-length 0 for an empty POST, and none for a GET", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const get = yield* sent(client, HttpClientRequest.get(server.url))
        assert.isUndefined(get.headers["content-length"])
        assert.isUndefined(get.headers["transfer-encoding"])
        const post = yield* sent(client, HttpClientRequest.post(server.url))
        assert.strictEqual(post.headers["content-length"], "0")
      })
    )

    it.live("sends forms and bytes", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const post = HttpClientRequest.post(server.url)
        const form = yield* sent(client, HttpClientRequest.bodyUrlParams(post, { user: "a b", pin: "4&7" }))
        assert.strictEqual(form.body, "user=a+b&pin=4%267")
        assert.strictEqual(form.headers["content-type"], "application/x-www-form-urlencoded")
        const bodies: ReadonlyArray<unknown> = [
          "a=1",
          Buffer.from("a=1"),
          new TextEncoder().encode("a=1").buffer,
          new URLSearchParams({ a: "1" })
        ]
        for (const body of bodies) {
          const raw = yield* sent(client, HttpClientRequest.setBody(post, HttpBody.raw(body)))
          assert.strictEqual(raw.body, "a=1")
        }
      })
    )

    it.live("adds `accept` and `user-agent` unless the request sets them", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const plain = yield* sent(client, HttpClientRequest.get(server.url))
        assert.deepInclude(plain.headers, { accept: "*/*", "user-agent": "node" })
        assert.isUndefined(plain.headers["accept-encoding"])
        const own = { accept: "application/json", "user-agent": "MOSL/V.1.1.0" }
        const request = HttpClientRequest.get(server.url, { headers: own })
        assert.deepInclude((yield* sent(client, request)).headers, own)
      })
    )

    it.live("makes no span and sends no span ids by default", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const spans: Array<string> = []
        const tracer = Tracer.make({
          span: (options) => {
            spans.push(options.name)
            return new Tracer.NativeSpan(options)
          }
        })
        const got = yield* sent(client, HttpClientRequest.get(server.url)).pipe(
          Effect.withSpan("own"),
          Effect.provideService(Tracer.Tracer, tracer)
        )
        assert.deepStrictEqual(spans, ["own"])
        assert.isUndefined(got.headers["traceparent"])
        assert.isUndefined(got.headers["b3"])
      })
    )

    it.live("refuses invalid URLs, ftp URLs, and URLs with a password", () =>
      Effect.gen(function* () {
        const client = yield* make({})
        for (const url of invalidUrls) {
          const { reason } = yield* errorOf(client.execute(withSecrets(HttpClientRequest.get(url))))
          assert.strictEqual(reason._tag, "InvalidUrlError", url)
        }
      })
    )

    it.live("refuses a stream or a FormData as a body", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const post = withSecrets(HttpClientRequest.post(server.url))
        const stream = HttpClientRequest.bodyStream(post, Stream.make(new Uint8Array(1)))
        for (const request of [stream, HttpClientRequest.bodyFormData(post, new FormData())]) {
          const { message, reason } = yield* errorOf(client.execute(request))
          assert.strictEqual(reason._tag, "EncodeError")
          assert.include(message, "this client sends only text and bytes as a body")
        }
        assert.deepStrictEqual(server.received, [])
      })
    )

    it.live("refuses an invalid header without showing its value", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        const request = HttpClientRequest.get(server.url, { headers: { authorization: `${canary}\r\nx: y` } })
        assert.strictEqual((yield* errorOf(client.execute(request))).reason._tag, "TransportError")
        assert.deepStrictEqual(server.received, [])
      })
    )
  })

  describe("when it reads an answer", () => {
    it.live("returns the status and headers, and the same body at each read", () =>
      Effect.gen(function* () {
        const body = JSON.stringify(json)
        const server = yield* serve((_request, response) =>
          response.writeHead(418, { "content-type": "application/json", "X-Mixed": "Case" }).end(body)
        )
        const client = yield* make({})
        const request = HttpClientRequest.get(`${server.url}/path?a=1#fragment`)
        const response = yield* client.execute(request)
        for (let reads = 0; reads < 2; reads += 1) {
          assert.strictEqual(response.status, 418)
          assert.strictEqual(response.headers["x-mixed"], "Case")
          assert.strictEqual(yield* response.text, body)
          assert.deepStrictEqual(yield* response.json, json)
          assert.strictEqual(Buffer.from(yield* response.arrayBuffer).toString(), body)
          const chunks = yield* Stream.runCollect(response.stream)
          assert.strictEqual(Buffer.concat(Array.from(chunks)).toString(), body)
        }
        assert.strictEqual(response.request, request)
        assert.strictEqual(response.url, `${server.url}/path?a=1`)
      })
    )

    it.live("reads a body that is a form", () =>
      Effect.gen(function* () {
        const type = { "content-type": "application/x-www-form-urlencoded" }
        const server = yield* serve((_request, response) => response.writeHead(200, type).end("a=1&b=x+y"))
        const client = yield* make({})
        const response = yield* client.get(server.url)
        assert.deepStrictEqual((yield* response.urlParamsBody).params, [
          ["a", "1"],
          ["b", "x y"]
        ])
        assert.strictEqual((yield* response.formData).get("b"), "x y")
      })
    )

    it.live("does not show the body in errors", () =>
      Effect.gen(function* () {
        const server = yield* serve((_request, response) => response.end(`<html>${canary}</html>`))
        const client = yield* make({})
        const response = yield* client.execute(withSecrets(HttpClientRequest.get(server.url)))
        const error = yield* errorOf(response.json)
        assert.strictEqual(error.reason._tag, "DecodeError")
        assert.strictEqual(error.response?.status, 200)
        const upgrade = yield* errorOf(response.upgrade)
        assert.strictEqual(upgrade.reason._tag, "StatusCodeError")
      })
    )

    it.live("joins the values of a repeated header, and reads every cookie", () =>
      Effect.gen(function* () {
        const server = yield* serve((_request, response) => {
          response.setHeader("set-cookie", ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"])
          response.setHeader("x-list", ["one", "two"])
          response.end()
        })
        const client = yield* make({})
        const { cookies, headers } = yield* client.get(server.url)
        assert.strictEqual(headers["x-list"], "one, two")
        assert.deepStrictEqual(Cookies.toRecord(cookies), { a: "1", b: "2" })
      })
    )

    it.live("does not follow redirects", () =>
      Effect.gen(function* () {
        const server = yield* serve((request, response) =>
          response.writeHead(Number(request.path.slice(1)), { location: "/elsewhere" }).end()
        )
        const client = yield* make({})
        for (const status of [301, 302, 303, 307, 308]) {
          const response = yield* client.post(`${server.url}/${status}`)
          assert.strictEqual(response.status, status)
          assert.strictEqual(response.headers["location"], "/elsewhere")
        }
        assert.lengthOf(server.received, 5)
      })
    )

    it.live("reads an empty body as empty text and as JSON null", () =>
      Effect.gen(function* () {
        const server = yield* serve((request, response) => {
          const status = Number(request.path.slice(1))
          if (request.method === "HEAD") response.writeHead(200, { "content-length": "9000000" })
          else response.writeHead(status)
          response.end()
        })
        const client = yield* make({})
        const requests = [200, 204, 304].map((status) => HttpClientRequest.get(`${server.url}/${status}`))
        for (const request of [...requests, HttpClientRequest.head(`${server.url}/200`)]) {
          const response = yield* client.execute(request)
          assert.strictEqual(yield* response.text, "")
          assert.strictEqual(yield* response.json, null)
          assert.strictEqual((yield* response.arrayBuffer).byteLength, 0)
          assert.lengthOf(yield* Stream.runCollect(response.stream), 0)
        }
      })
    )

    it.live("joins a character that is split between two chunks", () =>
      Effect.gen(function* () {
        const text = "₹漢é".repeat(2000)
        const server = yield* serve((_request, response) => {
          const bytes = Buffer.from(text)
          const pieces = Array.from({ length: Math.ceil(bytes.length / 1009) }, (_piece, index) =>
            bytes.subarray(index * 1009, (index + 1) * 1009)
          )
          const next = (): unknown => {
            const piece = pieces.shift()
            return piece === undefined ? response.end() : response.write(piece, () => setImmediate(next))
          }
          next()
        })
        const client = yield* make({})
        const response = yield* client.get(server.url)
        assert.strictEqual(response.headers["transfer-encoding"], "chunked")
        assert.strictEqual(yield* response.text, text)
      })
    )

    it.live("skips an interim answer, and reads a body without content-length", () =>
      Effect.gen(function* () {
        const server = yield* serveRaw((socket) =>
          socket.end(
            `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-length: 9000000\r\n\r\nHTTP/1.1 200 OK\r\nx-last: yes\r\n\r\nall of it`
          )
        )
        const client = yield* make({})
        const response = yield* client.get(server.url)
        assert.strictEqual(response.status, 200)
        assert.isUndefined(response.headers["link"])
        assert.strictEqual(yield* response.text, "all of it")
      })
    )

    for (const [index, [coding, encode]] of codings.entries()) {
      it.live(`case ${index + 1}: decodes content-encoding "${coding}"`, () =>
        Effect.gen(function* () {
          const text = JSON.stringify(json)
          const server = yield* serve((_request, response) =>
            response.writeHead(200, { "content-encoding": coding }).end(encode(Buffer.from(text)))
          )
          const client = yield* make({})
          const response = yield* client.get(server.url)
          assert.strictEqual(response.headers["content-encoding"], coding)
          assert.strictEqual(yield* response.text, text)
          assert.strictEqual(Buffer.from(yield* response.arrayBuffer).toString(), text)
        })
      )
    }

    it.live("fails if the content-encoding is wrong or unknown", () =>
      Effect.gen(function* () {
        const server = yield* serve((request, response) =>
          response.writeHead(200, { "content-encoding": request.path.slice(1) }).end(canary)
        )
        const client = yield* make({})
        for (const coding of ["gzip", "br", "deflate", "unknown", "constructor", "toString"]) {
          const response = yield* client.execute(withSecrets(HttpClientRequest.get(`${server.url}/${coding}`)))
          for (const read of [response.text, response.json, Stream.runDrain(response.stream)]) {
            assert.strictEqual((yield* errorOf<unknown>(read)).reason._tag, "DecodeError")
          }
        }
      })
    )

    it.live("names the server in an error although the path begins with two slashes", () =>
      Effect.gen(function* () {
        const server = yield* serve((_request, response) => response.writeHead(200).end("no JSON"))
        const client = yield* make({})
        for (const path of ["//", "//x/y", "//a:b/c"]) {
          const response = yield* client.get(`${server.url}${path}?key=${canary}`)
          const { reason } = yield* errorOf(response.json)
          assert.strictEqual(reason._tag, "DecodeError")
          assert.strictEqual("response" in reason && reason.response.request.url, `${server.url}${path}`)
        }
      })
    )

    it.live("reads a body of `maxBodyBytes` bytes, and refuses one byte more", () =>
      Effect.gen(function* () {
        const bodies: Readonly<
          Record<string, (size: number, request: Received, response: Parameters<Respond>[1]) => void>
        > = {
          announced: (size, _request, response) =>
            response.writeHead(200, { "content-length": size }).end("a".repeat(size)),
          chunked: (size, _request, response) => {
            response.write("a".repeat(size - 1))
            setImmediate(() => response.end("a"))
          },
          compressed: (size, _request, response) =>
            response.writeHead(200, { "content-encoding": "gzip" }).end(Zlib.gzipSync("a".repeat(size)))
        }
        const server = yield* serve((request, response) => {
          const [, kind = "", size = ""] = request.path.split("?")[0]?.split("/") ?? []
          bodies[kind]?.(Number(size), request, response)
        })
        const client = yield* make({ maxBodyBytes: 5000 })
        for (const kind of Object.keys(bodies)) {
          const whole = yield* client.get(`${server.url}/${kind}/5000`)
          assert.lengthOf(yield* whole.text, 5000)
          const response = yield* client.execute(withSecrets(HttpClientRequest.post(`${server.url}/${kind}/5001`)))
          assert.strictEqual(response.status, 200)
          const error = yield* errorOf(response.text)
          assert.strictEqual(error.reason._tag, "DecodeError")
          assert.include(error.message, "the body is larger than 5000 bytes")
          assert.strictEqual(codeOf(error), "ERR_BODY_TOO_LARGE")
          const own = yield* Effect.provideService(client.get(`${server.url}/${kind}/5001`), AnswerLimit, 6000)
          assert.lengthOf(yield* own.text, 5001)
        }
      })
    )

    it.live("closes the connection if an endless body exceeds `maxBodyBytes`", () =>
      Effect.gen(function* () {
        const server = yield* serve((_request, response) => {
          const next = (): unknown => !response.destroyed && response.write("a".repeat(1000), () => setImmediate(next))
          next()
        })
        const client = yield* make({ maxBodyBytes: 100_000 })
        const response = yield* client.get(server.url)
        assert.strictEqual(codeOf(yield* errorOf(response.text)), "ERR_BODY_TOO_LARGE")
        yield* until(() => server.open() === 0)
      })
    )
  })

  describe("when it uses connections", () => {
    it.live("sends 30 successive calls over one connection", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        const client = yield* make({})
        for (let calls = 0; calls < 30; calls += 1) yield* sent(client, HttpClientRequest.post(server.url))
        assert.strictEqual(server.opened(), 1)
      })
    )

    it.live("opens a new connection if the server has closed the idle connection", () =>
      Effect.gen(function* () {
        const sockets: Array<Socket> = []
        const server = yield* serveRaw((socket) => {
          sockets.push(socket)
          socket.write(`${okHead}content-length: 2\r\n\r\n{}`)
        })
        const client = yield* make({})
        for (const end of ["end", "resetAndDestroy"] as const) {
          yield* client.post(server.url)
          sockets.at(-1)?.[end]()
          yield* until(() => server.open() === 0)
          // The client detects the closed connection in a later turn of its event loop.
          yield* Effect.sleep("20 millis")
          assert.strictEqual(yield* Effect.flatMap(client.post(server.url), ({ text }) => text), "{}")
          sockets.at(-1)?.end()
          yield* until(() => server.open() === 0)
          yield* Effect.sleep("20 millis")
        }
        assert.lengthOf(server.received, 4)
      })
    )

    it.live("sends 500 concurrent calls over at most 7 connections", () =>
      Effect.gen(function* () {
        let most = 0
        const server = yield* serve((request, response) => {
          most = Math.max(most, server.open())
          setTimeout(() => response.end(request.body), 1)
        })
        const client = yield* make({ connections: 7 })
        const answers = yield* Effect.forEach(
          Array.from({ length: 500 }, (_one, index) => String(index)),
          (index) =>
            Effect.flatMap(
              client.execute(HttpClientRequest.bodyText(HttpClientRequest.post(server.url), index)),
              ({ text }) => text
            ),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers,
          Array.from({ length: 500 }, (_one, index) => String(index))
        )
        assert.isAtMost(most, 7)
      })
    )

    it.live("closes the connection of an interrupted call", () =>
      Effect.gen(function* () {
        const server = yield* serve((request, response) => {
          if (request.path === "/half") response.write("half")
        })
        const client = yield* make({})
        for (const [count, path] of ["/none", "/half"].entries()) {
          const fiber = yield* Effect.forkChild(client.post(`${server.url}${path}`))
          yield* until(() => server.received.length === count + 1)
          assert.strictEqual(server.open(), 1)
          yield* Fiber.interrupt(fiber)
          yield* until(() => server.open() === 0)
        }
      })
    )

    it.live("never sends a call interrupted while waiting for a connection", () =>
      Effect.gen(function* () {
        const held: Array<() => void> = []
        const server = yield* serve((request, response) => {
          if (request.path === "/first") held.push(() => response.end())
          else response.end()
        })
        const client = yield* make({ connections: 1 })
        const first = yield* Effect.forkChild(client.post(`${server.url}/first`))
        yield* until(() => held.length === 1)
        const waiting = yield* Effect.forEach(Array.from({ length: 10 }), (_one, index) =>
          Effect.forkChild(client.post(`${server.url}/waiting/${index}`), { startImmediately: true })
        )
        const last = yield* Effect.forkChild(client.post(`${server.url}/last`), { startImmediately: true })
        yield* Effect.forEach(waiting, (fiber) => Fiber.interrupt(fiber))
        held[0]?.()
        yield* Fiber.join(first)
        yield* Fiber.join(last)
        assert.deepStrictEqual(
          server.received.map(({ path }) => path),
          ["/first", "/last"]
        )
      })
    )

    it.live.each(["its connection is being opened", "Effect's modules are being loaded"])(
      "never sends a call interrupted while %s",
      (moment) =>
        Effect.gen(function* () {
          const server = yield* serve(echo)
          const client = yield* make({})
          // This call loads the modules, but opens no connection.
          if (moment === "its connection is being opened") yield* Effect.flip(client.get("ftp://127.0.0.1/"))
          const fiber = yield* Effect.forkChild(client.post(`${server.url}/interrupted`), { startImmediately: true })
          yield* Fiber.interrupt(fiber)
          yield* client.post(`${server.url}/next`)
          assert.deepStrictEqual(
            server.received.map(({ path }) => path),
            ["/next"]
          )
        })
    )

    it.live("closes its connections at the end of its scope", () =>
      Effect.gen(function* () {
        const server = yield* serve(echo)
        yield* Effect.scoped(Effect.flatMap(make({}), (client) => client.post(server.url)))
        yield* until(() => server.open() === 0)
      })
    )
  })

  describe("when a call fails", () => {
    const half = `${okHead}content-length: 900\r\n\r\n{"token":"${canary}`
    const breaks: Readonly<Record<string, (socket: Socket) => void>> = {
      "closes the connection before the answer": (socket) => void socket.end(),
      "resets the connection before the answer": (socket) => void socket.resetAndDestroy(),
      "closes the connection during the headers": (socket) => void socket.end(`${okHead}x-token: ${canary}`),
      "closes the connection during the body": (socket) => void socket.end(half),
      "resets the connection during the body": (socket) =>
        void socket.write(half, () => setTimeout(() => socket.resetAndDestroy(), 5)),
      "closes the connection during a chunked body": (socket) =>
        void socket.end(`${okHead}transfer-encoding: chunked\r\n\r\n${(100).toString(16)}\r\n${canary}`),
      "sends text that is not HTTP": (socket) => void socket.end(`${canary} is not HTTP\r\n\r\n`),
      "upgrades the connection without being asked": (socket) =>
        void socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: ${canary}\r\nconnection: upgrade\r\n\r\n`),
      "sends two different content lengths": (socket) =>
        void socket.end(`${okHead}content-length: 2\r\ncontent-length: 3\r\nx: ${canary}\r\n\r\n{} `)
    }
    for (const [name, end] of Object.entries(breaks)) {
      it.live(`fails without a resend if the server ${name}`, () =>
        Effect.gen(function* () {
          const server = yield* serveRaw(end)
          const client = yield* make({})
          for (const method of ["POST", "GET"] as const) {
            const request = withSecrets(HttpClientRequest.make(method)(server.url))
            const error = yield* errorOf(client.execute(request))
            assert.strictEqual(error.reason._tag, "TransportError")
            assert.match(String(codeOf(error)), /^[A-Z_]+$/)
          }
          yield* Effect.sleep("20 millis")
          assert.lengthOf(
            server.received.filter((text) => / HTTP\/1\.1\r\n/.test(text)),
            2
          )
        })
      )
    }

    it.live("fails if the headers of an answer are too large", () =>
      Effect.gen(function* () {
        const server = yield* serveRaw((socket) =>
          socket.write(`${okHead}x-large: ${canary.repeat(6000)}\r\ncontent-length: 0\r\n\r\n`)
        )
        const client = yield* make({})
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(server.url))))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.match(String(codeOf(error)), /HEADER.*OVERFLOW/)
      })
    )

    it.live("fails if no connection is possible, and names the address", () =>
      Effect.gen(function* () {
        const server = yield* Effect.scoped(serve(echo))
        const client = yield* make({})
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(server.url))))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.strictEqual(codeOf(error), "ECONNREFUSED")
        assert.include(error.message, `connect ECONNREFUSED ${new URL(server.url).host}`)
      })
    )

    it.live("fails if the host is not found", () =>
      Effect.gen(function* () {
        const client = yield* make({})
        // A host name cannot have a part of more than 63 characters, so no name server is asked.
        const request = HttpClientRequest.post(`http://${"a".repeat(64)}.invalid/`)
        const error = yield* errorOf(client.execute(withSecrets(request)))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.match(String(codeOf(error)), /^(?:ENOTFOUND|EAI_AGAIN|EAI_FAIL|EINVAL)$/)
      })
    )

    it.live("fails if no answer comes in time, and closes the connection", () =>
      Effect.gen(function* () {
        const server = yield* serve(() => undefined)
        const client = yield* make({ headersTimeout: 100 })
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(server.url))))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.include(error.message, "no answer came within")
        assert.strictEqual(codeOf(error), "UND_ERR_HEADERS_TIMEOUT")
        yield* until(() => server.open() === 0)
        assert.lengthOf(server.received, 1)
      })
    )

    it.live("fails if the body stops in the middle, and closes the connection", () =>
      Effect.gen(function* () {
        const server = yield* serve((_request, response) => response.write(canary))
        const client = yield* make({ bodyTimeout: 100 })
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(server.url))))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.strictEqual(codeOf(error), "UND_ERR_BODY_TIMEOUT")
        yield* until(() => server.open() === 0)
      })
    )
  })

  describe("when it uses TLS", () => {
    it.live("refuses an untrusted certificate, and sends nothing", () =>
      Effect.gen(function* () {
        const server = yield* serveTls(echo)
        const client = yield* make({})
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(server.url))))
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.strictEqual(codeOf(error), "DEPTH_ZERO_SELF_SIGNED_CERT")
        assert.deepStrictEqual(server.received, [])
      })
    )

    it.live("reuses a trusted connection, and refuses a certificate for another host", () =>
      Effect.gen(function* () {
        yield* trustCertificate
        const server = yield* serveTls(echo)
        const client = yield* make({})
        for (let calls = 0; calls < 10; calls += 1) {
          const got = yield* sent(client, HttpClientRequest.bodyText(HttpClientRequest.post(server.url), "over TLS"))
          assert.strictEqual(got.body, "over TLS")
        }
        assert.strictEqual(server.opened(), 1)
        const other = server.url.replace("localhost", "127.0.0.1")
        const error = yield* errorOf(client.execute(withSecrets(HttpClientRequest.post(other))))
        assert.strictEqual(codeOf(error), "ERR_TLS_CERT_ALTNAME_INVALID")
        assert.lengthOf(server.received, 10)
      })
    )
  })

  it.live("makes a login fail with MalformedResponse if the answer is too large", () =>
    Effect.gen(function* () {
      const large = JSON.stringify({ status: true, data: { jwtToken: canary.repeat(500) } })
      const answers: ReadonlyArray<(response: Parameters<Respond>[1]) => void> = [
        (response) => response.writeHead(202, { "content-length": large.length }).end(large),
        (response) => {
          response.writeHead(202).write(large.slice(0, 10))
          setImmediate(() => response.end(large.slice(10)))
        },
        (response) => response.writeHead(202, { "content-encoding": "gzip" }).end(Zlib.gzipSync(large))
      ]
      const client = yield* make({})
      for (const answer of answers) {
        const server = yield* serve((_request, response) => answer(response))
        const error = yield* Effect.flip(logIn(client, server.url, { maxBodyBytes: 1000 }))
        if (error.reason._tag !== "MalformedResponse") return assert.fail(error.message)
        assert.strictEqual(error.reason.status, 202)
        assert.include(error.message, "larger than the option maxBodyBytes allows")
        assert.notInclude(inspect(error, { depth: 20, showHidden: true, getters: true }), canary)
        assert.lengthOf(server.received, 1)
      }
    })
  )

  it.live("does not resend a login after a time-out, and closes its connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const client = yield* make({})
      const error = yield* Effect.flip(logIn(client, server.url, { timeout: "100 millis" }))
      assert.deepInclude(error.reason, { _tag: "BrokerUnavailable", why: "time-out" })
      yield* until(() => server.open() === 0)
      assert.lengthOf(server.received, 1)
    })
  )

  it.live("does not follow a login's redirect, even with `followRedirects`", () =>
    Effect.gen(function* () {
      const other = yield* serve(echo)
      const server = yield* serve((_request, response) => response.writeHead(307, { location: other.url }).end())
      const client = HttpClient.followRedirects(yield* make({}))
      const error = yield* Effect.flip(logIn(client, server.url))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.lengthOf(server.received, 1)
      assert.deepStrictEqual(other.received, [])
    })
  )
})

describe("NodeHttpClient", () => {
  const options: ReadonlyArray<readonly [NodeHttpClient.Options, field: string]> = [
    [{ connections: 0 }, "connections"],
    [{ connections: 1.5 }, "connections"],
    [{ maxBodyBytes: Number.NaN }, "maxBodyBytes"],
    [{ headersTimeout: 0 }, "headersTimeout"],
    [{ headersTimeout: "30 days" }, "headersTimeout"],
    [{ bodyTimeout: Number.NaN }, "bodyTimeout"],
    [{ bodyTimeout: "Infinity" }, "bodyTimeout"]
  ]
  for (const [given, field] of options) {
    it.effect(`refuses the options ${inspect(given)}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(NodeHttpClient.make(given)))
        assert.strictEqual(error.reason._tag, "InvalidRequest")
        assert.include(error.reason.message, `${field} must be`)
      })
    )
  }

  it.live('hides the secrets of a request with an invalid URL if `tracing` is "effect"', () =>
    Effect.gen(function* () {
      const client = yield* NodeHttpClient.make({ tracing: "effect" })
      for (const url of invalidUrls) {
        const { reason } = yield* errorOf(client.execute(withSecrets(HttpClientRequest.get(url))))
        assert.strictEqual(reason._tag, "InvalidUrlError", url)
      }
    })
  )

  it.live('makes a span and sends its ids if `tracing` is "effect"', () =>
    Effect.gen(function* () {
      const server = yield* serve(echo)
      const client = yield* NodeHttpClient.make({ tracing: "effect" })
      const got = yield* sent(client, HttpClientRequest.get(server.url))
      assert.match(String(got.headers["traceparent"]), /^00-[0-9a-f]{32}-/)
      const silent = yield* Effect.provideService(
        sent(client, HttpClientRequest.get(server.url)),
        HttpClient.TracerPropagationEnabled,
        false
      )
      assert.isUndefined(silent.headers["traceparent"])
    })
  )

  it.live("limits the connections of the dispatcher inside Node", () =>
    Effect.gen(function* () {
      const dispatcher = builtin.globalDispatcher()
      if (dispatcher === undefined) return assert.fail("this version of Node has no dispatcher")
      const transport = builtin.fromGlobal(dispatcher, 2)
      const server = yield* serve((_request, response) => setTimeout(() => response.end(), 5))
      const limits = { bodyTimeout: 1000, headersTimeout: 1000, maxBodyBytes: 1000 }
      const client = fromTransport(transport, limits, undefined)
      yield* Effect.forEach(Array.from({ length: 20 }), () => client.get(server.url), { concurrency: "unbounded" })
      // An agent with default options would open 20 connections.
      assert.strictEqual(server.opened(), 2)
      yield* Effect.promise(transport.close)
      yield* until(() => server.open() === 0)
    })
  )

  /** Replaces the global dispatcher until the scope ends. Returns the paths of the requests to the replacement. */
  const composeGlobal = Effect.gen(function* () {
    const seen: Array<string> = []
    const before = Undici.getGlobalDispatcher()
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        Undici.setGlobalDispatcher(
          before.compose((dispatch) => (request, handler) => {
            seen.push(request.path)
            return dispatch(request, handler)
          })
        )
      ),
      () => Effect.sync(() => Undici.setGlobalDispatcher(before))
    )
    return seen
  })

  it.live("uses the global dispatcher that the program has set", () =>
    Effect.gen(function* () {
      const server = yield* serve(echo)
      const client = yield* NodeHttpClient.make()
      yield* client.get(server.url)
      const seen = yield* composeGlobal
      yield* client.get(`${server.url}/composed`)
      assert.deepStrictEqual(seen, ["/composed"])
    })
  )

  it.live("closes its connections at the end of its scope even if the global dispatcher was replaced", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* serve(echo), yield* serve(echo)]
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(NodeHttpClient.make(), scope)
      yield* client.get(first.url)
      yield* composeGlobal
      yield* client.get(second.url)
      assert.strictEqual(first.open(), 1)
      yield* Scope.close(scope, Exit.void)
      // The dispatcher itself closes an idle connection after four seconds, so this time-out is shorter.
      yield* Effect.timeout(
        until(() => first.open() === 0),
        "2 seconds"
      )
    })
  )

  it("accepts the dispatcher types of the package undici", () => {
    const dispatchers: ReadonlyArray<NodeHttpClient.Dispatcher> = [
      new Undici.Agent(),
      new Undici.ProxyAgent("http://127.0.0.1:1"),
      new Undici.Pool("http://127.0.0.1:1"),
      new Undici.MockAgent()
    ]
    assert.isTrue(dispatchers.every((dispatcher) => "dispatch" in dispatcher))
  })

  it.live("uses the proxy of `https.globalAgent` if it sends over `node:http`", () =>
    Effect.gen(function* () {
      yield* trustCertificate
      const server = yield* serveTls(echo)
      const asked: Array<string> = []
      const proxy = yield* serveRaw((socket, text) => {
        const target = /^CONNECT (\S+) /.exec(text)?.[1]
        if (target === undefined) return
        asked.push(target)
        const upstream = connect(Number(new URL(server.url).port), "127.0.0.1", () => {
          socket.removeAllListeners("data")
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
          upstream.pipe(socket).pipe(upstream)
        })
        upstream.on("error", () => socket.destroy())
      })
      const agent = new https.Agent({ proxyEnv: { HTTPS_PROXY: proxy.url } })
      const before = https.globalAgent
      yield* Effect.acquireRelease(
        Effect.sync(() => (https.globalAgent = agent)),
        () => Effect.sync(() => (https.globalAgent = before))
      )
      const client = yield* withNodeHttp({})
      const got = yield* sent(client, HttpClientRequest.bodyText(HttpClientRequest.post(server.url), "tunnelled"))
      assert.strictEqual(got.body, "tunnelled")
      assert.deepStrictEqual(asked, [new URL(server.url).host])
    })
  )
})

it.live("NodeHttpClient reads a repeated header `constructor` from a dispatcher of undici 6", () =>
  Effect.gen(function* () {
    const raw = ["constructor", "one", "Constructor", "two", "__proto__", "three"].map((text) => Buffer.from(text))
    const dispatch = (_: unknown, handler: Readonly<Record<string, (...args: ReadonlyArray<unknown>) => unknown>>) => {
      handler["onConnect"]?.(() => undefined)
      handler["onHeaders"]?.(200, raw, () => undefined, "OK")
      handler["onData"]?.(Buffer.from("{}"))
      handler["onComplete"]?.([])
      return true
    }
    const client = yield* NodeHttpClient.make({ dispatcher: { dispatch } as unknown as Undici.Dispatcher })
    const { headers } = yield* client.execute(HttpClientRequest.get("http://127.0.0.1/"))
    assert.strictEqual(Object.getOwnPropertyDescriptor(headers, "constructor")?.value, "one, two")
  })
)
