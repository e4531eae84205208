/** Programs on several machines share one Redis: it is killed and comes back, and one of them stops for a while. */
import {
  askAtOnce,
  failuresOf,
  follow,
  openIn,
  type Program,
  type Scenario,
  type Setup,
  type Tally,
  tokensOf,
  type Torture,
  wait,
  waitUntil
} from "../harness.ts"
import type { Outcome } from "../protocol.ts"

/** How long a store tries to reach Redis, and what a busy machine adds. */
const patience = 7000

/** The longest that a manager without a session waits after a failure, and a client before it connects again. */
const longestPause = 25_000

const brokenOf = ({ broken }: Torture) => (broken ? ("lock-open" as const) : undefined)

const isVaultFailure = (outcome: Outcome): boolean => outcome._tag === "Failed" && outcome.error === "VaultError"

/** All have the same session, and it is the broker's newest. */
const countOneSession = (tally: Tally, when: string, outcomes: ReadonlyArray<Outcome>, { broker }: Setup) => {
  const newest = broker.issued().at(-1)
  const others = outcomes.filter((outcome) => outcome._tag !== "Session" || outcome.token !== newest)
  tally.equal(`of ${outcomes.length} programs without the one session ${when}`, others.length, 0)
}

const askUntilAllHave = async (programs: ReadonlyArray<Program>, name: string): Promise<ReadonlyArray<Outcome>> => {
  let outcomes: ReadonlyArray<Outcome> = []
  await waitUntil(
    "sessions for all",
    async () => {
      outcomes = await askAtOnce(programs, name)
      return failuresOf(outcomes).length === 0
    },
    longestPause
  )
  return outcomes
}

/** What a program finds that lives before the cut-off. */
const storedBefore = async (program: Program, setup: Setup, ahead: number): Promise<Outcome> => {
  await openIn([program], setup)
  await program.tell({ do: "clock", name: setup.name, ahead })
  return program.tell({ do: "peek", name: setup.name })
}

const loseRedis = async (torture: Torture, programs: ReadonlyArray<Program>, keeps: "everything" | "nothing") => {
  const server = await torture.redis(keeps)
  const made = await torture.setups({ places: ["redis"], redis: server.url })
  const what = keeps === "everything" ? "with what it had" : "empty"
  const setups = made.map((setup) => ({
    ...setup,
    name: `${setup.name} ${keeps}`,
    title: `${setup.broker.id}, Redis comes back ${what}`
  }))
  await torture.each(setups, async (setup, tally) => {
    await openIn(programs, setup, brokenOf(torture))
    countOneSession(tally, "before", await askAtOnce(programs, setup.name), setup)
    tally.equal("exchanges before", (await setup.broker.exchanges()).length, 1)
  })
  await server.kill()
  const before = new Map<string, number>()
  await torture.each(setups, async (setup, tally) => {
    const { broker, name } = setup
    countOneSession(tally, "while Redis is away", await askAtOnce(programs, name), setup)
    before.set(name, broker.ahead())
    await broker.advanceToCutOff()
    await follow(programs, setup)
    const outcomes = await askAtOnce(programs, name)
    const others = outcomes.filter((outcome) => !isVaultFailure(outcome))
    tally.equal("answers to a renewal that are no VaultError", others.length, 0)
    await tally.within("the longest wait for one", Math.max(...outcomes.map(({ tookMillis }) => tookMillis)), patience)
    tally.equal("exchanges while Redis is away", (await broker.exchanges()).length - 1, 0)
  })
  await server.restart()
  const [another] = await torture.programs(1)
  await torture.each(setups, async (setup, tally) => {
    const found = another && (await storedBefore(another, setup, before.get(setup.name) ?? 0))
    tally.equal("sessions that are still stored", found?._tag === "Session" ? 1 : 0, keeps === "everything" ? 1 : 0)
    countOneSession(tally, "afterwards", await askUntilAllHave(programs, setup.name), setup)
    tally.equal("exchanges afterwards", (await setup.broker.exchanges()).length - 1, 1)
  })
}

/** Longer than a lease in Redis, and than the broker takes to answer. */
const stoppedFor = 4000
const latency = "2500 millis"

/** The next login of a broker with TOTP comes with the next period: soon. */
const leftInPeriod = 5500

const stopHolder = async (torture: Torture) => {
  const [holder, next, later] = await torture.programs(3)
  if (holder === undefined || next === undefined || later === undefined) throw new Error("there is no program")
  const setups = (await torture.setups()).map((setup) => ({ ...setup, title: `${setup.title}, the holder is stopped` }))
  const held = new Map<string, Promise<Outcome>>()
  const taken = new Map<string, Promise<Outcome>>()
  await torture.each(setups, async (setup) => {
    const { broker, name } = setup
    await openIn([holder, next, later], setup, brokenOf(torture))
    if (broker.hasTotp) await broker.advanceInPeriod(leftInPeriod)
    await follow([holder, next, later], setup)
    await broker.inject(broker.loginEndpoint, { kind: "latency", duration: latency })
    held.set(name, holder.tell({ do: "session", name }, 60_000))
    await waitUntil("the first login", async () => (await broker.exchanges()).length === 1)
  })
  holder.freeze()
  const stopped = wait(stoppedFor)
  await torture.each(setups, async ({ broker, name, place }, tally) => {
    taken.set(name, next.tell({ do: "session", name }, 60_000))
    if (place.kind === "sqlite") {
      await stopped
      return tally.equal("logins while the holder is stopped", (await broker.exchanges()).length, 1)
    }
    const outcome = await taken.get(name)
    tally.equal("sessions for the next one, while the holder is stopped", outcome?._tag === "Session" ? 1 : 0, 1)
  })
  await stopped
  holder.thaw()
  await torture.each(setups, async ({ broker, name, place }, tally) => {
    const outcomes = await Promise.all([held.get(name), taken.get(name), later.tell({ do: "session", name }, 60_000)])
    const again = await askAtOnce([holder, next, later], name)
    const all = [...outcomes.filter((outcome) => outcome !== undefined), ...again]
    // A lock of the operating system is its holder's also while that is stopped; a lease ends.
    tally.equal("logins in all", (await broker.exchanges()).length, place.kind === "sqlite" ? 1 : 2)
    tally.equal("different sessions at the end", tokensOf(all).length, 1)
    tally.equal("answers that are no session", failuresOf(all).length, 0)
  })
}

export const scenario: Scenario = {
  summary: "Redis is killed and comes back, with and without what it had; a holder is stopped beyond its lease",
  breaks: "the lock lets everybody in",
  // A lease of less than a second is lost by a program that gets no time from a busy machine.
  alone: true,
  seconds: { quick: 90, full: 120 },
  run: async (torture) => {
    const programs = await torture.programs(torture.pick({ quick: 4, full: 8 }))
    await Promise.all([
      torture.attempt("Redis comes back with what it had", () => loseRedis(torture, programs, "everything")),
      torture.attempt("Redis comes back empty", () => loseRedis(torture, programs, "nothing")),
      torture.attempt("the holder is stopped", () => stopHolder(torture))
    ])
  }
}
