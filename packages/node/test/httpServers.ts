/** Servers on 127.0.0.1. Each server closes at the end of its scope. */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Tls from "node:tls"
import { listen } from "../../../tools/vitest/freePort.ts"

export interface Received {
  readonly method: string
  /** The path with the query. */
  readonly path: string
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

export interface Server {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** Number of connections that have been opened so far. */
  readonly opened: () => number
  /** Number of connections that are open now. */
  readonly open: () => number
}

export type Respond = (request: Received, response: Http.ServerResponse) => void

const tls = Path.join(import.meta.dirname, "tls")

/** The self-signed certificate of the TLS servers, for broker.test and localhost. */
export const certificate = Fs.readFileSync(Path.join(tls, "certificate.pem"), "utf8")

const watch = (server: Net.Server) => {
  const sockets = new Set<Net.Socket>()
  let opened = 0
  server.on("connection", (socket: Net.Socket) => {
    opened += 1
    sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.once("close", () => sockets.delete(socket))
  })
  const close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { close, open: () => sockets.size, opened: () => opened }
}

const readBody = (request: Http.IncomingMessage) =>
  new Promise<string>((resolve) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
    request.once("end", () => resolve(body))
  })

const start = (server: Http.Server | Https.Server, scheme: string, host: string, respond: Respond) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const received: Array<Received> = []
      const watched = watch(server)
      server.keepAliveTimeout = 0
      server.on("request", (request: Http.IncomingMessage, response: Http.ServerResponse) => {
        void readBody(request).then((body) => {
          const { headers, method = "", url: path = "" } = request
          const one = { method, path, headers, body }
          received.push(one)
          respond(one, response)
        })
      })
      const port = await listen(server)
      return { ...watched, received, url: `${scheme}://${host}:${port}` }
    }),
    ({ close }) => Effect.promise(close)
  )

export const serve = (respond: Respond) => start(Http.createServer(), "http", "127.0.0.1", respond)

export const serveTls = (respond: Respond) =>
  start(
    Https.createServer({ key: Fs.readFileSync(Path.join(tls, "key.pem")), cert: certificate }),
    "https",
    "localhost",
    respond
  )

/** Calls `onRequest` for each chunk that arrives, so each request must arrive in one chunk. */
export const serveRaw = (onRequest: (socket: Net.Socket, text: string) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const received: Array<string> = []
      const server = Net.createServer()
      const watched = watch(server)
      server.on("connection", (socket) =>
        socket.on("data", (data) => {
          received.push(data.toString())
          onRequest(socket, data.toString())
        })
      )
      const port = await listen(server)
      return { ...watched, received, url: `http://127.0.0.1:${port}` }
    }),
    ({ close }) => Effect.promise(close)
  )

export const trustCertificate = Effect.acquireRelease(
  Effect.sync(() => {
    const before = Tls.getCACertificates("default")
    Tls.setDefaultCACertificates([...before, certificate])
    return before
  }),
  (before) => Effect.sync(() => Tls.setDefaultCACertificates(before))
)

export const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
  })
