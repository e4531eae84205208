/** A file lock for one program at a time. The operating system releases the lock when the program ends. */
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

export interface Held {
  /** A number that is larger than the fence of every earlier holder. */
  readonly fence: number
  /** Whether the locked file is still at its path. Otherwise, another program can lock a new file there. */
  readonly isInPlace: () => boolean
}

interface Open extends Held {
  readonly database: DatabaseSync
}

const design: checked.Design = { format: 1, tables: [] }

export const folderOf = (vault: string): string => Path.join(vault, "locks")

/** The file name is a hash, because the name of an account may contain `/` or `..`. */
export const fileOf = (vault: string, name: string): string =>
  Path.join(folderOf(vault), `${createHash("sha256").update(name).digest("hex")}.db`)

/**
 * The fence is a counter, so it grows even if the clock was set back. The fence is at least the current time in
 * milliseconds, so it grows even if the file was deleted.
 */
const advance = (database: DatabaseSync, now: number): number => {
  if (checked.isNew(database)) checked.create(database, design, { fence: "0" })
  checked.verify(database, design)
  const fence = Math.max(checked.readNumber(database, "fence") + 1, now)
  checked.write(database, "fence", String(fence))
  return fence
}

/** In exclusive mode, SQLite keeps the lock of a transaction after the commit, until the database is closed. */
const take = (path: string, now: number): Open => {
  const identity = place.identity(path)
  if (identity === undefined) throw new sqlite.Busy()
  const isInPlace = () => place.identity(path) === identity
  return sqlite.opened(path, (database) => {
    // With `synchronous = OFF`, a power cut may lose the newest fence. But the power cut also ends the program that
    // holds the lock, and the next fence is at least the current time.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF")
    const fence = sqlite.transaction(database, "EXCLUSIVE", () => advance(database, now))
    // If the file was deleted after `identity` was read, another program may hold the lock of a new file at this path.
    if (!isInPlace()) throw new sqlite.Busy()
    return { database, fence, isInPlace }
  })
}

/**
 * A program locks the first undamaged file of this list while it repairs a lock file. Never replace a file of this
 * list: one program could hold the lock of the old file, and another the lock of the new file.
 */
const repairFiles = Array.from({ length: 8 }, (_, index) => `repair-${index + 1}.db`)

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

/** SQLite's CANTOPEN does not count as damage, because its cause may be temporary. */
const isDamage = (error: unknown, path: string): boolean =>
  sqlite.failureOf(error, path)._tag === "Damaged" && !sqlite.isCannotOpen(error)

/**
 * Never replaces a held file, because reading a held file fails with `Busy`, not `Damaged`. The caller must hold the
 * lock of a file in `repairFiles`.
 */
const takeOrReplace = (path: string, now: number): Open => {
  const taken = Result.try(() => take(path, now))
  if (Result.isSuccess(taken)) return taken.success
  if (!isDamage(taken.failure, path)) throw sqlite.failureOf(taken.failure, path)
  const replaced = Result.try(() => place.replaceWithEmpty(path))
  if (Result.isFailure(replaced)) throw new sqlite.Failed({ systemCode: place.systemCode(replaced.failure) })
  const again = Result.try(() => take(path, now))
  if (Result.isSuccess(again)) return again.success
  // `Busy` makes `hold` try again.
  throw isDamage(again.failure, path) ? new sqlite.Busy() : again.failure
}

/** Replacing a damaged file loses only the fence, and the next fence is at least the current time. */
const repair = Effect.fnUntraced(function* (
  path: string,
  now: number
): Effect.fn.Return<Open, sqlite.Failure | VaultError.VaultError> {
  for (const file of repairFiles) {
    const gate = Path.join(Path.dirname(path), file)
    yield* place.databaseFile(gate)
    // The inner `Result` is the outcome for `path`. The outer `Result` is the outcome for `gate`.
    const repaired = Result.try(() => repairing(gate, () => Result.try(() => takeOrReplace(path, now))))
    if (Result.isFailure(repaired) && isDamage(repaired.failure, gate)) continue
    return yield* sqlite.run(gate, () => Result.getOrThrow(Result.getOrThrow(repaired)))
  }
  return yield* Effect.fail(new sqlite.Damaged())
})

const polling = Schedule.forever.pipe(
  Schedule.modifyDelay(() => Effect.map(Random.nextBetween(25, 100), (millis) => `${millis} millis` as const))
)

/** Waits for the lock without a time-out, and holds the lock until the scope ends. */
export const hold = (path: string): Effect.Effect<Held, sqlite.Failure | VaultError.VaultError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      yield* place.databaseFile(path)
      const now = yield* Clock.currentTimeMillis
      return yield* sqlite.run(path, () => take(path, now)).pipe(Effect.catchTag("Damaged", () => repair(path, now)))
    }),
    ({ database }) => Effect.sync(() => sqlite.close(database))
  ).pipe(Effect.retry({ while: ({ _tag }) => _tag === "Busy", schedule: polling }))
