/** Creates folders and files that no other user can access, and checks existing folders and files. */
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as UserDirectories from "effect/persistence/UserDirectories"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"

export interface Facts {
  readonly isLink: boolean
  /** Whether the entry at the path is of the expected `Kind`. */
  readonly isKind: boolean
  readonly mode: number
  readonly uid: number
}

export type Kind = "folder" | "file"

interface Refusal {
  readonly problem: string
  readonly advice: string
}

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

/**
 * A wrong mode or owner is not corrected, because another user may have changed the content. `user` is `undefined` on
 * systems without owners and modes, such as Windows.
 */
export const refusal = (facts: Facts, kind: Kind, path: string, user: number | undefined): Refusal | undefined => {
  const shell = quoted(path)
  if (facts.isLink)
    return {
      problem: "it is a symbolic link",
      advice: `Use the path that the link points to, or remove the link: rm ${shell}`
    }
  if (!facts.isKind) return { problem: `it is not a ${kind}`, advice: `Move it away: mv ${shell} ${shell}.old` }
  if (user === undefined) return undefined
  if (facts.uid !== user)
    return {
      problem: "it belongs to another user",
      advice: `Use another folder. If this ${kind} should belong to you, run: sudo chown -R "$(id -un)" ${shell}`
    }
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(3, "0")
    return {
      problem: `other users have access to it (mode ${mode})`,
      advice: `Check that no other user has changed it, then run: chmod ${kind === "folder" ? "700" : "600"} ${shell}`
    }
  }
  return undefined
}

/** Returns the code of a system error, such as `EACCES`. */
export const systemCode = (error: unknown): string | undefined => {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === "string" ? code : undefined
}

const failed = (what: string) => (error: unknown) =>
  VaultError.make("open", new VaultError.Io({ what, systemCode: systemCode(error) }))

const attempt = <A>(what: string, use: () => A): Effect.Effect<A, VaultError.VaultError> =>
  Effect.try({ try: use, catch: failed(what) })

const lstat = (path: string): Fs.BigIntStats | undefined => Fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })

/** Returns the device and the inode of a file, without opening the file. */
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

/** Makes the name of a new file survive a power cut. On Windows, a folder cannot be synced. */
const syncFolder = (path: string): void => {
  if (process.platform === "win32") return
  const descriptor = Fs.openSync(path, "r")
  const synced = Result.try(() => Fs.fsyncSync(descriptor))
  Fs.closeSync(descriptor)
  Result.getOrThrow(synced)
}

/** Ignores `EEXIST`, because another program may have created the file or folder in the meantime. */
const unlessThere = (effect: Effect.Effect<void, VaultError.VaultError>): Effect.Effect<void, VaultError.VaultError> =>
  Effect.catchIf(
    effect,
    ({ reason }) => reason._tag === "Io" && reason.systemCode === "EEXIST",
    () => Effect.void
  )

const createFolder = (path: string): void => {
  const parent = Path.dirname(path)
  Fs.mkdirSync(parent, { recursive: true, mode: 0o700 })
  // With `recursive`, the error on a read-only file system would be ENOENT, which hides the cause.
  Fs.mkdirSync(path, { mode: 0o700 })
  syncFolder(parent)
}

export const folder = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, VaultError.VaultError> {
  const what = `make the folder ${path}`
  const before = yield* attempt(what, () => lstat(path))
  if (before === undefined) yield* unlessThere(attempt(what, () => createFolder(path)))
  const found = yield* attempt(what, () => Fs.lstatSync(path, { bigint: true }))
  yield* check(path, "folder", found)
})

/** SQLite creates files with these name endings beside a database. The files have the same mode as the database. */
export const companions = ["-wal", "-shm", "-journal"] as const

/** Fails with `EEXIST` if the path exists, even as a symbolic link without a target. */
const createEmpty = (path: string): void => {
  Fs.closeSync(Fs.openSync(path, "wx", 0o600))
  syncFolder(Path.dirname(path))
}

/**
 * An existing file is checked, but never opened. When a process closes a file, the system releases all locks of that
 * process on the file, including SQLite's locks (https://sqlite.org/howtocorrupt.html, section 2.2).
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
 * Replaces the file by a rename, so that the path is never without a file. If the file were missing, SQLite could
 * create it with a mode that lets other users read it.
 */
export const replaceWithEmpty = (path: string): void => {
  const fresh = `${path}-new`
  // If a program was killed inside this function, its new file still exists.
  Fs.rmSync(fresh, { force: true })
  createEmpty(fresh)
  for (const companion of companions) Fs.rmSync(path + companion, { force: true })
  Fs.renameSync(fresh, path)
}

const refused = (what: string, advice: string): Effect.Effect<never, VaultError.VaultError> =>
  Effect.fail(VaultError.make("open", new VaultError.Io({ what, advice, retry: "never" })))

const separator = process.platform === "win32" ? /[\\/]/ : /\//

export const resolve = Effect.fnUntraced(function* (
  given: string | undefined,
  home: () => string = Os.homedir
): Effect.fn.Return<string, VaultError.VaultError> {
  const advice = "Set folder to a path, or omit the option to use the default."
  // In plain JavaScript, `given` may have any type.
  if (given !== undefined && !Predicate.isString(given))
    return yield* refused("use the option folder, because it is not text", advice)
  if (given?.trim() === "") return yield* refused("use the option folder, because it is blank", advice)
  const [first = "", ...rest] = given?.split(separator) ?? []
  if (first === "~") {
    const user = yield* attempt("find this user's home directory", home)
    return Path.resolve(user, ...rest)
  }
  // In a shell, `~name` is the home directory of the user `name`. Node would create a folder with the name `~name`.
  if (first.startsWith("~"))
    return yield* refused(`use the folder ${given}`, `Use its full path, or ./${given} for a folder of that name.`)
  if (given !== undefined) return Path.resolve(given)
  return yield* UserDirectories.make({ platform: process.platform })
    .state("broker-auth")
    .pipe(
      Effect.mapError(() =>
        VaultError.make(
          "open",
          new VaultError.Io({
            what: "find this user's folders",
            advice: `Set ${process.platform === "win32" ? "USERPROFILE" : "HOME"}, or set the option folder.`
          })
        )
      )
    )
})
