/**
 * Connections to many accounts for programs without Effect, on Node: the sessions are stored encrypted on this machine,
 * and are shared with the other programs of this user.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import * as Core from "@auth/broker-core/session/Connections"
import type * as Connection from "./Connection.ts"
import { layersOf } from "./internal/connectionDefaults.ts"

/**
 * Options of `open`, as in `@auth/broker-core/session/Connections`, with the defaults of `Connection` for the vault, the
 * key and the HTTP client. Each account has its own entry in the vault.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<A extends Core.Accounts> extends Connection.Options {
  /** The layers of the accounts, by your names for them. */
  readonly accounts: A
}

/**
 * Opens connections to several accounts. Opens the vault, and sends nothing: the first call of an account uses its
 * stored session, or logs in.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Connections from "@auth/node/Connections"
 * import * as SamcoAuth from "@auth/samco/SamcoAuth"
 *
 * await using connections = await Connections.open({
 *   accounts: { mine: AngelAuth.layerConfig(), family: SamcoAuth.layerConfig() }
 * })
 * const failed: Array<string> = []
 * for await (const { error, name } of connections.warm()) {
 *   if (error !== undefined) failed.push(`${name}: ${error.remedy}`)
 * }
 * failed // => []
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = <const A extends Core.Accounts>(options: Options<A>): Promise<Core.Connections<A>> =>
  Core.open({ ...options, ...layersOf(options) })
