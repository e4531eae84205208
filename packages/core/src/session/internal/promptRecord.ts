/** Reads and writes the record of an account's browser logins. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Account from "../../login/Account.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"

const RecordFromJson = Schema.fromJsonString(
  Schema.Struct({
    /**
     * The pending login. It times out at `until`, in milliseconds since the epoch. The program that runs the login
     * increments `beats` to show that the program still runs.
     */
    pending: Schema.optional(Schema.Struct({ id: Schema.String, until: Schema.Finite, beats: Schema.Finite })),
    /**
     * Start times of the latest logins, oldest first, in milliseconds since the epoch. Logins with the option
     * `byPerson` of `BrowserLogin.run` are not included.
     */
    begun: Schema.Array(Schema.Finite)
  })
)

export type PromptRecord = typeof RecordFromJson.Type

export interface Stored {
  readonly version: number
  readonly record: PromptRecord
}

const decode = Schema.decodeUnknownResult(RecordFromJson)
const encode = Schema.encodeSync(RecordFromJson)

export const read = (
  store: SessionStore["Service"],
  account: Account.Account
): Effect.Effect<Stored, VaultError.VaultError> =>
  Effect.flatMap(store.get(account, "browser"), (entry): Effect.Effect<Stored, VaultError.VaultError> => {
    if (entry === undefined) return Effect.succeed({ version: 0, record: { begun: [] } })
    const decoded = decode(new TextDecoder().decode(Redacted.value(entry.value)))
    if (Result.isSuccess(decoded)) return Effect.succeed({ version: entry.version, record: decoded.success })
    const what = `browser logins of ${Account.toKey(account)}`
    return Effect.fail(VaultError.make("get", new VaultError.Tampered({ what })))
  })

export const write = (
  store: SessionStore["Service"],
  account: Account.Account,
  record: PromptRecord,
  version: number
): Effect.Effect<boolean, VaultError.VaultError> =>
  store.put(account, "browser", Redacted.make(new TextEncoder().encode(encode(record))), version)
