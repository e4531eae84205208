import { assert, it } from "@effect/vitest"
import * as Ledger from "../src/session/internal/ledger.ts"

const minute = 60_000

/** The ledger of an account whose logins, sent at these times, still wait for their codes. */
const waitingSince = (...times: ReadonlyArray<number>): Ledger.Ledger => ({
  ...Ledger.empty,
  attempts: times.map((at) => ({ id: String(at), at, outcome: "awaits-code" }))
})

it.each<readonly [what: string, times: ReadonlyArray<number>, until: number | undefined]>([
  ["no login waits for its code", [], undefined],
  ["one login waits for its code", [-minute], undefined],
  ["one login waits for its code, and its machine's clock is 30 seconds ahead", [minute / 2], undefined],
  ["two logins wait for their codes", [-minute / 2, -minute / 4], -minute / 4 + minute],
  [
    "two logins wait for their codes, but the last of them was sent an hour ago",
    [-61 * minute, -60 * minute],
    undefined
  ]
])("nextCodeAt returns the end of the delay if %s", (_, times, until) => {
  assert.strictEqual(Ledger.nextCodeAt(waitingSince(...times), 0), until)
})
