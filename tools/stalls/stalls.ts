/**
 * Repeats failed time measurements if this process stalled. A stall has one of two causes: the host suspended the
 * machine, or other processes used the CPU.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import { Worker } from "node:worker_threads"

export interface Stalls {
  /** Total duration of all stalls since the watch started, in milliseconds. */
  readonly total: () => Promise<number>
  readonly stop: () => Promise<unknown>
}

/** Measures the stalls in a separate thread, so that work of the main thread does not count as a stall. */
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

/** In milliseconds. */
const allowed = 50
const times = 6

/** Repeats a failed measurement if its stalls took longer than `allowed` in total. Makes at most `times` runs. */
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
        console.log(
          `The measurement is repeated, because the system did not run this process for ${Math.round(stood)} ms.`
        )
      }
    }
  } finally {
    await stalls.stop()
  }
}

/** Time-out of a test that uses `steadily` or `steady`, in milliseconds. */
export const steadyTimeout = 120_000

/** Like `steadily`, for an effect. The effect runs in real time, and each run has a new scope. */
export const steady = <A>(measure: Effect.Effect<A, never, Scope.Scope>): Effect.Effect<A> =>
  Effect.promise(() => steadily(() => Effect.runPromise(Effect.scoped(measure))))
