/** One program logs out while a renewal by another program is pending. The logout must end every session. */
import {
  follow,
  openIn,
  type Program,
  type Scenario,
  type Setup,
  type Tally,
  type Torture,
  waitUntil
} from "../harness.ts"
import type { Outcome } from "../protocol.ts"

const isLoggedOut = (outcome: Outcome): boolean => outcome._tag === "Failed" && outcome.why === "logged-out"

/**
 * Milliseconds from the first login to the end of the TOTP period. If a program wrongly sends a second TOTP login, that
 * login waits for the next period, because a TOTP code works only once. The small number keeps this wait short.
 */
const leftInPeriod = 6000

const logOutInFlight = async (
  torture: Torture,
  tally: Tally,
  setup: Setup,
  [renewing, leaving, later]: ReadonlyArray<Program>
) => {
  if (renewing === undefined || leaving === undefined || later === undefined)
    throw new Error("The scenario needs three programs.")
  const broken = torture.broken ? "store-last-wins" : undefined
  const { broker, name } = setup
  await openIn([renewing, leaving], setup, broken)
  await broker.advanceInPeriod(leftInPeriod)
  await follow([renewing, leaving], setup)
  await renewing.tell({ do: "session", name })
  await leaving.tell({ do: "session", name })
  await broker.inject("*", { kind: "latency", duration: "1200 millis" })

  const renewed = renewing.tell({ do: "renew", name })
  await waitUntil("the renewal", async () => (await broker.exchanges()).length === 2)
  const receipt = await leaving.tell({ do: "logout", name })
  tally.equal(
    "logouts that the broker confirmed",
    receipt._tag === "Receipt" && receipt.receipt === "Revoked" ? 1 : 0,
    1
  )
  const after = [
    await renewed,
    await renewing.tell({ do: "session", name }),
    await leaving.tell({ do: "session", name })
  ]
  tally.equal("calls with another outcome than logged-out", after.filter((outcome) => !isLoggedOut(outcome)).length, 0)
  await openIn([later], setup, broken)
  const stored = await later.tell({ do: "peek", name })
  tally.equal("stored sessions after the logout", stored._tag === "None" ? 0 : 1, 0)
  const ended = await broker.ended()
  // If the broker rejects the pending renewal because of the logout, the program `renewing` must not log in.
  tally.equal("all logins and refreshes", (await broker.exchanges()).length, 2)
  tally.note("sessions that the broker issued", broker.issued().length)
  tally.equal("issued sessions that are still valid", broker.issued().filter((token) => !ended.has(token)).length, 0)
}

export const scenario: Scenario = {
  summary: "one program logs out while a renewal by another program is pending",
  breaks: "the store overwrites entries of other programs",
  seconds: { quick: 60, full: 200 },
  run: async (torture) => {
    const programs = await torture.programs(3)
    for (let time = 0; time < torture.pick({ quick: 1, full: 10 }); time++) {
      await torture.each(await torture.setups(), (setup, tally) => logOutInFlight(torture, tally, setup, programs))
      await Promise.all(programs.map((program) => program.tell({ do: "close" })))
    }
  }
}
