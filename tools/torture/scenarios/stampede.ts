/** Many programs request a session, and only one of them calls the broker. */
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
  tally.equal(`exchanges ${when}`, (await broker.exchanges()).length - before, 1)
  tally.equal(`of ${outcomes.length} programs without the one session ${when}`, others.length, 0)
}

/** Number of programs that call at the start, after a rejection of the token, and after the end of the session. */
export const crowd = async (torture: Torture, count: number): Promise<void> => {
  const programs = await torture.programs(count)
  await torture.each(await torture.setups(), async (setup, tally) => {
    await openIn(programs, setup, torture.broken ? "lock-open" : undefined)
    await round(tally, "at the start", setup, programs, "session")
    await round(tally, "when the token is refused", setup, programs, "replace")
    await setup.broker.advanceToCutOff()
    await follow(programs, setup)
    await round(tally, "when the session ends", setup, programs, "session")
  })
}

export const scenario: Scenario = {
  summary: "many programs request a session at once: at the start, after a rejection, after its end",
  breaks: "the lock admits every caller",
  alone: true,
  seconds: { quick: 60, full: 240 },
  run: (torture) => crowd(torture, torture.pick({ quick: 8, full: 32 }))
}
