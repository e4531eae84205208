import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AppFields, Endpoint } from "../Endpoint.ts"

/** The part of a broker's `Protocol` (see `BrokerClient`) that determines which calls are counted together. */
export interface Counted {
  readonly broker: string
  readonly app?: AppFields
}

/**
 * Makes a function that counts a client's calls against the shared limits. The function returns 0 if the call may be
 * sent now, or if the shared limits cannot be used. Otherwise the function returns the number of milliseconds after
 * which the client must ask again.
 */
export type Sharing = (protocol: Counted) => Effect.Effect<(endpoint: Endpoint) => Effect.Effect<number>>

/**
 * `BrokerClient` finds the shared limits through this reference, and does not import their code. So a bundle contains
 * this code only if the program uses the layers of `SharedLimits`.
 */
export const Sharing: Context.Reference<Sharing | undefined> = Context.Reference<Sharing | undefined>(
  "@auth/broker-core/internal/Sharing",
  { defaultValue: () => undefined }
)
