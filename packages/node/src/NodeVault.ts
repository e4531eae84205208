/**
 * Stores encrypted sessions on this machine's disk. The sessions survive a crash, and several programs can share them.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import * as Account from "@auth/broker-core/login/Account"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { type Key, VaultKey } from "@auth/broker-core/session/VaultKey"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as passphraseFile from "./internal/passphraseFile.ts"
import * as place from "./internal/place.ts"
import * as sqlite from "./internal/sqlite.ts"
import * as vaultChanges from "./internal/vaultChanges.ts"
import * as vaultFile from "./internal/vaultFile.ts"
import * as NodeSessionLock from "./NodeSessionLock.ts"

/**
 * Options of a vault: its folder, and the acquire time-out of its locks.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = NodeSessionLock.Options

/**
 * Returns the folder of a vault, as an absolute path. Does not create the folder.
 *
 * @example
 * ```ts
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const folder = yield* NodeVault.folderOf({ folder: "/srv/broker-auth" })
 *   folder // => "/srv/broker-auth"
 * })
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const folderOf = (options: Pick<Options, "folder"> = {}): Effect.Effect<string, VaultError.VaultError> =>
  place.resolve(options.folder)

const pathOf = (folder: string): string => Path.join(folder, "sessions.db")

interface Connection {
  readonly vault: vaultFile.Vault
  /** Device and inode of the open file. A new file at the same path has another identity. */
  readonly identity: string
}

/** If the database file was replaced, the next operation opens the new file. */
const makeConnection = Effect.fnUntraced(function* (folder: string) {
  const path = pathOf(folder)
  let held: Connection | undefined
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (held !== undefined) sqlite.close(held.vault.database)
    })
  )

  const isCurrent = ({ identity, vault }: Connection): boolean =>
    !vault.database.isOpen || place.identity(path) === identity

  const connect = (): Connection => {
    if (held !== undefined && isCurrent(held)) return held
    if (held !== undefined) sqlite.close(held.vault.database)
    held = undefined
    const identity = place.identity(path)
    // The file may have been removed after `secure` ran. Other users could read a file that SQLite creates.
    // `Busy` makes `use` try again, and then `secure` creates the file.
    if (identity === undefined) throw new sqlite.Busy()
    held = sqlite.opened(path, (database) => ({ vault: vaultFile.prepare(database), identity }))
    return held
  }

  // Runs before each operation, because the mode of the folder may have changed.
  const secure = Effect.suspend(() =>
    held?.vault.database.isOpen === false ? Effect.void : Effect.andThen(place.folder(folder), place.databaseFile(path))
  )

  const use = <A>(run: (vault: vaultFile.Vault) => A): Effect.Effect<A, sqlite.Failure | VaultError.VaultError> =>
    sqlite.whenFree(
      Effect.andThen(
        secure,
        sqlite.run(path, () => {
          const connection = connect()
          const result = run(connection.vault)
          if (!isCurrent(connection)) throw new sqlite.Failed({ systemCode: "ESTALE" })
          return result
        })
      )
    )
  const current = () => (held?.vault.database.isOpen === true && isCurrent(held) ? held.vault.database : undefined)

  return { current, path, use }
})

