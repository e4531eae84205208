// This function is not in support.ts, because its import of SQLite makes Node 22 print a warning.
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"

/** Changes the format number of a database, as if a newer version had written it. */
export const makeNewer = (path: string): void => {
  const database = new DatabaseSync(path)
  database
    .prepare("UPDATE checked SET value = '2', checksum = ? WHERE name = 'format'")
    .run(checksum("checked", "format", "2"))
  database.close()
}
