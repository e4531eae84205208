/**
 * One at a time for each account: held over the exchange with the broker, so that however many fibers, processes or
 * machines want a session, one of them asks for it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Account from "./Account.ts"
import type { VaultError } from "./VaultError.ts"

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
  readonly check: Effect.Effect<void, VaultError>
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
    ) => Effect.Effect<A, E | VaultError, R>
  }
>()("@auth/broker-core/SessionLock") {}

/**
 * A lock among the fibers of this process.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeMemory = (): SessionLock["Service"] => {
  // An entry goes when nobody holds it or waits for it.
  const locks = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  let fence = 0
  const enter = (key: string) => {
    const lock = locks.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
    locks.set(key, lock)
    lock.users += 1
    return lock
  }
  const leave = (key: string) => {
    const lock = locks.get(key)
    if (lock === undefined) return
    lock.users -= 1
    if (lock.users === 0) locks.delete(key)
  }
  return {
    describe: "memory of this process",
    withLock: (account, use) => {
      const key = Account.toKey(account)
      return Effect.acquireUseRelease(
        Effect.sync(() => enter(key)),
        ({ semaphore }) => semaphore.withPermit(Effect.suspend(() => use({ fence: ++fence, check: Effect.void }))),
        () => Effect.sync(() => leave(key))
      )
    }
  }
}

/**
 * For a single process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionLock> = Layer.sync(SessionLock, makeMemory)
