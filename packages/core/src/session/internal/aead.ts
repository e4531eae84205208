import * as Aead from "effect/crypto/Aead"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"

const layer = Layer.provide(Aead.layerWebCrypto, SecureRandom.layerWebCrypto)

interface Cipher {
  readonly key: Aead.Key<typeof Aead.xchacha20Poly1305>
  readonly services: Context.Context<Aead.Aead>
}

// Ciphers are cached, because making a cipher takes longer than encrypting an entry.
const ciphers = new WeakMap<Redacted.Redacted<Uint8Array>, Cipher>()

const cipherOf = Effect.fnUntraced(function* (bytes: Redacted.Redacted<Uint8Array>) {
  const known = ciphers.get(bytes)
  if (known !== undefined) return known
  const services = yield* Layer.buildWithScope(layer, Scope.makeUnsafe())
  // `VaultKey` has checked the length of `bytes`.
  const key = yield* Effect.orDie(Aead.key(Aead.xchacha20Poly1305, Redacted.value(bytes)))
  const made: Cipher = { key, services }
  ciphers.set(bytes, made)
  return made
})

export const withKey = <A, E>(
  bytes: Redacted.Redacted<Uint8Array>,
  use: (aead: Aead.Aead["Service"], key: Cipher["key"]) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(cipherOf(bytes), ({ key, services }) =>
    Effect.provideContext(
      Aead.Aead.use((aead) => use(aead, key)),
      services
    )
  )
