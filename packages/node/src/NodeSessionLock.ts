/**
 * Locks for accounts: one program at a time can hold the lock of an account. Programs on this machine share the locks
 * if they run as the same user and use the same folder.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
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
 * Options of the locks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Folder of the vault. Default: the folder `broker-auth` in the user's directory for application state. */
  readonly folder?: string | undefined
  /** Time-out for acquiring a lock. Must be positive. Default: 60 seconds. */
  readonly acquireTimeout?: Duration.Input | undefined
}

/**
 * Makes the locks of a folder. Fails with `InvalidOption` if `acquireTimeout` is not positive. Fails with `Io` if
 * `folder` is invalid, or if the path of the default folder cannot be determined.
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
 * Provides the locks. When a program ends for any reason, the operating system releases its locks. No lock file has to
 * be cleaned up.
 *
 * Each account has one lock: a SQLite file in the folder `locks` of the vault. The folder must be on a local disk.
 * A damaged lock file is recreated, but never while a program holds the lock. `withLock` fails with:
 *
 * - `Io` if other users have access to the folder.
 * - `NewerVersion` if a newer version of this package wrote the lock file.
 *
 * The layer fails in the same cases as `make`.
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
