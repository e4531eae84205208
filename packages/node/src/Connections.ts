/**
 * Connections to many accounts on Node, for programs without Effect. The accounts may belong to several brokers. By
 * default, the sessions are stored encrypted on this machine.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import type * as Connection from "@auth/broker-core/session/Connection"
import * as Core from "@auth/broker-core/session/Connections"
import type * as Layer from "effect/Layer"
import { withBrowser, type WithBrowser } from "./internal/browserCalls.ts"
import type { Options as ConnectionOptions } from "./Connection.ts"
import { withDefaults } from "./internal/connectionDefaults.ts"

/**
 * Options of `open`. The defaults are those of `Connection.open` of this package.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<A extends Core.Accounts> extends ConnectionOptions {
  /** The layers of the accounts. Each key is your name for the account. */
  readonly accounts: A
}

/**
 * The open connections to several accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connections<A extends Core.Accounts> extends Omit<Core.Connections<A>, "account"> {
  /**
   * Returns the functions of an account. Rejects if the credentials of this account are invalid. The other accounts are
   * not affected.
   */
  readonly account: <Name extends keyof A & string>(
    name: Name
  ) => Promise<Connection.CallsOf<Layer.Success<A[Name]>> & WithBrowser<Layer.Success<A[Name]>>>
}

/**
 * Opens connections to several accounts, with one vault and one HTTP client. Sends no request.
 *
 * @example
 * ```ts no-run
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Connections from "@auth/node/Connections"
 * import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
 *
 * await using connections = await Connections.open({
 *   accounts: { mine: AngelAuth.layerConfig(), family: ZerodhaAuth.layerConfig() }
 * })
 * const family = await connections.account("family")
 * await family.login()
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = <const A extends Core.Accounts>(options: Options<A>): Promise<Connections<A>> =>
  Core.open<A>(withDefaults(options)).then((connections) => ({
    ...connections,
    account: (name) =>
      connections.account(name).then((calls) => withBrowser<Layer.Success<A[typeof name]>, typeof calls>(calls))
  }))
