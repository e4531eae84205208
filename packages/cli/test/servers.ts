import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as path from "node:path"
import { listen as listenOn } from "../../../tools/vitest/freePort.ts"

const tls = path.join(import.meta.dirname, "../../node/test/tls")

/** The certificate is for broker.test and localhost. No machine trusts its issuer. */
export const certificate = path.join(tls, "certificate.pem")

const listen = (server: http.Server | https.Server): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => listenOn(server)),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

export const tlsServer = Effect.suspend(() =>
  listen(
    https.createServer(
      { key: fs.readFileSync(path.join(tls, "key.pem")), cert: fs.readFileSync(certificate) },
      (_, response) => response.end("the broker")
    )
  )
)

export interface Proxy {
  readonly url: string
  /** The hosts and ports that clients asked for. */
  readonly asked: ReadonlyArray<string>
}

/** The proxy connects every client to `port` of this machine, or refuses every client with the HTTP status `status`. */
export const makeProxy = Effect.fnUntraced(function* (
  to: { readonly port: number } | { readonly status: number }
): Effect.fn.Return<Proxy, never, Scope.Scope> {
  const asked: Array<string> = []
  const server = http.createServer((_, response) => response.writeHead(405).end())
  server.on("connect", ({ url = "" }: http.IncomingMessage, socket: net.Socket) => {
    asked.push(url)
    socket.on("error", () => undefined)
    if ("status" in to) {
      socket.end(`HTTP/1.1 ${to.status} Refused\r\n\r\n`)
      return
    }
    const target = net.connect(to.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
      target.pipe(socket).pipe(target)
    })
    socket.on("error", () => target.destroy())
    target.on("error", () => socket.destroy())
  })
  return { url: `http://127.0.0.1:${yield* listen(server)}`, asked }
})
