/** Opens SQLite databases, and maps SQLite's errors to failures. */
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import type * as Sqlite from "node:sqlite"
import { nodeVersion } from "./nodeVersion.ts"

export class Busy extends Data.TaggedError("Busy") {}

export class Damaged extends Data.TaggedError("Damaged") {}

/** A newer version of this package has written the file. */
export class Newer extends Data.TaggedError("Newer")<{ readonly format: number }> {}

/** `systemCode` comes from the operating system or from this package, such as `EBADF` for a closed database. */
export class Failed extends Data.TaggedError("Failed")<{ readonly systemCode: string | undefined }> {}

export type Failure = Busy | Damaged | Newer | Failed

/**
 * Some versions of Node, such as 22.23, warn that SQLite is experimental. `load` suppresses this warning, because a
 * user cannot act on it.
 */
const load = (): typeof Sqlite | undefined => {
  // oxlint-disable-next-line typescript/unbound-method -- only saved and restored
  const { emitWarning } = process
  const quiet = (...args: [unknown, ...ReadonlyArray<unknown>]): void => {
    if (!String(args[0]).startsWith("SQLite is an experimental feature")) Reflect.apply(emitWarning, process, args)
  }
  process.emitWarning = quiet
  const loaded = Result.try(() => process.getBuiltinModule("node:sqlite"))
  process.emitWarning = emitWarning
  return Result.getOrUndefined(loaded)
}

/** Failures by SQLite's primary result code. Other codes give `Damaged`. Source: https://sqlite.org/rescode.html. */
const resultCodes: Readonly<Record<number, (path: string) => Failure>> = {
  3: () => new Failed({ systemCode: "EACCES" }),
  5: () => new Busy(),
  6: () => new Busy(),
  7: () => new Failed({ systemCode: "ENOMEM" }),
  // READONLY (8), IOERR (10) and CANTOPEN (14) do not name the cause, so the file system is checked.
  8: (path) => fileSystemFailure(path, Fs.constants.W_OK),
  10: (path) => new Failed({ systemCode: isFull(path) ? "ENOSPC" : "EIO" }),
  13: () => new Failed({ systemCode: "ENOSPC" }),
  14: (path) => fileSystemFailure(path, Fs.constants.R_OK | Fs.constants.W_OK),
  15: () => new Busy(),
  22: () => new Failed({ systemCode: "EFBIG" })
}

/** Failures by extended result code, if its meaning differs from that of the primary code. */
const extendedCodes: Readonly<Record<number, () => Failure>> = {
  522: () => new Damaged(), // IOERR_SHORT_READ
  1032: () => new Failed({ systemCode: "ESTALE" }), // READONLY_DBMOVED
  2826: () => new Busy(), // IOERR_BLOCKED
  3082: () => new Failed({ systemCode: "ENOMEM" }), // IOERR_NOMEM
  3850: () => new Failed({ systemCode: "ENOLCK" }), // IOERR_LOCK
  8202: () => new Damaged(), // IOERR_DATA
  8458: () => new Damaged() // IOERR_CORRUPTFS
}

const isFull = (path: string): boolean =>
  Result.match(
    Result.try(() => Fs.statfsSync(Path.dirname(path))),
    {
      onFailure: () => false,
      onSuccess: ({ bavail }) => bavail === 0
    }
  )

/**
 * Returns `Failed` if the system refuses access to the file or its folder. Otherwise, the cause is the content of the
 * file, such as a header that marks the database as read-only.
 */
const fileSystemFailure = (path: string, mode: number): Failure => {
  const folder = Path.dirname(path)
  const refused = Result.try(() => {
    Fs.accessSync(folder, mode)
    Fs.accessSync(path, mode)
    // Fails if this process or the system has too many open files.
    Fs.closeSync(Fs.openSync(folder, "r"))
  })
  if (Result.isSuccess(refused)) return new Damaged()
  const { code } = refused.failure as { readonly code?: string }
  return new Failed({ systemCode: code })
}

/** The cause of CANTOPEN may be temporary, such as too many open files. */
export const isCannotOpen = (error: unknown): boolean => {
  const { errcode } = error as { readonly errcode?: unknown }
  return typeof errcode === "number" && (errcode & 0xff) === 14
}

