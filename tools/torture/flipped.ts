/** The scenario `flip` writes the `entries` below to a vault, and then changes single bits in the vault's files. */
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

/** With two accounts, the scenario can check that a changed bit never makes a read return another account's session. */
export const entries = accounts.flatMap((account, index): ReadonlyArray<Entry> => [
  { account, slot: "session", version: 2, value: bytesOf(`session of ${account.id} `.repeat(30)) },
  { account, slot: "guard", version: 1, value: bytesOf(`{"attemptedAt":${1_790_000_000_000 + index},"refusedAt":[]}`) }
]) as [Entry, ...ReadonlyArray<Entry>]

/** The account and the slot, as the database stores them. */
export const keyOf = ({ account, slot }: Place): readonly [string, string] => [Account.toKey(account), slot]
