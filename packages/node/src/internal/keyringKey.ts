/** A random key that is generated at the first use and stored in the keyring. */
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import * as keyring from "./keyring.ts"
import * as lockFile from "./lockFile.ts"
import * as place from "./place.ts"
import * as sqlite from "./sqlite.ts"

const newPassword = Effect.map(VaultKey.generate, (bytes) => Redacted.make(Hex.encode(Redacted.value(bytes))))

const stuck = VaultError.make(
  "key",
  new VaultError.KeyUnavailable({
    why: "another program, or another call in this program, has started to create the key and has not finished",
    advice: "Look for a program that hangs at startup, or try again later."
  })
)

/** Creates the key under a lock, because a keyring has no operation "write if absent". */
const create = Effect.fnUntraced(function* (entry: keyring.Place, folder: string) {
  yield* place.folder(folder)
  yield* place.folder(lockFile.folderOf(folder))
  // No account's lock has this name, because names from `Account.toKey` contain no line break.
  const path = lockFile.fileOf(folder, `keyring\n${entry.service}\n${entry.account}`)
  yield* lockFile
    .hold(path)
    .pipe(
      Effect.mapError(sqlite.toVaultError("key", `lock ${path}`, `lock ${path}`)),
      Effect.timeoutOrElse({ duration: Duration.times(entry.timeout, 5), orElse: () => Effect.fail(stuck) })
    )
  return yield* keyring.ask(entry, yield* newPassword)
}, Effect.scoped)

/** Programs with the same entry and folder get the same key, even if they start at the same time. */
export const getOrCreate = Effect.fnUntraced(function* (
  entry: keyring.Place,
  folder: string
): Effect.fn.Return<VaultKey.Key, VaultError.VaultError> {
  const describe = `the keyring's entry ${entry.service}, ${entry.account}`
  const password = (yield* keyring.ask(entry)) ?? (yield* create(entry, folder))
  if (password !== undefined) return yield* VaultKey.fromText(password, describe)
  return yield* Effect.fail(
    VaultError.make("key", new VaultError.KeyUnavailable({ why: `${describe} is empty after it was written` }))
  )
})
