/** The vault, the key and the HTTP client of a connection on Node. */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type * as Connection from "@auth/broker-core/session/Connection"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type * as VaultError from "@auth/broker-core/session/VaultError"
import type * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as Layer from "effect/Layer"
import * as NodeVault from "../NodeVault.ts"
import * as NodeVaultKey from "../NodeVaultKey.ts"
import * as defaultClient from "./defaultClient.ts"
import { useProxyOfEnvironment } from "./proxy.ts"

/** The option that sets the folder of the vault. */
export interface FolderOptions {
  /** Folder of the vault. Default: the user's directory for application state. */
  readonly folder?: string | undefined
}

export interface DefaultsOptions extends FolderOptions {
  readonly vault?:
    | Layer.Layer<SessionStore | SessionLock, AuthError | VaultError.VaultError, VaultKey.VaultKey>
    | undefined
  readonly key?: Connection.Options["key"]
  readonly client?: Connection.Options["client"]
}

/** Returns the vault, the key and the client of the options. For an option that is not set, returns its default. */
export const layersOf = (options: DefaultsOptions) => {
  const key = options.key ?? NodeVaultKey.layerDefault(options)
  return {
    key,
    vault: Layer.provide(options.vault ?? NodeVault.layer({ folder: options.folder }), key),
    client: options.client ?? Layer.merge(defaultClient.layer, Layer.effectDiscard(useProxyOfEnvironment))
  }
}
