/** The machine's clock is set wrong, and right again: no expired token is returned, and no burst of logins is sent. */
import { oneOf, openIn, type Program, type Scenario, type Setup, type Tally } from "../harness.ts"
import type { Outcome } from "../protocol.ts"

const day = 86_400_000

/** Offset from a full day, so that a clock that is a day off reaches no used TOTP period. */
const jumps = [
  { when: "a day forward", by: day + 95_000 },
  { when: "back again", by: 0 },
  { when: "a day back", by: -day - 95_000 },
  { when: "right again", by: 0 }
]

/** Each program gets more calls than it may send logins. */
const asks = 4

const isPastItsEnd = (outcome: Outcome): boolean =>
  outcome._tag === "Session" && outcome.expiresAt !== undefined && outcome.now >= outcome.expiresAt

/** Any answer that is not the manager's own: a defect, or no answer. */
const isTyped = (outcome: Outcome): boolean =>
  outcome._tag === "Session" || (outcome._tag === "Failed" && outcome.reason !== "")

const askAfter = async (
  tally: Tally,
  program: Program,
  { broker, name }: Setup,
  { by, when }: (typeof jumps)[number]
) => {
  // The clock is not set twice within one TOTP period.
  await broker.advance(31_000)
  const before = (await broker.exchanges()).length
  await program.tell({ do: "clock", name, ahead: broker.ahead() + by })
  const outcomes: Array<Outcome> = []
  for (let ask = 0; ask < asks; ask++) outcomes.push(await program.tell({ do: "session", name }))
  tally.equal(`${when}: expired tokens returned`, outcomes.filter(isPastItsEnd).length, 0)
  tally.atMost(`${when}: logins`, (await broker.exchanges()).length - before, 1)
  tally.equal(
    `${when}: answers other than a session or a typed failure`,
    outcomes.filter((one) => !isTyped(one)).length,
    0
  )
  const sessions = outcomes.filter(({ _tag }) => _tag === "Session").length
  // If the clock is wrong, codes belong to another period, and a new token may have expired already.
  if (by === 0) tally.equal(`${when}: of ${asks} calls that returned a session`, sessions, asks)
}

export const scenario: Scenario = {
  summary: "the clock jumps by a day, forward and back",
  breaks: "a session is returned for ever",
  seconds: { quick: 40, full: 60 },
  run: async (torture) => {
    const program = await oneOf(torture.programs(1))
    await torture.each(await torture.setups(), async (setup, tally) => {
      await openIn([program], setup, torture.broken ? "session-for-ever" : undefined)
      await program.tell({ do: "session", name: setup.name })
      for (const jump of jumps) await askAfter(tally, program, setup, jump)
      await setup.broker.advanceToCutOff()
      await askAfter(tally, program, setup, { when: "the day after", by: 0 })
    })
  }
}
