/** The accounts of the user, with their credentials. */
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type CommandFailed, fail } from "./failure.ts"
import * as storedList from "./storedList.ts"

const Entry = Schema.Struct({
  /** Default: the name of the broker. */
  name: Schema.String,
  broker: Schema.String,
  method: Schema.String,
  /** Folder of the broker's package, if the user has named the package with `--package`. */
  folder: Schema.optionalKey(Schema.String),
  account: Schema.Struct({
    broker: Schema.String,
    environment: Schema.String,
    app: Schema.String,
    id: Schema.String
  }),
  /**
   * Each key is the name of an environment variable, such as `ANGEL_PIN`. Each value is a credential, or a reference
   * such as `pass:NAME`.
   */
  values: Schema.Record(Schema.String, Schema.RedactedFromValue(Schema.String))
})

export type Entry = typeof Entry.Type

const stored = storedList.make({ id: "accounts", what: "list of accounts", item: Entry })

type Store = storedList.Store

export const list = stored.list

export const version = stored.version

export const reader = stored.reader

const { update } = stored

export const inUse = (name: string) =>
  fail(
    "account",
    `The name ${name} is in use. Choose another name with --name, or change the credentials of this account with --replace.`
  )

export const add = (
  store: Store,
  entry: Entry,
  { replace }: { readonly replace: boolean }
): Effect.Effect<void, CommandFailed | VaultError> =>
  update(store, (list) =>
    !replace && list.some(({ name }) => name === entry.name)
      ? inUse(entry.name)
      : Effect.succeed([...list.filter(({ name }) => name !== entry.name), entry])
  )

export const remove = (store: Store, name: string): Effect.Effect<void, VaultError> =>
  update(store, (list) => Effect.succeed(list.filter((entry) => entry.name !== name)))

export const none = fail("account", "There is no account yet. Add one: broker-auth add <broker>")

const namesOf = (list: ReadonlyArray<Entry>): string => list.map(({ name }) => name).join(", ")

export const choose = Effect.fnUntraced(function* (
  store: Store,
  given: string | undefined
): Effect.fn.Return<Entry, CommandFailed | VaultError> {
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
