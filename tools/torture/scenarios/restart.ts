/**
 * A program is killed and restarted. It must find its session in the vault, and send no login before the session ends.
 */
import { follow, openIn, type Program, type Scenario, type Setup, tokensOf, type Torture } from "../harness.ts"
import type { Outcome } from "../protocol.ts"

const startIn = async (torture: Torture, setups: ReadonlyArray<Setup>): Promise<Program> => {
  // `torture.programs` is not used: it could return a running program that has the session in memory.
  const program = await torture.special({})
  await torture.each(setups, async (setup) => {
    await openIn([program], setup, torture.broken ? "store-in-memory" : undefined)
  })
  return program
}

const ask = async (
  torture: Torture,
  setups: ReadonlyArray<Setup>,
  program: Program,
  seen: Map<string, ReadonlyArray<Outcome>>,
  wanted: { readonly when: string; readonly sessions: number }
) => {
  await torture.each(setups, async ({ broker, name }, tally) => {
    const outcomes = [...(seen.get(name) ?? []), await program.tell({ do: "session", name })]
    seen.set(name, outcomes)
    tally.equal(`logins ${wanted.when}`, (await broker.exchanges()).length, wanted.sessions)
    tally.equal(`different sessions ${wanted.when}`, tokensOf(outcomes).length, wanted.sessions)
  })
}

export const scenario: Scenario = {
  summary: "on each of two days, a program logs in, is killed, and is restarted",
  breaks: "sessions are stored in memory",
  seconds: { quick: 40, full: 60 },
  run: async (torture) => {
    const setups = await torture.setups()
    const seen = new Map<string, ReadonlyArray<Outcome>>()
    const first = await startIn(torture, setups)
    await ask(torture, setups, first, seen, { when: "after the start", sessions: 1 })
    await first.kill()
    const second = await startIn(torture, setups)
    await ask(torture, setups, second, seen, { when: "after a kill and a restart", sessions: 1 })
    await torture.each(setups, async (setup) => {
      await setup.broker.advanceToCutOff()
      await follow([second], setup)
    })
    await ask(torture, setups, second, seen, { when: "after the cut-off", sessions: 2 })
    await second.kill()
    const third = await startIn(torture, setups)
    await ask(torture, setups, third, seen, { when: "after the cut-off, a kill and a restart", sessions: 2 })
  }
}
