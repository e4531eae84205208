/**
 * The checksums that brokers want in place of a secret.
 *
 * @since 0.1.0
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/**
 * SHA-256 over the parts, one after the other, in lower-case hexadecimal. It uses the `Digest` service if there is one,
 * else WebCrypto.
 *
 * @example
 * ```ts
 * import * as Checksum from "@auth/broker-core/broker/Checksum"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Checksum.sha256(["a", Redacted.make("bc")])
 * // SHA-256 of "abc" begins with ba7816bf.
 * ```
 *
 * @category checksums
 * @since 0.1.0
 */
export const sha256 = Effect.fnUntraced(function* (
  parts: ReadonlyArray<string | Redacted.Redacted<string>>
): Effect.fn.Return<Redacted.Redacted<string>> {
  const text = parts.map((part) => (Redacted.isRedacted(part) ? Redacted.value(part) : part)).join("")
  const hex = Effect.flatMap(Digest.Digest, (service) =>
    service.digestHex(Digest.sha256, new TextEncoder().encode(text))
  )
  const digest = yield* Effect.serviceOption(Digest.Digest)
  return Redacted.make(
    yield* Option.isSome(digest)
      ? Effect.provideService(hex, Digest.Digest, digest.value)
      : Effect.provide(hex, Digest.layerWebCrypto)
  )
})
