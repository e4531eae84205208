/**
 * A lock for each account. A fiber holds the lock while it logs in or refreshes the session. Meanwhile, no other fiber
 * of any process or machine can log in to this account or refresh its session.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Scope from "effect/Scope"
import * as Account from "../login/Account.ts"
import * as mutexes from "./internal/mutexes.ts"
import { defaultPrefix } from "./internal/redis.ts"
import * as redisLease from "./internal/redisLease.ts"
import * as vaultOptions from "./internal/vaultOptions.ts"
import * as VaultError from "./VaultError.ts"

/**
 * An acquired lock.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lease {
  /**
   * A number that grows each time the lock is acquired. If another holder has a larger fence, this holder has lost the
   * lock.
   */
  readonly fence: number
  /**
   * Fails with `LockUnavailable` (`lost`) if another program may hold the lock now. Runs just before a login or refresh
   * is sent.
   */
  readonly check: Effect.Effect<void, VaultError.VaultError>
}

/**
 * Locks accounts.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionLock extends Context.Service<
  SessionLock,
  {
    /** Describes where the lock is and which programs share it, for logs. */
    readonly describe: string
    /**
     * Acquires the account's lock, and releases it after `use`. Fails with `LockUnavailable` (`busy`) after the acquire
     * time-out. The lock is not re-entrant: `use` must not acquire it again.
     */
    readonly withLock: <A, E, R>(
      account: Account.Account,
      use: (lease: Lease) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | VaultError.VaultError, R>
  }
>()("@auth/broker-core/session/SessionLock") {}

const defaults = { lease: Duration.millis(800), acquireTimeout: Duration.seconds(60) }

const readAcquireTimeout = (input: Duration.Input = defaults.acquireTimeout) =>
  vaultOptions.readSpan("acquireTimeout", input, {
    isValid: Duration.isGreaterThan(Duration.zero),
    rule: 'must be a duration above zero, such as "60 seconds"'
  })

/**
 * Redis counts in whole milliseconds. After a holder is killed, all programs must wait until the lease ends. A lease
 * may therefore not be longer than a day.
 */
const readLease = (input: Duration.Input = defaults.lease) =>
  vaultOptions.readSpan("lease", input, {
    isValid: Duration.between({ minimum: Duration.millis(1), maximum: Duration.days(1) }),
    rule: 'must be a duration from 1 millisecond to 1 day, such as "800 millis"'
  })

/** Releases the lock after `use`. The lock has its own scope, so `use` runs in the scope of the caller. */
const holding = <L, E2, A, E, R>(take: Effect.Effect<L, E2, Scope.Scope>, use: (lease: L) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => Effect.flatMap(Scope.provide(take, scope), use),
    (scope, exit) => Scope.close(scope, exit)
  )

