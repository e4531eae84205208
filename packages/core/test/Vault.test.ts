import { inspect } from "node:util"
import * as Account from "@auth/broker-core/login/Account"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as Vault from "@auth/broker-core/session/Vault"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { Canary } from "@auth/broker-core/testing"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { connect, dump, freshPrefix, runsRedis, sharedServer } from "./redis.ts"

const account = Account.make({ broker: "tiny", id: "T1" })
const secret = "canary-51c0-access-token"
const key = "7c".repeat(32)

const { url } = sharedServer()

const inRedis = (prefix: string, redis: Redis.Redis["Service"], text = key) =>
  Vault.layerRedis({ prefix }).pipe(
    Layer.provide([
      Layer.succeed(Redis.Redis, redis),
      Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make(text), "the key of this test"))
    ])
  )

const obtain = (exchange: Effect.Effect<string>) =>
  Effect.gen(function* () {
    const store = yield* SessionStore.SessionStore
    const lock = yield* SessionLock.SessionLock
    return yield* lock.withLock(
      account,
      Effect.fnUntraced(function* ({ check }) {
        const entry = yield* store.get(account, "session")
        if (entry !== undefined) return new TextDecoder().decode(Redacted.value(entry.value))
        yield* check
        const session = yield* exchange
        const bytes = Redacted.make(new TextEncoder().encode(session))
        assert.isTrue(yield* store.put(account, "session", bytes, 0))
        return session
      })
    )
  })

const counted = () => {
  const exchanges = { count: 0 }
  const exchange = Effect.gen(function* () {
    exchanges.count += 1
    yield* Effect.sleep("20 millis")
    return `${secret} ${exchanges.count}`
  })
  return { exchanges, exchange }
}

describe("vaults: a vault", () => {
  it.live("in memory makes 1,000 fibers share one login", () =>
    Effect.gen(function* () {
      const { exchange, exchanges } = counted()
      const callers = Array.from({ length: 1000 }, () => obtain(exchange))
      const sessions = yield* Effect.all(callers, { concurrency: "unbounded" }).pipe(Effect.provide(Vault.layerMemory))
      assert.strictEqual(exchanges.count, 1)
      assert.deepStrictEqual(Array.from(new Set(sessions)), [`${secret} 1`])
    })
  )

  it.live.runIf(runsRedis)("in Redis makes eight clients share one login", () =>
    Effect.gen(function* () {
      const { exchange, exchanges } = counted()
      const prefix = yield* freshPrefix
      const program = Effect.gen(function* () {
        const callers = Array.from({ length: 25 }, () => obtain(exchange))
        return yield* Effect.all(callers, { concurrency: "unbounded" }).pipe(
          Effect.provide(inRedis(prefix, yield* connect(url())))
        )
      })
      const sessions = yield* Effect.all(
        Array.from({ length: 8 }, () => program),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(exchanges.count, 1)
      assert.deepStrictEqual(Array.from(new Set(sessions.flat())), [`${secret} 1`])
    })
  )

  it.live.runIf(runsRedis)("in Redis reveals no token or key in stored data, logs or errors", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      const prefix = yield* freshPrefix
      const redis = yield* connect(url())
      const { exchange } = counted()
      yield* Effect.provide(obtain(exchange), Layer.merge(inRedis(prefix, redis), net.layer))
      const other = obtain(exchange).pipe(
        Effect.provide(Layer.merge(inRedis(prefix, redis, "8d".repeat(32)), net.layer))
      )
      const refused = yield* Effect.exit(other)
      assert.isTrue(Exit.isFailure(refused))
      Canary.show(net, refused, (value) => inspect(value, { depth: 20, showHidden: true }))
      const stored = yield* dump(redis, prefix)
      assert.deepStrictEqual(
        Object.keys(stored).map((name) => name.slice(prefix.length)),
        [":{tiny/production/default/T1}:fence", ":{tiny/production/default/T1}:session"]
      )
      for (const [name, text] of Object.entries(stored)) {
        net.add("redis", `${name} ${text} ${text.split(" ").map(decoded).join(" ")}`)
      }
      assert.deepStrictEqual(Canary.leaks(net, [secret, key]), [])
    })
  )
})

function decoded(text: string): string {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? atob(text) : text
}

describe("vaults: a vault in an unreachable Redis", () => {
  it.live("makes a program fail at its start", () =>
    Effect.gen(function* () {
      const client = NodeRedis.layer({
        url: "redis://127.0.0.1:1",
        disableOfflineQueue: true,
        socket: { reconnectStrategy: false }
      })
      const vault = Vault.layerRedisFrom(client).pipe(Layer.provide(VaultKey.layerPlaintext))
      const failed = yield* Effect.flip(Effect.scoped(Layer.build(vault)))
      assert.strictEqual(failed._tag, "VaultError")
      assert.include(failed.message, "Could not connect to Redis")
      assert.include(failed.remedy, "Check that Redis is running")
    }).pipe(Effect.provide(Logger.layer([])))
  )
})
