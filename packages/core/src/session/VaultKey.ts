/**
 * The key with which stored sessions are encrypted.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { withoutQuotes } from "../login/internal/pasted.ts"
import * as VaultError from "./VaultError.ts"

/**
 * A key of 32 bytes. With `Plaintext`, entries are stored without encryption.
 *
 * @category models
 * @since 0.1.0
 */
export type Key =
  | {
      readonly _tag: "Key"
      readonly bytes: Redacted.Redacted<Uint8Array>
      /** Eight bytes that identify the key. The key cannot be computed from them. */
      readonly id: Uint8Array
      /** Origin of the key, for logs and errors. For example: `"the environment variable BROKER_AUTH_KEY"`. */
      readonly describe: string
    }
  | { readonly _tag: "Plaintext"; readonly describe: string }

/**
 * The key with which the `SessionStore` encrypts its entries.
 *
 * @category services
 * @since 0.1.0
 */
export class VaultKey extends Context.Service<VaultKey, Key>()("@auth/broker-core/session/VaultKey") {}

const keyLength = 32

const unavailable = (why: string, advice?: string) =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

// The id of a key is stored unencrypted. Without this label, the id would be a part of the SHA-256 of the key. Another
// program may use that hash as a secret.
const idLabel = new TextEncoder().encode("broker-auth vault key id 1")

/**
 * Makes a key from 32 bytes. `describe` is the origin of the bytes, for logs and errors. Fails with `KeyUnavailable` if
 * there are more or fewer than 32 bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromBytes = Effect.fnUntraced(function* (
  bytes: Redacted.Redacted<Uint8Array>,
  describe: string
): Effect.fn.Return<Key, VaultError.VaultError> {
  const raw = Redacted.value(bytes)
  if (raw.length !== keyLength) return yield* Effect.fail(unavailable(`${describe} does not have ${keyLength} bytes`))
  const labelled = new Uint8Array(idLabel.length + raw.length)
  labelled.set(idLabel)
  labelled.set(raw, idLabel.length)
  const digest = yield* Effect.provide(
    Digest.Digest.use((service) => service.digest(Digest.sha256, labelled)),
    Digest.layerWebCrypto
  )
  return { _tag: "Key", bytes, id: digest.slice(0, 8), describe }
})

/**
 * Makes a key from 64 hexadecimal digits or from 32 bytes in base64. `openssl rand -hex 32` generates the digits.
 * Blanks and pairs of quotation marks around the text are removed. Fails with `KeyUnavailable` for any other text. The
 * error does not contain the text.
 *
 * @example
 * ```ts
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const key = yield* VaultKey.fromText(Redacted.make("00112233".repeat(8)), "the key of this example")
 *   key.describe // => "the key of this example"
 *   const short = yield* Effect.flip(VaultKey.fromText(Redacted.make("a password"), "my password"))
 *   short.remedy // => "Make one with: openssl rand -hex 32"
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromText = (
  text: Redacted.Redacted<string>,
  describe: string
): Effect.Effect<Key, VaultError.VaultError> => {
  const value = withoutQuotes(Redacted.value(text))
  const decoded = /^[0-9a-f]{64}$/i.test(value) ? Hex.decode(value) : Base64.decode(value)
  return Result.isFailure(decoded) || decoded.success.length !== keyLength
    ? Effect.fail(
        unavailable(
          `${describe} is not a key of ${keyLength} bytes in hexadecimal or base64`,
          "Make one with: openssl rand -hex 32"
        )
      )
    : fromBytes(Redacted.make(decoded.success), describe)
}

/**
 * Generates 32 random bytes, from which `fromBytes` makes a key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate: Effect.Effect<Redacted.Redacted<Uint8Array>> = Effect.sync(() =>
  Redacted.make(SecureRandom.randomBytesUnsafe(keyLength))
)

/**
 * Reads the key from the configuration value `name`. Default: `BROKER_AUTH_KEY`. Fails with `KeyUnavailable` if the
 * value is missing, or is not a valid key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (name = "BROKER_AUTH_KEY"): Layer.Layer<VaultKey, VaultError.VaultError> =>
  Layer.effect(
    VaultKey,
    Config.Redacted(name).pipe(
      Effect.mapError(() => unavailable(`${name} is not set`, `Set ${name}. Make a key with: openssl rand -hex 32`)),
      Effect.flatMap((text) => fromText(text, `the configuration's ${name}`))
    )
  )

/**
 * Uses no key. All entries are stored without encryption, so any program that can read the storage can read the tokens.
 * Use this layer in tests, and for storage that is already encrypted.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPlaintext: Layer.Layer<VaultKey> = Layer.succeed(VaultKey, {
  _tag: "Plaintext",
  describe: "no key: unencrypted"
})
