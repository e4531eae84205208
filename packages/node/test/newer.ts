// Separate from support.ts, because this import of SQLite makes Node 22 print a warning.
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"

/** Marks a database as written by a newer version. */
export const makeNewer = (path: string): void => {
  const database = new DatabaseSync(path)
  database
    .prepare("UPDATE checked SET value = '2', checksum = ? WHERE name = 'format'")
    .run(checksum("checked", "format", "2"))
  database.close()
}
