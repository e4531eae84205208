/** SQLite as Node has it: opened without its notice, and its errors sorted into those that we can act upon. */
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

/** Somebody else has the database at this moment. */
export class Busy extends Data.TaggedError("Busy") {}

/** What is in the file is not what was written. */
export class Damaged extends Data.TaggedError("Damaged") {}

/** A newer version of this package has written the file. */
export class Newer extends Data.TaggedError("Newer")<{ readonly format: number }> {}

/** The system said no. */
export class Failed extends Data.TaggedError("Failed")<{ readonly systemCode: string | undefined }> {}

/** Everything that can go wrong with a database. */
export type Failure = Busy | Damaged | Newer | Failed

/**
 * When SQLite is loaded, Node 22 prints the notice that it is experimental (seen with 22.23; 24.21 does not). A user can
 * do nothing about it, so it is held back for the length of this one call, in which nothing else runs; every other
 * warning passes.
 */
const load = (): typeof Sqlite | undefined => {
  // oxlint-disable-next-line typescript/unbound-method -- only put aside and back
  const { emitWarning } = process
  const quiet = (...args: [unknown, ...ReadonlyArray<unknown>]): void => {
    if (!String(args[0]).startsWith("SQLite is an experimental feature")) Reflect.apply(emitWarning, process, args)
  }
  process.emitWarning = quiet
  const loaded = Result.try(() => process.getBuiltinModule("node:sqlite"))
  process.emitWarning = emitWarning
  return Result.getOrUndefined(loaded)
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that do not say that the content is wrong. */
const resultCodes: Readonly<Record<number, (path: string) => Failure>> = {
  3: () => new Failed({ systemCode: "EACCES" }),
  5: () => new Busy(),
  6: () => new Busy(),
  7: () => new Failed({ systemCode: "ENOMEM" }),
  // READONLY and CANTOPEN do not tell why; nor does IOERR. The system does, when it is asked.
  8: (path) => asked(path, Fs.constants.W_OK),
  10: (path) => new Failed({ systemCode: isFull(path) ? "ENOSPC" : "EIO" }),
  13: () => new Failed({ systemCode: "ENOSPC" }),
  14: (path) => asked(path, Fs.constants.R_OK | Fs.constants.W_OK),
  15: () => new Busy(),
  22: () => new Failed({ systemCode: "EFBIG" })
}

/** Extended result codes that say something else than the primary code that they belong to. */
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

/** What the system has against this file or its folder. If nothing, the file says itself that it may not be written to. */
const asked = (path: string, mode: number): Failure => {
  const folder = Path.dirname(path)
  const refused = Result.try(() => {
    Fs.accessSync(folder, mode)
    Fs.accessSync(path, mode)
    // Too many open files.
    Fs.closeSync(Fs.openSync(folder, "r"))
  })
  if (Result.isSuccess(refused)) return new Damaged()
  const { code } = refused.failure as { readonly code?: string }
  return new Failed({ systemCode: code })
}

/** Whether SQLite could not open a file. That may be so for a moment, such as while too many files are open. */
export const isCannotOpen = (error: unknown): boolean => {
  const { errcode } = error as { readonly errcode?: unknown }
  return typeof errcode === "number" && (errcode & 0xff) === 14
}

/** What a thrown error means for the database at `path`. A bug of ours is a defect, and stays one. */
export const failureOf = (error: unknown, path: string): Failure => {
  if (error instanceof Busy || error instanceof Damaged || error instanceof Newer || error instanceof Failed)
    return error
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown }
  // An integer that no row of ours holds.
  if (code === "ERR_OUT_OF_RANGE") return new Damaged()
  // Closed by the end of its scope.
  if (code === "ERR_INVALID_STATE") return new Failed({ systemCode: "EBADF" })
  if (code !== "ERR_SQLITE_ERROR" || typeof errcode !== "number") throw error
  const known = extendedCodes[errcode] ?? resultCodes[errcode & 0xff]
  // Our statements are right. If SQLite finds one wrong, then the tables are not ours any more.
  return known === undefined ? new Damaged() : known(path)
}

/** Runs statements, all of them before anything else runs in this process. */
export const run = <A>(path: string, use: () => A): Effect.Effect<A, Failure> =>
  Effect.suspend(() => {
    const result = Result.try(use)
    return Result.isSuccess(result) ? Effect.succeed(result.success) : Effect.fail(failureOf(result.failure, path))
  })

/** Opens a database that waits for nobody: to wait inside of SQLite would stop every fiber. */
export const open = (path: string): Sqlite.DatabaseSync => {
  const sqlite = load()
  if (sqlite === undefined) throw new Failed({ systemCode: "ENOSYS" })
  return new sqlite.DatabaseSync(path, { timeout: 0 })
}

/** Closes a database, which also ends what it had begun and frees its locks. */
export const close = (database: Sqlite.DatabaseSync): void => {
  if (database.isOpen) database.close()
}

/** Opens a database and uses it, and closes it again if that fails. */
export const opened = <A>(path: string, use: (database: Sqlite.DatabaseSync) => A): A => {
  const database = open(path)
  const result = Result.try(() => use(database))
  if (Result.isSuccess(result)) return result.success
  close(database)
  throw result.failure
}

/** All of it or nothing. */
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
  // SQLite ends some transactions by itself, such as on a full disk.
  if (database.isTransaction) Result.try(() => database.exec("ROLLBACK"))
  throw result.failure
}

const turns = Schedule.forever.pipe(
  Schedule.modifyDelay(() => Effect.map(Random.nextBetween(2, 25), (millis) => `${millis} millis` as const)),
  Schedule.upTo({ duration: "5 seconds" })
)

/** Tries again while others have the database, for five seconds and without stopping other fibers. */
export const whenFree = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { while: ({ _tag }) => _tag === "Busy", schedule: turns })

const advice: Readonly<Record<string, string>> = {
  EBADF: "Use the vault within the scope of its layer.",
  EBUSY: "Look for a program that hangs while it has the vault open.",
  EMFILE: "Let this program open more files (ulimit -n), or find what it leaves open.",
  ENFILE: "Find the program that has so many files open.",
  ENOLCK: "Put the vault on a local disk: this file system has no locks.",
  ENOSPC: "Make room on the disk.",
  ENOSYS: `Use Node 22.19 or newer, built with SQLite. This is Node ${nodeVersion}.`,
  ENOTSUP: "Put the vault on a local disk: this file system cannot share memory between programs.",
  ESTALE: "Ask again: somebody has removed the vault meanwhile, and there is a new one now.",
  EROFS: "Give a folder on a file system that can be written to."
}

/** The failure as an error for a person. */
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
