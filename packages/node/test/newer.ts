// Apart from support.ts: a program that loads SQLite by itself prints Node 22's notice.
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"

/** Makes a database one that a newer version has written. */
export const makeNewer = (path: string): void => {
  const database = new DatabaseSync(path)
  database
    .prepare("UPDATE checked SET value = '2', checksum = ? WHERE name = 'format'")
    .run(checksum("checked", "format", "2"))
  database.close()
}
