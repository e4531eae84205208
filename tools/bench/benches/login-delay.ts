import type { Bench, Turn } from "../harness.ts"
import { candidates, versions } from "../logins.ts"

const turns = (count: number): ReadonlyArray<Turn> => [{ concurrency: 64, count, variant: "timed" }]

const { "ours-fetch": oursOnFetch, "ours-node": oursOnNode, fetch, undici } = candidates

export const bench: Bench = {
  summary: "logins at a local server that answers after 50 ms, to show how long the slowest logins take",
  job: "login",
  answer: { delay: 50 },
  baselines: ["undici"],
  versions,
  plans: {
    full: { rounds: 12, seconds: 270, warmUp: 3000, turns: turns(6400) },
    quick: { rounds: 3, seconds: 25, warmUp: 1024, turns: turns(960) }
  },
  candidates: { undici, fetch, "ours-node": oursOnNode, "ours-fetch": oursOnFetch }
}
