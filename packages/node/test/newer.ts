// This import makes Node 22 print a warning. The programs in the folder `programs` import support.ts, and must not
// print the warning. So this import is not in support.ts.
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"

/** Gives a database the format number of a newer version of `@auth/node`. */
export const makeNewer = (path: string): void => {
  const database = new DatabaseSync(path)
  database
    .prepare("UPDATE checked SET value = '2', checksum = ? WHERE name = 'format'")
    .run(checksum("checked", "format", "2"))
  database.close()
}
