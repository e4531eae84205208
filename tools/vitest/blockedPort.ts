import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import { isFree } from "./freePort.ts"

const blockedPort = async (port = 10_080): Promise<number> =>
  BlockedPort.isBlocked(port) && (await isFree(port)) ? port : blockedPort(port - 1)

/**
 * While `use` runs, the first server that listens on port 0 gets a port that browsers and `fetch` refuse. Returns how
 * often servers listened on port 0.
 */
export const withBlockedPort = <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const blocked = yield* Effect.promise(() => blockedPort())
    const { prototype } = net.Server
    const listen = Reflect.get(prototype, "listen")
    let count = 0
    function listenBlocked(this: net.Server, options: net.ListenOptions, ready: () => void): net.Server {
      const port = options.port === 0 && count++ === 0 ? blocked : options.port
      return listen.call(this, { ...options, port }, ready)
    }
    yield* Effect.acquireUseRelease(
      Effect.sync(() => Reflect.set(prototype, "listen", listenBlocked)),
      () => use,
      () => Effect.sync(() => Reflect.set(prototype, "listen", listen))
    )
    return count
  })
