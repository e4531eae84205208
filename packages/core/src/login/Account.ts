/**
 * The account that a session belongs to. The account is the key of every map, lock and file.
 *
 * @since 0.1.0
 */

/**
 * One account at one broker. No field is a secret: `app` is your name for an API key (if you have several), never the
 * key itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  /** Broker id, as in its descriptor: `"angel"`. */
  readonly broker: string
  /** The broker's environment. Default: `"production"`. */
  readonly environment: string
  /** Your name for the API key. Default: `"default"`. */
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
}): Account => ({
  broker: options.broker,
  environment: options.environment ?? "production",
  app: options.app ?? "default",
  id: options.id
})

/**
 * The account as one string. The string is unique. Except for its slashes, it is safe in a file name.
 *
 * @category converting
 * @since 0.1.0
 */
export const toKey = (account: Account): string =>
  [account.broker, account.environment, account.app, account.id].map(encodeURIComponent).join("/")
