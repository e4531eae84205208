export interface Random {
  /** Returns a number that is at least 0 and less than 1. */
  readonly next: () => number
  /** Returns an integer that is at least 0 and less than `below`. */
  readonly below: (below: number) => number
}

/** Makes a Mulberry32 generator. The same seed gives the same numbers on every machine. */
export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: (below) => Math.floor(next() * below) }
}
