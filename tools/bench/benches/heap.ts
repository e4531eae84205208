/** Measures what many logins and logouts leave behind: bytes of heap, and handles after the layers have closed. */
import type { Bench, Candidate, Turn } from "../harness.ts"
import { type Job, runHeap, startServer } from "../heapRun.ts"

const candidate = (job: Job, title: string, share: number): Candidate => ({
  title,
  prepare: async () => {
    const url = await startServer(process.cwd())
    return async ({ count }) => {
      const { all, handles, objects } = await runHeap(url, job, Math.ceil(count / share))
      const notes = { "kB of objects": objects / 1000, "kB of heap": all / 1000, "handles left": handles.length }
      return { notes }
    }
  }
})

const turns = (count: number): ReadonlyArray<Turn> => [
  { title: "growth of the heap, and handles that are left", concurrency: 64, count }
]

export const bench: Bench = {
  summary: "growth of the heap over 100,000 logins, and over 10,000 logins and logouts of a session manager",
  job: "login",
  baselines: [],
  versions: ["effect"],
  turnSeconds: 600,
  plans: {
    full: { rounds: 1, seconds: 600, warmUp: 1, turns: turns(100_000) },
    quick: { rounds: 1, seconds: 60, warmUp: 1, turns: turns(10_000) }
  },
  candidates: {
    logins: candidate("logins", "logins of 1,000 accounts, on NodeHttpClient", 1),
    cycles: candidate("cycles", "logins and logouts of one SessionManager, a tenth of the number", 10),
    accounts: candidate("accounts", "the same with 100 accounts of SessionManagers that are closed each time", 10)
  }
}
