import { JournalLimit } from "@auth/broker-core/testing/FakeBroker"

/** Default number of requests that the journal keeps for each broker. */
export const defaultJournal = JournalLimit.defaultValue()

export const largestJournal = 1_000_000

export const isJournalLimit = (limit: number): boolean =>
  Number.isInteger(limit) && limit >= 1 && limit <= largestJournal

export const maxBodyBytes = 1_048_576

export const maxConnections = 256

/** The allowed range of `times`, the number of requests that a fault affects. */
export const faultTimes = { minimum: 1, maximum: 1000 }

/**
 * The clock of the fake brokers cannot be advanced beyond 9999-12-31T23:59:59.999Z. Many clients cannot parse dates
 * with a five-digit year.
 */
export const lastInstant = 253_402_300_799_999
