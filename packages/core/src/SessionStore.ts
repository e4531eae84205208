/**
 * Where sessions are kept between two starts of a program, and shared between programs.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Account from "./Account.ts"
import * as sealedEntry from "./internal/sealedEntry.ts"
import * as VaultError from "./VaultError.ts"
import * as VaultKey from "./VaultKey.ts"

/**
 * What is kept for an account: its session, and what its login guard must not forget.
 *
 * @category models
 * @since 0.1.0
 */
export type Slot = "session" | "guard"

/**
 * What is stored, and how often it was written.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** 1 for the first that was written, and one more each time. */
  readonly version: number
  readonly value: Redacted.Redacted<Uint8Array>
}

/**
 * Keeps entries. A write is durable before it succeeds, and happens only if nobody else has written in between.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionStore extends Context.Service<
  SessionStore,
  {
    /** Where entries are kept and how, for a person. */
    readonly describe: string
    /** `undefined` if nothing was ever stored. */
    readonly get: (account: Account.Account, slot: Slot) => Effect.Effect<Entry | undefined, VaultError.VaultError>
    /**
     * Stores `value` as version `expected + 1` if the stored version is still `expected` (0: nothing stored), and
     * tells whether it did.
     */
    readonly put: (
      account: Account.Account,
      slot: Slot,
      value: Redacted.Redacted<Uint8Array>,
      expected: number
    ) => Effect.Effect<boolean, VaultError.VaultError>
  }
>()("@auth/broker-core/SessionStore") {}

/**
 * The key of an entry, for stores that have one string for it.
 *
 * @category converting
 * @since 0.1.0
 */
export const toKey = (account: Account.Account, slot: Slot): string => `${slot}/${Account.toKey(account)}`

/**
 * Keeps entries in the memory of this process: a restart forgets them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeMemory = (): SessionStore["Service"] => {
  const entries = new Map<string, Entry>()
  return {
    describe: "memory of this process",
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
 * Keeps entries in the memory of this process: a restart forgets them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<SessionStore> = Layer.sync(SessionStore, makeMemory)

const slotNames: Record<Slot, string> = { session: "session", guard: "login guard" }

/** What an entry is called in an error. */
const nameOf = (account: Account.Account, slot: Slot): string => `${slotNames[slot]} of ${Account.toKey(account)}`

/**
 * Encrypts what a store keeps with XChaCha20-Poly1305, bound to its account, its slot and its version, and refuses what
 * was changed, moved or written with another key. With a `Plaintext` key entries are framed the same way, but in clear.
 *
 * Fails with `Tampered`, `WrongKey` or `NewerVersion` beside what the store fails with.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/Account"
 * import * as SessionStore from "@auth/broker-core/SessionStore"
 * import * as VaultKey from "@auth/broker-core/VaultKey"
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
 * The store of the context, encrypted with the key of the context: for stores of your own.
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
