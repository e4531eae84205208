/**
 * Derives a key from a passphrase and a salt, and stores the salt in a file. The salt is not secret. But another salt
 * gives another key, so the file is checked for damage and for access by other users.
 */
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Crypto from "node:crypto"
import * as Path from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as checked from "./checked.ts"
import * as place from "./place.ts"
import * as sqlite from "./sqlite.ts"

const design: checked.Design = { format: 1, tables: [] }
const keyLength = 32
const saltLength = 16

export const pathOf = (vault: string): string => Path.join(vault, "passphrase.db")

const unavailable = (why: string, advice?: string): VaultError.VaultError =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

type Done = (error: Error | null, key: Uint8Array) => void
type Derive = (passphrase: Uint8Array, salt: Uint8Array, done: Done) => void

/**
 * Key derivation functions. Both meet the minimum of OWASP's password storage cheat sheet, as of 2026-11-22. Salt files
 * store the names of these functions, so do not rename or remove an entry.
 */
const ways: Readonly<Record<string, Derive>> = {
  // RFC 9106, section 4, second recommended option.
  "argon2id m=65536 t=3 p=4": (message, nonce, done) =>
    Crypto.argon2(
      "argon2id",
      { message, nonce, memory: 65_536, passes: 3, parallelism: 4, tagLength: keyLength },
      done
    ),
  "scrypt N=131072 r=8 p=1": (message, salt, done) =>
    Crypto.scrypt(message, salt, keyLength, { N: 131_072, r: 8, p: 1, maxmem: 256 * 1024 * 1024 }, done)
}

/** Node has had Argon2id since version 24.7. */
const hasArgon2 = (): boolean => typeof Crypto.argon2 === "function"

interface Stored {
  readonly way: string
  readonly salt: Uint8Array
}

const firstValues = () => ({
  way: hasArgon2() ? "argon2id m=65536 t=3 p=4" : "scrypt N=131072 r=8 p=1",
  salt: Hex.encode(SecureRandom.randomBytesUnsafe(saltLength))
})

const read = (database: DatabaseSync): Stored =>
  sqlite.transaction(database, "DEFERRED", () => {
    checked.verify(database, design)
    const salt = Hex.decode(checked.read(database, "salt"))
    const way = checked.read(database, "way")
    if (Result.isFailure(salt) || salt.success.length !== saltLength || ways[way] === undefined)
      throw new sqlite.Damaged()
    return { way, salt: salt.success }
  })

const load = (path: string): Stored =>
  sqlite.opened(path, (database) => {
    database.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF")
    checked.createOnce(database, design, firstValues)
    const stored = read(database)
    sqlite.close(database)
    return stored
  })

const stored = Effect.fnUntraced(function* (vault: string) {
  const path = pathOf(vault)
  yield* place.folder(vault)
  return yield* Effect.andThen(
    place.databaseFile(path),
    sqlite.run(path, () => load(path))
  ).pipe(
    sqlite.whenFree,
    Effect.mapError(sqlite.toVaultError("key", `read ${path}`, `salt of the passphrase in ${path}`))
  )
})

export const derive = Effect.fnUntraced(function* (
  passphrase: Redacted.Redacted<string>,
  vault: string
): Effect.fn.Return<Redacted.Redacted<Uint8Array>, VaultError.VaultError> {
  // `echo` and editors end a file with a line break. Systems differ in the code points of an accented letter. These
  // differences must not change the key.
  const message = new TextEncoder().encode(
    Redacted.value(passphrase)
      .replace(/\r?\n$/, "")
      .normalize("NFC")
  )
  if (message.length === 0) return yield* Effect.fail(unavailable("the passphrase is empty"))
  const { salt, way } = yield* stored(vault)
  if (way.startsWith("argon2id") && !hasArgon2())
    return yield* Effect.fail(
      unavailable(
        "the key of this vault is derived with Argon2id, which this version of Node does not have",
        "Use Node 24.7 or newer in every program that shares the vault."
      )
    )
  return yield* Effect.callback<Redacted.Redacted<Uint8Array>, VaultError.VaultError>((resume) =>
    ways[way]?.(message, salt, (error, key) =>
      resume(
        error === null
          ? Effect.succeed(Redacted.make(new Uint8Array(key)))
          : Effect.fail(
              unavailable(
                "the key cannot be derived",
                "Deriving the key needs up to 128 MiB of memory. Stop other programs, or raise the memory limit of this program."
              )
            )
      )
    )
  )
})
