import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import * as Bytes from "effect/Bytes"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { SimulatorError } from "../SimulatorError.ts"
import { type Guard, refusalOf, securityHeaders } from "./guard.ts"
import { maxBodyBytes, maxConnections } from "./limits.ts"

/** A loopback address: other machines must not reach the simulator. */
const host = "127.0.0.1"

/**
 * The URL of the request begins with `Port.origin`, not with the simulator's address. The `origin` of a broker's port
 * is an origin of the real broker.
 */
export type Respond = (request: Request) => Effect.Effect<Response, unknown>

interface Port {
  readonly origin: string
  readonly guard: Guard
  readonly respond: Respond
}

/** The answer to a request that is not passed to `respond`. */
class Unserved extends Data.TaggedError("Unserved")<{ readonly status: number; readonly text: string }> {}

const unserved = (status: number, text: string) => Effect.fail(new Unserved({ status, text }))

/** Reads the whole body, even if it is too large. Some clients read the answer only after they have sent the body. */
const readBody = (message: Http.IncomingMessage): Effect.Effect<Uint8Array<ArrayBuffer>, Unserved> =>
  Effect.callback((resume) => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    message.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength
      if (size <= maxBodyBytes) return void chunks.push(chunk)
      chunks.length = 0
      resume(unserved(413, `The body of a request must have at most ${maxBodyBytes} bytes`))
    })
    message.once("end", () => resume(Effect.succeed(Bytes.concat(chunks))))
    message.once("error", () => resume(unserved(400, "The connection closed before the request was complete")))
  })

const headersOf = (message: Http.IncomingMessage): Headers => {
  const headers = new Headers()
  const { rawHeaders } = message
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "")
  }
  return headers
}

/** The path is appended to the origin as text, so that the path `//other.example/x` stays on this origin. */
const toWeb = Effect.fnUntraced(function* ({ guard, origin }: Port, message: Http.IncomingMessage) {
  const refusal = refusalOf(guard, message)
  if (refusal !== undefined) return yield* unserved(403, refusal)
  const { method = "GET", url = "/" } = message
  if (!url.startsWith("/")) return yield* unserved(400, "The path of the request line must begin with a slash")
  const bytes = yield* readBody(message)
  // Angel One's official SDK sends GET requests with a body. The class `Request` allows no body in a GET.
  const body = bytes.byteLength === 0 || method === "GET" || method === "HEAD" ? null : bytes
  return yield* Effect.try({
    try: () => new Request(`${origin}${url}`, { method, headers: headersOf(message), body }),
    catch: () =>
      new Unserved({ status: 400, text: "The simulator cannot serve this request: check its method, URL and headers" })
  })
})

