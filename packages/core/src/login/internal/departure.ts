import * as Context from "effect/Context"

export interface Departure {
  /** When the first request was sent. Milliseconds since the epoch. */
  at: number | undefined
  /** The `Date` header of the last answer. */
  date?: string | undefined
  /** When the last answer arrived, by this machine's clock. Milliseconds since the epoch. */
  answeredAt?: number | undefined
  readonly outer?: Departure | undefined
}

/** `BrokerClient` writes the times of requests and answers to this object. A new session's lifetime starts at `at`. */
export const Departure = Context.Reference<Departure | undefined>("@auth/broker-core/internal/Departure", {
  defaultValue: () => undefined
})

type Current = Departure | undefined

export const noteDeparture = (current: Current, now: number): void => {
  for (let departure = current; departure !== undefined; departure = departure.outer) departure.at ??= now
}

export const noteAnswer = (current: Current, now: number, date: string | undefined): void => {
  for (let departure = current; departure !== undefined; departure = departure.outer) {
    departure.date = date
    departure.answeredAt = now
  }
}
