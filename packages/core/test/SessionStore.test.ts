import { inspect } from "node:util"
import * as Account from "@auth/broker-core/login/Account"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { Canary, VaultContract } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { connect, dump, freshPrefix, runsRedis, server, sharedServer } from "./redis.ts"
import { shown } from "./support.ts"

type Store = SessionStore.SessionStore["Service"]

const account = Account.make({ broker: "tiny", id: "T1" })
const secret = "canary-7f3a-access-token"
const value = Redacted.make(new TextEncoder().encode(`{"access":"${secret}"}`))
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

const keyOf = (digit: string) => VaultKey.fromText(Redacted.make(digit.repeat(64)), `key ${digit}`)
const plaintext: VaultKey.Key = { _tag: "Plaintext", describe: "no key: unencrypted" }

const makeOpen = () => {
  const entries = new Map<string, SessionStore.Entry>()
  const store: Store = {
    describe: "a transparent store",
    get: (of, slot) => Effect.sync(() => entries.get(SessionStore.toKey(of, slot))),
    put: (of, slot, bytes, expected) =>
      Effect.sync(() => {
        entries.set(SessionStore.toKey(of, slot), { version: expected + 1, value: bytes })
        return true
      })
  }
  return {
    store,
    bytes: (of = account, slot: SessionStore.Slot = "session") =>
      Redacted.value((entries.get(SessionStore.toKey(of, slot)) as SessionStore.Entry).value),
    replace: (bytes: Uint8Array, version = 1, of = account, slot: SessionStore.Slot = "session") =>
      void entries.set(SessionStore.toKey(of, slot), { version, value: Redacted.make(bytes) })
  }
}

const flipped = (bytes: Uint8Array, index: number, bit = 0) => {
  const copy = new Uint8Array(bytes)
  copy[index] = (copy[index] ?? 0) ^ (1 << bit)
  return copy
}

/** Copies an entry, and replaces the checksum of the copy with a valid checksum. */
const summed = Effect.fnUntraced(function* (bytes: Uint8Array, format = bytes[3], version = 1) {
  const body = bytes.slice(0, -8)
  const place = new TextEncoder().encode(
    `broker-auth entry ${format}\n${SessionStore.toKey(account, "session")}\n${version}\n`
  )
  const digest = yield* Digest.Digest.use((service) =>
    service.digest(Digest.sha256, Uint8Array.from([...place, ...body]))
  )
  return Uint8Array.from([...body, ...digest.slice(0, 8)])
}, Effect.provide(Digest.layerWebCrypto))

const reasonOf = (store: Store, of = account, slot: SessionStore.Slot = "session") =>
  Effect.map(Effect.flip(store.get(of, slot)), ({ reason }) => reason._tag)

const bothOf = (store: Store, expected: number): ReadonlyArray<Effect.Effect<unknown, VaultError.VaultError>> => [
  store.get(account, "session"),
  store.put(account, "session", value, expected)
]

/** Stores only text, like a browser's storage. */
const makeStringOnly = () => {
  const texts = new Map<string, string>()
  return KeyValueStore.makeStringOnly({
    get: (key) => Effect.sync(() => texts.get(key)),
    set: (key, text) => Effect.sync(() => void texts.set(key, text)),
    remove: (key) => Effect.sync(() => void texts.delete(key)),
    clear: Effect.sync(() => texts.clear()),
    size: Effect.sync(() => texts.size),
    keys: Effect.sync(() => Array.from(texts.keys()))
  })
}

const singleProcess = (make: Effect.Effect<Store, VaultError.VaultError>): VaultContract.Subject<Store> => ({
  make: Effect.map(make, (store) => ({ open: Effect.succeed(store) }))
})

const makeRedis = (...args: Parameters<typeof SessionStore.makeRedis>) =>
  Effect.runSync(SessionStore.makeRedis(...args))

const contract = (place: string, subject: VaultContract.Subject<Store>) => {
  describe.runIf(runsRedis || !place.startsWith("in Redis"))(`contract of a store ${place}:`, () => {
    for (const { name, run } of VaultContract.storeCases(subject)) it.live(name, () => run)
  })
}

