/**
 * Describes a broker as data: its login methods, capabilities, credentials, hosts, limits and assumptions.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Fields } from "./Credentials.ts"

/**
 * Name of a service that a layer can provide.
 *
 * @category models
 * @since 0.1.0
 */
export type Capability =
  | "Login"
  | "StepUp"
  | "Refresh"
  | "Logout"
  | "Profile"
  | "RedirectLogin"
  | "QrLogin"
  | "AccountRecovery"
  | "Authorize"

/**
 * All capabilities, in the order in which the generated tables of the documentation list them.
 *
 * @category models
 * @since 0.1.0
 */
export const capabilities: ReadonlyArray<Capability> = [
  "Login",
  "StepUp",
  "Refresh",
  "Logout",
  "Profile",
  "RedirectLogin",
  "QrLogin",
  "AccountRecovery",
  "Authorize"
]

/**
 * How a session is renewed without a person, and how many failed logins are allowed. The limit on failed logins keeps
 * the broker from locking the account.
 *
 * @category models
 * @since 0.1.0
 */
export interface Renewal {
  /** The ways to renew, in the order in which they are tried. If the list is empty, only a person can log in. */
  readonly by: ReadonlyArray<"refresh" | "login">
  /** The credential that a login without a person needs, such as `"the TOTP secret"`. */
  readonly needs?: string
  /** See `early` of `SessionManager.Options`. Default: zero, so a session is renewed only after it has expired. */
  readonly early?: Duration.Input
  /** Text for readers: when a session is renewed, and why. */
  readonly when: string
  /** Whether a refresh can renew a session that has ended at the daily cut-off, when the broker ends all sessions. */
  readonly afterCutOff?: boolean
  /**
   * `"totp"`: a login sends a TOTP code. Each code is sent at most once, so at most one login is sent in each period of
   * 30 seconds.
   */
  readonly codes?: "totp"
  /**
   * After this number of failed logins within `window`, no further login is sent. `LoginGuard.countedAt` says which
   * logins count. The number must be smaller than the number of refused logins that lock the account.
   */
  readonly maxFailures: number
  /** How long a failed login counts towards `maxFailures`. */
  readonly window: Duration.Input
  /** Text for readers: the reason for `maxFailures` and `window`. */
  readonly source: string
}

/**
 * A login method.
 *
 * @category models
 * @since 0.1.0
 */
export interface Method {
  readonly id: string
  /** Name of the module that contains the layer. */
  readonly layer: string
  readonly title: string
  readonly capabilities: ReadonlyArray<Capability>
  readonly credentials: Fields
  /** Text for readers: when a session expires. */
  readonly expiry: string
  /** Absent if the method returns no session. */
  readonly renewal?: Renewal
}

/**
 * Behavior that the package assumes, because the broker does not document it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Assumption {
  readonly id: string
  readonly text: string
  /** `medium`: one credible source. `low`: only a single report, or a conclusion from other facts. */
  readonly confidence: "medium" | "low"
  /**
   * The options of the layer to set if the assumption is wrong, separated by commas. `none`: no option can correct the
   * assumption.
   */
  readonly option: string
  /** When the evidence for the assumption was collected, `yyyy-mm-dd`. */
  readonly asOf: string
}

/**
 * Makes one assumption for each row, each with the date `asOf`.
 *
 * @example
 * ```ts
 * import { assumptions } from "@auth/broker-core/broker/Broker"
 *
 * assumptions("2026-11-21", [["login-time", "low", "timeZone", "login_time is Indian Standard Time."]])
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const assumptions = (
  asOf: string,
  rows: ReadonlyArray<
    readonly [id: string, confidence: Assumption["confidence"], option: Assumption["option"], text: string]
  >
): ReadonlyArray<Assumption> => rows.map(([id, confidence, option, text]) => ({ id, confidence, option, text, asOf }))

/**
 * A limit of two failed logins in 24 hours. As far as is known, no broker in this repository locks an account after two
 * refused logins.
 *
 * @category constructors
 * @since 0.1.0
 */
export const twoPerDay = (source: string): Pick<Renewal, "maxFailures" | "window" | "source"> => ({
  maxFailures: 2,
  window: "24 hours",
  source
})

/**
 * Describes a login on the broker's page in a browser. Only a person can renew the session.
 *
 * @category constructors
 * @since 0.1.0
 */
export const byBrowser = (
  method: Pick<Method, "id" | "layer" | "credentials" | "expiry">,
  budget: ReturnType<typeof twoPerDay>
): Method => ({
  ...method,
  title: "Browser",
  capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
  renewal: { ...budget, by: [], when: "After the session has expired: a person logs in again in the browser" }
})

/**
 * A fact about a broker's rules, with its source.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** Text for readers. */
  readonly text: string
  readonly source: string
  /**
   * `high`: the broker states the rule. `medium`: one credible source states it, or the broker contradicts itself.
   */
  readonly confidence: "high" | "medium"
  /** When the source was read, `yyyy-mm-dd`. */
  readonly asOf: string
}

/**
 * Describes a broker.
 *
 * @example
 * ```ts
 * import { broker } from "@auth/angel/AngelBroker"
 * import type { Broker } from "@auth/broker-core/broker/Broker"
 *
 * const table = ({ methods }: Broker) => methods.map(({ layer, title }) => `${layer}: ${title}`)
 *
 * table(broker) // => ["AngelAuth: Client code, PIN and TOTP", "AngelPublisher: Browser"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Broker {
  readonly id: string
  readonly title: string
  readonly methods: ReadonlyArray<Method>
  /**
   * The origins, keyed by environment and then by purpose: `{ production: { api: "https://…" } }`. The purpose says
   * which calls go to the origin.
   */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Names, in lower case, of the headers whose values are secret. */
  readonly secretHeaders: ReadonlyArray<string>
  readonly documentation: ReadonlyArray<string>
  /** Which calls need an IP address that is registered with the broker. Absent if undocumented. */
  readonly staticIp?: Rule
  /** The broker's rate limit for orders. Absent if undocumented. */
  readonly orderRate?: Rule
  readonly assumptions: ReadonlyArray<Assumption>
  /** When the facts were last compared with the broker's documents, `yyyy-mm-dd`. */
  readonly verifiedOn: string
}

/**
 * The purposes, such as `api`, of the broker's origins in all environments.
 *
 * @example
 * ```ts
 * import { broker } from "@auth/angel/AngelBroker"
 * import { purposesOf } from "@auth/broker-core/broker/Broker"
 *
 * purposesOf(broker) // => ["api", "login", "feed"]
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const purposesOf = (broker: Broker): ReadonlyArray<string> =>
  Array.from(new Set(Object.values(broker.environments).flatMap(Object.keys)))
