/** The vault, the key and the HTTP client of a connection on Node. */
import type * as Connection from "@auth/broker-core/session/Connection"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as NodeVault from "../NodeVault.ts"
import * as NodeVaultKey from "../NodeVaultKey.ts"
import { useProxyOfEnvironment } from "./proxy.ts"

/** Where the vault is. */
export interface FolderOptions {
  /** Folder of the vault. Default: the user's directory for application state. */
  readonly folder?: string | undefined
}

export interface DefaultsOptions extends FolderOptions {
  readonly vault?: Connection.Options["vault"]
  readonly key?: Connection.Options["key"]
  readonly client?: Connection.Options["client"]
}

/** The layers of the options, or their defaults. */
export const layersOf = (options: DefaultsOptions) => {
  const key = options.key ?? NodeVaultKey.layerDefault(options)
  return {
    key,
    vault: options.vault ?? Layer.provide(NodeVault.layer({ folder: options.folder }), key),
    client: options.client ?? Layer.merge(FetchHttpClient.layer, Layer.effectDiscard(useProxyOfEnvironment))
  }
}
