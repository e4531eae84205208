/** The vault, the key and the HTTP client of a connection on Node. */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type * as Connection from "@auth/broker-core/session/Connection"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as NodeVault from "../NodeVault.ts"
import * as NodeVaultKey from "../NodeVaultKey.ts"
import { useProxyOfEnvironment } from "./proxy.ts"

/** The option that sets the folder of the vault. */
export interface FolderOptions {
  /** Folder of the vault. Default: the user's directory for application state. */
  readonly folder?: string | undefined
}

const variable = "BROKER_AUTH_KEY"

const withCommand = (error: VaultError.VaultError): VaultError.VaultError => {
  const { reason } = error
  if (reason._tag !== "KeyUnavailable") return error
  return VaultError.make(
    error.operation,
    new VaultError.KeyUnavailable({
      why: reason.why,
      advice: `Set ${variable} to the output of: openssl rand -hex 32. Use the same value in every program. Without a key, nothing is stored.`
    })
  )
}

/**
 * The key in the environment variable `BROKER_AUTH_KEY`. If the variable is not set, the key in the keyring. This layer
 * never writes a key to a file.
 */
export const layerKey = ({ folder }: FolderOptions): Layer.Layer<VaultKey.VaultKey, VaultError.VaultError> =>
  Layer.unwrap(
    Effect.map(Effect.option(Config.Redacted(variable)), (given) =>
      Option.isSome(given)
        ? VaultKey.layerConfig(variable)
        : Layer.catch(NodeVaultKey.layerKeyring({ folder }), (error) =>
            Layer.effect(VaultKey.VaultKey, Effect.fail(withCommand(error)))
          )
    )
  )

export interface DefaultsOptions extends FolderOptions {
  readonly vault?:
    | Layer.Layer<SessionStore | SessionLock, AuthError | VaultError.VaultError, VaultKey.VaultKey>
    | undefined
  readonly key?: Connection.Options["key"]
  readonly client?: Connection.Options["client"]
}

/** Returns the vault, the key and the client of the options. For an option that is not set, returns its default. */
export const layersOf = (options: DefaultsOptions) => {
  const key = options.key ?? layerKey(options)
  return {
    key,
    vault: Layer.provide(options.vault ?? NodeVault.layer({ folder: options.folder }), key),
    client: options.client ?? Layer.merge(FetchHttpClient.layer, Layer.effectDiscard(useProxyOfEnvironment))
  }
}
