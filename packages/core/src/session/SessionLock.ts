/**
 * A lock for each account. A session manager logs in or refreshes the session only while it holds the account's lock.
 * Session managers in several programs can share the lock.
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
   * A number that is larger each time the lock is acquired. If another holder has a larger number, this holder has lost
   * the lock.
   */
  readonly fence: number
  /**
   * Fails with `LockUnavailable` (`lost`) if another program may hold the lock now. Run `check` directly before a login
   * or a refresh is sent.
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
    /** Text for logs: where the lock is, and which programs share it. */
    readonly describe: string
    /**
     * Acquires the account's lock, runs `use`, and releases the lock. If another holder keeps the lock until the
     * time-out, `withLock` fails with `LockUnavailable` (`busy`). If an error prevents the acquisition, `withLock`
     * fails with this error. `use` must not acquire the same lock again, because `use` would then wait for itself.
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
 * A lease is at least 1 millisecond, because Redis counts whole milliseconds. A lease is at most a day: if its holder
 * is killed, all other programs wait until the lease ends.
 */
const readLease = (input: Duration.Input = defaults.lease) =>
  vaultOptions.readSpan("lease", input, {
    isValid: Duration.between({ minimum: Duration.millis(1), maximum: Duration.days(1) }),
    rule: 'must be a duration from 1 millisecond to 1 day, such as "800 millis"'
  })

/** Closes the lock's scope when `use` ends. `use` itself runs in the caller's scope, which may stay open longer. */
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
  /** Text for logs: where the lock is, and which programs share it. */
  readonly describe: string
  /**
   * Waits until no other process holds the account's lock, acquires the lock, and releases it when the scope closes.
   * Each lock that `make` returns runs `acquire` for at most one fiber per account at a time.
   *
   * If an error prevents the acquisition, `acquire` can pass the reason to `note`. `note(undefined)` removes the reason.
   * If the lock is not acquired within `acquireTimeout`, `withLock` fails with the last reason. Without a reason,
   * `withLock` fails with `LockUnavailable` (`busy`).
   */
  readonly acquire: (
    account: Account.Account,
    note: (trouble: VaultError.Reason | undefined) => void
  ) => Effect.Effect<Lease, VaultError.VaultError, Scope.Scope>
  /**
   * Time-out for acquiring the lock. The time includes the wait for other fibers of this process. Default: 60 seconds.
   */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes a lock that several processes share.
 *
 * Fails with `InvalidOption` if `acquireTimeout` is invalid.
 *
 * @example
 * ```ts
 * import * as SessionLock from "@auth/broker-core/session/SessionLock"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * let fence = 0
 * // This `acquire` locks nothing. A real `acquire` could use an advisory lock of a shared database.
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
 * Makes a lock for the fibers of this process. They acquire the lock in the order of their requests, and wait without a
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
   * Maximum time that other programs wait for the lock after its holder was killed. Default: 800 milliseconds. Range:
   * 1 millisecond to 1 day. If the holder is suspended for longer than this time, another program may acquire the lock.
   * If another program has acquired the lock, `check` of the first holder fails.
   */
  readonly lease?: Duration.Input | undefined
  /** Time-out for acquiring the lock. Default: 60 seconds. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes a lock for all programs that use the same Redis (5.0 or newer) and the same `prefix`. If the holder of the lock
 * is killed, the lock is released when its lease ends.
 *
 * Fails with `InvalidOption` if `lease` or `acquireTimeout` is invalid.
 *
 * `withLock` tries to acquire the lock for at most `acquireTimeout`. It fails in these cases:
 *
 * - At the end of this time, another holder has the lock: `LockUnavailable` (`busy`).
 * - At the end of this time, Redis has not replied to the last try, or has replied with an error: `Io`.
 * - Redis has been read-only for 5 seconds: `Io`.
 * - A retry cannot succeed, for example because of a wrong password: `Io`, at once.
 * - A key of the lock in Redis contains a value that is not a string: `Tampered`, at once.
 *
 * If Redis becomes unreachable while the lock is held, `use` continues, but `check` fails when the lease has ended.
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
