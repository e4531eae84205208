/**
 * Description of a broker as data: its methods, capabilities, credentials, hosts, limits and assumptions. The tables in
 * documents are generated from it, and commands read it.
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
 * All capabilities, in the order in which tables list them.
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
 * How a session of a method is renewed without a person, and the budget of refused logins that protects the account
 * from a lock. The layer of the method takes its numbers from here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Renewal {
  /** The ways to renew, in the order in which they are tried. If empty, only a person can log in. */
  readonly by: ReadonlyArray<"refresh" | "login">
  /** The credential without which a login needs a person: `"the TOTP secret"`. */
  readonly needs?: string
  /** How long before its expiry a session is renewed. Default: not before its expiry. */
  readonly early?: Duration.Input
  /** When a session is renewed, and why at that time, as text for readers. */
  readonly when: string
  /** Whether a refresh also renews a session that a daily cut-off has ended. */
  readonly afterCutOff?: boolean
  /** `"totp"`: a login sends a TOTP code, so at most one login is sent in each period of 30 seconds. */
  readonly codes?: "totp"
  /** Budget of refused logins in `window`. It must be below the number that locks the account. */
  readonly maxFailures: number
  /** How long a refused login counts. */
  readonly window: Duration.Input
  /** Source of `maxFailures` and `window`, as text for readers. */
  readonly source: string
}

/**
 * One login method, and its layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Method {
  readonly id: string
  /** Name of the module with the layer. */
  readonly layer: string
  readonly title: string
  readonly capabilities: ReadonlyArray<Capability>
  readonly credentials: Fields
  /** When a session of this method expires, as text for readers. */
  readonly expiry: string
  /** How a session of this method is renewed. Absent if the method returns no session. */
  readonly renewal?: Renewal
}

/**
 * Behaviour that the broker does not document and that the package assumes. The named option changes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Assumption {
  readonly id: string
  readonly text: string
  /** `medium`: one credible source. `low`: a single report, or a conclusion from other facts. */
  readonly confidence: "medium" | "low"
  /** Name of the option that changes this behaviour. */
  readonly option: string
  /** Date of the facts, `yyyy-mm-dd`. */
  readonly asOf: string
}

/**
 * Makes assumptions that have the same date. Each row is one assumption.
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
 * Budget of refused logins if the broker documents no lock: two in 24 hours. No broker in this repository locks an
 * account before the third refused login.
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
 * A login on the broker's page in a browser. Programs cannot renew its session.
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
  renewal: { ...budget, by: [], when: "A person logs in again in the browser" }
})

/**
 * A broker.
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
  /** Origins by environment and purpose: `{ production: { api: "https://…" } }`. */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Names of headers with a secret, in lower case. */
  readonly secretHeaders: ReadonlyArray<string>
  readonly documentation: ReadonlyArray<string>
  readonly assumptions: ReadonlyArray<Assumption>
  /** When the facts were last compared with the broker's documents, `yyyy-mm-dd`. */
  readonly verifiedOn: string
}

/**
 * All purposes of the broker's origins, in any of its environments.
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
