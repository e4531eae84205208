import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { pages } from "../src/internal/listenerPages.ts"
import { answer, serve } from "../src/internal/loopbackServer.ts"

it.live("the loopback server runs `sent` even if the browser disconnects before the answer", () =>
  Effect.gen(function* () {
    const [closed, sent] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const port = yield* serve("127.0.0.1", 0, (message) => {
      message.socket.once("close", () => Deferred.doneUnsafe(closed, Effect.void))
      const page = answer(pages.broken, { sent: Effect.asVoid(Deferred.succeed(sent, undefined)) })
      return Effect.as(Effect.andThen(Deferred.await(closed), Effect.sleep(20)), page)
    })
    const socket = connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    yield* Effect.sleep(100)
    socket.destroy()
    yield* Effect.timeout(Deferred.await(sent), "5 seconds")
    assert.isTrue(socket.destroyed)
  })
)
