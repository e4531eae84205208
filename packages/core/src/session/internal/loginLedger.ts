/** Reads and writes the ledger of an account (see `ledger.ts`) in the store. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Account from "../../login/Account.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"
import * as Ledger from "./ledger.ts"

export const make = (store: SessionStore["Service"]) => {
  const tampered = (account: Account.Account) =>
    Effect.fail(VaultError.make("get", new VaultError.Tampered({ what: `guard of ${Account.toKey(account)}` })))

  const textAt = (place: Account.Account) =>
    Effect.map(store.get(place, "guard"), (entry) =>
      entry === undefined
        ? undefined
        : { version: entry.version, text: new TextDecoder().decode(Redacted.value(entry.value)) }
    )

  /**
   * Reads a ledger of format 1. In format 1, each app of the account had its own ledger. In the current format, one
   * ledger applies to all apps. The ledger of format 1 is used until a ledger of the current format is written.
   */
  const readFormatOne = Effect.fnUntraced(function* (account: Account.Account) {
    const entry = yield* textAt(account)
    if (entry === undefined) return Ledger.empty
    return Ledger.parseFormatOne(entry.text) ?? (yield* tampered(account))
  })

  const read = Effect.fnUntraced(function* (
    account: Account.Account
  ): Effect.fn.Return<{ readonly version: number; readonly ledger: Ledger.Ledger }, VaultError.VaultError> {
    const entry = yield* textAt(Ledger.placeOf(account))
    if (entry === undefined) return { version: 0, ledger: yield* readFormatOne(account) }
    const ledger = Ledger.parse(entry.text)
    if (ledger === undefined) return yield* tampered(account)
    if (Predicate.isNumber(ledger)) {
      const what = `guard of ${Account.toKey(account)}`
      return yield* Effect.fail(VaultError.make("get", new VaultError.NewerVersion({ what, version: ledger })))
    }
    return { version: entry.version, ledger }
  })

  const write = (account: Account.Account, ledger: Ledger.Ledger, version: number) =>
    store.put(Ledger.placeOf(account), "guard", Redacted.make(new TextEncoder().encode(Ledger.encode(ledger))), version)

  /** Changes the stored ledger. If another program writes at the same time, reads the ledger again and retries. */
  const remember = (
    account: Account.Account,
    change: (ledger: Ledger.Ledger) => Ledger.Ledger
  ): Effect.Effect<void, VaultError.VaultError> =>
    Effect.flatMap(read(account), ({ ledger, version }) =>
      Effect.flatMap(write(account, change(ledger), version), (written) =>
        written ? Effect.void : remember(account, change)
      )
    )

  const fingerprint = (credentials: Redacted.Redacted<string> | undefined): Effect.Effect<string | undefined> =>
    credentials === undefined || store.fingerprint === undefined
      ? Effect.succeed(undefined)
      : store.fingerprint(credentials)

  return { fingerprint, read, remember, write }
}
