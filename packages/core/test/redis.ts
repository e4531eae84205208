import { type RedisServer, runsRedis, startRedis } from "../../../tools/redis/server.ts"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { afterAll, beforeAll } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"

/** Tests that need it have the word Redis in their titles, by which a run counts those that it skipped. */
export { runsRedis }

type Service = Redis.Redis["Service"]

/** A server of the test's own, ended with the scope. It fails, and says what to install, where there is none. */
export const server = Effect.acquireRelease(
  Effect.promise(() => startRedis()),
  ({ stop }) => Effect.promise(stop)
)

/** A server for all tests of a file, for those that neither freeze nor restart it. */
export const sharedServer = (): { readonly url: () => string } => {
  let shared: RedisServer | undefined
  beforeAll(async () => void (shared = runsRedis ? await startRedis() : undefined))
  afterAll(() => shared?.stop())
  return { url: () => shared?.url ?? "" }
}

let prefixes = 0

/** Begins the keys of one test, where tests share a server. */
export const freshPrefix = Effect.sync(() => `test${++prefixes}`)

/** A connection of its own, as another program has one. One that is cut off fails at once, so that it can be closed. */
export const connect = (url: string) =>
  Layer.build(NodeRedis.layer({ url, disableOfflineQueue: true })).pipe(
    Effect.map((context) => Context.get(context, Redis.Redis)),
    // The client logs that the server went away, which is what a test has asked for.
    Effect.provide(Logger.layer([])),
    Effect.orDie
  )

/** Everything that is stored below the prefix: by key, whatever kind it is of. */
export const dump = Effect.fnUntraced(function* (redis: Service, prefix: string) {
  const keys = yield* redis.send<Array<string>>("KEYS", `${prefix}:*`)
  const entries = yield* Effect.forEach(keys.toSorted(), (key) =>
    Effect.map(redis.send<string>("GET", key), (value) => [key, value] as const)
  )
  return Object.fromEntries(entries)
})
