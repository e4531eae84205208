/** An HTTP server on loopback for the browser of one user. It closes each connection after the answer. */
import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { headers, type Page, pages, render } from "./listenerPages.ts"

/**
 * A page, or a redirect if `headers` contains `location`. `sent` runs after the answer was sent or the client closed
 * the connection.
 */
export interface Answer {
  readonly page: Page
  readonly headers?: Readonly<Record<string, string>>
  readonly sent?: Effect.Effect<void>
}

export type Respond = (message: Http.IncomingMessage) => Effect.Effect<Answer>

export const answer = (page: Page, more: Omit<Answer, "page"> = {}): Answer => ({ page, ...more })

/** Makes the browser send a GET to `location`, without the query or the form of the answered request. */
export const redirectTo = (location: string, sent: Effect.Effect<void> = Effect.void): Answer => ({
  page: { status: 303, title: "Redirect", paragraphs: [] },
  headers: { location },
  sent
})

/**
 * A callback may contain several tokens of about 1 kB each. The browser also sends the cookies of other programs on
 * this host.
 */
const maxHeaderBytes = 32_768
const maxBodyBytes = 65_536
/** A browser opens fewer connections than this. */
const maxConnections = 256
/** A browser on this machine sends all headers at once. */
const headersMillis = 5000
const requestMillis = 10_000

/**
 * Reads and drops the bytes after `maxBodyBytes`. Some clients read the answer only after they have sent the whole
 * request.
 */
export const readForm = (message: Http.IncomingMessage): Effect.Effect<Redacted.Redacted<string>, Page> =>
  Effect.callback((resume) => {
    if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(message.headers["content-type"] ?? "")) {
      message.resume()
      return resume(Effect.fail(pages.otherForm))
    }
    const decoder = new TextDecoder()
    let text = ""
    let size = 0
    message.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength
      if (size <= maxBodyBytes) return void (text += decoder.decode(chunk, { stream: true }))
      text = ""
      resume(Effect.fail(pages.tooLarge))
    })
    message.once("end", () => resume(Effect.succeed(Redacted.make(text + decoder.decode()))))
    message.once("error", () => resume(Effect.fail(pages.cutOff)))
    message.once("close", () => resume(Effect.fail(pages.cutOff)))
  })

const write = (target: Http.ServerResponse, { headers: own, page }: Answer): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // A destroyed response has already emitted `close`.
    if (target.destroyed) return resume(Effect.void)
    const done = () => resume(Effect.void)
    target.once("finish", done).once("close", done)
    const body = own?.["location"] === undefined ? render(page) : ""
    target.writeHead(page.status, { ...headers, ...own }).end(target.req.method === "HEAD" ? undefined : body)
  })

const exchange = (respond: Respond, message: Http.IncomingMessage, target: Http.ServerResponse) =>
  respond(message).pipe(
    Effect.catchCause(() => Effect.succeed(answer(pages.broken))),
    Effect.flatMap((found) => Effect.andThen(write(target, found), found.sent ?? Effect.void))
  )

const listenOn = (
  host: string,
  port: number,
  handle: Http.RequestListener
): Effect.Effect<number, NodeJS.ErrnoException, Scope.Scope> => {
  const start = Effect.callback<Http.Server, NodeJS.ErrnoException>((resume) => {
    const server = Http.createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: headersMillis,
        requestTimeout: requestMillis,
        connectionsCheckingInterval: 1000
      },
      handle
    )
    server.maxConnections = maxConnections
    server.on("error", (error) => resume(Effect.fail(error)))
    server.listen({ host, port, exclusive: true }, () => resume(Effect.succeed(server)))
    return Effect.sync(() => server.close())
  })
  const close = (server: Http.Server) =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
  return Effect.map(Effect.acquireRelease(start, close), (server) => (server.address() as AddressInfo).port)
}

/** Error codes of an attempt to listen on `::1` on a machine without IPv6. */
const withoutIpv6 = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"])

/** Further tries to find a port that is free on IPv4 and on IPv6. */
const maxRetries = 5

/** Releases the resources of a failed effect at once, not only when the surrounding scope closes. */
const closedAfterFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      return yield* restore(Scope.provide(effect, scope)).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
    })
  )

/** Like `serve`, but does not check whether browsers accept the port. */
const serveAny = Effect.fnUntraced(function* (
  host: "127.0.0.1" | "[::1]" | "localhost",
  port: number,
  respond: Respond
): Effect.fn.Return<number, NodeJS.ErrnoException, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime()
  const handle: Http.RequestListener = (message, target) => void run(exchange(respond, message, target))
  if (host !== "localhost") return yield* listenOn(host === "[::1]" ? "::1" : host, port, handle)
  const both = Effect.gen(function* () {
    const chosen = yield* listenOn("127.0.0.1", port, handle)
    yield* Effect.catchIf(
      listenOn("::1", chosen, handle),
      ({ code = "" }) => withoutIpv6.has(code),
      () => Effect.succeed(chosen)
    )
    return chosen
  }).pipe(closedAfterFailure)
  return yield* Effect.retry(both, { times: maxRetries, while: ({ code }) => port === 0 && code === "EADDRINUSE" })
})

/**
 * Port 0 selects a free port that browsers accept. `localhost` is served on 127.0.0.1, and on ::1 if the machine has
 * IPv6. Browsers try both addresses.
 */
export const serve = (
  host: "127.0.0.1" | "[::1]" | "localhost",
  port: number,
  respond: Respond
): Effect.Effect<number, NodeJS.ErrnoException, Scope.Scope> =>
  BlockedPort.avoid(port, (wanted) => serveAny(host, wanted, respond))
