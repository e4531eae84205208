/** A file lock that one program at a time can hold. The operating system releases it when the program ends. */
import type * as VaultError from "@auth/broker-core/session/VaultError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import * as Path from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as checked from "./checked.ts"
import * as place from "./place.ts"
import * as sqlite from "./sqlite.ts"

/** A lock that is held. */
export interface Held {
  /** Grows with every holder. */
  readonly fence: number
  /** Whether the path still leads to this file, the one that other programs wait for. */
  readonly isInPlace: () => boolean
}

interface Open extends Held {
  readonly database: DatabaseSync
}

const design: checked.Design = { format: 1, tables: [] }

/** The folder of the locks in a vault's folder. */
export const folderOf = (vault: string): string => Path.join(vault, "locks")

/** The file for a name. File names are hashes, so that an account's name cannot determine a path. */
export const fileOf = (vault: string, name: string): string =>
  Path.join(folderOf(vault), `${createHash("sha256").update(name).digest("hex")}.db`)

/**
 * Increments the fence. It is a counter, so that it grows even if the clock is set back. It is at least the time in
 * milliseconds, so that it grows even if the file was deleted.
 */
const advance = (database: DatabaseSync, now: number): number => {
  if (checked.isNew(database)) checked.create(database, design, { fence: "0" })
  checked.verify(database, design)
  const fence = Math.max(checked.readNumber(database, "fence") + 1, now)
  checked.write(database, "fence", String(fence))
  return fence
}

/**
 * Acquires the lock, or throws `Busy`. In exclusive mode, SQLite keeps a transaction's lock after the transaction,
 * until the database is closed. So the fence is committed before any program uses it, and the lock stays held.
 */
const take = (path: string, now: number): Open => {
  const identity = place.identity(path)
  if (identity === undefined) throw new sqlite.Busy()
  const isInPlace = () => place.identity(path) === identity
  return sqlite.opened(path, (database) => {
    // A power cut may lose the last fence, but it also ends all holders, and the next fence is at least the time.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF")
    const fence = sqlite.transaction(database, "EXCLUSIVE", () => advance(database, now))
    // The file was deleted between the two checks: another program may hold its successor.
    if (!isInPlace()) throw new sqlite.Busy()
    return { database, fence, isInPlace }
  })
}

/**
 * The files that lock repairs in a folder. This package never writes to them, so only other programs can damage one. A
 * damaged file is not replaced, because a replaced file could be locked twice: every program then uses the next one.
 */
const repairFiles = Array.from({ length: 8 }, (_, index) => `repair-${index + 1}.db`)

/** Runs `use` under the repair lock of the folder, or throws `Busy`. */
const repairing = <A>(path: string, use: () => A): A => {
  const identity = place.identity(path)
  if (identity === undefined) throw new sqlite.Busy()
  return sqlite.opened(path, (database) => {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    if (place.identity(path) !== identity) throw new sqlite.Busy()
    const result = use()
    sqlite.close(database)
    return result
  })
}

/**
 * Whether a failure to read a file means that its content is damaged. SQLite's CANTOPEN does not: it may be temporary.
 */
const isDamage = (error: unknown, path: string): boolean =>
  sqlite.failureOf(error, path)._tag === "Damaged" && !sqlite.isCannotOpen(error)

/**
 * Acquires the lock, and replaces its file if it is still damaged. While a program holds the file, the result is
 * `Busy`, not `Damaged`, because SQLite needs a lock even to read it. A damaged file cannot be held, and the repair
 * lock excludes other repairs.
 */
const takeOrReplace = (path: string, now: number): Open => {
  const taken = Result.try(() => take(path, now))
  if (Result.isSuccess(taken)) return taken.success
  if (!isDamage(taken.failure, path)) throw sqlite.failureOf(taken.failure, path)
  const replaced = Result.try(() => place.replaceWithEmpty(path))
  if (Result.isFailure(replaced)) throw new sqlite.Failed({ systemCode: place.systemCode(replaced.failure) })
  const again = Result.try(() => take(path, now))
  if (Result.isSuccess(again)) return again.success
  // Damaged again: the next attempt checks it again.
  throw isDamage(again.failure, path) ? new sqlite.Busy() : again.failure
}

/** Recreates a damaged lock file. A lock file contains no data. */
const repair = Effect.fnUntraced(function* (
  path: string,
  now: number
): Effect.fn.Return<Open, sqlite.Failure | VaultError.VaultError> {
  for (const file of repairFiles) {
    const gate = Path.join(Path.dirname(path), file)
    yield* place.databaseFile(gate)
    // Inside, `path` fails with its own `Failure`, so that only a damaged gate leads to the next gate.
    const repaired = Result.try(() => repairing(gate, () => Result.try(() => takeOrReplace(path, now))))
    if (Result.isFailure(repaired) && isDamage(repaired.failure, gate)) continue
    return yield* sqlite.run(gate, () => Result.getOrThrow(Result.getOrThrow(repaired)))
  }
  return yield* Effect.fail(new sqlite.Damaged())
})

const polling = Schedule.forever.pipe(
  Schedule.modifyDelay(() => Effect.map(Random.nextBetween(25, 100), (millis) => `${millis} millis` as const))
)

/**
 * Waits for the file lock without a time-out, and holds it until the scope ends. The wait can be interrupted. Recreates
 * a damaged file.
 */
export const hold = (path: string): Effect.Effect<Held, sqlite.Failure | VaultError.VaultError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      yield* place.databaseFile(path)
      const now = yield* Clock.currentTimeMillis
      return yield* sqlite.run(path, () => take(path, now)).pipe(Effect.catchTag("Damaged", () => repair(path, now)))
    }),
    ({ database }) => Effect.sync(() => sqlite.close(database))
  ).pipe(Effect.retry({ while: ({ _tag }) => _tag === "Busy", schedule: polling }))
