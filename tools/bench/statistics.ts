/** Returns NaN if `values` is empty. `at` is a number from 0 to 1. */
export const quantile = (values: ArrayLike<number>, at: number): number => {
  const sorted = Array.from(values).toSorted((one, other) => one - other)
  const position = (sorted.length - 1) * at
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  return low + (high - low) * (position - Math.floor(position))
}

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** `low` and `high` are the lower and the upper quartile. */
export interface Summary {
  readonly low: number
  readonly median: number
  readonly high: number
}

export const summaryOf = (values: ReadonlyArray<number>): Summary => ({
  low: quantile(values, 0.25),
  median: median(values),
  high: quantile(values, 0.75)
})

/** Returns the interquartile range, as a percentage of the median. */
export const spread = (values: ReadonlyArray<number>): string => {
  const { high, low, median: middle } = summaryOf(values)
  return `${((100 * (high - low)) / middle).toFixed(0)} %`
}

/** Divides values of the same round, because the load of the machine may change between rounds. */
export const ratios = (own: ReadonlyArray<number>, base: ReadonlyArray<number>): ReadonlyArray<number> =>
  own.map((value, round) => value / (base[round] ?? Number.NaN))
