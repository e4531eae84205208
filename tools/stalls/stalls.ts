/**
 * Repeats time measurements after a stall. A guarantee such as "within a second" can be tested only while the machine
 * runs the process. If the process was stalled, suspended by its host or short of CPU time, the measurement is
 * meaningless and is repeated.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import { Worker } from "node:worker_threads"

export interface Stalls {
  /** Milliseconds for which this process was not run since the start of the watch. */
  readonly total: () => Promise<number>
  readonly stop: () => Promise<unknown>
}

/** Watches from a separate thread, so that the program's own work does not count as a stall. */
export const watchStalls = async (): Promise<Stalls> => {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { execArgv: [] })
  const total = async (): Promise<number> => {
    const answer = once(worker, "message")
    worker.postMessage("tell")
    const [late] = (await answer) as [number]
    return late
  }
  await total()
  return { total, stop: () => worker.terminate() }
}

const allowed = 50
const times = 6

/** Repeats a measurement that fails during a stall. A failure without a stall is a failure. */
export const steadily = async <A>(measure: () => Promise<A>): Promise<A> => {
  const stalls = await watchStalls()
  try {
    for (let left = times - 1; ; left--) {
      const before = await stalls.total()
      try {
        return await measure()
      } catch (error) {
        const stood = (await stalls.total()) - before
        if (stood <= allowed || left === 0) throw error
        console.log(`measured again: this process was not run for ${Math.round(stood)} ms`)
      }
    }
  } finally {
    await stalls.stop()
  }
}

/** Time-out of a test that uses it, in milliseconds. */
export const steadyTimeout = 120_000

/** The same for an effect, in real time and with a new scope for each try. */
export const steady = <A>(measure: Effect.Effect<A, never, Scope.Scope>): Effect.Effect<A> =>
  Effect.promise(() => steadily(() => Effect.runPromise(Effect.scoped(measure))))
