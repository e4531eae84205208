/** A list in the vault. The list is one encrypted entry, so a change is written completely or not at all. */
import * as Account from "@auth/broker-core/login/Account"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

export type Store = SessionStore["Service"]

const format = 1

const FormatFromJson = Schema.fromJsonString(Schema.Struct({ format: Schema.Finite }))
const decodeFormat = Schema.decodeUnknownResult(FormatFromJson)

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

export interface StoredList<A> {
  /** All items, sorted by name. */
  readonly list: (store: Store) => Effect.Effect<ReadonlyArray<A>, VaultError.VaultError>
  /** The version of the list's entry in the vault. 0 if there is no entry. */
  readonly version: (store: Store) => Effect.Effect<number, VaultError.VaultError>
  /** Like `list`, but returns the same objects until the stored list changes. */
  readonly reader: (store: Store) => Effect.Effect<ReadonlyArray<A>, VaultError.VaultError>
  /** If another program changes the list at the same time, `change` is called again with the new list. */
  readonly update: <E>(
    store: Store,
    change: (list: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<A>, E>
  ) => Effect.Effect<void, E | VaultError.VaultError>
}

/** `what` names the list in errors. */
export const make = <A extends { readonly name: string }>(options: {
  readonly id: string
  readonly what: string
  readonly item: Schema.Codec<A, unknown>
}): StoredList<A> => {
  const place = Account.make({ broker: "broker-auth", id: options.id })
  const Items = Schema.Struct({ format: Schema.Literal(format), [options.id]: Schema.Array(options.item) })
  const FromJson = Schema.fromJsonString(Items)
  const none: ReadonlyArray<A> = []
  const decode = Schema.decodeUnknownResult(FromJson)
  const encode = Schema.encodeSync(FromJson)

  const decoded = (bytes: Uint8Array): Effect.Effect<ReadonlyArray<A>, VaultError.VaultError> => {
    const text = new TextDecoder().decode(bytes)
    const found = decode(text)
    if (Result.isSuccess(found)) return Effect.succeed(found.success[options.id] as unknown as ReadonlyArray<A>)
    const version = Result.getOrUndefined(decodeFormat(text))?.format ?? 0
    const { what } = options
    const reason = version > format ? new VaultError.NewerVersion({ what, version }) : new VaultError.Tampered({ what })
    return Effect.fail(VaultError.make("get", reason))
  }

  const read = (store: Store) =>
    Effect.flatMap(store.get(place, "credentials"), (stored) =>
      stored === undefined
        ? Effect.succeed({ version: 0, list: none })
        : Effect.map(decoded(Redacted.value(stored.value)), (list) => ({ version: stored.version, list }))
    )

  return {
    list: (store) => Effect.map(read(store), ({ list }) => list),
    version: (store) => Effect.map(read(store), ({ version }) => version),
    reader: (store) => {
      let last: { readonly bytes: Redacted.Redacted<Uint8Array>; readonly list: ReadonlyArray<A> } | undefined
      return Effect.flatMap(store.get(place, "credentials"), (stored) => {
        if (stored === undefined) return Effect.succeed(none)
        if (last !== undefined && sameBytes(Redacted.value(last.bytes), Redacted.value(stored.value))) {
          return Effect.succeed(last.list)
        }
        return Effect.map(decoded(Redacted.value(stored.value)), (list) => {
          last = { bytes: stored.value, list }
          return list
        })
      })
    },
    update: (store, change) =>
      Effect.gen(function* () {
        while (true) {
          const { list, version } = yield* read(store)
          const items = (yield* change(list)).toSorted((one, other) => (one.name < other.name ? -1 : 1))
          const bytes = Redacted.make(new TextEncoder().encode(encode({ format, [options.id]: items } as never)))
          if (yield* store.put(place, "credentials", bytes, version)) return
        }
      })
  }
}
