import * as Checksum from "@auth/broker-core/broker/Checksum"
import { assert, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

// The hashes of "abc" and of "abcdb…nopq" are from RFC 6234. The other hashes were computed with `sha256sum`.
it.effect.each([
  [["abc"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [["a", Redacted.make("b"), "c"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [[], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  [
    [Redacted.make("abcdbcdecdefdefgefghfghighijhijk"), "ijkljklmklmnlmnomnopnopq"],
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
  ],
  [["₹"], "d8c3e87cd7f5b7d388f9dc1e35ccee09640ef3dca63d449d9ef59fc323a87a20"]
] as const)("sha256 of the joined texts %j is %s", ([parts, hex]) =>
  Effect.gen(function* () {
    assert.strictEqual(Redacted.value(yield* Checksum.sha256(parts)), hex)
  })
)

it.effect("sha256 uses a provided Digest service", () =>
  Effect.gen(function* () {
    const digest = yield* Effect.provide(Digest.Digest, Digest.layerWebCrypto)
    const own = Digest.Digest.of({ ...digest, digestHex: () => Effect.succeed("own") })
    const checksum = yield* Effect.provideService(Checksum.sha256(["abc"]), Digest.Digest, own)
    assert.strictEqual(Redacted.value(checksum), "own")
  })
)
