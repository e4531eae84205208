/** The commands of the vault itself. */
import { VaultKey } from "@auth/broker-core/session/VaultKey"
import * as VaultKeys from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Effect from "effect/Effect"
import * as accounts from "./accounts.ts"
import type { Input } from "./commandTable.ts"
import { type Failure, fail } from "./failure.ts"
import * as homes from "./home.ts"
import * as output from "./output.ts"
import * as prompts from "./prompts.ts"
import * as simulator from "./simulator.ts"

export const describe = (input: Input<"vault">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const { store } = yield* homes.open(input)
    const { length } = yield* accounts.list(store)
    yield* output.line(`${store.describe}; ${length} ${length === 1 ? "account" : "accounts"}`)
  }).pipe(Effect.scoped)

const newKey = "BROKER_AUTH_NEW_KEY"

export const rekey = (input: Input<"vault rekey">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const folder = yield* homes.folderOf(yield* simulator.origins(input.simulator))
    const to = yield* Effect.provide(VaultKey, VaultKeys.layerConfig(newKey))
    const from = yield* Effect.provide(VaultKey, NodeVaultKey.layerDefault({ folder }))
    const changed = yield* NodeVault.rekey({ folder, from, to })
    yield* output.say(
      `${changed} ${changed === 1 ? "entry is" : "entries are"} now encrypted with the new key. Set BROKER_AUTH_KEY to it in every program.`
    )
  })

export const remove = (input: Input<"vault remove">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const folder = yield* homes.folderOf(yield* simulator.origins(input.simulator))
    if (!input.yes) {
      if (!(yield* prompts.isTerminal)) {
        return yield* fail("usage", "Confirm with --yes that all credentials and sessions are deleted.")
      }
      const ask = yield* prompts.open
      yield* output.say(`All credentials and sessions in ${folder} are deleted.`)
      if ((yield* ask("Type yes to continue", "shown")).trim() !== "yes") {
        return yield* output.say("Nothing was deleted.")
      }
    }
    yield* NodeVault.remove({ folder })
    yield* output.say(`All credentials and sessions in ${folder} are deleted.`)
  }).pipe(Effect.scoped)
