/**
 * The key that stored sessions are encrypted with.
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
import * as VaultError from "./VaultError.ts"

/**
 * A key of 32 bytes, or the express wish to have none.
 *
 * @category models
 * @since 0.1.0
 */
export type Key =
  | {
      readonly _tag: "Key"
      readonly bytes: Redacted.Redacted<Uint8Array>
      /** Eight bytes that tell one key from another, and nothing about it. */
      readonly id: Uint8Array
      /** Where it comes from, for a person: `"the environment variable BROKER_AUTH_KEY"`. */
      readonly describe: string
    }
  | { readonly _tag: "Plaintext"; readonly describe: string }

/**
 * Gives the key.
 *
 * @category services
 * @since 0.1.0
 */
export class VaultKey extends Context.Service<VaultKey, Key>()("@auth/broker-core/session/VaultKey") {}

const keyLength = 32

const unavailable = (why: string, advice?: string) =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

// With a label, so that the id is no hash of the key which another program may have use for.
const idLabel = new TextEncoder().encode("broker-auth vault key id 1")

/**
 * A key of 32 bytes that you have. `describe` says where from, for a person. Fails with `KeyUnavailable` if it is of
 * another length.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromBytes = Effect.fnUntraced(function* (
  bytes: Redacted.Redacted<Uint8Array>,
  describe: string
): Effect.fn.Return<Key, VaultError.VaultError> {
  const raw = Redacted.value(bytes)
  if (raw.length !== keyLength) return yield* Effect.fail(unavailable(`${describe} has not ${keyLength} bytes`))
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
 * A key written as 64 hexadecimal digits, or as base64 of 32 bytes: `openssl rand -hex 32` makes one. Fails with
 * `KeyUnavailable` if it is neither, without saying what it is.
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
  const value = Redacted.value(text).trim()
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
 * A new random key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate: Effect.Effect<Redacted.Redacted<Uint8Array>> = Effect.sync(() =>
  Redacted.make(SecureRandom.randomBytesUnsafe(keyLength))
)

/**
 * The key from the configuration, `BROKER_AUTH_KEY` unless another name is given. Fails with `KeyUnavailable` if it is
 * not set or not a key.
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
 * No key: everything is stored in clear, for whoever can read the place. For tests, and for places that are encrypted by
 * themselves.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPlaintext: Layer.Layer<VaultKey> = Layer.succeed(VaultKey, {
  _tag: "Plaintext",
  describe: "no key: in clear"
})
