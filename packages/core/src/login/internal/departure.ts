import * as Context from "effect/Context"

/** What is known of the requests of a call. */
export interface Departure {
  /** When the first request left, milliseconds since the epoch; `undefined` before it did. */
  at: number | undefined
  /** The `Date` of the last answer. */
  date?: string | undefined
  /** When that came, by this machine's clock. */
  answeredAt?: number | undefined
}

/** Where a client notes when a request leaves, for who counts a session's life from that. */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})
