/**
 * A vault is a session store with its lock. To store sessions in another place, replace only the vault's layer.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { toReason } from "./internal/redis.ts"
import * as SessionLock from "./SessionLock.ts"
import * as SessionStore from "./SessionStore.ts"
import * as VaultError from "./VaultError.ts"
import type { VaultKey } from "./VaultKey.ts"

/**
 * A vault in the memory of this process. Each call of `Connection.open` or `Connections.open` makes a new vault from
 * this layer. After a restart, all sessions are lost. Use this layer in tests, and in programs that log in only once.
 *
 * @example
 * ```ts
 * import * as SessionLock from "@auth/broker-core/session/SessionLock"
 * import * as SessionStore from "@auth/broker-core/session/SessionStore"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* SessionStore.SessionStore
 *   const lock = yield* SessionLock.SessionLock
 *   const places = [store.describe, lock.describe]
 *   places // => ["memory of this process", "memory of this process"]
 * }).pipe(Effect.provide(Vault.layerMemory))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionStore.SessionStore | SessionLock.SessionLock> = Layer.merge(
  SessionStore.layerMemory,
  SessionLock.layerMemory
)

/**
 * Options of a vault in Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisOptions extends SessionStore.RedisOptions, SessionLock.RedisOptions {}

/**
 * A vault in Redis, for any number of programs on any number of machines. Entries are encrypted with the `VaultKey`. If
 * a program is killed while it holds a lock, the lock is released within a second by default (see `lease`).
 *
 * Redis must be 5.0 or newer. Each session that Redis loses requires a new login. So set `appendonly yes` and
 * `maxmemory-policy noeviction`. If a refresh token can be used only once, also set `appendfsync always`.
 *
 * Session managers learn of changes by other programs within a second. For this, the vault reserves one connection to
 * Redis. The Redis user needs permission for `XADD`, `XREAD`, `XRANGE`, `XREVRANGE` and `INFO`:
 *
 * - Without `XADD`, other programs learn of this program's changes up to an hour late.
 * - Without one of the other commands, or in a Redis cluster, each manager reads its session at every poll interval.
 *
 * Set `disableOfflineQueue: true` in the Redis client. Otherwise, the client queues requests while Redis is
 * unreachable. The program cannot exit before these requests are answered.
 *
 * @example
 * ```ts no-run
 * import * as SessionStore from "@auth/broker-core/session/SessionStore"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Vaulted = Vault.layerRedis().pipe(
 *   Layer.provide([VaultKey.layerConfig(), NodeRedis.layer({ url: "redis://127.0.0.1:6379", disableOfflineQueue: true })])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* SessionStore.SessionStore
 *   yield* Console.log(`Sessions are kept in ${store.describe}`)
 * }).pipe(Effect.provide(Vaulted))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  options?: RedisOptions
): Layer.Layer<SessionStore.SessionStore | SessionLock.SessionLock, VaultError.VaultError, Redis.Redis | VaultKey> =>
  Layer.merge(SessionStore.layerRedis(options), SessionLock.layerRedis(options))

/**
 * Like `layerRedis`, but takes the layer of the Redis client as an argument. Fails with `Io` if the client cannot
 * connect.
 *
 * @example
 * ```ts no-run
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import * as Layer from "effect/Layer"
 *
 * const Vaulted = Vault.layerRedisFrom(
 *   NodeRedis.layer({ url: "redis://127.0.0.1:6379", disableOfflineQueue: true })
 * ).pipe(Layer.provide(VaultKey.layerConfig()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedisFrom = <R>(
  client: Layer.Layer<Redis.Redis, Redis.RedisError, R>,
  options?: RedisOptions
): Layer.Layer<SessionStore.SessionStore | SessionLock.SessionLock, VaultError.VaultError, R | VaultKey> =>
  Layer.provide(
    layerRedis(options),
    Layer.catch(client, (error) =>
      Layer.effect(
        Redis.Redis,
        Effect.fail(VaultError.make("connect", toReason("connect to Redis", "connection to Redis", error)))
      )
    )
  )
