/** Folders and files that nobody else may read, write or lead astray. */
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as UserDirectories from "effect/persistence/UserDirectories"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"

/** What is looked at before a file or folder is used. */
export interface Facts {
  readonly isLink: boolean
  readonly isKind: boolean
  readonly mode: number
  readonly uid: number
}

/** A file's or a folder's own. */
export type Kind = "folder" | "file"

interface Refusal {
  readonly problem: string
  readonly advice: string
}

/** A path as a shell takes it. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

/**
 * Why this must not be used, and what to do about it. It is never put right in silence: what others could write to may
 * have been written to. `user` is `undefined` where there are no owners and modes, as on Windows.
 */
export const refusal = (facts: Facts, kind: Kind, path: string, user: number | undefined): Refusal | undefined => {
  const shell = quoted(path)
  if (facts.isLink)
    return { problem: "it is a symbolic link", advice: `Give the place that it leads to, or remove it: rm ${shell}` }
  if (!facts.isKind) return { problem: `it is not a ${kind}`, advice: `Move it away: mv ${shell} ${shell}.old` }
  if (user === undefined) return undefined
  if (facts.uid !== user)
    return {
      problem: "it belongs to another user",
      advice: `Give another folder. If all of it should be yours: sudo chown -R "$(id -un)" ${shell}`
    }
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(3, "0")
    return {
      problem: `others than its owner may use it (mode ${mode})`,
      advice: `Look whether anybody has changed it, then: chmod ${kind === "folder" ? "700" : "600"} ${shell}`
    }
  }
  return undefined
}

/** An error of the system as a reason: its code, and nothing else that it says. */
export const systemCode = (error: unknown): string | undefined => {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === "string" ? code : undefined
}

const failed = (what: string) => (error: unknown) =>
  VaultError.make("open", new VaultError.Io({ what, systemCode: systemCode(error) }))

const attempt = <A>(what: string, use: () => A): Effect.Effect<A, VaultError.VaultError> =>
  Effect.try({ try: use, catch: failed(what) })

const lstat = (path: string): Fs.BigIntStats | undefined => Fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })

/** Which file is at a path at this moment; `undefined` if there is none. It opens nothing. */
export const identity = (path: string): string | undefined => {
  const found = Result.getOrUndefined(Result.try(() => lstat(path)))
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

const check = Effect.fnUntraced(function* (path: string, kind: Kind, found: Fs.BigIntStats) {
  const facts: Facts = {
    isLink: found.isSymbolicLink(),
    isKind: kind === "folder" ? found.isDirectory() : found.isFile(),
    mode: Number(found.mode),
    uid: Number(found.uid)
  }
  const refused = refusal(facts, kind, path, process.geteuid?.())
  if (refused === undefined) return
  const what = `use ${path}: ${refused.problem}`
  return yield* Effect.fail(
    VaultError.make("open", new VaultError.Io({ what, advice: refused.advice, retry: "never" }))
  )
})

/** A name in a folder lasts through a power cut when the folder is written, too. Windows has no such thing. */
const syncFolder = (path: string): void => {
  if (process.platform === "win32") return
  const descriptor = Fs.openSync(path, "r")
  const synced = Result.try(() => Fs.fsyncSync(descriptor))
  Fs.closeSync(descriptor)
  Result.getOrThrow(synced)
}

/** Makes nothing that is there already: another program may have been faster. */
const unlessThere = (effect: Effect.Effect<void, VaultError.VaultError>): Effect.Effect<void, VaultError.VaultError> =>
  Effect.catchIf(
    effect,
    ({ reason }) => reason._tag === "Io" && reason.systemCode === "EEXIST",
    () => Effect.void
  )

const createFolder = (path: string): void => {
  const parent = Path.dirname(path)
  Fs.mkdirSync(parent, { recursive: true, mode: 0o700 })
  // Apart from its parents: of a file system that is read-only a recursive call says ENOENT.
  Fs.mkdirSync(path, { mode: 0o700 })
  syncFolder(parent)
}

/** Sees to it that the folder is there and is ours alone. */
export const folder = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, VaultError.VaultError> {
  const what = `make the folder ${path}`
  const before = yield* attempt(what, () => lstat(path))
  if (before === undefined) yield* unlessThere(attempt(what, () => createFolder(path)))
  const found = yield* attempt(what, () => Fs.lstatSync(path, { bigint: true }))
  yield* check(path, "folder", found)
})

/** What SQLite keeps beside a database. It gives them the database's own mode. */
export const companions = ["-wal", "-shm", "-journal"] as const

/** Fails with `EEXIST` also on a symbolic link that leads nowhere. */
const createEmpty = (path: string): void => {
  Fs.closeSync(Fs.openSync(path, "wx", 0o600))
  syncFolder(Path.dirname(path))
}

/**
 * Sees to it that the file of a database is there, and that it and what is beside it are ours alone.
 *
 * A file that is there is looked at and never opened: to close it would drop every lock that SQLite has on it for this
 * process (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
export const databaseFile = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, VaultError.VaultError> {
  const what = `make the file ${path}`
  const before = yield* attempt(what, () => lstat(path))
  if (before === undefined) yield* unlessThere(attempt(what, () => createEmpty(path)))
  yield* check(path, "file", yield* attempt(what, () => Fs.lstatSync(path, { bigint: true })))
  for (const companion of companions) {
    const found = yield* attempt(what, () => lstat(path + companion))
    if (found !== undefined) yield* check(path + companion, "file", found)
  }
})

/**
 * Puts an empty file in the place of a database. The path is never without a file: SQLite would make one there that others
 * may read. It opens nothing that is there.
 */
export const replaceWithEmpty = (path: string): void => {
  const fresh = `${path}-new`
  // Left by a program that was killed here.
  Fs.rmSync(fresh, { force: true })
  createEmpty(fresh)
  for (const companion of companions) Fs.rmSync(path + companion, { force: true })
  Fs.renameSync(fresh, path)
}

const refused = (what: string, advice: string): Effect.Effect<never, VaultError.VaultError> =>
  Effect.fail(VaultError.make("open", new VaultError.Io({ what, advice, retry: "never" })))

/** What separates the names in a path. */
const separator = process.platform === "win32" ? /[\\/]/ : /\//

/** The folder that is given, with `~` as the user's home, or the user's own place for state. */
export const resolve = Effect.fnUntraced(function* (
  given: string | undefined,
  home: () => string = Os.homedir
): Effect.fn.Return<string, VaultError.VaultError> {
  if (given?.trim() === "")
    return yield* refused("use a folder without a name", "Give the path of a folder, or no folder for the default.")
  const [first = "", ...rest] = given?.split(separator) ?? []
  if (first === "~") {
    const user = yield* attempt("find this user's home folder", home)
    return Path.resolve(user, ...rest)
  }
  // Of a shell it is the home of another user. Here it would be a folder with that name.
  if (first.startsWith("~"))
    return yield* refused(`use the folder ${given}`, `Give its whole path, or ./${given} for a folder of that name.`)
  if (given !== undefined) return Path.resolve(given)
  return yield* UserDirectories.make({ platform: process.platform })
    .state("broker-auth")
    .pipe(
      Effect.mapError(() =>
        VaultError.make(
          "open",
          new VaultError.Io({ what: "find this user's folders", advice: "Set HOME, or give a folder." })
        )
      )
    )
})
