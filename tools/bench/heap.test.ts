import { afterAll, assert, it } from "@effect/vitest"
import { makeScratch, stopPeers } from "../interop/peer.ts"
import { type Job, runHeap, startServer } from "./heapRun.ts"

afterAll(stopPeers)

it.each<readonly [what: string, job: Job, count: number]>([
  ["logins", "logins", 10_000],
  ["logins and logouts", "cycles", 2000],
  ["opened and closed accounts", "accounts", 2000]
])("many %s leak no memory and no handles", { tags: ["thorough"], timeout: 300_000 }, async (_, job, count) => {
  const { growth, handles } = await runHeap(await startServer(makeScratch("heap")), job, count)
  assert.deepStrictEqual(handles, [])
  // A round repeats the job `count` times. V8's own tables vary by 200 kB, and sometimes grow by 500 kB. So only the
  // round with the smallest growth counts. A leak of 50 bytes per login, or of 250 bytes per logout or account, would
  // exceed the limit in each round.
  assert.isBelow(Math.min(...growth), 250_000, `growth in bytes per round: ${growth.join(", ")}`)
})
