/**
 * A broker's session for programs without Effect, on Node: the session is stored encrypted on this machine, and is
 * shared with the other programs of this user.
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
import type { VaultError } from "@auth/broker-core/session/VaultError"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { withBrowser, type WithBrowser } from "./internal/browserCalls.ts"
import { layersOf, type FolderOptions } from "./internal/connectionDefaults.ts"

export {
  /**
   * The plain text of a secret, such as a token or the address of a login page. Do not log it.
   *
   * @category secrets
   * @since 0.1.0
   */
  reveal
} from "@auth/broker-core/session/Connection"

/**
 * Options of a connection, as in `@auth/broker-core/session/Connection`. The defaults are different:
 *
 * - `vault`: the encrypted vault of this user on this machine (`NodeVault`).
 * - `key`: the key in `BROKER_AUTH_KEY`, otherwise the key in the keyring of the operating system. Without both, `open`
 *   fails with `KeyUnavailable`, and the error contains the command that makes a key.
 * - `client`: the global `fetch`, through the proxy in `HTTPS_PROXY`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Core.Options, FolderOptions {}

export type {
  /**
   * The function of methods that log in through the browser.
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
 * An open connection. After `close`, each function rejects.
 *
 * @category models
 * @since 0.1.0
 */
export type Connection<Services> = Core.Connection<Services> & WithBrowser<Services>

/**
 * Opens a connection to the account of a broker's layer. Checks the credentials and opens the vault, and sends nothing:
 * the first call uses the stored session, or logs in.
 *
 * The environment variables `HTTPS_PROXY` and `NO_PROXY` apply to every request of the global `fetch` in this process.
 * Node before 24.14 does not read them unless it is started with `NODE_USE_ENV_PROXY=1`: there, `open` fails with
 * `InvalidRequest` if `HTTPS_PROXY` is set. Node itself reads `NODE_EXTRA_CA_CERTS` when it starts.
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
  Core.open<Services, E>(layer, { ...options, ...layersOf(options) }).then((connection) =>
    withBrowser<Services, Core.Connection<Services>>(connection)
  )