export const failureOf = (error: unknown, path: string): Failure => {
  if (error instanceof Busy || error instanceof Damaged || error instanceof Newer || error instanceof Failed)
    return error
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown }
  // This package stores no integer that is too large for a JavaScript number.
  if (code === "ERR_OUT_OF_RANGE") return new Damaged()
  // The database was closed at the end of its scope.
  if (code === "ERR_INVALID_STATE") return new Failed({ systemCode: "EBADF" })
  if (code !== "ERR_SQLITE_ERROR" || typeof errcode !== "number") throw error
  const known = extendedCodes[errcode] ?? resultCodes[errcode & 0xff]
  // The statements of this package are valid. If SQLite rejects a statement, the tables were changed.
  return known === undefined ? new Damaged() : known(path)
}

/** Runs `use` synchronously, so that no other fiber runs between the statements of `use`. */
export const run = <A>(path: string, use: () => A): Effect.Effect<A, Failure> =>
  Effect.suspend(() => {
    const result = Result.try(use)
    return Result.isSuccess(result) ? Effect.succeed(result.success) : Effect.fail(failureOf(result.failure, path))
  })

/** A statement on a locked database fails at once, because a wait inside SQLite would block every fiber. */
export const open = (path: string): Sqlite.DatabaseSync => {
  const sqlite = load()
  if (sqlite === undefined) throw new Failed({ systemCode: "ENOSYS" })
  return new sqlite.DatabaseSync(path, { timeout: 0 })
}

/** Also rolls back an open transaction and releases all locks. */
export const close = (database: Sqlite.DatabaseSync): void => {
  if (database.isOpen) database.close()
}

export const opened = <A>(path: string, use: (database: Sqlite.DatabaseSync) => A): A => {
  const database = open(path)
  const result = Result.try(() => use(database))
  if (Result.isSuccess(result)) return result.success
  close(database)
  throw result.failure
}

export const transaction = <A>(
  database: Sqlite.DatabaseSync,
  kind: "DEFERRED" | "IMMEDIATE" | "EXCLUSIVE",
  use: () => A
): A => {
  database.exec(`BEGIN ${kind}`)
  const result = Result.try(() => {
    const value = use()
    database.exec("COMMIT")
    return value
  })
  if (Result.isSuccess(result)) return result.success
  // After some errors, such as a full disk, SQLite has already rolled the transaction back.
  if (database.isTransaction) Result.try(() => database.exec("ROLLBACK"))
  throw result.failure
}

const turns = Schedule.forever.pipe(
  Schedule.modifyDelay(() => Effect.map(Random.nextBetween(2, 25), (millis) => `${millis} millis` as const)),
  Schedule.upTo({ duration: "5 seconds" })
)

/** Retries for up to five seconds while another program uses the database. */
export const whenFree = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { while: ({ _tag }) => _tag === "Busy", schedule: turns })

const advice: Readonly<Record<string, string>> = {
  EBADF: "Use the vault within the scope of its layer.",
  EBUSY: "Look for a program that hangs while it uses the vault.",
  EMFILE: "Raise the limit of open files (ulimit -n), or find files that this program leaves open.",
  ENFILE: "Find the program with too many open files.",
  ENOLCK: "Put the vault on a local disk: this file system has no locks.",
  ENOSPC: "Delete files to free space on the disk.",
  ENOSYS: `Use Node 22.19 or newer, built with SQLite. This is Node ${nodeVersion}.`,
  ENOTSUP: "Put the vault on a local disk: this file system cannot share memory between programs.",
  ESTALE: "Try again. Another program has removed or replaced the vault.",
  EROFS: "Use a folder on a writable file system."
}

export const toVaultError =
  (operation: string, what: string, stored: string) =>
  (failure: Failure | VaultError.VaultError): VaultError.VaultError => {
    if (failure._tag === "VaultError") return failure
    if (failure._tag === "Damaged") return VaultError.make(operation, new VaultError.Tampered({ what: stored }))
    if (failure._tag === "Newer")
      return VaultError.make(operation, new VaultError.NewerVersion({ what: stored, version: failure.format }))
    const systemCode = failure._tag === "Busy" ? "EBUSY" : failure.systemCode
    return VaultError.make(operation, new VaultError.Io({ what, systemCode, advice: advice[systemCode ?? ""] }))
  }
