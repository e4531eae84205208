// Node 22 prints a warning when a program imports SQLite. Programs in the folder `programs` import support.ts and
// should not print this warning, so `makeNewer` is not in support.ts.
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"

/** Changes the format number of a database, as if a newer version of `@auth/node` had written the database. */
export const makeNewer = (path: string): void => {
  const database = new DatabaseSync(path)
  database
    .prepare("UPDATE checked SET value = '2', checksum = ? WHERE name = 'format'")
    .run(checksum("checked", "format", "2"))
  database.close()
}
