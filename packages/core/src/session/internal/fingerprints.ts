import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../../login/internal/sha256.ts"

const label = "broker-auth fingerprint 1\n"

/** Hashes the store's key and the secret. Without the key, a PIN cannot be found by hashing all possible PINs. */
export const fingerprints =
  (key: Redacted.Redacted<Uint8Array>) =>
  (secret: Redacted.Redacted<string>): Effect.Effect<string> => {
    const begin = new TextEncoder().encode(label)
    const end = new TextEncoder().encode(Redacted.value(secret))
    const middle = Redacted.value(key)
    const bytes = new Uint8Array(begin.length + middle.length + end.length)
    bytes.set(begin)
    bytes.set(middle, begin.length)
    bytes.set(end, begin.length + middle.length)
    return Effect.map(sha256(bytes), (digest) => Hex.encode(digest.slice(0, 16)))
  }
