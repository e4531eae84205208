import { assert, it } from "@effect/vitest"
import * as Ledger from "../src/session/internal/ledger.ts"

const minute = 60_000

const waitingSince = (...times: ReadonlyArray<number>): Ledger.Ledger => ({
  ...Ledger.empty,
  attempts: times.map((at) => ({ id: String(at), at, outcome: "awaits-code" }))
})

it.each<readonly [what: string, times: ReadonlyArray<number>, until: number | undefined]>([
  ["no delay if no login waits for a code", [], undefined],
  ["no delay after one login that waits for a code", [-minute], undefined],
  ["no delay after one login from a machine whose clock is 30 seconds ahead", [minute / 2], undefined],
  ["a delay of one minute after two logins that wait for codes", [-minute / 2, -minute / 4], -minute / 4 + minute],
  ["no delay if the last of two logins was sent an hour ago", [-61 * minute, -60 * minute], undefined]
])("nextCodeAt: %s", (_, times, until) => {
  assert.strictEqual(Ledger.nextCodeAt(waitingSince(...times), 0), until)
})
