import * as Context from "effect/Context"

/** Times of the requests of a call. */
export interface Departure {
  /** When the first request was sent, milliseconds since the epoch. `undefined`: none was sent yet. */
  at: number | undefined
  /** The `Date` header of the last answer. */
  date?: string | undefined
  /** When the last answer arrived, by this machine's clock. */
  answeredAt?: number | undefined
}

/** The HTTP client records here when a request is sent. The lifetime of a session counts from then. */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})
