import { type RedisServer, runsRedis, startRedis } from "../../../tools/redis/server.ts"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { afterAll, beforeAll } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"

/** The title of a test that needs Redis must contain the word Redis: `CountsReporter` looks for this word. */
export { runsRedis }

type Service = Redis.Redis["Service"]

const serverWith = (options: Parameters<typeof startRedis>[0]) =>
  Effect.acquireRelease(
    Effect.promise(() => startRedis(options)),
    ({ stop }) => Effect.promise(stop)
  )

export const server = serverWith({})

export const cluster = Effect.gen(function* () {
  const node = yield* serverWith({ mode: "cluster" })
  const redis = yield* connect(node.url)
  const isUp = Effect.map(redis.send<string>("CLUSTER", "INFO"), (info) => info.includes("cluster_state:ok"))
  yield* redis.send("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
  yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), isUp), { until: (up) => up })
  return node
})

/** A test that freezes or restarts its server must use `server` instead. */
export const sharedServer = (): { readonly url: () => string } => {
  let shared: RedisServer | undefined
  beforeAll(async () => void (shared = runsRedis ? await startRedis() : undefined))
  afterAll(() => shared?.stop())
  return { url: () => shared?.url ?? "" }
}

let prefixes = 0

/** Tests that share a server must not share keys. */
export const freshPrefix = Effect.sync(() => `test${++prefixes}`)

/** Without an offline queue, commands on a broken connection fail at once. */
export const connect = (url: string) =>
  Layer.build(NodeRedis.layer({ url, disableOfflineQueue: true })).pipe(
    Effect.map((context) => Context.get(context, Redis.Redis)),
    // Some tests stop the server on purpose, so the client's messages about the lost connection are hidden.
    Effect.provide(Logger.layer([])),
    Effect.orDie
  )

export const dump = Effect.fnUntraced(function* (redis: Service, prefix: string) {
  const keys = yield* redis.send<Array<string>>("KEYS", `${prefix}:*`)
  const strings = keys.filter((key) => key !== `${prefix}:changes`).toSorted()
  const entries = yield* Effect.forEach(strings, (key) =>
    Effect.map(redis.send<string>("GET", key), (value) => [key, value] as const)
  )
  return Object.fromEntries(entries)
})
