/**
 * The account that a session belongs to.
 *
 * @since 0.1.0
 */

/**
 * An account at a broker. No field is secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  /** The id of the broker, such as `"angel"`. */
  readonly broker: string
  /** The broker's environment. Default: `"production"`. */
  readonly environment: string
  /** Your name for the API key, not the API key itself. Default: `"default"`. */
  readonly app: string
  /** Client code or user id at the broker. */
  readonly id: string
}

/**
 * Makes an account. Defaults: environment `production`, app `default`.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 *
 * const account = Account.make({ broker: "angel", id: "A123456" })
 * Account.toKey(account) // => "angel/production/default/A123456"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly broker: string
  readonly id: string
  readonly environment?: string | undefined
  readonly app?: string | undefined
}): Account =>
  // The account is frozen, because all its sessions share this object.
  Object.freeze({
    broker: options.broker,
    environment: options.environment ?? "production",
    app: options.app ?? "default",
    id: options.id
  })

/**
 * Returns the account as one string: the four parts, each percent-encoded, joined by slashes. Different accounts have
 * different strings.
 *
 * @category converting
 * @since 0.1.0
 */
export const toKey = (account: Account): string =>
  [account.broker, account.environment, account.app, account.id].map(encodeURIComponent).join("/")
