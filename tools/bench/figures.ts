import type { Measured, Result } from "./harness.ts"
import { ratios } from "./statistics.ts"

/**
 * `rate`: jobs per second. `time`: seconds per job. `cpu`: CPU time per job, in microseconds. Any other text is the
 * heading of an additional column, such as `p99 ms`.
 */
export type Field = "rate" | "time" | "cpu" | (string & {})

export interface Figure {
  readonly bench: string
  /** Title of the turn, which is one workload of the bench. */
  readonly turn: string
  readonly field: Field
  /** Name of the measured candidate. All candidates of a bench do the same job. */
  readonly of: string
  /**
   * Name of a second candidate. Each value of the candidate `of` is divided by the value of the candidate `to` in the
   * same round.
   */
  readonly to?: string
}

/** Keyed by the name of the bench. */
export type Results = ReadonlyMap<string, Result>

const read = ({ cpuMicros, notes, perSecond }: Measured, field: Field): ReadonlyArray<number> => {
  if (field === "rate") return [perSecond]
  if (field === "time") return [1 / perSecond]
  if (field === "cpu") return [cpuMicros]
  const note = notes[field]
  return note === undefined ? [] : [note]
}

/** Returns one value for each round that measured the figure. */
export const valuesOf = (results: Results, { bench, field, of, to, turn }: Figure): ReadonlyArray<number> => {
  const figures = results.get(bench)?.turns.find(({ title }) => title === turn)?.figures
  const all = (name: string) => (figures?.get(name) ?? []).flatMap((measured) => read(measured, field))
  return to === undefined ? all(of) : ratios(all(of), all(to)).filter(Number.isFinite)
}
