/**
 * A broker described as data: its methods, capabilities, credentials, hosts, limits and assumptions.
 * Tables in documents and commands are made from it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Fields } from "./Credentials.ts"

/**
 * What a layer can provide: the name of a service.
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
 * Every capability there is, in the order in which tables show them.
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
 * How a session of a method is renewed without a person, and when that must stop for the account's sake. The layer of
 * the method takes its numbers from here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Renewal {
  /** The ways there are, in the order in which they are tried. None where only a person can log in. */
  readonly by: ReadonlyArray<"refresh" | "login">
  /** Without which a login takes a person: `"the TOTP secret"`. */
  readonly needs?: string
  /** How long before its end a session is renewed. Not before its end where this is absent. */
  readonly early?: Duration.Input
  /** Why it is renewed then, and not earlier or later, for a person. */
  readonly when: string
  /** A refresh also renews a session that a daily cut-off has ended. */
  readonly afterCutOff?: boolean
  /** `"totp"` where a login carries a TOTP code: one login in each period of 30 seconds. */
  readonly codes?: "totp"
  /** How many refused logins there may be in `window`: fewer than the broker locks the account after. */
  readonly maxFailures: number
  /** For how long a refused login counts. */
  readonly window: Duration.Input
  /** Where these two numbers come from, for a person. */
  readonly source: string
}

/**
 * One way to log in, and the layer for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Method {
  readonly id: string
  /** Name of the module whose `layer` it is. */
  readonly layer: string
  readonly title: string
  readonly capabilities: ReadonlyArray<Capability>
  readonly credentials: Fields
  /** When a session of this method ends, for a person. */
  readonly expiry: string
  /** How a session of this method is renewed. Absent where no session comes of the method. */
  readonly renewal?: Renewal
}

/**
 * Something that the broker does not document, and that we therefore took for granted. Each can be changed by the
 * option that it names.
 *
 * @category models
 * @since 0.1.0
 */
export interface Assumption {
  readonly id: string
  readonly text: string
  /** `medium`: one credible source. `low`: a single report, or inference. */
  readonly confidence: "medium" | "low"
  /** The option that changes it. */
  readonly option: string
  /** Date of the facts, `yyyy-mm-dd`. */
  readonly asOf: string
}

/**
 * Assumptions of one date, a row each.
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
 * The budget of refused logins where the broker documents no lock: two in 24 hours. No broker here locks an account
 * before the third.
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
 * A login on the broker's page in a browser, whose session no program can renew.
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
  /** Header names that carry a secret, in lower case. */
  readonly secretHeaders: ReadonlyArray<string>
  readonly documentation: ReadonlyArray<string>
  readonly assumptions: ReadonlyArray<Assumption>
  /** When the facts were last compared with the broker's documents, `yyyy-mm-dd`. */
  readonly verifiedOn: string
}

/**
 * Every purpose that an origin of the broker has in any of its environments.
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
