import * as Context from "effect/Context"

/** When the first request of a call left, milliseconds since the epoch; `undefined` before it did. */
export interface Departure {
  at: number | undefined
}

/** Where a client notes when a request leaves, for who counts a session's life from that. */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})
