import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AppFields, Endpoint } from "../Endpoint.ts"

/** The part of a broker's `Protocol` (see `BrokerClient`) that determines which calls are counted together. */
export interface Counted {
  readonly broker: string
  readonly app?: AppFields
}

/**
 * Makes the function that counts a client's calls against limits that several programs share. That function returns 0
 * if the call may be sent now, or if the shared limits cannot be used. Otherwise it returns how many milliseconds the
 * caller must wait before it calls the function again.
 */
export type Sharing = (protocol: Counted) => Effect.Effect<(endpoint: Endpoint) => Effect.Effect<number>>

/**
 * The layers of `SharedLimits` set this reference. So a bundle contains the code for shared limits only if the program
 * uses these layers.
 */
export const Sharing: Context.Reference<Sharing | undefined> = Context.Reference<Sharing | undefined>(
  "@auth/broker-core/internal/Sharing",
  { defaultValue: () => undefined }
)
