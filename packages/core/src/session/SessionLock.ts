/**
 * One at a time for each account: held over the exchange with the broker, so that however many fibers, processes or
 * machines want a session, one of them asks for it.
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
 * A lock that is held.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lease {
  /** Grows with every holder of this lock: who has a smaller one is not the holder any more. */
  readonly fence: number
  /** Fails with `LockUnavailable` (`lost`) if somebody else may hold the lock by now. Asked just before an exchange. */
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
    /** Where the lock is and whom it holds off, for a person. */
    readonly describe: string
    /**
     * Waits for the account's lock, and holds it while `use` runs. Fails with `LockUnavailable` (`busy`) if the wait
     * is long. It cannot be entered twice: who holds it must not ask for it again.
     */
    readonly withLock: <A, E, R>(
      account: Account.Account,
      use: (lease: Lease) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | VaultError.VaultError, R>
  }
>()("@auth/broker-core/session/SessionLock") {}

const defaults = { lease: Duration.millis(800), acquireTimeout: Duration.seconds(60) }

const readPatience = (input: Duration.Input = defaults.acquireTimeout) =>
  vaultOptions.readSpan("acquireTimeout", input, {
    isMeant: Duration.isGreaterThan(Duration.zero),
    rule: 'must be longer than nothing, such as "60 seconds"'
  })

/** Redis counts whole milliseconds. What is longer than a day was meant to be a lock that does not end by itself. */
const readLease = (input: Duration.Input = defaults.lease) =>
  vaultOptions.readSpan("lease", input, {
    isMeant: Duration.between({ minimum: Duration.millis(1), maximum: Duration.days(1) }),
    rule: 'must be from a millisecond to a day, such as "800 millis"'
  })

/** What `take` has taken is held while `use` runs. The scope of `use` is the caller's own. */
const holding = <L, E2, A, E, R>(take: Effect.Effect<L, E2, Scope.Scope>, use: (lease: L) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => Effect.flatMap(Scope.provide(take, scope), use),
    (scope, exit) => Scope.close(scope, exit)
  )

/**
 * A lock of your own, such as one of a database, as seen by one who waits for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface LeaseOptions {
  /** Where the lock is and whom it holds off, for a person. */
  readonly describe: string
  /**
   * Waits until no other process holds the account's lock, takes it, and gives it back when the scope closes. One fiber of
   * this process at a time asks for an account. What `note` was last told is why there is no lock when acquireTimeout is at an
   * end: without it, that others hold it.
   */
  readonly acquire: (
    account: Account.Account,
    note: (trouble: VaultError.Reason | undefined) => void
  ) => Effect.Effect<Lease, VaultError.VaultError, Scope.Scope>
  /**
   * How long to wait for the lock, by turn among the fibers of this process: more than nothing. 60 seconds unless said
   * otherwise.
   */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * A lock among processes. The fibers of this one wait for each other by turn, and one of them asks.
 *
 * Fails with `InvalidOption` if there is no acquireTimeout, and each wait with `LockUnavailable` (`busy`) when its acquireTimeout is
 * at an end.
 *
 * @example
 * ```ts
 * import * as SessionLock from "@auth/broker-core/session/SessionLock"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * let fence = 0
 * // Such as an advisory lock of a database that the programs share.
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
  const duration = yield* readPatience(acquireTimeout)
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
 * A lock among the fibers of this process, by turn. A wait does not end by itself.
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
 * For a single process.
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
 * How a lock in Redis is held.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisOptions {
  /** Begins every key. `broker-auth` unless said otherwise. */
  readonly prefix?: string | undefined
  /**
   * How long the lock outlives a holder that was killed. It is renewed four times as often while it is held. 800 ms
   * unless said otherwise, from a millisecond to a day: a program that is stopped for longer loses the lock to the next who
   * asks, and is told so by `check`.
   */
  readonly lease?: Duration.Input | undefined
  /** How long to wait for the lock: more than nothing. 60 seconds unless said otherwise. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * A lock among all programs that use the same Redis (5.0 or newer). Who holds the lock and is killed is rid of it when its lease ends.
 *
 * Fails with `LockUnavailable` (`busy`) or, if Redis could not be reached at the end of the wait, with `Io`. While the
 * lock is held a Redis that goes away is a failure only of `check`. After it was given back, `check` fails with `lost`.
 * Making it fails with `InvalidOption` if `lease` or `acquireTimeout` is no span that can be meant.
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
      describe: `Redis, keys ${prefix}:*:lock, among all programs that use it`,
      acquire: redisLease.make(redis, { prefix, lease }).take,
      acquireTimeout: options.acquireTimeout
    })
  )
}

/**
 * A lock among all programs that use the same Redis: see `makeRedis`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (options?: RedisOptions): Layer.Layer<SessionLock, VaultError.VaultError, Redis.Redis> =>
  Layer.effect(
    SessionLock,
    Effect.flatMap(Redis.Redis, (redis) => makeRedis(redis, options))
  )
