/** The most requests that the journal of a broker may keep. */
export const largestJournal = 1_000_000

export const isJournalLimit = (limit: number): boolean =>
  Number.isInteger(limit) && limit >= 1 && limit <= largestJournal
