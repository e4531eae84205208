import { JournalLimit } from "@auth/broker-core/testing/FakeBroker"

/** How many requests the journal of a broker keeps, unless told otherwise. */
export const defaultJournal = JournalLimit.defaultValue()

/** The most requests that the journal of a broker may keep. */
export const largestJournal = 1_000_000

export const isJournalLimit = (limit: number): boolean =>
  Number.isInteger(limit) && limit >= 1 && limit <= largestJournal

export const maxBodyBytes = 1_048_576

/** Connections of a port. */
export const maxConnections = 256

/** How often a fault may happen. */
export const faultTimes = { minimum: 1, maximum: 1000 }

/** 9999-12-31T23:59:59.999Z: a year of five digits is no date to a client. */
export const lastInstant = 253_402_300_799_999
