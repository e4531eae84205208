/**
 * Where sessions are kept between two starts of a program, and shared between programs.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Account from "./Account.ts"
import type { VaultError } from "./VaultError.ts"

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
    readonly get: (account: Account.Account, slot: Slot) => Effect.Effect<Entry | undefined, VaultError>
    /**
     * Stores `value` as version `expected + 1` if the stored version is still `expected` (0: nothing stored), and
     * tells whether it did.
     */
    readonly put: (
      account: Account.Account,
      slot: Slot,
      value: Redacted.Redacted<Uint8Array>,
      expected: number
    ) => Effect.Effect<boolean, VaultError>
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