contract("in memory", singleProcess(Effect.sync(SessionStore.makeMemory)))
contract(
  "in a key-value store for text",
  singleProcess(Effect.sync(() => SessionStore.makeKeyValueStore(makeStringOnly())))
)
contract("with encryption", {
  make: Effect.map(Effect.sync(SessionStore.makeMemory), (raw) => ({
    open: Effect.map(keyOf("a"), (key) => SessionStore.encrypted(key)(raw))
  }))
})
contract(
  "without encryption",
  singleProcess(Effect.sync(() => SessionStore.encrypted(plaintext)(SessionStore.makeMemory())))
)
contract("made by layerKeyValueStore", {
  make: Effect.map(
    Layer.build(
      SessionStore.layerKeyValueStore.pipe(
        Layer.provide([KeyValueStore.layerMemory, Layer.effect(VaultKey.VaultKey, keyOf("a"))])
      )
    ),
    (context) => ({ open: Effect.succeed(Context.get(context, SessionStore.SessionStore)) })
  )
})

describe("vaults: an encrypted store", () => {
  const begin = Effect.gen(function* () {
    const book = makeOpen()
    const key = yield* keyOf("a")
    const store = SessionStore.encrypted(key)(book.store)
    yield* store.put(account, "session", value, 0)
    return { ...book, key, store, raw: book.store }
  })

  it.effect("contains no plain text, and printed entries show no token", () =>
    Effect.gen(function* () {
      const { bytes, store } = yield* begin
      assert.notInclude(textOf(bytes()), "access")
      assert.notInclude(shown(yield* store.get(account, "session")), secret)
      assert.strictEqual(bytes().length, 3 + 1 + 8 + 24 + Redacted.value(value).length + 16 + 8)
      assert.strictEqual(store.describe, "a transparent store; encrypted with key a")
    })
  )

  it.effect("fails with Tampered if any bit was changed", () =>
    Effect.gen(function* () {
      const { bytes, replace, store } = yield* begin
      const whole = new Uint8Array(bytes())
      let flips = 0
      for (let index = 0; index < whole.length; index += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          replace(flipped(whole, index, bit))
          assert.strictEqual(yield* reasonOf(store), "Tampered", `with bit ${bit} of byte ${index} changed`)
          flips += 1
        }
      }
      assert.strictEqual(flips, whole.length * 8)
      console.log(`tampering: all ${flips} changed bits were detected in an entry of ${whole.length} bytes`)
      replace(whole)
      assert.strictEqual(
        textOf(Redacted.value((yield* store.get(account, "session"))!.value)),
        textOf(Redacted.value(value))
      )
    })
  )

  it.effect("fails with Tampered for a changed nonce, ciphertext or tag, despite a valid checksum", () =>
    Effect.gen(function* () {
      const { bytes, replace, store } = yield* begin
      const whole = new Uint8Array(bytes())
      for (let index = 12; index < whole.length - 8; index += 1) {
        replace(yield* summed(flipped(whole, index)))
        assert.strictEqual(yield* reasonOf(store), "Tampered", `with byte ${index} changed`)
      }
      replace(yield* summed(flipped(whole, 0)))
      assert.strictEqual(yield* reasonOf(store), "Tampered", "with the first byte changed")
    })
  )

  it.effect("fails with Tampered for an entry truncated at any byte", () =>
    Effect.gen(function* () {
      const { bytes, replace, store } = yield* begin
      const whole = new Uint8Array(bytes())
      for (let length = 0; length < whole.length; length += 1) {
        replace(whole.slice(0, length))
        assert.strictEqual(yield* reasonOf(store), "Tampered", `for an entry that was truncated to ${length} bytes`)
      }
      for (const length of [8, 11, 12, 20, 36, 52, 60]) {
        replace(yield* summed(whole.slice(0, length)))
        assert.strictEqual(
          yield* reasonOf(store),
          "Tampered",
          `for an entry that was truncated to ${length} bytes and has a valid checksum`
        )
      }
    })
  )

  it.effect("fails with Tampered for an entry moved to another account, slot or version", () =>
    Effect.gen(function* () {
      const { bytes, replace, store } = yield* begin
      const other = Account.make({ broker: "tiny", id: "T2" })
      const whole = new Uint8Array(bytes())
      replace(whole, 1, other)
      assert.strictEqual(yield* reasonOf(store, other), "Tampered")
      replace(whole, 1, account, "guard")
      assert.strictEqual(yield* reasonOf(store, account, "guard"), "Tampered")
      replace(whole, 2)
      assert.strictEqual(yield* reasonOf(store), "Tampered")
      replace(yield* summed(whole, 1, 2), 2)
      assert.strictEqual(yield* reasonOf(store), "Tampered", "for a moved entry with a valid checksum")
    })
  )

  it.effect("fails with WrongKey for an entry encrypted with another key", () =>
    Effect.gen(function* () {
      const { raw } = yield* begin
      assert.strictEqual(yield* reasonOf(SessionStore.encrypted(yield* keyOf("b"))(raw)), "WrongKey")
    })
  )

  it.effect("fails with WrongKey if only the writer or only the reader has a key", () =>
    Effect.gen(function* () {
      const { raw, store } = yield* begin
      const clear = SessionStore.encrypted(plaintext)(raw)
      assert.strictEqual(yield* reasonOf(clear), "WrongKey")
      yield* clear.put(account, "session", value, 1)
      assert.strictEqual(yield* reasonOf(store), "WrongKey")
      assert.strictEqual(clear.describe, "a transparent store; no key: unencrypted")
    })
  )

  it.effect("fails with NewerVersion for an entry in a newer format", () =>
    Effect.gen(function* () {
      const { bytes, raw, replace, store } = yield* begin
      const newer = new Uint8Array(bytes())
      newer[3] = 2
      replace(yield* summed(newer))
      for (const reader of [store, SessionStore.encrypted(plaintext)(raw)]) {
        const error = yield* Effect.flip(reader.get(account, "session"))
        assert.deepStrictEqual(
          [error.operation, error.reason],
          ["get", new VaultError.NewerVersion({ what: "session of tiny/production/default/T1", version: 2 })]
        )
      }
    })
  )

  // As a check, the encrypted entry was decrypted with OpenSSL.
  it.effect.each([
    [
      "with encryption",
      "424156013a35a5ae84e109592ff7778ea95a6fe99cf8054e07d807ebd053254e4e98104b2ff6a92d85ff45082709b3d71fbd846d4cc458741eee6993036b28a9ccd8e36824"
    ],
    [
      "without encryption",
      "424156010000000000000000d056c444529339e754e272779c58dc134f80473a099ebcd1612073657373696f6e0ebd84027baf1967"
    ]
  ] as const)("reads an entry of version 0.1.0 (writer and reader %s)", ([kind, hex]) =>
    Effect.gen(function* () {
      const { replace, store } = makeOpen()
      const key =
        kind === "without encryption" ? plaintext : yield* VaultKey.fromText(Redacted.make("00112233".repeat(8)), "old")
      replace(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
      const entry = yield* SessionStore.encrypted(key)(store).get(account, "session")
      assert.strictEqual(entry && textOf(Redacted.value(entry.value)), "a session")
    })
  )

  it.effect("uses a new nonce for each write", () =>
    Effect.gen(function* () {
      const { bytes, store } = yield* begin
      const nonces = new Set<string>()
      for (let times = 0; times < 1000; times += 1) {
        yield* store.put(account, "session", value, 0)
        nonces.add(bytes().slice(12, 36).join())
      }
      assert.strictEqual(nonces.size, 1000)
    })
  )

  it.effect("names the account, but no key or content, in errors", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      const { bytes, raw, replace } = yield* begin
      const wrong = SessionStore.encrypted(yield* keyOf("b"))(raw)
      const readAll = Effect.gen(function* () {
        Canary.show(net, yield* Effect.exit(wrong.get(account, "session")), (error) => inspect(error, { depth: 20 }))
        replace(flipped(bytes(), 40))
        const exit = yield* Effect.exit(wrong.get(account, "session"))
        Canary.show(net, exit, (error) => inspect(error, { depth: 20 }))
      })
      yield* Effect.provide(readAll, net.layer)
      assert.include(net.caught().join(), "session of tiny/production/default/T1 was not written with this key")
      assert.deepStrictEqual(Canary.leaks(net, [secret, "a".repeat(64), "b".repeat(64)]), [])
    })
  )

  it.effect("is made by SessionStore.layerEncrypted", () =>
    Effect.gen(function* () {
      const book = makeOpen()
      const store = yield* Effect.provide(
        SessionStore.SessionStore,
        SessionStore.layerEncrypted.pipe(
          Layer.provide([
            Layer.succeed(SessionStore.SessionStore, book.store),
            Layer.effect(VaultKey.VaultKey, keyOf("a"))
          ])
        )
      )
      yield* store.put(account, "session", value, 0)
      assert.notInclude(textOf(book.bytes()), "access")
    })
  )
})

