/** The tables and statements of a vault's database. The functions throw the errors of `sqlite.ts` and of SQLite. */
import type { DatabaseSync } from "node:sqlite"
import * as changeList from "./changeList.ts"
import * as checked from "./checked.ts"
import { Damaged, Failed, transaction } from "./sqlite.ts"

export interface Stored {
  readonly version: number
  readonly value: Uint8Array
}

export interface Place {
  readonly account: string
  readonly slot: string
}

export interface Vault {
  readonly database: DatabaseSync
  /** The `dataVersion` at the last full verification. */
  verified: unknown
}

const design: checked.Design = {
  format: 1,
  tables: [
    "CREATE TABLE entry (account TEXT NOT NULL, slot TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, " +
      "checksum BLOB NOT NULL, PRIMARY KEY (account, slot)) STRICT, WITHOUT ROWID"
  ]
}

// With `synchronous = FULL` and `fullfsync`, the data is on disk when a write succeeds. With `secure_delete`, SQLite
// overwrites replaced data with zeros.
const settings = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA secure_delete = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
`

const checksumOf = ({ account, slot }: Place, { value, version }: Stored): Uint8Array =>
  checked.checksum("entry", account, slot, version, value)

const toStored = (place: Place, row: Record<string, unknown>): Stored => {
  const { checksum, value, version } = row
  if (typeof version !== "number" || !(value instanceof Uint8Array)) throw new Damaged()
  const stored = { version, value }
  checked.requireChecksum(checksum, checksumOf(place, stored))
  return stored
}

const verifyEntries = (database: DatabaseSync): void => {
  const rows = database.prepare("SELECT account, slot, version, value, checksum FROM entry").all()
  let writes = 0
  for (const row of rows)
    writes += toStored({ account: String(row["account"]), slot: String(row["slot"]) }, row).version
  // This package never removes an entry, and each write increments the version of one entry. So the sum of all versions
  // is the number of writes.
  const isWhole =
    rows.length === checked.readNumber(database, "entries") && writes === checked.readNumber(database, "writes")
  if (!isWhole) throw new Damaged()
}

/** A number that changes when another connection has written to the database. */
export const dataVersion = (database: DatabaseSync): unknown =>
  database.prepare("PRAGMA data_version").get()?.["data_version"]

/** Throws `Damaged` if data is corrupt or missing, and `Newer` if a newer version of this package wrote the vault. */
export const verify = (database: DatabaseSync): unknown =>
  transaction(database, "DEFERRED", () => {
    checked.verify(database, design)
    verifyEntries(database)
    return dataVersion(database)
  })

/**
 * Moves the writes from SQLite's log to the database file. Returns `false` if SQLite could not empty the log, for
 * example while another program reads.
 *
 * Call this function after each write, until it returns `true`. SQLite does not report damage in the log. SQLite
 * ignores the damaged part and everything after that part, and returns an older session.
 */
export const emptyLog = (database: DatabaseSync): boolean =>
  database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0

export const prepare = (database: DatabaseSync): Vault => {
  database.exec(settings)
  checked.createOnce(database, design, () => ({ entries: "0", writes: "0" }))
  const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"]
  if (mode !== "wal") throw new Failed({ systemCode: "ENOTSUP" })
  const verified = verify(database)
  emptyLog(database)
  return { database, verified }
}

const find = (database: DatabaseSync, place: Place): Stored | undefined => {
  const row = database
    .prepare("SELECT version, value, checksum FROM entry WHERE account = ? AND slot = ?")
    .get(place.account, place.slot)
  return row === undefined ? undefined : toStored(place, row)
}

/**
 * Reads an entry. If the entry is missing and another connection has written since the last verification, `read` also
 * verifies the whole vault. If the entry was deleted, the verification throws `Damaged`.
 */
export const read = (vault: Vault, place: Place): Stored | undefined => {
  const { database, verified } = vault
  const found = find(database, place)
  if (found === undefined && dataVersion(database) !== verified) vault.verified = verify(database)
  return found
}

export const places = (database: DatabaseSync): ReadonlyArray<Place> =>
  database
    .prepare("SELECT account, slot FROM entry")
    .all()
    .map((row) => ({ account: String(row["account"]), slot: String(row["slot"]) }))

const increment = (database: DatabaseSync, name: string): number => {
  const sum = checked.readNumber(database, name) + 1
  checked.write(database, name, String(sum))
  return sum
}

export const write = (database: DatabaseSync, place: Place, value: Uint8Array, expected: number): boolean =>
  transaction(database, "IMMEDIATE", () => {
    const found = find(database, place)
    if ((found?.version ?? 0) !== expected) return false
    const stored = { version: expected + 1, value }
    database
      .prepare("INSERT OR REPLACE INTO entry (account, slot, version, value, checksum) VALUES (?, ?, ?, ?, ?)")
      .run(place.account, place.slot, stored.version, value, checksumOf(place, stored))
    if (found === undefined) increment(database, "entries")
    const session = place.slot === "session" ? { account: place.account, version: stored.version } : undefined
    changeList.add(database, increment(database, "writes"), session)
    return true
  })

export const changesSince = (database: DatabaseSync, writes: number): changeList.News & { readonly data: unknown } =>
  transaction(database, "DEFERRED", () => ({ ...changeList.since(database, writes), data: dataVersion(database) }))
