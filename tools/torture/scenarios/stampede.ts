/** Many programs request a session at the same time. Only one of them may call the broker. */
import {
  askAtOnce,
  follow,
  openIn,
  type Program,
  type Scenario,
  type Setup,
  type Tally,
  type Torture
} from "../harness.ts"

const round = async (
  tally: Tally,
  when: string,
  { broker, name }: Setup,
  programs: ReadonlyArray<Program>,
  call: "session" | "replace"
): Promise<void> => {
  const before = (await broker.exchanges()).length
  const outcomes = await askAtOnce(programs, name, call)
  const newest = broker.issued().at(-1)
  const others = outcomes.filter((outcome) => outcome._tag !== "Session" || outcome.token !== newest)
  tally.equal(`logins and refreshes ${when}`, (await broker.exchanges()).length - before, 1)
  tally.equal(`programs without the newest session ${when}`, others.length, 0)
}

export const crowd = async (torture: Torture, count: number): Promise<void> => {
  const programs = await torture.programs(count)
  await torture.each(await torture.setups(), async (setup, tally) => {
    await openIn(programs, setup, torture.broken ? "lock-open" : undefined)
    await round(tally, "at the start", setup, programs, "session")
    await round(tally, "after the token is rejected", setup, programs, "replace")
    await setup.broker.advanceToCutOff()
    await follow(programs, setup)
    await round(tally, "after the session has ended", setup, programs, "session")
  })
}

export const scenario: Scenario = {
  summary: "many programs request a session at once: at the start, after a rejected token, and after the session ends",
  breaks: "the lock never makes a caller wait",
  alone: true,
  seconds: { quick: 60, full: 240 },
  run: (torture) => crowd(torture, torture.pick({ quick: 8, full: 32 }))
}