describe("vaults: a session store in a key-value store", () => {
  it.effect("reports the system's error code, but not the original error message", () =>
    Effect.gen(function* () {
      const cause = Object.assign(new Error(`no room for ${secret}`), { code: "ENOSPC" })
      const full = (method: string) =>
        Effect.fail(new KeyValueStore.KeyValueStoreError({ method, message: `no ${secret}`, cause }))
      const store = SessionStore.makeKeyValueStore({ ...makeStringOnly(), set: () => full("set") })
      const error = yield* Effect.flip(store.put(account, "session", value, 0))
      assert.strictEqual(error.reason.message, "Could not write the session of tiny/production/default/T1 (ENOSPC)")
      assert.notInclude(shown(error), secret)
      const unreadable = SessionStore.makeKeyValueStore({ ...makeStringOnly(), get: () => full("get") })
      for (const attempt of bothOf(unreadable, 0)) {
        const { reason } = yield* Effect.flip(attempt)
        assert.strictEqual(reason.message, "Could not read the session of tiny/production/default/T1 (ENOSPC)")
      }
    })
  )

  it.effect.each(["", "1", "1Q", "0 QQ==", "-1 QQ==", "1 Q", "1 QQ", "1 QR==", "01 QQ==", "x QQ==", "1 QQ== ", "{}"])(
    "fails with Tampered for the stored text %j and keeps the text",
    (text) =>
      Effect.gen(function* () {
        const key = "broker-auth/session/tiny/production/default/T1"
        const keyValueStore = makeStringOnly()
        yield* keyValueStore.set(key, text)
        const store = SessionStore.makeKeyValueStore(keyValueStore)
        assert.strictEqual(yield* reasonOf(store), "Tampered")
        const { reason } = yield* Effect.flip(store.put(account, "session", value, 0))
        assert.strictEqual(reason._tag, "Tampered")
        assert.strictEqual(yield* keyValueStore.get(key), text)
      })
  )

  it.effect("completes an interrupted write", () =>
    Effect.gen(function* () {
      const keyValueStore = makeStringOnly()
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slow = (key: string, text: string | Uint8Array) =>
        Effect.andThen(
          Deferred.succeed(begun, undefined),
          Effect.andThen(Deferred.await(go), keyValueStore.set(key, text))
        )
      const store = SessionStore.makeKeyValueStore({ ...keyValueStore, set: slow })
      const first = yield* Effect.forkChild(store.put(account, "session", value, 0))
      yield* Deferred.await(begun)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
      const second = yield* Effect.forkChild(store.put(account, "session", value, 0), { startImmediately: true })
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(interrupting)
      assert.isFalse(yield* Fiber.join(second))
    })
  )
})

