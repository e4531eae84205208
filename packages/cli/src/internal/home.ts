/** The vault of the user, and the simulator if the command uses one. */
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import type { VaultKey } from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { CommandFailed } from "./failure.ts"
import * as simulator from "./simulator.ts"

export interface Home {
  readonly services: Context.Context<SessionStore | SessionLock | VaultKey>
  readonly store: SessionStore["Service"]
  readonly folder: string
  readonly origins: simulator.Origins | undefined
}

export interface Given {
  readonly simulator: string | undefined
}

/** A simulator has its own vault, so that the session of a fake account never replaces a real session. */
export const folderOf = (origins: simulator.Origins | undefined): Effect.Effect<string, VaultError> =>
  Effect.map(NodeVault.folderOf(), (folder) => (origins === undefined ? folder : `${folder}-simulator`))

export const open = Effect.fnUntraced(function* (
  given: Given
): Effect.fn.Return<Home, CommandFailed | VaultError, Scope.Scope> {
  const origins = yield* simulator.origins(given.simulator)
  const folder = yield* folderOf(origins)
  const services = yield* Layer.build(
    NodeVault.layer({ folder }).pipe(Layer.provideMerge(NodeVaultKey.layerDefault({ folder })))
  )
  return { services, store: Context.get(services, SessionStore), folder, origins }
})
