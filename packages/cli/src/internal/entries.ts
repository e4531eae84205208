/** Reads the entries of the vault, including unencrypted entries that a program without a key has stored. */
import type { Account } from "@auth/broker-core/login/Account"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionStore, type Entry, type Slot } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { Home } from "./home.ts"

/** In the order of `broker-auth vault list`. */
export const slots = ["session", "guard", "browser"] as const satisfies ReadonlyArray<Slot>

/** `isClear` says whether the entry is unencrypted. */
export interface Found extends Entry {
  readonly isClear: boolean
}

/** Fails if the entry is encrypted. */
const inClear = (folder: string, account: Account, slot: Slot) =>
  Effect.flatMap(SessionStore, (store) => store.get(account, slot)).pipe(
    Effect.provide(Layer.provide(NodeVault.layerStore({ folder }), NodeVaultKey.layerPlaintext))
  )

export const placeOf = (account: Account, slot: Slot): Account =>
  slot === "guard" ? LoginGuard.placeOf(account) : account

/** An unencrypted entry may be shown, but must not be used, because any program could have written it. */
export const read = Effect.fnUntraced(function* (
  { folder, store }: Home,
  account: Account,
  slot: Slot
): Effect.fn.Return<Found | undefined, VaultError> {
  const stored = yield* Effect.result(store.get(account, slot))
  if (Result.isSuccess(stored)) return stored.success && { ...stored.success, isClear: false }
  if (stored.failure.reason._tag !== "WrongKey") return yield* Effect.fail(stored.failure)
  const found = yield* Effect.result(inClear(folder, account, slot))
  return Result.isSuccess(found) && found.success !== undefined
    ? { ...found.success, isClear: true }
    : yield* Effect.fail(stored.failure)
})

/** A store that also reads unencrypted entries. Its entries are only for display. */
export const readable = (home: Home): SessionStore["Service"] => ({
  ...home.store,
  get: (account, slot) => read(home, account, slot)
})

export const clearSlots = (home: Home, account: Account): Effect.Effect<ReadonlyArray<Slot>, VaultError> =>
  Effect.map(
    Effect.forEach(slots, (slot) => Effect.map(read(home, placeOf(account, slot), slot), (found) => ({ slot, found }))),
    (all) => all.flatMap(({ found, slot }) => (found?.isClear === true ? [slot] : []))
  )

export const clearText = (name: string, clear: ReadonlyArray<Slot>): string =>
  `NOT ENCRYPTED: ${name} has unencrypted entries (${clear.join(", ")}). Every program with access to their files can read them. They were written by a program that has no key. Stop that program, then run broker-auth vault encrypt.`
