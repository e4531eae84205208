/** Reads and writes the ledger of an account (see `ledger.ts`) in the store. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Account from "../../login/Account.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"
import * as Ledger from "./ledger.ts"
import { rootOf } from "./storeRoots.ts"

type Change = (ledger: Ledger.Ledger) => Ledger.Ledger

/** The changes that could not be written, oldest first, keyed by the account. */
type Unwritten = Map<string, ReadonlyArray<Change>>

const unwrittenOf = new WeakMap<SessionStore["Service"], Unwritten>()

/** Maximum number of tries to write a change. A try fails if the ledger was written after the read. */
export const maxWrites = 100

export const keepsChanging = Effect.fail(
  VaultError.make(
    "put",
    new VaultError.Io({ what: "write the record of logins, because another program keeps changing it" })
  )
)

/** `ledger` includes the changes that are not yet written. `changes` is the number of these changes. */
interface Read {
  readonly version: number
  readonly ledger: Ledger.Ledger
  readonly changes: number
}

export const make = (store: SessionStore["Service"]) => {
  const root = rootOf(store)
  const unwritten: Unwritten = unwrittenOf.get(root) ?? new Map<string, ReadonlyArray<Change>>()
  unwrittenOf.set(root, unwritten)
  const keyOf = (account: Account.Account) => Account.toKey(Ledger.placeOf(account))

  const tampered = (account: Account.Account) =>
    Effect.fail(VaultError.make("get", new VaultError.Tampered({ what: `guard of ${Account.toKey(account)}` })))

  const textAt = (place: Account.Account) =>
    Effect.map(store.get(place, "guard"), (entry) =>
      entry === undefined
        ? undefined
        : { version: entry.version, text: new TextDecoder().decode(Redacted.value(entry.value)) }
    )

  /** The ledger of format 1 is used until a ledger of the current format is written. */
  const readFormatOne = Effect.fnUntraced(function* (account: Account.Account) {
    const entry = yield* textAt(account)
    if (entry === undefined) return Ledger.empty
    return Ledger.parseFormatOne(entry.text) ?? (yield* tampered(account))
  })

  const readStored = Effect.fnUntraced(function* (
    account: Account.Account
  ): Effect.fn.Return<Pick<Read, "version" | "ledger">, VaultError.VaultError> {
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

  const read = (account: Account.Account): Effect.Effect<Read, VaultError.VaultError> =>
    Effect.map(readStored(account), ({ ledger, version }) => {
      const changes = unwritten.get(keyOf(account)) ?? []
      return { version, changes: changes.length, ledger: changes.reduce((before, change) => change(before), ledger) }
    })

  /** Returns `false` and writes nothing if the ledger was written since `read`. */
  const write = (account: Account.Account, ledger: Ledger.Ledger, { changes, version }: Omit<Read, "ledger">) => {
    const value = Redacted.make(new TextEncoder().encode(Ledger.encode(ledger)))
    return Effect.tap(store.put(Ledger.placeOf(account), "guard", value, version), (isWritten) =>
      Effect.sync(() => {
        if (!isWritten || changes === 0) return
        const key = keyOf(account)
        const later = unwritten.get(key)?.slice(changes) ?? []
        if (later.length === 0) unwritten.delete(key)
        else unwritten.set(key, later)
      })
    )
  }

  const remember = (account: Account.Account, change: Change, writes = 1): Effect.Effect<void, VaultError.VaultError> =>
    Effect.flatMap(read(account), (found) =>
      Effect.flatMap(write(account, change(found.ledger), found), (isWritten) => {
        if (isWritten) return Effect.void
        return writes < maxWrites ? remember(account, change, writes + 1) : keepsChanging
      })
    )

  /** If `change` cannot be written, the next write of the ledger applies the change `late` instead. */
  const note = (account: Account.Account, change: Change, late = change): Effect.Effect<void> =>
    Effect.catch(remember(account, change), () =>
      Effect.sync(() => {
        const key = keyOf(account)
        unwritten.set(key, [...(unwritten.get(key) ?? []), late])
      })
    )

  const fingerprint = (credentials: Redacted.Redacted<string> | undefined): Effect.Effect<string | undefined> =>
    credentials === undefined || store.fingerprint === undefined
      ? Effect.succeed(undefined)
      : store.fingerprint(credentials)

  return { fingerprint, note, read, remember, write }
}
