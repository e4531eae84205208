/**
 * One at a time for each account, among all programs on this machine.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- on a Node that is too old it ends the import
import "./internal/nodeVersion.ts"
import * as Account from "@auth/broker-core/login/Account"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as VaultError from "@auth/broker-core/session/VaultError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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
  /** How long to wait for a lock that others hold: more than nothing. 60 seconds unless given. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes the locks of a folder. Fails with `InvalidOption` if there is no acquireTimeout.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SessionLock.SessionLock["Service"], VaultError.VaultError> {
  const vault = yield* place.resolve(options.folder)
  const folder = lockFile.folderOf(vault)
  const lost = Effect.suspend(() =>
    Effect.fail(VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" })))
  )
  const acquire: SessionLock.LeaseOptions["acquire"] = Effect.fnUntraced(function* (account) {
    const key = Account.toKey(account)
    yield* place.folder(vault)
    yield* place.folder(folder)
    const held = yield* lockFile
      .hold(lockFile.fileOf(vault, key))
      .pipe(Effect.mapError(sqlite.toVaultError("lock", `lock ${key} in ${folder}`, `lock of ${key}`)))
    return { fence: held.fence, check: Effect.suspend(() => (held.isInPlace() ? Effect.void : lost)) }
  })
  const describe = `${folder}, for all programs on this machine`
  return yield* SessionLock.make({ describe, acquireTimeout: options.acquireTimeout, acquire })
})

/**
 * Locks that the operating system keeps: it frees the lock of a program that dies, however it dies, and there is never
 * anything to clean up.
 *
 * A lock is a file of SQLite for each account, in the folder `locks` of the vault. Programs share it if they run as the
 * same user and name the same folder, which must be on a local disk. Fails with `Io` if others than the user can get at
 * the folder. A damaged file is made anew, with the damage checked again under a lock that the whole folder shares: it has
 * no content worth keeping, and is never replaced while a program holds it.
 *
 * @example
 * ```ts
 * import * as NodeSessionLock from "@auth/node/NodeSessionLock"
 *
 * const Lock = NodeSessionLock.layer({ acquireTimeout: "10 seconds" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<SessionLock.SessionLock, VaultError.VaultError> =>
  Layer.effect(SessionLock.SessionLock, make(options))
