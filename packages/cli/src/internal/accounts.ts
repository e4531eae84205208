/**
 * The accounts of the user, with their credentials. They are one encrypted entry of the vault, so that a change is
 * written completely or not at all.
 */
import * as Account from "@auth/broker-core/login/Account"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type CommandFailed, fail } from "./failure.ts"

const Entry = Schema.Struct({
  /** The user's name for the account. */
  name: Schema.String,
  broker: Schema.String,
  method: Schema.String,
  /** Folder of the broker's package, if the user has named one. */
  folder: Schema.optionalKey(Schema.String),
  account: Schema.Struct({
    broker: Schema.String,
    environment: Schema.String,
    app: Schema.String,
    id: Schema.String
  }),
  /** Values or references, by the names of the environment variables. */
  values: Schema.Record(Schema.String, Schema.RedactedFromValue(Schema.String))
})

/** An account of the user. */
export type Entry = typeof Entry.Type

const format = 1

const FormatFromJson = Schema.fromJsonString(Schema.Struct({ format: Schema.Finite }))
const ListFromJson = Schema.fromJsonString(
  Schema.Struct({ format: Schema.Literal(format), accounts: Schema.Array(Entry) })
)

const decodeFormat = Schema.decodeUnknownResult(FormatFromJson)
const decode = Schema.decodeUnknownResult(ListFromJson)
const encode = Schema.encodeSync(ListFromJson)

/** The place of the list in the vault. No broker has this id. */
const place = Account.make({ broker: "broker-auth", id: "accounts" })

type Store = SessionStore["Service"]

const read = Effect.fnUntraced(function* (
  store: Store
): Effect.fn.Return<{ readonly version: number; readonly list: ReadonlyArray<Entry> }, VaultError.VaultError> {
  const stored = yield* store.get(place, "credentials")
  if (stored === undefined) return { version: 0, list: [] }
  const text = new TextDecoder().decode(Redacted.value(stored.value))
  const decoded = decode(text)
  if (Result.isSuccess(decoded)) return { version: stored.version, list: decoded.success.accounts }
  const found = Result.getOrUndefined(decodeFormat(text))?.format ?? 0
  const what = "list of accounts"
  const reason =
    found > format ? new VaultError.NewerVersion({ what, version: found }) : new VaultError.Tampered({ what })
  return yield* Effect.fail(VaultError.make("get", reason))
})

/** All accounts, sorted by name. */
export const list = (store: Store): Effect.Effect<ReadonlyArray<Entry>, VaultError.VaultError> =>
  Effect.map(read(store), (found) => found.list)

/** The version of the list in the vault. It is 0 if there is no list. */
export const version = (store: Store): Effect.Effect<number, VaultError.VaultError> =>
  Effect.map(read(store), (found) => found.version)

/** Changes the list. If another program writes at the same time, `change` is applied to its list. */
const update = <E>(
  store: Store,
  change: (list: ReadonlyArray<Entry>) => Effect.Effect<ReadonlyArray<Entry>, E>
): Effect.Effect<void, E | VaultError.VaultError> =>
  Effect.gen(function* () {
    while (true) {
      const { list, version } = yield* read(store)
      const accounts = (yield* change(list)).toSorted((one, other) => (one.name < other.name ? -1 : 1))
      const bytes = Redacted.make(new TextEncoder().encode(encode({ format, accounts })))
      if (yield* store.put(place, "credentials", bytes, version)) return
    }
  })

export const inUse = (name: string) =>
  fail(
    "account",
    `The name ${name} is in use. Choose another one with --name, or change its credentials with --replace.`
  )

/** Adds an account. With `replace`, an account of the same name is replaced. */
export const add = (
  store: Store,
  entry: Entry,
  { replace }: { readonly replace: boolean }
): Effect.Effect<void, CommandFailed | VaultError.VaultError> =>
  update(store, (list) =>
    !replace && list.some(({ name }) => name === entry.name)
      ? inUse(entry.name)
      : Effect.succeed([...list.filter(({ name }) => name !== entry.name), entry])
  )

export const remove = (store: Store, name: string): Effect.Effect<void, VaultError.VaultError> =>
  update(store, (list) => Effect.succeed(list.filter((entry) => entry.name !== name)))

export const none = fail("account", "There is no account yet. Add one: broker-auth add <broker>")

const namesOf = (list: ReadonlyArray<Entry>): string => list.map(({ name }) => name).join(", ")

/**
 * The account that the user means: by its name, otherwise by its broker or its id at the broker. `undefined` means the
 * only account.
 */
export const choose = Effect.fnUntraced(function* (
  store: Store,
  given: string | undefined
): Effect.fn.Return<Entry, CommandFailed | VaultError.VaultError> {
  const all = yield* list(store)
  if (all.length === 0) return yield* none
  const [only] = all
  if (given === undefined) {
    return all.length === 1 && only !== undefined
      ? only
      : yield* fail("account", `There are several accounts. Name one of them: ${namesOf(all)}`)
  }
  const named = all.find(({ name }) => name === given)
  if (named !== undefined) return named
  const matches = all.filter(({ account, broker }) => broker === given || account.id === given)
  const [first] = matches
  if (first !== undefined && matches.length === 1) return first
  return matches.length > 1
    ? yield* fail("account", `Several accounts match ${JSON.stringify(given)}. Name one of them: ${namesOf(matches)}`)
    : yield* fail("account", `There is no account ${JSON.stringify(given)}. The accounts are: ${namesOf(all)}`)
})
