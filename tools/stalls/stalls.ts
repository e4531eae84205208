/**
 * What is promised within a second can be seen on a machine that gives a process its time. Where it stood still,
 * stopped by its host or crowded out, a measurement tells nothing and is made again.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import { Worker } from "node:worker_threads"

export interface Stalls {
  /** Milliseconds for which this process was not run since the watch began. */
  readonly total: () => Promise<number>
  readonly stop: () => Promise<unknown>
}

/** Looks from a thread of its own, so that nothing that the program itself does counts as standing still. */
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

/** Measures again what fails while the machine stands still. A failure on a machine that does not is a failure. */
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

/** For the test that measures so, in milliseconds. */
export const steadyTimeout = 120_000

/** The same for an effect, in real time and in a scope of its own each time. */
export const steady = <A>(measure: Effect.Effect<A, never, Scope.Scope>): Effect.Effect<A> =>
  Effect.promise(() => steadily(() => Effect.runPromise(Effect.scoped(measure))))
