/**
 * The checksums that brokers require in a request instead of a secret.
 *
 * @since 0.1.0
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/**
 * Describes a checksum: the parts of the hashed text in order, the text between the parts, and the encoding of the
 * digest.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recipe<Part extends string> {
  readonly parts: ReadonlyArray<Part>
  /** Text between the parts. Default: no text. */
  readonly joiner?: string
  /** Default: lower-case hexadecimal. */
  readonly encoding?: "hex" | "HEX" | "base64"
  /**
   * Number of digests. Each digest after the first is computed over the previous digest, in lower-case hexadecimal.
   * Default: 1.
   */
  readonly times?: number
  /**
   * Test vectors. Compute the results with another program, such as `sha256sum`, because results in a broker's
   * documents can be wrong.
   */
  readonly vectors: readonly [Vector<Part>, ...ReadonlyArray<Vector<Part>>]
}

/**
 * A test vector: the values of the parts, and the expected result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Vector<Part extends string> {
  readonly values: Readonly<Record<Part, string>>
  readonly result: string
}

/**
 * Computes the SHA-256 checksum that a recipe describes.
 *
 * @example
 * ```ts
 * import * as Checksum from "@auth/broker-core/broker/Checksum"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const recipe: Checksum.Recipe<"user" | "key"> = {
 *   parts: ["user", "key"],
 *   joiner: "|",
 *   vectors: [
 *     {
 *       values: { user: "FA0001", key: "abc" },
 *       result: "3ccdf1bda729309f4912f50517f30f495ee0c0d3d0e009f48213c24eb1fb0f86"
 *     }
 *   ]
 * }
 *
 * const program = Checksum.ofRecipe(recipe)({ user: "FA0001", key: Redacted.make("abc") })
 * ```
 *
 * @category checksums
 * @since 0.1.0
 */
export const ofRecipe =
  <Part extends string>({ encoding = "hex", joiner = "", parts, times = 1 }: Recipe<Part>) =>
  (values: Readonly<Record<Part, string | Redacted.Redacted<string>>>): Effect.Effect<Redacted.Redacted<string>> => {
    const joined = parts.flatMap((part, index) => (index === 0 ? [values[part]] : [joiner, values[part]]))
    const repeat = Array.from({ length: times - 1 }).reduce<Effect.Effect<Redacted.Redacted<string>>>(
      (digest) => Effect.flatMap(digest, (before) => sha256([before])),
      sha256(joined)
    )
    return Effect.map(repeat, (hex) => Redacted.make(writers[encoding](Redacted.value(hex))))
  }

const writers = {
  hex: (hex: string) => hex,
  HEX: (hex: string) => hex.toUpperCase(),
  base64: (hex: string) => Base64.encode(Result.getOrThrow(Hex.decode(hex)))
}

/**
 * Joins the parts without a separator, and returns their SHA-256 in lower-case hexadecimal. Uses the `Digest` service
 * of the context. Default: WebCrypto.
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
