/**
 * Sessions of stock brokers, for Node programs that do not use Effect. By default, sessions are stored encrypted on
 * this machine, and all programs of this user share these sessions.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Core from "@auth/broker-core/session/Connection"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import type { VaultKey } from "@auth/broker-core/session/VaultKey"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { withBrowser, type WithBrowser } from "./internal/browserCalls.ts"
import * as defaults from "./internal/connectionDefaults.ts"

export {
  /**
   * Returns the plain text of a secret, such as a token or the address of a login page. Do not log this text.
   *
   * @category secrets
   * @since 0.1.0
   */
  reveal
} from "@auth/broker-core/session/Connection"

/**
 * Options of a connection: the options of `@auth/broker-core/session/Connection`, and `folder`. Three options have
 * different defaults here:
 *
 * - `vault`: the encrypted vault of this user on this machine (`NodeVault`).
 * - `key`: the environment variable `BROKER_AUTH_KEY`. If this variable is not set, `open` uses the operating system's
 *   keyring. If the keyring is not available, `open` fails with `KeyUnavailable`.
 * - `client`: the calls of the broker's layer, such as a login, use `NodeHttpClient`. The requests of the connection's
 *   function `fetch` use the global `fetch`. If the program has replaced the global `fetch`, all requests use the
 *   replacement.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<Core.Options, "vault">, defaults.FolderOptions {
  /**
   * The vault that stores the sessions. Example: `Vault.layerRedisFrom(NodeRedis.layer({ url }))`. If the vault needs a
   * key, it gets the key of the option `key`.
   */
  readonly vault?: Layer.Layer<SessionStore | SessionLock, AuthError | VaultError, VaultKey> | undefined
}

export type {
  /**
   * The additional function of a connection whose layer logs in through the browser.
   *
   * @category models
   * @since 0.1.0
   */
  BrowserCalls,
  /**
   * Options of `login`.
   *
   * @category models
   * @since 0.1.0
   */
  LoginOptions
} from "./internal/browserCalls.ts"

/**
 * An open connection. After `close`, the promises of all other functions reject. A pending call keeps the program
 * running. Listeners and a loop over `changes` do not. A vault in Redis keeps the program running until `close`.
 *
 * @category models
 * @since 0.1.0
 */
export type Connection<Services> = Core.Connection<Services> & WithBrowser<Services>

/**
 * Opens a connection for the account of a broker's layer. `open` opens the vault and checks the format of the
 * credentials, but sends no request. The first call that needs a session uses the stored session. If no live session is
 * stored, the call gets a new session from the broker. If a person must log in, the call fails with `ActionRequired`.
 *
 * Without the option `client`, `open` applies the variables `HTTPS_PROXY` and `NO_PROXY` to every request of the
 * connection, and to the global `fetch` in this process. `open` fails with `InvalidRequest` if `HTTPS_PROXY` is not the
 * address of a proxy, or if this Node cannot use `HTTPS_PROXY`. These versions of Node can use it:
 *
 * - without a further setting: 24.14 and later 24.x, and 25.4 and later
 * - only with `NODE_USE_ENV_PROXY=1` or `--use-env-proxy`: 22.21 and later 22.x, 24.5 to 24.13, and 25.0 to 25.3
 *
 * If your proxy needs an additional certificate, set `NODE_EXTRA_CA_CERTS` to the path of the certificate before Node
 * starts.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Connection from "@auth/node/Connection"
 *
 * await using angel = await Connection.open(AngelAuth.layerConfig())
 * const answer = await angel.fetch("https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getRMS")
 * answer.status // => 200
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = <Services, E extends AuthError | VaultError>(
  layer: Layer.Layer<Services, E, HttpClient.HttpClient> &
    Layer.Layer<Services | Renewal | Logout | Authorize, E, HttpClient.HttpClient>,
  options: Options = {}
): Promise<Connection<Services>> =>
  Core.open<Services, E>(layer, defaults.withDefaults(options)).then((connection) =>
    withBrowser<Services, Core.Connection<Services>>(connection)
  )

/**
 * The default of the option `client`. Use this layer for requests outside a connection. Like `open`, it applies
 * `HTTPS_PROXY` to its requests and to the global `fetch`, and can fail with `InvalidRequest`.
 *
 * @example
 * ```ts
 * import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
 * import * as Connection from "@auth/node/Connection"
 * import * as Layer from "effect/Layer"
 *
 * const Recovery = RmoneyRecovery.layerConfig().pipe(Layer.provide(Connection.layerClient))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient: Layer.Layer<HttpClient.HttpClient, AuthError> = defaults.layerClient
