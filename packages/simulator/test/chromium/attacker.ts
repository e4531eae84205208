/** Helpers for attack tests: an attacker's web site, a browser, and a record of the requests. */
import type { Simulator } from "@auth/simulator"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import * as http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { BrowserContext } from "playwright-core"
import { type Chromium, startChromium } from "../../../../tools/chromium/browser.ts"
import { listen } from "../../../../tools/vitest/freePort.ts"

export class Browser extends Context.Service<Browser, Chromium>()("test/Browser") {
  static readonly layer = Layer.effect(
    Browser,
    Effect.acquireRelease(
      Effect.promise(() => startChromium()),
      (chromium) => Effect.promise(() => chromium.close())
    )
  )
}

export const withWindow = <A>(use: (window: BrowserContext) => Promise<A>) =>
  Effect.flatMap(Browser, (chromium) => Effect.promise(() => chromium.withWindow(use)))

export const blank = "<!doctype html><title>Elsewhere</title><body></body>"

const worker = `
self.addEventListener("install", () => self.skipWaiting())
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()))
self.addEventListener("message", async ({ data: { url, init }, ports: [port] }) => {
  try {
    const response = await fetch(url, init)
    port.postMessage(response.type === "opaque" ? "" : response.status + " " + (await response.text()))
  } catch {
    port.postMessage("")
  }
})`

const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://attacker")
  const to = searchParams.get("to") ?? ""
  // These headers allow requests from every page, so that only the simulator can prevent an attack.
  response.setHeader("access-control-allow-origin", request.headers.origin ?? "*")
  response.setHeader("access-control-allow-headers", "*")
  if (pathname === "/redirect") {
    return void response.writeHead(Number(searchParams.get("status")), { location: to }).end()
  }
  if (pathname === "/worker.js") return void response.setHeader("content-type", "text/javascript").end(worker)
  response.setHeader("content-type", "text/html")
  if (pathname === "/report") {
    response.setHeader("content-security-policy", `img-src 'none'; report-uri ${to}`)
    return void response.end(`${blank}<img src="/picture">`)
  }
  if (pathname === "/sandbox") {
    return void response.end(`${blank}<iframe sandbox="allow-scripts allow-forms allow-popups" src="/"></iframe>`)
  }
  response.end(blank)
}

export const serve = (listener: http.RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = http.createServer(listener)
        await listen(server)
        return server
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => (server.address() as AddressInfo).port
  )

export const attacker = serve(answer)

export const portOf = (address: string): number => Number(new URL(address).port)

export interface Arrival {
  readonly port: number
  readonly method: string
  readonly url: string
  readonly response: http.ServerResponse
}

/** Marks the requests of the test itself. */
export const own = { "x-of-the-test": "yes" }

/** Records the requests to the simulator, except WebSockets and the test's own requests. */
export const watch = ({ control, origins }: Simulator.Info) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const ports = new Set([control, ...Object.values(origins)].map(portOf))
        const arrivals: Array<Arrival> = []
        const see = (message: unknown) => {
          const { request, response, socket } = message as {
            readonly request: http.IncomingMessage
            readonly response: http.ServerResponse
            readonly socket: Socket
          }
          const port = socket.localPort ?? 0
          if (!ports.has(port) || request.headers["x-of-the-test"] !== undefined) return
          arrivals.push({ port, method: request.method ?? "", url: request.url ?? "", response })
        }
        subscribe("http.server.request.start", see)
        return { arrivals, see }
      }),
      ({ see }) => Effect.sync(() => unsubscribe("http.server.request.start", see))
    ),
    ({ arrivals }) => arrivals
  )
