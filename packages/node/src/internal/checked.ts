/**
 * Detects damage in a database, and rows that a program changed without a new checksum. SQLite does not notice a
 * changed value, so each row has a checksum. Damage can remove a row, so a vault also stores the number of its entries.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { Damaged, Newer, transaction } from "./sqlite.ts"

/** Every database has this table. Later formats must not change it. */
const valueTable =
  "CREATE TABLE checked (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID"

/** SHA-256 of the fields and their lengths. Without the lengths, `ab, c` and `a, bc` would have the same checksum. */
export const checksum = (...fields: ReadonlyArray<string | number | Uint8Array>): Uint8Array => {
  const hash = createHash("sha256")
  for (const field of fields) {
    const bytes = typeof field === "object" ? field : new TextEncoder().encode(String(field))
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return new Uint8Array(hash.digest())
}

export const requireChecksum = (found: unknown, expected: Uint8Array): void => {
  const isSame =
    found instanceof Uint8Array &&
    found.length === expected.length &&
    found.every((byte, index) => byte === expected[index])
  if (!isSame) throw new Damaged()
}

export const write = (database: DatabaseSync, name: string, value: string): void => {
  database
    .prepare("INSERT OR REPLACE INTO checked (name, value, checksum) VALUES (?, ?, ?)")
    .run(name, value, checksum("checked", name, value))
}

export const find = (database: DatabaseSync, name: string): string | undefined => {
  const row = database.prepare("SELECT value, checksum FROM checked WHERE name = ?").get(name)
  if (row === undefined) return undefined
  if (typeof row["value"] !== "string") throw new Damaged()
  requireChecksum(row["checksum"], checksum("checked", name, row["value"]))
  return row["value"]
}

export const read = (database: DatabaseSync, name: string): string => {
  const value = find(database, name)
  if (value === undefined) throw new Damaged()
  return value
}

export const readNumber = (database: DatabaseSync, name: string): number => {
  const number = Number(read(database, name))
  if (!Number.isSafeInteger(number)) throw new Damaged()
  return number
}

/**
 * Whether no program has written to the file yet. Inside a transaction, SQLite counts one page for an empty file. A
 * file with content but without tables is not new: its tables were deleted.
 */
export const isNew = (database: DatabaseSync): boolean => {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"])
  const isEmpty = pages <= 1 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined
  return isEmpty && Fs.statSync(database.location() ?? "").size === 0
}

export interface Design {
  readonly format: number
  readonly tables: ReadonlyArray<string>
}

/** The caller must have started a transaction. */
export const create = (database: DatabaseSync, design: Design, values: Readonly<Record<string, string>>): void => {
  for (const table of [valueTable, ...design.tables]) database.exec(table)
  write(database, "format", String(design.format))
  for (const [name, value] of Object.entries(values)) write(database, name, value)
}

export const createOnce = (
  database: DatabaseSync,
  design: Design,
  values: () => Readonly<Record<string, string>>
): void => {
  if (!isNew(database)) return
  transaction(database, "EXCLUSIVE", () => {
    // Another program may have created the tables before this transaction began.
    if (isNew(database)) create(database, design, values())
  })
}

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
