/**
 * Storage for sessions. A store outside the program's memory keeps its sessions after a restart. Several programs can
 * share some stores, such as a store in Redis.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import * as Account from "../login/Account.ts"
import * as entryText from "./internal/entryText.ts"
import { defaultPrefix, keyOf as redisKey, persist } from "./internal/redis.ts"
import type * as changes from "./internal/changes.ts"
import * as redisChanges from "./internal/redisChanges.ts"
import * as sealedEntry from "./internal/sealedEntry.ts"
import { fingerprints } from "./internal/fingerprints.ts"
import { systemCode } from "../broker/internal/systemCode.ts"
import { readTimeout } from "./internal/vaultOptions.ts"
import * as watchers from "./internal/watchers.ts"
import * as VaultError from "./VaultError.ts"
import * as VaultKey from "./VaultKey.ts"

/**
 * The name of an entry of an account:
 *
 * - `session`: the session.
 * - `guard`: the state of the login guard (see `LoginGuard`).
 * - `browser`: the record of the browser logins (see `BrowserLogin`).
 * - `credentials`: credentials that a program stores for its user.
 *
 * @category models
 * @since 0.1.0
 */
export type Slot = "session" | "guard" | "browser" | "credentials"

/**
 * A stored value with its version.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** The version is 1 after the first write. Each further write adds 1. */
  readonly version: number
  readonly value: Redacted.Redacted<Uint8Array>
}

/**
 * Reports changes of stored sessions, so that a `SessionManager` does not have to poll the store. If you write
 * your own `Changes`, use `makeWatchers`.
 *
 * @category models
 * @since 0.1.0
 */
export type Changes = changes.Changes

/**
 * A function that is called with the new version number of a stored session.
 *
 * @category models
 * @since 0.1.0
 */
export type Changed = changes.Changed

/**
 * The functions to call after the session of an account was written.
 *
 * @category models
 * @since 0.1.0
 */
export type Watchers = changes.Watchers

/**
 * Makes empty `Watchers`, for the `changes` of a store of your own.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as SessionStore from "@auth/broker-core/session/SessionStore"
 * import * as Effect from "effect/Effect"
 *
 * const account = Account.make({ broker: "angel", id: "A123456" })
 *
 * const program = Effect.gen(function* () {
 *   const told: Array<number> = []
 *   const watchers = SessionStore.makeWatchers()
 *   const remove = watchers.add(account, (version) => Effect.sync(() => void told.push(version)))
 *   yield* watchers.tell(Account.toKey(account), 2)
 *   remove()
 *   yield* watchers.tell(Account.toKey(account), 3)
 *   told // => [2]
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeWatchers: () => Watchers = watchers.make

/**
 * Stores entries.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionStore extends Context.Service<
  SessionStore,
  {
    /** Text for logs: where entries are stored, and whether they are encrypted. */
    readonly describe: string
    /** Reads an entry. Returns `undefined` if no entry is stored. */
    readonly get: (account: Account.Account, slot: Slot) => Effect.Effect<Entry | undefined, VaultError.VaultError>
    /**
     * If the stored entry has the version `expected`, `put` stores `value` as version `expected + 1` and returns
     * `true`. Otherwise, `put` changes nothing and returns `false`. An absent entry has the version 0.
     */
    readonly put: (
      account: Account.Account,
      slot: Slot,
      value: Redacted.Redacted<Uint8Array>,
      expected: number
    ) => Effect.Effect<boolean, VaultError.VaultError>
    /**
     * Computes the fingerprint of a secret with the store's key. Absent if the store has no key. Without `fingerprint`,
     * the login guard cannot recognize credentials that the broker has accepted or refused.
     */
    readonly fingerprint?: ((secret: Redacted.Redacted<string>) => Effect.Effect<string>) | undefined
    /**
     * Reports changes of stored sessions. If the store has no `changes`, a session manager reads the stored session at
     * each check (see `pollInterval` of `SessionManager`).
     */
    readonly changes?: Changes | undefined
  }
>()("@auth/broker-core/session/SessionStore") {}

/**
 * Returns the slot and the account of an entry as one string, such as `session/angel/production/default/A123456`.
 *
 * @category converting
 * @since 0.1.0
 */
export const toKey = (account: Account.Account, slot: Slot): string => `${slot}/${Account.toKey(account)}`

const nameOf = (account: Account.Account, slot: Slot): string => `${slot} of ${Account.toKey(account)}`

