/** Opens and closes connections. Supplies the default vault, key and HTTP client. */
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as AuthError from "../../login/AuthError.ts"
import type { SessionLock } from "../SessionLock.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as FetchClient from "../../broker/FetchClient.ts"
import * as Vault from "../Vault.ts"
import type { VaultError } from "../VaultError.ts"
import * as VaultKey from "../VaultKey.ts"
import { closedReason, type Life } from "./connectionRun.ts"
import type { ManagerOwner } from "./managerOwner.ts"

export interface BaseOptions {
  /**
   * The vault that stores the sessions. Default: memory. Sessions in memory are lost when the connection is closed.
   */
  readonly vault?: Layer.Layer<SessionStore | SessionLock, AuthError.AuthError | VaultError> | undefined
  /**
   * The key with which `PendingLogin.seal` encrypts browser logins. Default: a random key for each connection.
   */
  readonly key?: Layer.Layer<VaultKey.VaultKey, AuthError.AuthError | VaultError> | undefined
  /** The HTTP client. Default: the global `fetch`. */
  readonly client?: Layer.Layer<HttpClient.HttpClient, AuthError.AuthError | VaultError> | undefined
}

const randomKey: Layer.Layer<VaultKey.VaultKey, VaultError> = Layer.effect(
  VaultKey.VaultKey,
  Effect.flatMap(VaultKey.generate, (bytes) => VaultKey.fromBytes(bytes, "a random key"))
)

export const base = ({ client, key, vault }: BaseOptions) => ({
  vault: Layer.merge(vault ?? Vault.layerMemory, key ?? randomKey),
  client: client ?? FetchClient.layer
})

export interface Closable {
  /**
   * Closes the connection. Running and later calls of all other functions reject, except a running `logout`. `close`
   * waits until the `logout` has ended. Stored sessions stay valid.
   */
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Reads the environment variables at each use. Effect's default provider would keep the values of its first use. */
const environment = ConfigProvider.make((path) => Effect.suspend(() => ConfigProvider.fromEnv().load(path)))

export const openIn = <A, E>(
  build: (life: Life, owner: ManagerOwner) => Effect.Effect<A, E, Scope.Scope>
): Promise<A & Closable> => {
  const scope = Scope.makeUnsafe()
  const closed = Deferred.makeUnsafe<never, AuthError.AuthError>()
  const owner: ManagerOwner = { closedBecause: undefined }
  const unfinished = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined
  const close = () => {
    owner.closedBecause = closedReason
    closing ??= Effect.runPromise(
      Effect.andThen(
        Deferred.fail(closed, AuthError.make("connection", "close", closedReason)),
        Effect.andThen(
          Effect.promise(() => Promise.allSettled(unfinished)),
          Scope.close(scope, Exit.void)
        )
      )
    )
    return closing
  }
  const opened = build({ closed, isClosed: () => closing !== undefined, unfinished }, owner).pipe(
    Scope.provide(scope),
    Effect.provideService(ConfigProvider.ConfigProvider, environment)
  )
  return Effect.runPromiseExit(opened).then((exit) => {
    if (Exit.isSuccess(exit)) return { ...exit.value, close, [Symbol.asyncDispose]: close }
    return close().then(() => {
      throw Cause.squash(exit.cause)
    })
  })
}
