/**
 * A broker described as data: its methods, capabilities, credentials, hosts, limits and assumptions.
 * Tables in documents and commands are made from it.
 *
 * @since 0.1.0
 */
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
 * A broker.
 *
 * @example
 * ```ts
 * import { broker } from "@auth/angel/AngelBroker"
 * import type { Broker } from "@auth/broker-core/Broker"
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
