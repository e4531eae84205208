import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Protocol } from "../BrokerClient.ts"
import type { Endpoint } from "../Endpoint.ts"

/**
 * Makes the function with which a client of this protocol counts its calls for all programs. The function returns 0, or
 * how long the call must wait, in milliseconds.
 */
export type Sharing = (protocol: Protocol) => Effect.Effect<(endpoint: Endpoint) => Effect.Effect<number>>

/** Set by the layers of `SharedLimits`, so that only programs with shared limits contain their code. */
export const Sharing: Context.Reference<Sharing | undefined> = Context.Reference<Sharing | undefined>(
  "@auth/broker-core/internal/Sharing",
  { defaultValue: () => undefined }
)
