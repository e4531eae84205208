import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AppFields, Endpoint } from "../Endpoint.ts"

/** The part of `BrokerClient.Protocol` that determines which calls are counted together. */
export interface Counted {
  readonly broker: string
  readonly app?: AppFields
}

/**
 * Makes a function that counts calls against the shared limits. The function returns 0 if the client may send the call,
 * or if the shared limits cannot be used. Any other result is the milliseconds after which the client must ask again.
 */
export type Sharing = (protocol: Counted) => Effect.Effect<(endpoint: Endpoint) => Effect.Effect<number>>

/**
 * `BrokerClient` reads this reference and does not import `SharedLimits`. So only programs that use `SharedLimits`
 * bundle its code.
 */
export const Sharing: Context.Reference<Sharing | undefined> = Context.Reference<Sharing | undefined>(
  "@auth/broker-core/internal/Sharing",
  { defaultValue: () => undefined }
)