const { url } = sharedServer()

const inRedis = (key?: VaultKey.Key) =>
  Effect.gen(function* () {
    const prefix = yield* freshPrefix
    const open = Effect.map(connect(url()), (redis) => {
      const store = makeRedis(redis, { prefix })
      return key === undefined ? store : SessionStore.encrypted(key)(store)
    })
    return { open, prefix, redis: yield* connect(url()) }
  })

contract("in Redis without encryption", { make: inRedis() })
contract("in Redis with encryption", { make: Effect.flatMap(keyOf("a"), inRedis) })

describe.runIf(runsRedis)("vaults: a store in Redis", () => {
  it.live("stores each slot under its own key, and no token as plain text", () =>
    Effect.gen(function* () {
      const { prefix, redis } = yield* inRedis()
      const store = yield* Effect.provide(
        SessionStore.SessionStore,
        SessionStore.layerRedis({ prefix }).pipe(
          Layer.provide([Layer.succeed(Redis.Redis, redis), Layer.effect(VaultKey.VaultKey, keyOf("a"))])
        )
      )
      assert.strictEqual(store.describe, `Redis, keys ${prefix}:*; encrypted with key a`)
      yield* store.put(account, "session", value, 0)
      yield* store.put(account, "guard", value, 0)
      const stored = yield* dump(redis, prefix)
      assert.deepStrictEqual(Object.keys(stored), [
        `${prefix}:{tiny/production/default/T1}:guard`,
        `${prefix}:{tiny/production/default/T1}:session`
      ])
      const net = yield* Canary.make
      net.add("redis", JSON.stringify(stored))
      assert.deepStrictEqual(Canary.leaks(net, [secret]), [])
      for (const text of Object.values(stored)) {
        const bytes = atob(text.split(" ")[1] ?? "")
        assert.isTrue(bytes.startsWith("BAV\u0001"))
        assert.notInclude(bytes, secret)
      }
    })
  )

  it.live("fails with Tampered if any stored character was changed", () =>
    Effect.gen(function* () {
      const { open, prefix, redis } = yield* inRedis(yield* keyOf("a"))
      const store = yield* open
      yield* store.put(account, "session", value, 0)
      const [[key, text] = ["", ""]] = Object.entries(yield* dump(redis, prefix))
      for (let index = 0; index < text.length; index += 1) {
        const code = text.charCodeAt(index)
        yield* redis.send("SET", key, text.slice(0, index) + String.fromCharCode(code ^ 1) + text.slice(index + 1))
        assert.strictEqual(yield* reasonOf(store), "Tampered", `with character ${index} of ${text.length} changed`)
      }
      yield* redis.send("SET", key, "text from another program")
      const error = yield* Effect.flip(store.put(account, "session", value, 0))
      assert.deepStrictEqual([error.operation, error.reason._tag], ["put", "Tampered"])
      assert.strictEqual(yield* redis.send("GET", key), "text from another program")
    })
  )

  it.live("fails with Tampered if the Redis key contains a list", () =>
    Effect.gen(function* () {
      const { open, prefix, redis } = yield* inRedis()
      const store = yield* open
      yield* redis.send("LPUSH", `${prefix}:{tiny/production/default/T1}:session`, secret)
      const error = yield* Effect.flip(store.get(account, "session"))
      assert.deepInclude(error.reason, { _tag: "Tampered", isRetryable: false })
      const full = yield* Effect.flip(store.put(account, "session", value, 0))
      assert.deepInclude(full.reason, { _tag: "Tampered", isRetryable: false })
      assert.notInclude(shown([error, full]), secret)
    })
  )

  it.live("fails with Io while Redis is full", () =>
    Effect.gen(function* () {
      const { open, redis } = yield* inRedis()
      const store = yield* open
      yield* Effect.acquireUseRelease(
        redis.send("CONFIG", "SET", "maxmemory", "1"),
        () =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(store.put(account, "session", value, 0))
            assert.strictEqual(error.reason.message, "Could not write the session of tiny/production/default/T1 (OOM)")
            assert.notInclude(shown(error), secret)
            assert.notInclude(shown(error), "RedisError")
          }),
        () => Effect.orDie(redis.send("CONFIG", "SET", "maxmemory", "0"))
      )
      assert.isTrue(yield* store.put(account, "session", value, 0))
    })
  )
})