const logTries = Schedule.spaced("10 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 20 }))

interface Disk {
  /** Not encrypted: `layerStore` and `rekey` add the encryption. */
  readonly store: SessionStore.SessionStore["Service"]
  readonly places: Effect.Effect<ReadonlyArray<vaultFile.Place>, VaultError.VaultError>
}

const open = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Disk, VaultError.VaultError, Scope.Scope> {
  const folder = yield* place.resolve(options.folder)
  const { current, path, use } = yield* makeConnection(folder)
  yield* use(() => undefined).pipe(Effect.mapError(sqlite.toVaultError("open", `open ${path}`, `vault ${path}`)))

  // Errors are ignored, because the data is on disk already and the next write tries again.
  const emptyLog = use(({ database }) => vaultFile.emptyLog(database)).pipe(
    Effect.repeat({ until: (isEmpty) => isEmpty, schedule: logTries }),
    Effect.ignore
  )

  const places = use(({ database }) => vaultFile.places(database)).pipe(
    Effect.mapError(sqlite.toVaultError("get", `list the entries of ${path}`, `vault ${path}`))
  )

  const changes = vaultChanges.make(current)

  const store: SessionStore.SessionStore["Service"] = {
    describe: `${path}, SQLite`,
    changes,
    get: Effect.fnUntraced(function* (account, slot) {
      const entry = { account: Account.toKey(account), slot }
      const stored = yield* use((vault) => vaultFile.read(vault, entry)).pipe(
        Effect.mapError(sqlite.toVaultError("get", `read the ${slot} in ${path}`, `${slot} of ${entry.account}`))
      )
      return stored && { version: stored.version, value: Redacted.make(stored.value) }
    }),
    put: Effect.fnUntraced(function* (account, slot, value, expected) {
      const entry = { account: Account.toKey(account), slot }
      const isWritten = yield* use(({ database }) =>
        vaultFile.write(database, entry, Redacted.value(value), expected)
      ).pipe(Effect.mapError(sqlite.toVaultError("put", `write the ${slot} in ${path}`, `${slot} of ${entry.account}`)))
      if (!isWritten) return false
      yield* emptyLog
      if (slot === "session") yield* changes.wrote(account, expected + 1)
      return true
    })
  }
  return { places, store }
})

/**
 * The store of the vault, without its locks. Use this layer if your program provides another `SessionLock`.
 *
 * Fails with the same errors as `layer`, except `InvalidOption`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStore = (
  options?: Options
): Layer.Layer<SessionStore.SessionStore, VaultError.VaultError, VaultKey> =>
  Layer.effect(
    SessionStore.SessionStore,
    Effect.gen(function* () {
      const key = yield* VaultKey
      return SessionStore.encrypted(key)((yield* open(options)).store)
    })
  )

/**
 * The vault of this user: the entries in `sessions.db`, and one lock per account.
 *
 * Default folder: `broker-auth` in the user's directory for application state. It is `~/.local/state/broker-auth` on
 * Linux, `~/Library/Application Support/broker-auth` on macOS, and `%LOCALAPPDATA%\broker-auth` on Windows. If
 * `XDG_STATE_HOME` is an absolute path, the default folder is `$XDG_STATE_HOME/broker-auth`. If the option `folder`
 * begins with `~/`, the folder is in the user's home directory. The folder must be on a local disk.
 *
 * Programs share the vault if they run as the same user, with the same folder and the same key.
 *
 * The folder has mode 0700, and its files have mode 0600. If other users have access to the folder or to a file, each
 * operation fails and changes nothing. On Windows, modes are not checked. Only a folder inside the user's profile, such
 * as the default folder, is protected there.
 *
 * A write blocks the event loop until the data is on disk.
 *
 * Fails with `Tampered` if `sessions.db` is damaged, or was changed by something other than this package. Fails with
 * `NewerVersion` if a newer version of this package wrote `sessions.db`. Fails with `Io` if the folder or a file cannot
 * be used. Fails with `InvalidOption` if `acquireTimeout` is not positive.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as NodeVaultKey from "@auth/node/NodeVaultKey"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Vault = NodeVault.layer().pipe(Layer.provide(NodeVaultKey.layerKeyring()))
 *
 * const Sessions = SessionManager.layer().pipe(
 *   Layer.provide(AngelAuth.layerConfig()),
 *   Layer.provide([Vault, FetchHttpClient.layer])
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: Options
): Layer.Layer<SessionStore.SessionStore | SessionLock, VaultError.VaultError, VaultKey> =>
  Layer.merge(layerStore(options), NodeSessionLock.layer(options))

const unlink = (path: string): Effect.Effect<void, VaultError.VaultError> =>
  Effect.try({
    try: () => Fs.rmSync(path, { force: true }),
    catch: (error) =>
      VaultError.make(
        "remove",
        new VaultError.Io({ what: `remove ${path}`, systemCode: (error as { readonly code?: string }).code })
      )
  })

/**
 * Deletes all entries of a vault: sessions, credentials, and the records of browser logins and failed logins. Also
 * deletes the salt of the passphrase. Use this function if the vault fails with `Tampered`, or if its key is lost. The
 * next session of each account needs a new login.
 *
 * A program that has the vault open continues with a new, empty vault. If the key is derived from a passphrase, restart
 * this program. Without a restart, it keeps the old key, but programs that start later derive a new key.
 *
 * The lock files are not deleted, because a program may hold a lock. Fails with `Io` if a file cannot be deleted.
 *
 * @example
 * ```ts
 * import * as NodeVault from "@auth/node/NodeVault"
 *
 * const program = NodeVault.remove({ folder: "/tmp/a-vault-that-is-not-there" })
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const remove = Effect.fnUntraced(function* (
  options: Pick<Options, "folder"> = {}
): Effect.fn.Return<void, VaultError.VaultError> {
  const folder = yield* place.resolve(options.folder)
  for (const path of [pathOf(folder), passphraseFile.pathOf(folder)]) {
    // The log is deleted first, because SQLite could apply an old log to a new database file.
    for (const end of [...place.companions, ""]) yield* unlink(path + end)
  }
})

const slots: ReadonlySet<string> = new Set<SessionStore.Slot>(["session", "guard", "browser", "credentials"])

const isSlot = (slot: string): slot is SessionStore.Slot => slots.has(slot)

/** Returns `false` if the entry is already encrypted with the new key. */
const rekeyEntry = Effect.fnUntraced(function* (
  before: SessionStore.SessionStore["Service"],
  after: SessionStore.SessionStore["Service"],
  account: Account.Account,
  slot: SessionStore.Slot
): Effect.fn.Return<boolean, VaultError.VaultError> {
  while (true) {
    const read = yield* Effect.result(after.get(account, slot))
    if (Result.isSuccess(read)) return false
    if (read.failure.reason._tag !== "WrongKey") return yield* Effect.fail(read.failure)
    const old = yield* Effect.result(before.get(account, slot))
    if (Result.isFailure(old)) {
      // Another program may have encrypted the entry with the new key since `after` read it.
      const isDone =
        old.failure.reason._tag === "WrongKey" && Exit.isSuccess(yield* Effect.exit(after.get(account, slot)))
      return isDone ? false : yield* Effect.fail(old.failure)
    }
    const entry = old.success
    if (entry === undefined || (yield* after.put(account, slot, entry.value, entry.version))) return true
  }
})

