/**
 * An HTTP server on a Unix socket or on a loopback port. When the server stops, it ends streams at once, but waits for
 * other answers in progress.
 */
import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import type { Socket } from "node:net"
import type { Answer } from "./messages.ts"

/** The path of a Unix socket, or a port of 127.0.0.1. Port 0 selects a free port that browsers accept. */
export type Place = { readonly path: string } | { readonly port: number }

/** `port` is `undefined` for a Unix socket. */
export type Respond = (message: Http.IncomingMessage, port: number | undefined) => Effect.Effect<Answer>

export interface Options {
  readonly place: Place
  readonly respond: Respond
  /** The answer if `respond` ends with a defect. */
  readonly broken: Answer
}

const maxHeaderBytes = 16_384
/** The time-out is short, because clients on this machine send their headers quickly. */
const headersMillis = 5000
const requestMillis = 10_000
const keepAliveMillis = 30_000
const receiveTimeout = "10 seconds"
/** The maximum wait for answers in progress when the server stops. */
const grace = "10 seconds"
const maxUnsentBytes = 65_536
/**
 * If a new connection exceeds the maximum, the server closes the first of these that exists:
 *
 * 1. the oldest connection that has not sent all headers of a request
 * 2. the connection that has been idle for the longest time
 * 3. the new connection
 *
 * The maximum must be above 511. The system queues at most 511 new connections, and the server can accept all of them
 * before it reads a request. A smaller maximum could close a connection whose request has already arrived.
 */
export const maxConnections = 1024

const fixedHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const

/** `fresh` and `idle` begin with the connection that has waited longest. */
const makeConnections = () => {
  const open = new Set<Socket>()
  /** Connections that have not sent all headers of a request yet. */
  const fresh = new Set<Socket>()
  const idle = new Set<Socket>()
  const pending = new Map<Socket, number>()
  const forget = (socket: Socket) => {
    open.delete(socket)
    fresh.delete(socket)
    idle.delete(socket)
    pending.delete(socket)
  }
  const close = (socket: Socket) => {
    forget(socket)
    socket.destroy()
  }
  return {
    add: (socket: Socket) => {
      const [oldest] = fresh.size > 0 ? fresh : idle
      if (open.size >= maxConnections) {
        if (oldest === undefined) return void socket.destroy()
        close(oldest)
      }
      open.add(socket)
      fresh.add(socket)
      socket.once("close", () => forget(socket))
    },
    begin: (socket: Socket) => {
      fresh.delete(socket)
      idle.delete(socket)
      pending.set(socket, (pending.get(socket) ?? 0) + 1)
    },
    end: (socket: Socket) => {
      const left = (pending.get(socket) ?? 1) - 1
      if (left > 0) return void pending.set(socket, left)
      pending.delete(socket)
      if (open.has(socket)) idle.add(socket)
    },
    closeIdle: () => [...fresh, ...idle].forEach(close),
    closeAll: () => Array.from(open).forEach(close)
  }
}

type Connections = ReturnType<typeof makeConnections>

const received = (target: Http.ServerResponse): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = () => resume(Effect.void)
    if (target.writableFinished || target.destroyed) return done()
    target.once("finish", done).once("close", done)
  }).pipe(Effect.timeoutOrElse({ duration: receiveTimeout, orElse: () => Effect.sync(() => void target.destroy()) }))

const sendStream = (target: Http.ServerResponse, parts: Stream.Stream<string>, stopping: Effect.Effect<void>) => {
  target.flushHeaders()
  return parts.pipe(
    Stream.takeWhile((part) => {
      target.write(part)
      if (target.writableLength > maxUnsentBytes) target.destroy()
      return !target.destroyed
    }),
    Stream.interruptWhen(stopping),
    Stream.runDrain,
    Effect.ensuring(Effect.sync(() => void target.end()))
  )
}

const listen = (server: Http.Server, place: Place): Effect.Effect<number | undefined, NodeJS.ErrnoException> =>
  Effect.callback((resume) => {
    server.once("error", (error) => resume(Effect.fail(error)))
    const ready = () => {
      // A later error, such as a connection that cannot be accepted, must not end the program.
      server.on("error", () => undefined)
      const address = server.address()
      resume(Effect.succeed(address === null || typeof address === "string" ? undefined : address.port))
    }
    if ("path" in place) server.listen({ path: place.path }, ready)
    else server.listen({ host: "127.0.0.1", port: place.port, exclusive: true }, ready)
  })

const stop = (server: Http.Server, connections: Connections, idle: Latch.Latch) =>
  Effect.gen(function* () {
    yield* Effect.sync(() => {
      server.close()
      connections.closeIdle()
    })
    yield* Effect.timeoutOption(idle.await, grace)
    connections.closeAll()
  })

/** Like `serve`, but does not check whether browsers refuse the port. */
const serveAny = Effect.fnUntraced(function* ({
  broken,
  place,
  respond
}: Options): Effect.fn.Return<number | undefined, NodeJS.ErrnoException, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime()
  const stopping = yield* Deferred.make<void>()
  const isStopping = () => Deferred.isDoneUnsafe(stopping)
  const connections = makeConnections()
  const idle = Latch.makeUnsafe(true)
  let preparing = 0
  let port: number | undefined

  const write = (message: Http.IncomingMessage, target: Http.ServerResponse, { body, headers, status }: Answer) =>
    Effect.suspend(() => {
      target.statusCode = status
      for (const [name, value] of Object.entries({ ...fixedHeaders, ...headers })) target.setHeader(name, value)
      if (typeof body !== "string") return sendStream(target, body, Deferred.await(stopping))
      // If the request is incomplete, its connection must close. Otherwise, the next request could be read as the rest
      // of the body.
      if (!message.complete || isStopping()) target.setHeader("connection", "close")
      message.resume()
      target.end(message.method === "HEAD" ? undefined : body)
      return Effect.void
    }).pipe(Effect.andThen(received(target)))

  const exchange = (message: Http.IncomingMessage, target: Http.ServerResponse) =>
    Effect.exit(respond(message, port)).pipe(
      Effect.flatMap((exit) => write(message, target, Exit.isSuccess(exit) ? exit.value : broken)),
      Effect.onExit(() =>
        Effect.sync(() => {
          connections.end(message.socket)
          preparing -= 1
          if (preparing === 0) idle.openUnsafe()
          if (isStopping()) connections.closeIdle()
        })
      )
    )

  const server = Http.createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersMillis,
      requestTimeout: requestMillis,
      keepAliveTimeout: keepAliveMillis,
      connectionsCheckingInterval: 1000
    },
    (message, target) => {
      connections.begin(message.socket)
      preparing += 1
      idle.closeUnsafe()
      const fiber = run(exchange(message, target))
      target.once("close", () => fiber.interruptUnsafe())
    }
  )
  server.on("connection", connections.add)
  yield* Effect.acquireRelease(
    Effect.map(listen(server, place), (found) => (port = found)),
    () => Effect.andThen(Deferred.succeed(stopping, undefined), stop(server, connections, idle))
  )
  return port
})

/** Returns the server's port, or `undefined` for a Unix socket. */
export const serve = (options: Options): Effect.Effect<number | undefined, NodeJS.ErrnoException, Scope.Scope> => {
  const { place } = options
  return "path" in place
    ? serveAny(options)
    : BlockedPort.avoid(place.port, (port) =>
        Effect.map(serveAny({ ...options, place: { port } }), (found = 0) => found)
      )
}