describe.runIf(runsRedis)("vaults: a store during a Redis outage", () => {
  it.live("fails after its time-out while Redis hangs", () =>
    Effect.gen(function* () {
      const { freeze, thaw, url } = yield* server
      const store = makeRedis(yield* connect(url), { timeout: "200 millis" })
      yield* store.put(account, "session", value, 0)
      freeze()
      for (const attempt of bothOf(store, 1)) {
        const { reason } = yield* Effect.flip(attempt)
        assert.strictEqual(reason._tag, "Io")
        assert.match(reason.remedy, /Check that Redis is running/)
      }
      thaw()
      // Redis executed the write after the time-out, so the version is now 2.
      assert.isFalse(yield* store.put(account, "session", value, 1))
      assert.strictEqual((yield* store.get(account, "session"))?.version, 2)
    })
  )

  it.live("recognizes its own write after a lost answer", () =>
    Effect.gen(function* () {
      const { prefix, redis } = yield* inRedis()
      let failures = 0
      // Executes every script, but loses the first answer, the third answer, and so on.
      const lossy: Redis.Redis["Service"] = {
        ...redis,
        eval:
          (script) =>
          (...params) =>
            Effect.flatMap(redis.eval(script)(...params), (answer) => {
              failures += 1
              return failures % 2 === 1
                ? Effect.fail(new Redis.RedisError({ cause: new Error("Socket closed unexpectedly") }))
                : Effect.succeed(answer)
            })
      }
      const store = SessionStore.encrypted(yield* keyOf("a"))(makeRedis(lossy, { prefix }))
      assert.isTrue(yield* store.put(account, "session", value, 0))
      assert.isFalse(yield* store.put(account, "session", value, 0))
      assert.isTrue(yield* store.put(account, "session", value, 1))
      assert.strictEqual((yield* store.get(account, "session"))?.version, 2)
      assert.strictEqual(failures, 6)
    })
  )

  it.live("is empty after Redis has lost its data, and accepts new writes", () =>
    Effect.gen(function* () {
      const { restart, url } = yield* server
      const store = SessionStore.encrypted(yield* keyOf("a"))(makeRedis(yield* connect(url)))
      yield* store.put(account, "session", value, 0)
      yield* store.put(account, "session", value, 1)
      yield* Effect.promise(restart)
      assert.isFalse(yield* store.put(account, "session", value, 2))
      assert.isUndefined(yield* store.get(account, "session"))
      assert.isTrue(yield* store.put(account, "session", value, 0))
      assert.strictEqual((yield* store.get(account, "session"))?.version, 1)
    })
  )
})
