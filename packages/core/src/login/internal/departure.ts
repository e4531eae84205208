import * as Context from "effect/Context"

/** Times of the requests of a call. */
export interface Departure {
  /** When the first request was sent, in milliseconds since the epoch. `undefined` if no request was sent yet. */
  at: number | undefined
  /** The `Date` header of the last answer. */
  date?: string | undefined
  /** When the last answer arrived, by this machine's clock. */
  answeredAt?: number | undefined
}

/** The HTTP client records here when a request is sent. The lifetime of a session is counted from that time. */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})
