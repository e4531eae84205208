/** A file that one program at a time can hold, and that the system lets go of when the program dies. */
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
  /** Whether this is still the file that everybody else waits for. */
  readonly isInPlace: () => boolean
}

interface Open extends Held {
  readonly database: DatabaseSync
}

const design: checked.Design = { format: 1, tables: [] }

/** The folder of the locks in a vault's folder. */
export const folderOf = (vault: string): string => Path.join(vault, "locks")

/** The file for a name. What an account is called does not choose the name of a file. */
export const fileOf = (vault: string, name: string): string =>
  Path.join(folderOf(vault), `${createHash("sha256").update(name).digest("hex")}.db`)

/**
 * The next fence. It is a counter, so that it grows on a clock that is set back; and not less than the time in
 * milliseconds, so that it grows also when somebody has deleted the file.
 */
const advance = (database: DatabaseSync, now: number): number => {
  if (checked.isNew(database)) checked.create(database, design, { fence: "0" })
  checked.verify(database, design)
  const fence = Math.max(checked.readNumber(database, "fence") + 1, now)
  checked.write(database, "fence", String(fence))
  return fence
}

/**
 * Takes the lock, or throws `Busy`. In exclusive mode SQLite keeps a transaction's lock when the transaction ends, until
 * the database is closed. So the fence is committed before anybody sees it, and the lock is held all the same.
 */
const take = (path: string, now: number): Open => {
  const identity = place.identity(path)
  if (identity === undefined) throw new sqlite.Busy()
  const isInPlace = () => place.identity(path) === identity
  return sqlite.opened(path, (database) => {
    // A power cut may take the last fence, but it takes all holders with it, and the next fence is not less than the time.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF")
    const fence = sqlite.transaction(database, "EXCLUSIVE", () => advance(database, now))
    // Somebody has deleted the file between two looks at it: others may hold its successor.
    if (!isInPlace()) throw new sqlite.Busy()
    return { database, fence, isInPlace }
  })
}

/**
 * The files that repairs in a folder are locked with. Nothing is ever written into them, so only something else can damage
 * one. A damaged one is left where it is, since a replaced one could be locked twice: every program then uses the next.
 */
const repairFiles = Array.from({ length: 8 }, (_, index) => `repair-${index + 1}.db`)

/** Runs `use` while no other program repairs anything in the folder, or throws `Busy`. */
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

/** The failure of reading a file's content, if it says that the content is damaged. SQLite's CANTOPEN does not: it may pass. */
const isDamage = (error: unknown, path: string): boolean =>
  sqlite.failureOf(error, path)._tag === "Damaged" && !sqlite.isCannotOpen(error)

/**
 * Takes the lock, and replaces its file if that is still damaged. While a program holds the file, it is `Busy` and not
 * damaged: SQLite needs a lock even to read it. A damaged file cannot be held, and nobody else repairs it meanwhile.
 */
const takeOrReplace = (path: string, now: number): Open => {
  const taken = Result.try(() => take(path, now))
  if (Result.isSuccess(taken)) return taken.success
  if (!isDamage(taken.failure, path)) throw sqlite.failureOf(taken.failure, path)
  const replaced = Result.try(() => place.replaceWithEmpty(path))
  if (Result.isFailure(replaced)) throw new sqlite.Failed({ systemCode: place.systemCode(replaced.failure) })
  const again = Result.try(() => take(path, now))
  if (Result.isSuccess(again)) return again.success
  // Damaged once more: the next attempt looks at it anew.
  throw isDamage(again.failure, path) ? new sqlite.Busy() : again.failure
}

/** A lock's file has no content worth keeping: a damaged one is made anew. */
const repair = Effect.fnUntraced(function* (
  path: string,
  now: number
): Effect.fn.Return<Open, sqlite.Failure | VaultError.VaultError> {
  for (const file of repairFiles) {
    const gate = Path.join(Path.dirname(path), file)
    yield* place.databaseFile(gate)
    // Within it `path` fails with a `Failure` of its own, so that only the gate's damage leads to the next gate.
    const repaired = Result.try(() => repairing(gate, () => Result.try(() => takeOrReplace(path, now))))
    if (Result.isFailure(repaired) && isDamage(repaired.failure, gate)) continue
    return yield* sqlite.run(gate, () => Result.getOrThrow(Result.getOrThrow(repaired)))
  }
  return yield* Effect.fail(new sqlite.Damaged())
})

const polling = Schedule.forever.pipe(
  Schedule.modifyDelay(() => Effect.map(Random.nextBetween(25, 100), (millis) => `${millis} millis` as const))
)

/** Waits for the file and holds it until the scope ends, and makes a damaged one anew. It waits for ever, and can be interrupted while it does. */
export const hold = (path: string): Effect.Effect<Held, sqlite.Failure | VaultError.VaultError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      yield* place.databaseFile(path)
      const now = yield* Clock.currentTimeMillis
      return yield* sqlite.run(path, () => take(path, now)).pipe(Effect.catchTag("Damaged", () => repair(path, now)))
    }),
    ({ database }) => Effect.sync(() => sqlite.close(database))
  ).pipe(Effect.retry({ while: ({ _tag }) => _tag === "Busy", schedule: polling }))
