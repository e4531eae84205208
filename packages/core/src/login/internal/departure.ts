import * as Context from "effect/Context"

/** When the requests of a call were sent and answered. */
export interface Departure {
  /** When the first request was sent, in milliseconds since the epoch. `undefined` if no request has been sent yet. */
  at: number | undefined
  /** The `Date` header of the last answer. */
  date?: string | undefined
  /** When the last answer arrived, by this machine's clock. Milliseconds since the epoch. */
  answeredAt?: number | undefined
}

/**
 * The record for the current call. The client of the broker sets `at` when it sends the first request, because the
 * lifetime of a session starts at that time.
 */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})
