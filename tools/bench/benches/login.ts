/** Compares our logins with plain HTTP clients, official SDKs, and token requests by `openid-client`. */
import type { Bench, Turn } from "../harness.ts"
import { candidates, versions } from "../logins.ts"

const turns = (counts: readonly [number, number, number]): ReadonlyArray<Turn> => [
  { concurrency: 1, count: counts[0] },
  { concurrency: 64, count: counts[1] },
  { concurrency: 1024, count: counts[2] }
]

export const bench: Bench = {
  summary: "logins at Angel One, from credentials to a session",
  job: "login",
  answer: { delay: 0 },
  baselines: ["undici", "smartapi-javascript"],
  versions,
  plans: {
    full: { rounds: 7, seconds: 150, warmUp: 6000, turns: turns([600, 2000, 2048]) },
    quick: { rounds: 3, seconds: 30, warmUp: 1000, turns: turns([200, 800, 1024]) }
  },
  candidates
}
