/** The command `broker-auth vault` and its subcommands. */
import type { Account } from "@auth/broker-core/login/Account"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionJson from "@auth/broker-core/login/SessionJson"
import type { Slot } from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { VaultKey } from "@auth/broker-core/session/VaultKey"
import * as VaultKeys from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ExitCode from "../ExitCode.ts"
import * as accounts from "./accounts.ts"
import type { Input } from "./commandTable.ts"
import * as entries from "./entries.ts"
import { type Failure, fail } from "./failure.ts"
import * as homes from "./home.ts"
import * as output from "./output.ts"
import * as prompts from "./prompts.ts"
import * as references from "./references.ts"
import * as simulator from "./simulator.ts"

export const describe = (input: Input<"vault">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const { store } = yield* homes.open(input)
    const { length } = yield* accounts.list(store)
    yield* output.line(`${store.describe}; ${length} ${length === 1 ? "account" : "accounts"}`)
  }).pipe(Effect.scoped)

interface Listed {
  readonly slot: Slot
  readonly version: number | undefined
  readonly isClear: boolean
  readonly session: Session.Session | undefined
  readonly problem: VaultError.VaultError | undefined
}

const decodeSession = Schema.decodeUnknownResult(SessionJson.SessionFromJson)

const isLogout = Schema.is(Schema.fromJsonString(Schema.Struct({ loggedOutAt: Schema.Finite })))

const contentOf = (slot: Slot, { value }: entries.Found): Pick<Listed, "session" | "problem"> => {
  const text = new TextDecoder().decode(Redacted.value(value))
  if (slot !== "session" || isLogout(text)) return { session: undefined, problem: undefined }
  const session = Result.getOrUndefined(decodeSession(text))
  const problem = session === undefined ? VaultError.make("get", new VaultError.Tampered({ what: slot })) : undefined
  return { session, problem }
}

const listedOf = (home: homes.Home, account: Account, slot: Slot): Effect.Effect<ReadonlyArray<Listed>> =>
  Effect.match(entries.read(home, entries.placeOf(account, slot), slot), {
    onFailure: (problem) => [{ slot, version: undefined, isClear: false, session: undefined, problem }],
    onSuccess: (found) =>
      found === undefined
        ? []
        : [
            {
              slot,
              version: found.version,
              isClear: found.isClear,
              ...contentOf(slot, found)
            }
          ]
  })

const listedText = ({ isClear, problem, session, slot, version }: Listed, now: number): string => {
  if (problem !== undefined) return `${slot}: cannot be read: ${problem.message}`
  const clear = isClear ? "; NOT ENCRYPTED" : ""
  if (slot !== "session") return `${slot}: version ${version}${clear}`
  if (session === undefined) return `session: version ${version}, logged out${clear}`
  const { expiresAt, issuedAt } = session
  const life =
    expiresAt === undefined
      ? "live until an unknown time"
      : `${Session.isExpired(session, now) ? "expired at" : "live until"} ${Expiry.toIst(expiresAt)}`
  return `session: version ${version}, issued at ${Expiry.toIst(issuedAt)}, ${life}${clear}`
}

const credentialText = (name: string, value: Redacted.Redacted<string>): string => {
  const prefix = references.prefixOf(value)
  return prefix === undefined ? name : `${name} (reference ${prefix})`
}

const credentialsJson = (values: accounts.Entry["values"]) =>
  Object.entries(values).map(([name, value]) => ({ name, reference: references.prefixOf(value) ?? null }))

/** Does not list the entries of removed accounts. */
export const list = (input: Input<"vault list">): Effect.Effect<number | undefined, Failure> =>
  Effect.gen(function* () {
    const home = yield* homes.open(input)
    const now = yield* Clock.currentTimeMillis
    const version = yield* accounts.version(home.store)
    const rows = yield* Effect.forEach(yield* accounts.list(home.store), (entry) =>
      Effect.map(
        Effect.forEach(entries.slots, (slot) => listedOf(home, entry.account, slot)),
        (found) => ({ entry, listed: found.flat() })
      )
    )
    const isUnreadable = rows.some(({ listed }) => listed.some(({ problem }) => problem !== undefined))
    const code = isUnreadable ? ExitCode.table.vault.code : undefined
    if (input.json) {
      yield* output.json({
        vault: home.store.describe,
        version,
        accounts: rows.map(({ entry, listed }) => ({
          name: entry.name,
          broker: entry.broker,
          id: entry.account.id,
          credentials: credentialsJson(entry.values),
          entries: listed.map(({ isClear, problem, session, slot, version }) => ({
            slot,
            version: version ?? null,
            encrypted: problem === undefined ? !isClear : null,
            ...(slot === "session" && {
              issuedAt: output.toIso(session?.issuedAt),
              expiresAt: output.toIso(session?.expiresAt)
            }),
            ...(problem !== undefined && { problem: problem.message })
          }))
        }))
      })
      return code
    }
    yield* output.line(`${home.store.describe}; list of accounts: version ${version}`)
    for (const { entry, listed } of rows) {
      yield* output.line(`${entry.name}: ${entry.broker}, ${entry.account.id}`)
      const credentials = Object.entries(entry.values).map(([name, value]) => credentialText(name, value))
      yield* output.line(`    credentials: ${credentials.join(", ")}`)
      for (const row of listed) yield* output.line(`    ${listedText(row, now)}`)
    }
    return code
  }).pipe(Effect.scoped)

export const encrypt = (input: Input<"vault encrypt">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const folder = yield* homes.folderOf(yield* simulator.origins(input.simulator))
    const from = yield* Effect.provide(VaultKey, NodeVaultKey.layerPlaintext)
    const to = yield* Effect.provide(VaultKey, NodeVaultKey.layerDefault({ folder }))
    const changed = yield* NodeVault.rekey({ folder, from, to })
    yield* output.say(
      changed === 0
        ? "All entries were already encrypted. Nothing was changed."
        : `${changed} ${changed === 1 ? "entry was" : "entries were"} unencrypted, and ${changed === 1 ? "is" : "are"} now encrypted. If another program may have read the vault before it was encrypted, log in again.`
    )
  })

const newKey = "BROKER_AUTH_NEW_KEY"

export const rekey = (input: Input<"vault rekey">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const folder = yield* homes.folderOf(yield* simulator.origins(input.simulator))
    const to = yield* Effect.provide(VaultKey, VaultKeys.layerConfig(newKey))
    const from = yield* Effect.provide(VaultKey, NodeVaultKey.layerDefault({ folder }))
    const changed = yield* NodeVault.rekey({ folder, from, to })
    yield* output.say(
      `This run encrypted ${changed} ${changed === 1 ? "entry" : "entries"} with the new key. Set BROKER_AUTH_KEY to the new key in every program.`
    )
  })

export const remove = (input: Input<"vault remove">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const folder = yield* homes.folderOf(yield* simulator.origins(input.simulator))
    if (!input.yes) {
      if (!(yield* prompts.isTerminal)) {
        return yield* fail("usage", "Confirm with --yes that all credentials and sessions are to be deleted.")
      }
      const ask = yield* prompts.open
      yield* output.say(`This command deletes all credentials and sessions in ${folder}.`)
      if ((yield* ask("Type yes to continue", "shown")).trim() !== "yes") {
        return yield* output.say("Nothing was deleted.")
      }
    }
    yield* NodeVault.remove({ folder })
    yield* output.say(`All credentials and sessions in ${folder} are deleted.`)
  }).pipe(Effect.scoped)
