import { afterAll, assert, it } from "@effect/vitest"
import { makeScratch, stopPeers } from "../interop/peer.ts"
import { type Job, runHeap, startServer } from "./heapRun.ts"

afterAll(stopPeers)

it.each<readonly [what: string, job: Job, count: number]>([
  ["logins", "logins", 20_000],
  ["logins, each with a logout,", "cycles", 4000],
  ["accounts that are opened and closed", "accounts", 4000]
])("many %s leave no memory and no handle behind", { tags: ["thorough"], timeout: 300_000 }, async (_, job, count) => {
  const { handles, objects } = await runHeap(await startServer(makeScratch("heap")), job, count)
  assert.deepStrictEqual(handles, [])
  // V8's own tables vary by 400 kB. A leak of 25 bytes per login, or of 125 bytes per logout or account, would exceed
  // the limit.
  assert.isBelow(objects, 500_000)
})
