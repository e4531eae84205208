import { assert, it } from "@effect/vitest"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { inspect } from "node:util"
import { account, api, eventually, feed, raw, send } from "./support.ts"

const login = "/rest/auth/angelbroking/user/v1/loginByPassword"

const headers = [
  "Host: localhost",
  "Content-Type: application/json",
  "X-UserType: USER",
  "X-SourceID: WEB",
  "X-ClientLocalIP: 127.0.0.1",
  "X-ClientPublicIP: 0.0.0.0",
  "X-MACAddress: 00:00:00:00:00:00",
  `X-PrivateKey: ${account.apiKey}`
]

const upgrade = ["Host: localhost", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]

it.live("Angel One's market feed explains a refused WebSocket in x-error-message", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const address = simulator.origins[feed] ?? ""
    const received = yield* raw(address, ["GET /smart-stream?clientCode=A123456 HTTP/1.1", ...upgrade])
    assert.match(received, /^HTTP\/1\.1 401 Unauthorized\r\n/)
    assert.match(received, /\r\nx-error-message: Invalid Client Code\r\n/)
    const failed = yield* Effect.promise(
      () =>
        new Promise<boolean>((resolve) => {
          const socket = new WebSocket(`${address.replace("http:", "ws:")}/smart-stream`)
          socket.addEventListener("error", () => resolve(true))
          socket.addEventListener("open", () => resolve(false))
        })
    )
    assert.isTrue(failed)
    const journal = yield* simulator.journal()
    assert.isTrue(journal.length >= 2 && journal.every(({ status }) => status === 401))
    yield* simulator.inject("angel", "smart-stream", { kind: "reset" })
    assert.strictEqual(yield* raw(address, ["GET /smart-stream HTTP/1.1", ...upgrade]), "")
  })
)

it.live("the simulator reads the body of a request that offers HTTP/2", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const { code } = yield* simulator.totp("angel", account.clientCode)
    const body = JSON.stringify({ clientcode: account.clientCode, password: account.pin, totp: code })
    const offer = ["Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB"]
    const received = yield* raw(
      simulator.origins[api] ?? "",
      [`POST ${login} HTTP/1.1`, ...headers, ...offer, `Content-Length: ${body.length}`],
      body
    )
    assert.match(received, /^HTTP\/1\.1 200 OK\r\n/)
    assert.include(received, "jwtToken")
  })
)

it.live("the port, not the request line, selects the broker's origin", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const address = simulator.origins[api] ?? ""
    const close = ["Host: localhost", "Connection: close"]
    assert.include(yield* raw(address, ["GET //smartapi.angelone.in/publisher-login HTTP/1.1", ...close]), "404")
    assert.include(yield* raw(address, ["GET https://smartapi.angelone.in/ HTTP/1.1", ...close]), "400 Bad Request")
    assert.include(yield* raw(address, ["TRACE / HTTP/1.1", ...close]), "400 Bad Request")
    assert.include(yield* raw(address, ["GET /%E0%A4%A HTTP/1.1", ...close]), "404")
    const journal = yield* simulator.journal()
    assert.isTrue(journal.every(({ url }) => url.startsWith(`${api}/`)))
  })
)

it.live("the simulator accepts a GET with a body", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const received = yield* raw(
      simulator.origins[api] ?? "",
      [
        "GET /rest/secure/angelbroking/user/v1/getProfile HTTP/1.1",
        ...headers,
        "Connection: close",
        "Content-Length: 2"
      ],
      "{}"
    )
    assert.include(received, "AG8003")
  })
)

it.live("the simulator sends no body in its answer to HEAD", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const received = yield* raw(simulator.origins[api] ?? "", [
      "HEAD / HTTP/1.1",
      "Host: localhost",
      "Connection: close"
    ])
    assert.match(received, /^HTTP\/1\.1 404 Not Found\r\n/)
    assert.isTrue(received.endsWith("\r\n\r\n"))
    // An answer to HEAD can have a content-length, but has no body. The connection must stay open after this answer.
    yield* simulator.inject("angel", "*", { kind: "answer", status: 200, body: "", headers: { "content-length": "9" } })
    const next = ["GET / HTTP/1.1", "Host: localhost", "Connection: close"]
    const both = yield* raw(simulator.origins[api] ?? "", ["HEAD / HTTP/1.1", "Host: localhost", "", ...next])
    assert.match(both, /^HTTP\/1\.1 200 OK\r\n[\s\S]*HTTP\/1\.1 404 Not Found\r\n/)
  })
)

it.live("the simulator refuses a body of 20 MB, and answers later requests", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const address = simulator.origins[api] ?? ""
    const answer = yield* send(`${address}${login}`, { method: "POST", body: new Uint8Array(20_000_000) })
    assert.strictEqual(answer.status, 413)
    assert.include(answer.text, "1048576 bytes")
    assert.strictEqual(
      (yield* send(`${simulator.control}/clock`, { method: "POST", body: "x".repeat(2_000_000) })).status,
      413
    )
    assert.deepStrictEqual(yield* simulator.journal(), [])
    assert.strictEqual((yield* send(`${address}/`)).status, 404)
  })
)

it.live("the simulator limits the number of open connections", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const { hostname, port } = new URL(simulator.control)
    let refused = 0
    const sockets = Array.from({ length: 300 }, () => {
      const socket = connect(Number(port), hostname)
      socket.on("error", () => socket.destroy())
      socket.on("end", () => (refused += 1))
      return socket
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
    yield* eventually(Effect.sync(() => refused === 300 - 256))
    yield* Effect.sleep("50 millis")
    assert.strictEqual(refused, 300 - 256)
  })
)

it.live("the simulator stops at once even if connections are open", () =>
  Effect.gen(function* () {
    const first = yield* Effect.scoped(
      Effect.gen(function* () {
        const simulator = yield* Simulator.make()
        yield* send(`${simulator.control}/`, { headers: { connection: "keep-alive" } })
        yield* simulator.inject("angel", "*", { kind: "latency", duration: "5 seconds" })
        yield* Effect.forkDetach(Effect.exit(send(`${simulator.origins[api]}/`)))
        yield* eventually(Effect.map(simulator.journal(), (journal) => journal.length === 1))
        return simulator
      })
    ).pipe(Effect.timeout("3 seconds"))
    const refused = yield* Effect.flip(Effect.tryPromise(() => globalThis.fetch(first.control)))
    assert.include(inspect(refused), "ECONNREFUSED")
  })
)

const addresses = Object.values(networkInterfaces())
  .flat()
  .filter((address) => address?.family === "IPv4" && !address.internal)

it.live("the simulator listens only on loopback", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    for (const address of [simulator.control, ...Object.values(simulator.origins)]) {
      const { hostname, port } = new URL(address)
      assert.strictEqual(hostname, "127.0.0.1")
      for (const other of addresses) {
        assert.strictEqual(yield* raw(`http://${other?.address}:${port}`, ["GET / HTTP/1.0"]), "")
      }
    }
  })
)
