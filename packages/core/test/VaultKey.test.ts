import { inspect } from "node:util"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { Canary } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { shown } from "./support.ts"

const hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
const base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

const bytesOf = (key: VaultKey.Key) => (key._tag === "Key" ? Hex.encode(Redacted.value(key.bytes)) : undefined)
const idOf = (key: VaultKey.Key) => (key._tag === "Key" ? Hex.encode(key.id) : undefined)

const fromEnv = (env: Record<string, string>, name?: string) =>
  Effect.provide(VaultKey.VaultKey, VaultKey.layerConfig(name)).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

describe("vaults: a key", () => {
  it.effect.each([hex, hex.toUpperCase(), ` ${hex}\n`, base64, `"${hex}"`, `\u201c${base64}\u201d\r\n`])(
    "is made from the text %j",
    (text) =>
      Effect.gen(function* () {
        const key = yield* VaultKey.fromText(Redacted.make(text), "my key")
        assert.strictEqual(bytesOf(key), hex)
        assert.strictEqual(key.describe, "my key")
      })
  )

  it.effect.each([
    ["empty text", ""],
    ["a password", "correct horse battery staple"],
    ["31 bytes in hexadecimal", hex.slice(2)],
    ["33 bytes in hexadecimal", `${hex}00`],
    ["16 bytes in base64", "AAECAwQFBgcICQoLDA0ODw=="],
    ["33 bytes in base64", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"],
    ["invalid base64", `${base64.slice(0, -1)}!`]
  ] as const)("cannot be made from %s", ([, text]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(VaultKey.fromText(Redacted.make(text), "my key"))
      assert.strictEqual(error.reason._tag, "KeyUnavailable")
      assert.match(error.message, /my key is not a key of 32 bytes .* openssl rand -hex 32/)
      if (text !== "") assert.notInclude(shown(error), text)
    })
  )

  it.effect("cannot be made from 0, 31 or 33 bytes", () =>
    Effect.gen(function* () {
      for (const length of [0, 31, 33]) {
        const error = yield* Effect.flip(VaultKey.fromBytes(Redacted.make(new Uint8Array(length)), "the keyring's key"))
        assert.strictEqual(
          error.reason.message,
          "There is no key for the vault: the keyring's key does not have 32 bytes"
        )
      }
    })
  )

  it.effect("has an id that depends only on the bytes of the key", () =>
    Effect.gen(function* () {
      const one = yield* VaultKey.fromText(Redacted.make(hex), "one")
      const same = yield* VaultKey.fromText(Redacted.make(base64), "two")
      const other = yield* VaultKey.fromText(Redacted.make(hex.replace("1f", "1e")), "other")
      // The expected id was computed with `sha256sum`. The id must not change, because stored entries contain it.
      assert.deepStrictEqual([idOf(one), idOf(same)], ["3c14d1d02d5a3051", "3c14d1d02d5a3051"])
      assert.notStrictEqual(idOf(other), idOf(one))
      assert.isFalse(hex.includes(idOf(one)?.slice(0, 6) ?? ""))
    })
  )

  it.effect("from VaultKey.generate has 32 bytes and is different each time", () =>
    Effect.gen(function* () {
      const keys = yield* Effect.all(Array.from({ length: 100 }, () => VaultKey.generate))
      assert.strictEqual(new Set(keys.map((key) => Hex.encode(Redacted.value(key)))).size, 100)
      assert.isTrue(keys.every((key) => Redacted.value(key).length === 32))
    })
  )

  it.effect("is read from BROKER_AUTH_KEY or from a given variable", () =>
    Effect.gen(function* () {
      const key = yield* fromEnv({ BROKER_AUTH_KEY: hex })
      assert.deepStrictEqual([bytesOf(key), key.describe], [hex, "the configuration's BROKER_AUTH_KEY"])
      assert.strictEqual(bytesOf(yield* fromEnv({ MINE: base64 }, "MINE")), hex)
    })
  )

  it.effect("is reported as missing if its variable is not set", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(fromEnv({}))
      assert.strictEqual(
        error.message,
        "vault key: There is no key for the vault: BROKER_AUTH_KEY is not set. Set BROKER_AUTH_KEY. Make a key with: openssl rand -hex 32"
      )
    })
  )

  it.effect("does not appear in logs, printed results or printed errors", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      const keys = Effect.all([fromEnv({ BROKER_AUTH_KEY: hex }), VaultKey.fromText(Redacted.make(base64), "mine")])
      Canary.show(net, yield* Effect.exit(Effect.provide(keys, net.layer)), (value) => inspect(value, { depth: 20 }))
      const bad = Effect.provide(fromEnv({ BROKER_AUTH_KEY: hex.slice(1) }), net.layer)
      Canary.show(net, yield* Effect.exit(bad), (value) => inspect(value, { depth: 20 }))
      assert.deepStrictEqual(Canary.leaks(net, [hex, base64, hex.slice(1), hex.slice(0, 20)]), [])
    })
  )

  it.effect('from VaultKey.layerPlaintext is described as "no key: unencrypted"', () =>
    Effect.gen(function* () {
      const key = yield* Effect.provide(VaultKey.VaultKey, VaultKey.layerPlaintext)
      assert.deepStrictEqual(key, { _tag: "Plaintext", describe: "no key: unencrypted" })
    })
  )
})
