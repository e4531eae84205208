/** The machine's clock is set wrong, and right again: no dead token is handed out, and no storm of logins is sent. */
import { oneOf, openIn, type Program, type Scenario, type Setup, type Tally } from "../harness.ts"
import type { Outcome } from "../protocol.ts"

const day = 86_400_000

/** A clock that is a day off by some seconds hits no TOTP period that was used. */
const jumps = [
  { when: "a day forward", by: day + 95_000 },
  { when: "back again", by: 0 },
  { when: "a day back", by: -day - 95_000 },
  { when: "right again", by: 0 }
]

/** Each program is asked more often than it may try. */
const asks = 4

const isPastItsEnd = (outcome: Outcome): boolean =>
  outcome._tag === "Session" && outcome.expiresAt !== undefined && outcome.now >= outcome.expiresAt

/** Anything but an answer of the manager's own: a defect, or none at all. */
const isTyped = (outcome: Outcome): boolean =>
  outcome._tag === "Session" || (outcome._tag === "Failed" && outcome.reason !== "")

const askAfter = async (
  tally: Tally,
  program: Program,
  { broker, name }: Setup,
  { by, when }: (typeof jumps)[number]
) => {
  // Nobody sets a clock twice within a TOTP period.
  await broker.advance(31_000)
  const before = (await broker.exchanges()).length
  await program.tell({ do: "clock", name, ahead: broker.ahead() + by })
  const outcomes: Array<Outcome> = []
  for (let ask = 0; ask < asks; ask++) outcomes.push(await program.tell({ do: "session", name }))
  tally.equal(`${when}: tokens past their end handed out`, outcomes.filter(isPastItsEnd).length, 0)
  tally.atMost(`${when}: logins`, (await broker.exchanges()).length - before, 1)
  tally.equal(
    `${when}: answers that are no session and no typed failure`,
    outcomes.filter((one) => !isTyped(one)).length,
    0
  )
  const sessions = outcomes.filter(({ _tag }) => _tag === "Session").length
  // With a clock that is wrong codes are of another period, and a new token may have ended already.
  if (by === 0) tally.equal(`${when}: of ${asks} questions answered with a session`, sessions, asks)
}

export const scenario: Scenario = {
  summary: "the clock jumps by a day, forward and back",
  breaks: "a session is handed out for ever",
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
