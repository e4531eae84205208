/**
 * A program's clock is set to a wrong time, and then to the right time. The program must not return a token that has
 * expired according to the program's clock. After each change, the program may send at most one login or refresh.
 */
import { oneOf, openIn, type Program, type Scenario, type Setup, type Tally } from "../harness.ts"
import type { Outcome } from "../protocol.ts"

const day = 86_400_000

/** `by` is the offset of the program's clock from the broker's clock, in milliseconds. */
const jumps = [
  { when: "a day forward", by: day },
  { when: "corrected after a day forward", by: 0 },
  { when: "a day back", by: -day },
  { when: "corrected after a day back", by: 0 }
]

/** Number of calls after each change of the clock. */
const asks = 4

const isExpired = (outcome: Outcome): boolean =>
  outcome._tag === "Session" && outcome.expiresAt !== undefined && outcome.now >= outcome.expiresAt

const isTyped = (outcome: Outcome): boolean =>
  outcome._tag === "Session" || (outcome._tag === "Failed" && outcome.reason !== "")

const askAfter = async (
  tally: Tally,
  program: Program,
  { broker, name }: Setup,
  { by, when }: (typeof jumps)[number]
) => {
  // More than a TOTP period (30 seconds), so that each change is in a new period.
  await broker.advance(31_000)
  const before = (await broker.exchanges()).length
  await program.tell({ do: "clock", name, ahead: broker.ahead() + by })
  const outcomes: Array<Outcome> = []
  for (let ask = 0; ask < asks; ask++) outcomes.push(await program.tell({ do: "session", name }))
  tally.equal(`${when}: expired tokens returned`, outcomes.filter(isExpired).length, 0)
  tally.atMost(`${when}: logins and refreshes`, (await broker.exchanges()).length - before, 1)
  tally.equal(
    `${when}: answers other than a session or a typed failure`,
    outcomes.filter((one) => !isTyped(one)).length,
    0
  )
  const sessions = outcomes.filter(({ _tag }) => _tag === "Session").length
  // With a wrong clock, a call can fail: a TOTP code is wrong, or a new token seems to have expired.
  if (by === 0) tally.equal(`${when}: calls that returned a session`, sessions, asks)
}

export const scenario: Scenario = {
  summary: "the clock jumps by a day, forward and back",
  breaks: "the manager returns the first session forever",
  seconds: { quick: 40, full: 60 },
  run: async (torture) => {
    const program = await oneOf(torture.programs(1))
    await torture.each(await torture.setups(), async (setup, tally) => {
      await openIn([program], setup, torture.broken ? "session-for-ever" : undefined)
      await program.tell({ do: "session", name: setup.name })
      for (const jump of jumps) await askAfter(tally, program, setup, jump)
      await setup.broker.advanceToCutOff()
      await askAfter(tally, program, setup, { when: "after the cut-off", by: 0 })
    })
  }
}
