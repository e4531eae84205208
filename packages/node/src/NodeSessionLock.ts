/**
 * One at a time for each account, among all programs on this machine.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/Account"
import * as SessionLock from "@auth/broker-core/SessionLock"
import * as VaultError from "@auth/broker-core/VaultError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as lockFile from "./internal/lockFile.ts"
import * as place from "./internal/place.ts"
import * as sqlite from "./internal/sqlite.ts"

/**
 * Where the locks are, and how long to wait for one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The folder of the vault. The user's own folder for state unless given. */
  readonly folder?: string | undefined
  /** How long to wait for a lock that others hold. 60 seconds unless given. */
  readonly patience?: Duration.Input | undefined
}

/** The fibers of this process wait here, so that one of them alone asks the system for the file. */
const makeQueues = () => {
  // A queue goes when nobody holds it or waits in it.
  const queues = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  return (key: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const queue = queues.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
        queues.set(key, queue)
        queue.users += 1
        return queue
      }),
      (queue) =>
        Effect.sync(() => {
          queue.users -= 1
          if (queue.users === 0) queues.delete(key)
        })
    )
}

/**
 * Makes the locks of a folder.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SessionLock.SessionLock["Service"], VaultError.VaultError> {
  const vault = yield* place.resolve(options.folder)
  const folder = lockFile.folderOf(vault)
  const patience = Duration.fromInputUnsafe(options.patience ?? "60 seconds")
  const enter = makeQueues()

  const busy = Effect.suspend(() =>
    Effect.fail(VaultError.make("lock", new VaultError.LockUnavailable({ why: "busy", waited: patience })))
  )
  const lost = Effect.suspend(() =>
    Effect.fail(VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" })))
  )

  const acquire = Effect.fnUntraced(function* (key: string) {
    const queue = yield* enter(key)
    yield* queue.semaphore.takeScoped(1)
    yield* place.folder(vault)
    yield* place.folder(folder)
    const held = yield* lockFile
      .hold(lockFile.fileOf(vault, key))
      .pipe(Effect.mapError(sqlite.toVaultError("lock", `lock ${key} in ${folder}`, `lock of ${key}`)))
    return { fence: held.fence, check: Effect.suspend(() => (held.isInPlace() ? Effect.void : lost)) }
  })

  return {
    describe: `${folder}, for all programs on this machine`,
    withLock: (account, use) =>
      Effect.acquireUseRelease(
        Scope.make(),
        (scope) =>
          acquire(Account.toKey(account)).pipe(
            Scope.provide(scope),
            Effect.timeoutOrElse({ duration: patience, orElse: () => busy }),
            Effect.flatMap(use)
          ),
        (scope, exit) => Scope.close(scope, Exit.asVoid(exit))
      )
  }
})

/**
 * Locks that the operating system keeps: it frees the lock of a program that dies, however it dies, and there is never
 * anything to clean up.
 *
 * A lock is a file of SQLite for each account, in the folder `locks` of the vault. Programs share it if they run as the
 * same user and name the same folder, which must be on a local disk. Fails with `Io` if others than the user can get at
 * the folder, and with `Tampered` if a file was changed.
 *
 * @example
 * ```ts
 * import * as NodeSessionLock from "@auth/node/NodeSessionLock"
 *
 * const Lock = NodeSessionLock.layer({ patience: "10 seconds" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<SessionLock.SessionLock, VaultError.VaultError> =>
  Layer.effect(SessionLock.SessionLock, make(options))