/**
 * Stores entries in the memory of this process. The entries are lost when the process ends.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeMemory = (): SessionStore["Service"] => {
  const entries = new Map<string, Entry>()
  const key = Redacted.make(SecureRandom.randomBytesUnsafe(32))
  return {
    describe: "memory of this process",
    fingerprint: fingerprints(key),
    get: (account, slot) => Effect.sync(() => entries.get(toKey(account, slot))),
    put: (account, slot, value, expected) =>
      Effect.sync(() => {
        const key = toKey(account, slot)
        if ((entries.get(key)?.version ?? 0) !== expected) return false
        entries.set(key, { version: expected + 1, value })
        return true
      })
  }
}

/**
 * Stores entries in the memory of this process. The entries are lost when the process ends.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionStore> = Layer.sync(SessionStore, makeMemory)

/**
 * Encrypts the entries of a store with XChaCha20-Poly1305. With a `Plaintext` key, entries are not encrypted, and a
 * deliberate change can remain undetected. `get` rejects an entry with one of these errors:
 *
 * - `Tampered`: the entry was changed, or was written for another account, slot or version.
 * - `WrongKey`: the entry was written with another key.
 * - `NewerVersion`: the entry has the format of a newer version of this library.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as SessionStore from "@auth/broker-core/session/SessionStore"
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const account = Account.make({ broker: "angel", id: "A123456" })
 * const value = Redacted.make(new TextEncoder().encode("a session"))
 *
 * const program = Effect.gen(function* () {
 *   const raw = SessionStore.makeMemory()
 *   const store = SessionStore.encrypted(yield* VaultKey.fromBytes(yield* VaultKey.generate, "a new key"))(raw)
 *   const isWritten = yield* store.put(account, "session", value, 0)
 *   isWritten // => true
 *   const entry = yield* store.get(account, "session")
 *   const read = entry && new TextDecoder().decode(Redacted.value(entry.value))
 *   read // => "a session"
 *   const stored = yield* raw.get(account, "session")
 *   const seen = stored && new TextDecoder().decode(Redacted.value(stored.value)).includes("a session")
 *   seen // => false
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const encrypted =
  (key: VaultKey.Key) =>
  (store: SessionStore["Service"]): SessionStore["Service"] => {
    const placeOf = (account: Account.Account, slot: Slot, version: number): sealedEntry.Place => ({
      what: nameOf(account, slot),
      key: toKey(account, slot),
      version
    })
    return {
      fingerprint: key._tag === "Plaintext" ? undefined : fingerprints(key.bytes),
      changes: store.changes,
      describe: `${store.describe}; ${key._tag === "Plaintext" ? "" : "encrypted with "}${key.describe}`,
      get: Effect.fnUntraced(function* (account, slot) {
        const entry = yield* store.get(account, slot)
        if (entry === undefined) return undefined
        const value = yield* sealedEntry
          .open(key, entry.value, placeOf(account, slot, entry.version))
          .pipe(Effect.mapError((reason) => VaultError.make("get", reason)))
        return { version: entry.version, value }
      }),
      put: (account, slot, value, expected) =>
        Effect.flatMap(sealedEntry.seal(key, value, placeOf(account, slot, expected + 1)), (sealed) =>
          store.put(account, slot, sealed, expected)
        )
    }
  }

/**
 * Encrypts the entries of the `SessionStore` with the `VaultKey`. Use this layer with a store of your own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEncrypted: Layer.Layer<SessionStore, never, SessionStore | VaultKey.VaultKey> = Layer.effect(
  SessionStore,
  Effect.gen(function* () {
    const store = yield* SessionStore
    return encrypted(yield* VaultKey.VaultKey)(store)
  })
)

const decodeText = (operation: string, what: string, text: string | null | undefined) => {
  if (text === undefined || text === null) return Effect.undefined
  const entry = entryText.decode(text)
  return entry === undefined
    ? Effect.fail(VaultError.make(operation, new VaultError.Tampered({ what })))
    : Effect.succeed(entry)
}

/**
 * Makes a store that writes entries unencrypted to any `KeyValueStore`. Wrap the store with `encrypted`. In
 * the `KeyValueStore`, each key starts with `broker-auth/`.
 *
 * Only one process at a time may use the store. If two processes write at the same time, one write may be lost. The
 * durability of a write depends on the `KeyValueStore`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeKeyValueStore = (keyValueStore: KeyValueStore.KeyValueStore): SessionStore["Service"] => {
  const writer = Semaphore.makeUnsafe(1)
  const failed = (operation: "get" | "put", what: string) => (error: KeyValueStore.KeyValueStoreError) =>
    VaultError.make(operation, new VaultError.Io({ what, systemCode: systemCode(error) }))
  const keyOf = (account: Account.Account, slot: Slot) => `broker-auth/${toKey(account, slot)}`
  const read = (operation: "get" | "put", account: Account.Account, slot: Slot) => {
    const what = nameOf(account, slot)
    return Effect.flatMap(
      Effect.mapError(keyValueStore.get(keyOf(account, slot)), failed(operation, `read the ${what}`)),
      (text) => decodeText(operation, what, text)
    )
  }
  return {
    describe: "a key-value store, for one process at a time",
    get: (account, slot) => read("get", account, slot),
    put: Effect.fnUntraced(function* (account, slot, value, expected) {
      const found = yield* read("put", account, slot)
      if ((found?.version ?? 0) !== expected) return false
      // An interrupted write could continue in the background and overwrite a later write.
      yield* Effect.uninterruptible(
        keyValueStore.set(keyOf(account, slot), entryText.encode(expected + 1, value))
      ).pipe(Effect.mapError(failed("put", `write the ${nameOf(account, slot)}`)))
      return true
    }, Semaphore.withPermit(writer))
  }
}

/**
 * Stores entries in any `KeyValueStore`, encrypted with the `VaultKey`. Only one process at a time may use the store.
 *
 * @example
 * ```ts
 * import * as SessionStore from "@auth/broker-core/session/SessionStore"
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as KeyValueStore from "effect/persistence/KeyValueStore"
 *
 * const Store = SessionStore.layerKeyValueStore.pipe(
 *   Layer.provide([KeyValueStore.layerMemory, VaultKey.layerPlaintext])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* SessionStore.SessionStore
 *   store.describe // => "a key-value store, for one process at a time; no key: unencrypted"
 * }).pipe(Effect.provide(Store))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyValueStore: Layer.Layer<SessionStore, never, KeyValueStore.KeyValueStore | VaultKey.VaultKey> =
  Layer.provide(layerEncrypted, Layer.effect(SessionStore, Effect.map(KeyValueStore.KeyValueStore, makeKeyValueStore)))

/**
 * Options of a store in Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisOptions {
  /** Prefix of every key. Default: `broker-auth`. */
  readonly prefix?: string | undefined
  /** Time-out for a read or a write, including retries. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
}

// Returns -1 if the stored value has no version, because this library did not write that value. "again" marks a retry.
// If a retry finds its own value in Redis, an earlier try has succeeded: each value of an encrypted store is unique.
const compareAndSetLua = `
local found = redis.call("GET", KEYS[1])
if ARGV[3] == "again" and found == ARGV[2] then return 1 end
local version = "0"
if found then version = string.match(found, "^(%d+) ") end
if not version then return -1 end
if version ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2])
if ARGV[4] ~= "" then ${redisChanges.announceLua("ARGV[4]", "ARGV[5]", "ARGV[6]")} end
return 1`

interface Write {
  readonly key: string
  readonly expected: number
  readonly text: string
  /** Key of the Redis stream that gets the change (see `redisChanges`). If empty, the change is not announced. */
  readonly stream: string
  readonly account: string
}

