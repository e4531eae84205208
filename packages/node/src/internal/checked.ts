/**
 * A database that detects changes by other programs. Each row has a checksum, because SQLite does not notice a changed
 * value. The number of rows is recorded, because a changed page can hide a row.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { Damaged, Newer, transaction } from "./sqlite.ts"

/** Named values, each with its checksum. Every database has this table, and no later format may change it. */
const valueTable =
  "CREATE TABLE checked (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID"

/** SHA-256 over fields and their lengths, so that no two lists of fields share a checksum. */
export const checksum = (...fields: ReadonlyArray<string | number | Uint8Array>): Uint8Array => {
  const hash = createHash("sha256")
  for (const field of fields) {
    const bytes = typeof field === "object" ? field : new TextEncoder().encode(String(field))
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return new Uint8Array(hash.digest())
}

/** Throws `Damaged` unless the row's checksum is the expected one. */
export const requireChecksum = (found: unknown, expected: Uint8Array): void => {
  const isSame =
    found instanceof Uint8Array &&
    found.length === expected.length &&
    found.every((byte, index) => byte === expected[index])
  if (!isSame) throw new Damaged()
}

/** Writes a named value. */
export const write = (database: DatabaseSync, name: string, value: string): void => {
  database
    .prepare("INSERT OR REPLACE INTO checked (name, value, checksum) VALUES (?, ?, ?)")
    .run(name, value, checksum("checked", name, value))
}

/** Reads a required named value. */
export const read = (database: DatabaseSync, name: string): string => {
  const row = database.prepare("SELECT value, checksum FROM checked WHERE name = ?").get(name)
  if (typeof row?.["value"] !== "string") throw new Damaged()
  requireChecksum(row["checksum"], checksum("checked", name, row["value"]))
  return row["value"]
}

/** Reads a required named integer. */
export const readNumber = (database: DatabaseSync, name: string): number => {
  const number = Number(read(database, name))
  if (!Number.isSafeInteger(number)) throw new Damaged()
  return number
}

/**
 * Whether nothing was ever written: the file has no bytes (a transaction counts it as one page). A database whose
 * tables are missing is not treated as new.
 */
export const isNew = (database: DatabaseSync): boolean => {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"])
  const isEmpty = pages <= 1 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined
  return isEmpty && Fs.statSync(database.location() ?? "").size === 0
}

/** Format number and tables of a kind of database. */
export interface Design {
  readonly format: number
  readonly tables: ReadonlyArray<string>
}

/** Creates the tables and their initial values, in the caller's transaction. */
export const create = (database: DatabaseSync, design: Design, values: Readonly<Record<string, string>>): void => {
  for (const table of [valueTable, ...design.tables]) database.exec(table)
  write(database, "format", String(design.format))
  for (const [name, value] of Object.entries(values)) write(database, name, value)
}

/** Creates the tables and their initial values if the database is empty. Safe with concurrent programs. */
export const createOnce = (
  database: DatabaseSync,
  design: Design,
  values: () => Readonly<Record<string, string>>
): void => {
  if (!isNew(database)) return
  transaction(database, "EXCLUSIVE", () => {
    // Another program may have been faster.
    if (isNew(database)) create(database, design, values())
  })
}

/** Throws unless every page is intact, the format is known, and the tables match the design. */
export const verify = (database: DatabaseSync, design: Design): void => {
  const [found] = database.prepare("PRAGMA integrity_check(1)").all()
  if (found?.["integrity_check"] !== "ok") throw new Damaged()
  const format = readNumber(database, "format")
  if (format > design.format) throw new Newer({ format })
  const tables = database.prepare("SELECT sql FROM sqlite_schema ORDER BY sql").all()
  const expected = [valueTable, ...design.tables].toSorted()
  const isSame = tables.length === expected.length && expected.every((sql, index) => tables[index]?.["sql"] === sql)
  if (format !== design.format || !isSame) throw new Damaged()
}
