/**
 * A database that knows when it was changed by something else: each row has a checksum, and the number of rows is
 * written down, since SQLite does not notice a changed value, and a changed page can hide a row.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { Damaged, Newer, transaction } from "./sqlite.ts"

/** Named values, each with its checksum. Every database has this table, and no later format may change it. */
const valueTable =
  "CREATE TABLE checked (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID"

/** SHA-256 over fields and their lengths, so that no two lists of fields have the same one. */
export const checksum = (...fields: ReadonlyArray<string | number | Uint8Array>): Uint8Array => {
  const hash = createHash("sha256")
  for (const field of fields) {
    const bytes = typeof field === "object" ? field : new TextEncoder().encode(String(field))
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return new Uint8Array(hash.digest())
}

/** A row counts only with the checksum that belongs to it. */
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

/** Reads a named value that must be there. */
export const read = (database: DatabaseSync, name: string): string => {
  const row = database.prepare("SELECT value, checksum FROM checked WHERE name = ?").get(name)
  if (typeof row?.["value"] !== "string") throw new Damaged()
  requireChecksum(row["checksum"], checksum("checked", name, row["value"]))
  return row["value"]
}

/** Reads a named whole number that must be there. */
export const readNumber = (database: DatabaseSync, name: string): number => {
  const number = Number(read(database, name))
  if (!Number.isSafeInteger(number)) throw new Damaged()
  return number
}

/**
 * Nothing was ever written into it: a file without a byte, which a transaction counts as one page. A database whose tables
 * cannot be found is not taken for a new one.
 */
export const isNew = (database: DatabaseSync): boolean => {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"])
  const isEmpty = pages <= 1 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined
  return isEmpty && Fs.statSync(database.location() ?? "").size === 0
}

/** What a kind of database consists of. */
export interface Design {
  readonly format: number
  readonly tables: ReadonlyArray<string>
}

/** Makes the tables and their first values, in a transaction of the caller. */
export const create = (database: DatabaseSync, design: Design, values: Readonly<Record<string, string>>): void => {
  for (const table of [valueTable, ...design.tables]) database.exec(table)
  write(database, "format", String(design.format))
  for (const [name, value] of Object.entries(values)) write(database, name, value)
}

/** Makes the tables and their first values if there is nothing yet, however many programs do it at once. */
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

/** Every page must be sound, the format known, and the tables those of the design. */
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