const makeCompareAndSet = () =>
  Redis.script(
    ({ account, expected, key, stream, text }: Write, isAgain: boolean) => [
      key,
      expected,
      text,
      isAgain ? "again" : "",
      stream,
      account,
      expected + 1
    ],
    { lua: compareAndSetLua, numberOfKeys: 1 }
  ).withReturnType<number>()

/**
 * Makes a store that writes entries unencrypted to Redis (5.0 or newer). Wrap the store with `encrypted`.
 *
 * Any number of programs may share the store. The durability of a write depends on the settings of Redis. With
 * `appendonly yes` and `appendfsync always`, the data is on disk before the write succeeds. If Redis loses its data,
 * the programs log in again.
 *
 * `makeRedis` fails with `InvalidOption` if the time-out is invalid. `get` and `put` fail with these errors:
 *
 * - `Io`: Redis refuses the command, or does not answer within the time-out.
 * - `Tampered`: the stored value does not have the format of this library. `put` checks only the version in the value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRedis = Effect.fnUntraced(function* (
  redis: Redis.Redis["Service"],
  options: RedisOptions = {}
): Effect.fn.Return<SessionStore["Service"], VaultError.VaultError> {
  const prefix = options.prefix ?? defaultPrefix
  const timeout = yield* readTimeout("timeout", options.timeout ?? "5 seconds")
  const compareAndSet = makeCompareAndSet()
  const stream = redisChanges.streamOf(prefix)
  return {
    describe: `Redis, keys ${prefix}:*`,
    changes: redisChanges.make(redis, prefix),
    get: (account, slot) => {
      const what = nameOf(account, slot)
      const reply = redis.send<string | null>("GET", redisKey(prefix, account, slot))
      return Effect.flatMap(
        persist(() => reply, { operation: "get", what: `read the ${what}`, subject: what, timeout }),
        (text) => decodeText("get", what, text)
      )
    },
    put: Effect.fnUntraced(function* (account, slot, value, expected) {
      const what = nameOf(account, slot)
      const write: Write = {
        key: redisKey(prefix, account, slot),
        expected,
        text: entryText.encode(expected + 1, value),
        stream: slot === "session" ? stream : "",
        account: Account.toKey(account)
      }
      const answer = yield* persist((isAgain) => redis.eval(compareAndSet)(write, isAgain), {
        operation: "put",
        what: `write the ${what}`,
        subject: what,
        timeout
      })
      if (answer === -1) return yield* Effect.fail(VaultError.make("put", new VaultError.Tampered({ what })))
      return answer === 1
    })
  }
})

/**
 * Stores entries in Redis, encrypted with the `VaultKey`. With `VaultKey.layerPlaintext`, the entries are not
 * encrypted. Any number of programs may share the store. See also `makeRedis`.
 * `SessionLock.layerRedis` is the lock for this store.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  options?: RedisOptions
): Layer.Layer<SessionStore, VaultError.VaultError, Redis.Redis | VaultKey.VaultKey> =>
  Layer.provide(
    layerEncrypted,
    Layer.effect(
      SessionStore,
      Effect.flatMap(Redis.Redis, (redis) => makeRedis(redis, options))
    )
  )