const plain = (status: number, text: string) =>
  new Response(`${text}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } })

const answer = (served: Port, message: Http.IncomingMessage): Effect.Effect<Response> =>
  toWeb(served, message).pipe(
    Effect.flatMap(served.respond),
    Effect.catchCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.succeed(
        error instanceof Unserved
          ? plain(error.status, error.text)
          : plain(500, `The simulator failed: ${String(error)}`)
      )
    })
  )

const cut = (socket: Socket | null): void => {
  socket?.resetAndDestroy()
}

/** If the body is shorter than the Content-Length, the connection is closed after the body. */
const write = (served: Port, target: Http.ServerResponse, response: Response, body: Uint8Array): void => {
  if (response.type === "error") return cut(target.socket)
  target.statusCode = response.status
  if (response.statusText !== "") target.statusMessage = response.statusText
  for (const [name, value] of response.headers) target.appendHeader(name, value)
  for (const [name, value] of securityHeaders(served.guard.kind)) target.setHeader(name, value)
  const announced = Number(response.headers.get("content-length") ?? "unknown")
  if (target.req.method === "HEAD" || !(announced > body.byteLength)) return void target.end(body)
  const { socket } = target
  target.write(body, () => socket?.destroySoon())
}

const exchange = (served: Port, message: Http.IncomingMessage, target: Http.ServerResponse) =>
  answer(served, message).pipe(
    Effect.flatMap((response) =>
      Effect.map(
        Effect.promise(() => response.arrayBuffer()),
        (body) => write(served, target, response, new Uint8Array(body))
      )
    ),
    // A response with an invalid header cannot be written, so the connection is cut.
    Effect.catchCause(() => Effect.sync(() => cut(target.socket)))
  )

const isWebSocket = (message: Http.IncomingMessage): boolean =>
  (message.headers.upgrade ?? "").toLowerCase() === "websocket"

const withoutOffer = (connection: string): string =>
  connection
    .split(",")
    .map((token) => token.trim())
    .filter((token) => !/^(?:upgrade|http2-settings)$/i.test(token))
    .join(", ")

/**
 * Some clients, such as Java's, offer an upgrade to HTTP/2 in every request without TLS. Node does not read the body of
 * a request with this offer. So this function puts the request back into the socket without the offer.
 */
const readAgain = (server: Http.Server, message: Http.IncomingMessage, socket: Socket, rest: Uint8Array): void => {
  const lines = [`${message.method} ${message.url} HTTP/${message.httpVersion}`]
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] ?? ""
    const value = message.rawHeaders[index + 1] ?? ""
    if (/^(?:upgrade|http2-settings)$/i.test(name)) continue
    lines.push(`${name}: ${/^connection$/i.test(name) ? withoutOffer(value) : value}`)
  }
  if (rest.byteLength > 0) socket.unshift(rest)
  socket.unshift(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
  server.emit("connection", socket)
}

const close = (server: Http.Server, sockets: ReadonlySet<Socket>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    // The server closes only when it has no connections.
    for (const socket of sockets) socket.destroy()
  })

const problems: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use: choose another port, or omit the port to use a free port",
  EACCES: "is not allowed for this user: choose a port above 1023"
}

const listenFailure = (port: number, error: NodeJS.ErrnoException) =>
  new SimulatorError({
    message: `Port ${port} on ${host} ${problems[error.code ?? ""] ?? `cannot be opened (${error.code ?? error.message})`}.`
  })

const listenOn = Effect.fnUntraced(function* (
  options: Port,
  port: number
): Effect.fn.Return<number, SimulatorError, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime()
  const sockets = new Set<Socket>()

  const start = Effect.callback<Http.Server, SimulatorError>((resume) => {
    const server = Http.createServer((message, target) => void run(exchange(options, message, target)))
    server.maxConnections = maxConnections
    server.on("connection", (socket) => {
      // `readAgain` emits this event again for the same socket.
      if (sockets.has(socket)) return
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
    server.on("upgrade", (message: Http.IncomingMessage, socket: Socket, rest: Uint8Array) => {
      // Before this event, Node removes its own listener for the socket's errors. Without a listener, an error would
      // end the process.
      if (socket.listenerCount("error") === 0) socket.on("error", () => socket.destroy())
      if (!isWebSocket(message)) return readAgain(server, message, socket, rest)
      const target = new Http.ServerResponse(message)
      target.shouldKeepAlive = false
      target.assignSocket(socket)
      target.once("finish", () => socket.destroySoon())
      run(exchange(options, message, target))
    })
    server.on("error", (error) => resume(Effect.fail(listenFailure(port, error))))
    server.listen({ host, port, exclusive: true }, () => resume(Effect.succeed(server)))
    return Effect.sync(() => server.close())
  })

  const server = yield* Effect.acquireRelease(start, (running) => close(running, sockets))
  return (server.address() as AddressInfo).port
})

/** Port 0 selects a free port that browsers and `fetch` accept. */
export const listen = (options: Port & { readonly port: number }): Effect.Effect<string, SimulatorError, Scope.Scope> =>
  BlockedPort.avoid(options.port, (port) => listenOn(options, port)).pipe(
    Effect.catchTag("BlockedPort", ({ message }) =>
      Effect.fail(
        new SimulatorError({ message: `${message}: choose another port, or omit the port to use a free port.` })
      )
    ),
    Effect.map((port) => `http://${host}:${port}`)
  )
