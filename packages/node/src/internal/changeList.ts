/**
 * Lists the latest changes of sessions in a vault. With the list, a program finds changes by other programs without
 * reading every session.
 */
import type { DatabaseSync } from "node:sqlite"
import * as checked from "./checked.ts"
import { Damaged } from "./sqlite.ts"

export interface Change {
  /** Number of the write that made this change. The first write to the vault is number 1. */
  readonly write: number
  readonly account: string
  readonly version: number
}

interface ChangeList {
  /**
   * Number of writes to the vault when the list was written. If the vault has more writes, an older version of this
   * package has written without updating the list.
   */
  readonly writes: number
  /** The list contains all changes of sessions after write number `from`. */
  readonly from: number
  readonly changes: ReadonlyArray<Change>
}

const name = "changes"

/** At up to 100 writes per second, a program that reads the list once a second misses no change. */
const length = 100

const encode = ({ changes, from, writes }: ChangeList): string =>
  [`${writes} ${from}`, ...changes.map(({ account, version, write }) => `${write} ${version} ${account}`)].join("\n")

const toNumber = (text: string | undefined): number => {
  const number = Number(text)
  if (text === undefined || !Number.isSafeInteger(number)) throw new Damaged()
  return number
}

const decode = (text: string): ChangeList => {
  const [head = "", ...lines] = text.split("\n")
  const [writes, from] = head.split(" ")
  const changes = lines.map((line): Change => {
    const [write, version, account = ""] = line.split(" ")
    return { write: toNumber(write), version: toNumber(version), account }
  })
  return { writes: toNumber(writes), from: toNumber(from), changes }
}

const find = (database: DatabaseSync): ChangeList | undefined => {
  const text = checked.find(database, name)
  return text === undefined ? undefined : decode(text)
}

/** Call in the transaction of each write. `writes` includes this write. `session`: only if a session is written. */
export const add = (
  database: DatabaseSync,
  writes: number,
  session: { readonly account: string; readonly version: number } | undefined
): void => {
  const before = find(database)
  const known = before?.writes === writes - 1 ? before : { from: writes - 1, changes: [] }
  const all = session === undefined ? known.changes : [...known.changes, { write: writes, ...session }]
  const dropped = all.slice(0, -length).at(-1)
  const list = { writes, from: dropped?.write ?? known.from, changes: all.slice(-length) }
  checked.write(database, name, encode(list))
}

export interface News {
  readonly writes: number
  /** All changes after the write number given to `since`. `undefined` if the list may lack some of these changes. */
  readonly changes: ReadonlyArray<Change> | undefined
}

export const since = (database: DatabaseSync, writes: number): News => {
  const now = checked.readNumber(database, "writes")
  const list = find(database)
  const isComplete = list !== undefined && list.writes === now && list.from <= writes && writes <= now
  return { writes: now, changes: isComplete ? list.changes.filter(({ write }) => write > writes) : undefined }
}
