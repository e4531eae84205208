/**
 * The format of entries in a storage that other programs may be able to read or change.
 *
 * | bytes | content                                                                       |
 * | ----- | ----------------------------------------------------------------------------- |
 * | 3     | `BAV`                                                                         |
 * | 1     | number of the format: 1                                                       |
 * | 8     | id of the key, or zeros if there is no key                                    |
 * | 24    | nonce, which makes each write different even if there is no key               |
 * | n     | XChaCha20-Poly1305 ciphertext and its 16-byte tag, or the unencrypted value   |
 * | 8     | checksum: first 8 bytes of SHA-256 over the entry's place and the bytes above |
 *
 * The checksum distinguishes a damaged entry from an entry with another key or a newer format. The checksum does not
 * protect an entry against deliberate changes.
 */
import * as Aead from "effect/crypto/Aead"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as VaultError from "../VaultError.ts"
import type { Key } from "../VaultKey.ts"
import { withKey } from "./aead.ts"
import { sha256 } from "../../login/internal/sha256.ts"

/** Where an entry is stored. `open` fails if `key` or `version` is not the same as in the call of `seal`. */
export interface Place {
  /** Name of the entry in errors. */
  readonly what: string
  /** The slot and the account as one text. Not the encryption key. */
  readonly key: string
  readonly version: number
}

const magic = new TextEncoder().encode("BAV")
const format = 1
const idLength = 8
const nonceLength = Aead.xchacha20Poly1305.nonceLength
const idStart = magic.length + 1
const nonceStart = idStart + idLength
const headerLength = nonceStart + nonceLength
const checksumLength = 8
const noKey = new Uint8Array(idLength)

const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

const equals = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

/** `place.key` contains no line break, so two places never have the same bytes. */
const bound = (place: Place, format: number): Uint8Array =>
  new TextEncoder().encode(`broker-auth entry ${format}\n${place.key}\n${place.version}\n`)

const checksum = (place: Place, format: number, bytes: Uint8Array) =>
  Effect.map(sha256(concat(bound(place, format), bytes)), (digest) => digest.slice(0, checksumLength))

const encrypt = (key: Key, plain: Uint8Array, nonce: Uint8Array, place: Place): Effect.Effect<Uint8Array> =>
  key._tag === "Plaintext"
    ? Effect.succeed(plain)
    : Effect.orDie(
        withKey(key.bytes, (aead, cipherKey) => aead.encrypt(cipherKey, plain, { nonce, aad: bound(place, format) }))
      )

export const seal = Effect.fnUntraced(function* (key: Key, value: Redacted.Redacted<Uint8Array>, place: Place) {
  const id = key._tag === "Plaintext" ? noKey : key.id
  // `randomBytesUnsafe` uses no service from the context. A service with a fixed seed would repeat nonces.
  const nonce = SecureRandom.randomBytesUnsafe(nonceLength)
  const body = yield* encrypt(key, Redacted.value(value), nonce, place)
  const bytes = concat(magic, Uint8Array.of(format), id, nonce, body)
  return Redacted.make(concat(bytes, yield* checksum(place, format, bytes)))
})

const decrypt = (key: Key, body: Uint8Array, nonce: Uint8Array, place: Place) =>
  key._tag === "Plaintext"
    ? Effect.succeed(body)
    : Effect.mapError(
        withKey(key.bytes, (aead, cipherKey) => aead.decrypt(cipherKey, body, { nonce, aad: bound(place, format) })),
        () => new VaultError.Tampered({ what: place.what })
      )

export const open = Effect.fnUntraced(function* (key: Key, stored: Redacted.Redacted<Uint8Array>, place: Place) {
  const { what } = place
  const all = Redacted.value(stored)
  const bytes = all.subarray(0, -checksumLength)
  const found = bytes[magic.length]
  if (found === undefined || bytes.length < headerLength) return yield* new VaultError.Tampered({ what })
  const sum = yield* checksum(place, found, bytes)
  if (!equals(sum, all.subarray(-checksumLength)) || !equals(magic, bytes.subarray(0, magic.length)))
    return yield* new VaultError.Tampered({ what })
  if (found !== format) return yield* new VaultError.NewerVersion({ what, version: found })
  const id = key._tag === "Plaintext" ? noKey : key.id
  if (!equals(id, bytes.subarray(idStart, nonceStart))) return yield* new VaultError.WrongKey({ what })
  // The bytes are copied, because the store may change its own bytes later.
  const nonce = bytes.slice(nonceStart, headerLength)
  return Redacted.make(yield* decrypt(key, bytes.slice(headerLength), nonce, place))
})
