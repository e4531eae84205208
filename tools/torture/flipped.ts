/**
 * The scenario `flip` writes these entries to a vault. Then it makes copies of the vault, and changes one bit in each
 * copy.
 */
import * as Account from "@auth/broker-core/login/Account"
import type { Slot } from "@auth/broker-core/session/SessionStore"

export interface Place {
  readonly account: Account.Account
  readonly slot: Slot
}

export interface Entry extends Place {
  readonly version: number
  readonly value: Uint8Array
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const accounts = ["A123456", "B654321"].map((id) => Account.make({ broker: "angel", id }))

/** Entries of two accounts. Even after a bit has changed, a read of one account must not return the other's session. */
export const entries = accounts.flatMap((account, index): ReadonlyArray<Entry> => [
  { account, slot: "session", version: 2, value: bytesOf(`session of ${account.id} `.repeat(30)) },
  { account, slot: "guard", version: 1, value: bytesOf(`{"attemptedAt":${1_790_000_000_000 + index},"refusedAt":[]}`) }
]) as [Entry, ...ReadonlyArray<Entry>]

/** Returns the account and the slot in the form in which the database stores them. */
export const keyOf = ({ account, slot }: Place): readonly [string, string] => [Account.toKey(account), slot]
