/**
 * Angel One's SDK, `smartapi-javascript`, opens a new connection for each call. So it spends most of its time on TLS
 * handshakes.
 */
import type { Bench, Turn } from "../harness.ts"
import { candidates, versions } from "../logins.ts"

const turns = (count: number): ReadonlyArray<Turn> => [{ concurrency: 64, count }]

const {
  "smartapi-javascript": smartapi,
  "ours-fetch": oursOnFetch,
  "ours-node": oursOnNode,
  fetch,
  undici
} = candidates

export const bench: Bench = {
  summary: "logins at Angel One over TLS",
  job: "login",
  answer: { delay: 0, tls: true },
  baselines: ["undici", "smartapi-javascript"],
  versions,
  plans: {
    full: { rounds: 7, seconds: 60, warmUp: 3000, turns: turns(1500) },
    quick: { rounds: 3, seconds: 25, warmUp: 500, turns: turns(500) }
  },
  candidates: {
    undici,
    fetch,
    "smartapi-javascript": smartapi,
    "ours-node": oursOnNode,
    "ours-fetch": oursOnFetch
  }
}
