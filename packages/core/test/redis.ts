import { type RedisServer, runsRedis, startRedis } from "../../../tools/redis/server.ts"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { afterAll, beforeAll } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"

/** Tests that need Redis have the word in their titles. A run counts its skipped tests by it. */
export { runsRedis }

type Service = Redis.Redis["Service"]

/** A server for one test, closed with the scope. If Redis is not installed, it fails and says what to install. */
export const server = Effect.acquireRelease(
  Effect.promise(() => startRedis()),
  ({ stop }) => Effect.promise(stop)
)

/** A server for all tests of a file, except those that freeze or restart it. */
export const sharedServer = (): { readonly url: () => string } => {
  let shared: RedisServer | undefined
  beforeAll(async () => void (shared = runsRedis ? await startRedis() : undefined))
  afterAll(() => shared?.stop())
  return { url: () => shared?.url ?? "" }
}

let prefixes = 0

/** The key prefix of one test, for tests that share a server. */
export const freshPrefix = Effect.sync(() => `test${++prefixes}`)

/** A separate connection, as in another program. A connection that is cut off fails at once, so that it can be closed. */
export const connect = (url: string) =>
  Layer.build(NodeRedis.layer({ url, disableOfflineQueue: true })).pipe(
    Effect.map((context) => Context.get(context, Redis.Redis)),
    // The client logs that the server went away, which the test intended.
    Effect.provide(Logger.layer([])),
    Effect.orDie
  )

/** Every stored key below the prefix, of any type, with its value. */
export const dump = Effect.fnUntraced(function* (redis: Service, prefix: string) {
  const keys = yield* redis.send<Array<string>>("KEYS", `${prefix}:*`)
  const entries = yield* Effect.forEach(keys.toSorted(), (key) =>
    Effect.map(redis.send<string>("GET", key), (value) => [key, value] as const)
  )
  return Object.fromEntries(entries)
})