/**
 * Options of `make`. They define a lock of your own, such as a lock in a database.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeaseOptions {
  /** Describes where the lock is and which programs share it, for logs. */
  readonly describe: string
  /**
   * Waits until no other process holds the account's lock, acquires it, and releases it when the scope closes. For each
   * account, at most one fiber of this process calls it at a time. After the acquire time-out, `withLock` fails with
   * the last reason that was passed to `note`. Default: `LockUnavailable` (`busy`).
   */
  readonly acquire: (
    account: Account.Account,
    note: (trouble: VaultError.Reason | undefined) => void
  ) => Effect.Effect<Lease, VaultError.VaultError, Scope.Scope>
  /** Time-out for acquiring the lock, including the wait for other fibers of this process. Default: 60 seconds. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes a lock that processes share. The fibers of this process wait in a queue, and one fiber at a time calls
 * `acquire`.
 *
 * Fails with `InvalidOption` if `acquireTimeout` is invalid. After the acquire time-out, `withLock` fails with
 * `LockUnavailable` (`busy`).
 *
 * @example
 * ```ts
 * import * as SessionLock from "@auth/broker-core/session/SessionLock"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * let fence = 0
 * // A real lock could be an advisory lock of a database that the programs share.
 * const lock = SessionLock.make({
 *   describe: "advisory locks of the database",
 *   acquire: () =>
 *     Effect.acquireRelease(
 *       Effect.sync(() => ({ fence: ++fence, check: Effect.void })),
 *       () => Effect.void
 *     )
 * })
 *
 * const Lock = Layer.effect(SessionLock.SessionLock, lock)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* ({
  acquire,
  describe,
  acquireTimeout
}: LeaseOptions): Effect.fn.Return<SessionLock["Service"], VaultError.VaultError> {
  const local = mutexes.make()
  const duration = yield* readAcquireTimeout(acquireTimeout)
  const take = (account: Account.Account) =>
    Effect.suspend(() => {
      let trouble: VaultError.Reason | undefined
      const note = (reason: VaultError.Reason | undefined) => void (trouble = reason)
      const giveUp = Effect.suspend(() =>
        Effect.fail(
          VaultError.make("lock", trouble ?? new VaultError.LockUnavailable({ why: "busy", waited: duration }))
        )
      )
      return Effect.andThen(local.take(Account.toKey(account)), acquire(account, note)).pipe(
        Effect.timeoutOrElse({ duration, orElse: () => giveUp })
      )
    })
  return { describe, withLock: (account, use) => holding(take(account), use) }
})

/**
 * Makes a lock for the fibers of this process. The fibers acquire it in the order of their requests. It has no acquire
 * time-out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeMemory = (): SessionLock["Service"] => {
  const local = mutexes.make()
  let fence = 0
  return {
    describe: "memory of this process",
    withLock: (account, use) =>
      holding(local.take(Account.toKey(account)), () =>
        Effect.suspend(() => {
          fence += 1
          return use({ fence, check: Effect.void })
        })
      )
  }
}

/**
 * A lock for a single process.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as SessionLock from "@auth/broker-core/session/SessionLock"
 * import * as Effect from "effect/Effect"
 *
 * const account = Account.make({ broker: "angel", id: "A123456" })
 *
 * const program = Effect.gen(function* () {
 *   const lock = yield* SessionLock.SessionLock
 *   const fences = yield* Effect.all(
 *     [1, 2].map(() => lock.withLock(account, ({ fence }) => Effect.succeed(fence))),
 *     { concurrency: "unbounded" }
 *   )
 *   fences // => [1, 2]
 * }).pipe(Effect.provide(SessionLock.layerMemory))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionLock> = Layer.sync(SessionLock, makeMemory)

/**
 * Options of a lock in Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisOptions {
  /** Prefix of every key. Default: `broker-auth`. */
  readonly prefix?: string | undefined
  /**
   * How long the lock stays acquired after its holder is killed: from 1 millisecond to 1 day. Default: 800 ms. The
   * holder renews the lease every quarter of this time. If a program is suspended for longer than this time, another
   * program may acquire the lock. `check` then fails.
   */
  readonly lease?: Duration.Input | undefined
  /** Time-out for acquiring the lock. Default: 60 seconds. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes a lock for all programs that use the same Redis (5.0 or newer). If its holder is killed, the lock is released
 * when the lease ends.
 *
 * Fails with `InvalidOption` if `lease` or `acquireTimeout` is invalid. After the acquire time-out, `withLock` fails
 * with `LockUnavailable` (`busy`). If Redis was not reachable, it fails with `Io` instead. If Redis becomes unreachable
 * while the lock is held, `use` continues, but `check` fails. After the release, `check` fails with `lost`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRedis = (
  redis: Redis.Redis["Service"],
  options: RedisOptions = {}
): Effect.Effect<SessionLock["Service"], VaultError.VaultError> => {
  const prefix = options.prefix ?? defaultPrefix
  return Effect.flatMap(readLease(options.lease), (lease) =>
    make({
      describe: `Redis, keys ${prefix}:*:lock, shared by all programs that use it`,
      acquire: redisLease.make(redis, { prefix, lease }).take,
      acquireTimeout: options.acquireTimeout
    })
  )
}

/**
 * A lock for all programs that use the same Redis: see `makeRedis`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (options?: RedisOptions): Layer.Layer<SessionLock, VaultError.VaultError, Redis.Redis> =>
  Layer.effect(
    SessionLock,
    Effect.flatMap(Redis.Redis, (redis) => makeRedis(redis, options))
  )
