import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"

interface NodeCrypto {
  readonly hash?: (algorithm: string, data: Uint8Array, encoding: "buffer") => Uint8Array
}

interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (id: string) => NodeCrypto | undefined }
}

/**
 * The synchronous hash function of Node, Bun and Deno. With the Web Crypto API, a hash needs a thread and 20 times as
 * much CPU time.
 */
const native = (globalThis as Runtime).process?.getBuiltinModule?.("node:crypto")?.hash

const bySubtle = (bytes: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.provide(
    Digest.Digest.use((service) => service.digest(Digest.sha256, bytes)),
    Digest.layerWebCrypto
  )

export const sha256: (bytes: Uint8Array) => Effect.Effect<Uint8Array> =
  native === undefined ? bySubtle : (bytes) => Effect.sync(() => new Uint8Array(native("sha256", bytes, "buffer")))