/**
 * Encrypts a vault with the key `to` instead of the key `from`. Returns the number of changed entries. The sessions
 * stay valid.
 *
 * If the program is killed during the change, run it again. After the change, reads with the old key fail with
 * `WrongKey`. Restart each program with the new key.
 *
 * The record of rejected credentials depends on the key. So after the change, rejected credentials can be sent to the
 * broker once more.
 *
 * Fails with `WrongKey` if an entry is encrypted with a key other than `from` and `to`. Also fails with the errors of
 * `layerStore`.
 *
 * @example
 * ```ts no-run
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const from = yield* VaultKey.fromText(Redacted.make("00112233".repeat(8)), "the old key")
 *   const bytes = yield* VaultKey.generate
 *   // Store `bytes` in a safe place first: without the new key, no program can read the vault after the change.
 *   const to = yield* VaultKey.fromBytes(bytes, "the new key")
 *   yield* NodeVault.rekey({ from, to })
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const rekey = (
  options: Pick<Options, "folder"> & { readonly from: Key; readonly to: Key }
): Effect.Effect<number, VaultError.VaultError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { places, store } = yield* open({ folder: options.folder })
      const [before, after] = [SessionStore.encrypted(options.from)(store), SessionStore.encrypted(options.to)(store)]
      let changed = 0
      for (const { account, slot } of yield* places) {
        if (!isSlot(slot)) continue
        const [broker = "", environment, app, id = ""] = account.split("/").map(decodeURIComponent)
        const isChanged = yield* rekeyEntry(before, after, Account.make({ broker, environment, app, id }), slot)
        if (isChanged) changed += 1
      }
      return changed
    })
  )
