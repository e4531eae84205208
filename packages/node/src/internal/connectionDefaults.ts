import type { AuthError } from "@auth/broker-core/login/AuthError"
import type * as Connection from "@auth/broker-core/session/Connection"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type * as VaultError from "@auth/broker-core/session/VaultError"
import type * as VaultKey from "@auth/broker-core/session/VaultKey"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as NodeVault from "../NodeVault.ts"
import * as NodeVaultKey from "../NodeVaultKey.ts"
import * as defaultClient from "./defaultClient.ts"
import { useProxyOfEnvironment } from "./proxy.ts"

export interface FolderOptions {
  /** Folder of the vault. Default: the folder `broker-auth` in the user's directory for application state. */
  readonly folder?: string | undefined
}

export interface DefaultsOptions extends FolderOptions {
  readonly vault?:
    | Layer.Layer<SessionStore | SessionLock, AuthError | VaultError.VaultError, VaultKey.VaultKey>
    | undefined
  readonly key?: Connection.Options["key"]
  readonly client?: Connection.Options["client"]
}

export const layerClient: Layer.Layer<HttpClient.HttpClient, AuthError> = Layer.merge(
  defaultClient.layer,
  Layer.effectDiscard(useProxyOfEnvironment)
)

// As a type guard, `Layer.isLayer` would replace the exact type of `vault` with a general type.
const isLayer: (value: unknown) => boolean = Layer.isLayer

const layersOf = (options: DefaultsOptions) => {
  const key = options.key ?? NodeVaultKey.layerDefault(options)
  const vault = options.vault ?? NodeVault.layer({ folder: options.folder })
  return {
    key,
    // `open` of the core package rejects a `vault` that is not a layer.
    vault: isLayer(vault) ? Layer.provide(vault, key) : (vault as never),
    client: options.client ?? layerClient
  }
}

/**
 * Returns `options` unchanged if they are not an object, or if reading a property throws. `open` of the core package
 * then rejects the options.
 */
export const withDefaults = <Options extends DefaultsOptions>(
  options: Options
): Options & ReturnType<typeof layersOf> =>
  Result.getOrElse(
    Result.try(() => (Predicate.isObject(options) ? { ...options, ...layersOf(options) } : (options as never))),
    () => options as never
  )
