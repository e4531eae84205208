import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { type Answer, json } from "../src/internal/http/messages.ts"
import * as server from "../src/internal/http/server.ts"
import { withBlockedPort } from "../../../tools/vitest/blockedPort.ts"
import { ask } from "./serveSupport.ts"

const broken = json(500, { error: "fault" })

const socketIn = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-http-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
).pipe(Effect.map((folder) => path.join(folder, "s.sock")))

const serve = (place: string, respond: server.Respond) => server.serve({ place: { path: place }, respond, broken })

it.live("the HTTP server selects no port that `fetch` refuses", () =>
  Effect.gen(function* () {
    const count = yield* withBlockedPort(
      Effect.scoped(
        Effect.gen(function* () {
          const respond = () => Effect.succeed<Answer>({ status: 200, headers: {}, body: "an answer" })
          const port = yield* server.serve({ place: { port: 0 }, respond, broken })
          const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}`))
          assert.strictEqual(yield* Effect.promise(() => response.text()), "an answer")
        })
      )
    )
    assert.strictEqual(count, 2)
  })
)

it.live("the HTTP server disconnects a client that does not read a stream", () =>
  Effect.gen(function* () {
    const place = yield* socketIn
    const ended = yield* Deferred.make<number>()
    let sent = 0
    const parts = Stream.tick("1 millis").pipe(
      Stream.map(() => {
        sent += 4096
        return "x".repeat(4096)
      }),
      Stream.ensuring(Effect.suspend(() => Deferred.succeed(ended, sent)))
    )
    yield* serve(place, () => Effect.succeed({ status: 200, headers: {}, body: parts }))
    const client = net.connect({ path: place })
    client.pause()
    client.on("error", () => undefined)
    client.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert.isBelow(yield* Deferred.await(ended), 4_000_000)
    client.destroy()
  }).pipe(Effect.scoped)
)

it.live("the HTTP server ends the stream of a disconnected client, and sends 500 after a defect", () =>
  Effect.gen(function* () {
    const place = yield* socketIn
    const ended = yield* Deferred.make<void>()
    const parts = Stream.make("a\n").pipe(
      Stream.concat(Stream.never),
      Stream.ensuring(Deferred.succeed(ended, undefined))
    )
    yield* serve(place, ({ url }) =>
      url === "/stream"
        ? Effect.succeed<Answer>({ status: 200, headers: {}, body: parts })
        : Effect.die(new Error("a secret"))
    )
    const client = net.connect({ path: place })
    client.write("GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n")
    client.once("data", () => client.destroy())
    yield* Deferred.await(ended)
    const fault = yield* Effect.promise(() => ask(place)("/fault"))
    assert.deepStrictEqual([fault.status, fault.body], [500, { error: "fault" }])
  }).pipe(Effect.scoped)
)

it.live("the HTTP server sends pending answers before it stops", () =>
  Effect.gen(function* () {
    const place = yield* socketIn
    const scope = yield* Scope.make()
    const begun = yield* Deferred.make<void>()
    const release = yield* Deferred.make<void>()
    const slow = Effect.andThen(
      Deferred.succeed(begun, undefined),
      Effect.as(Deferred.await(release), json(200, { done: true }))
    )
    yield* Scope.provide(
      serve(place, () => slow),
      scope
    )
    const answer = ask(place)("/")
    yield* Deferred.await(begun)
    const closed = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* Effect.sleep("100 millis")
    assert.isFalse(fs.existsSync(place))
    assert.strictEqual((yield* Effect.exit(Effect.tryPromise(() => ask(place)("/"))))._tag, "Failure")
    yield* Deferred.succeed(release, undefined)
    const { body, headers } = yield* Effect.promise(() => answer)
    assert.deepStrictEqual([body, headers.connection], [{ done: true }, "close"])
    yield* Effect.timeout(Fiber.join(closed), "5 seconds")
  }).pipe(Effect.scoped)
)
