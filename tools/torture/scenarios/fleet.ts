/**
 * Three cases with several programs:
 *
 * 1. The programs share one Redis. Redis is killed, and restarts with its data.
 * 2. The programs share one Redis. Redis is killed, and restarts without its data.
 * 3. The program that holds the lock is suspended. This case runs with Redis and with SQLite.
 */
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

/** Milliseconds for which a store retries a call to Redis, plus a margin for a busy machine. */
const patience = 7000

/**
 * In milliseconds. The sum of two delays: the longest back-off after a failed renewal of an expired session, and the
 * longest delay before a reconnect to Redis.
 */
const longestPause = 25_000

const brokenOf = ({ broken }: Torture) => (broken ? ("lock-open" as const) : undefined)

const isVaultFailure = (outcome: Outcome): boolean => outcome._tag === "Failed" && outcome.error === "VaultError"

const countOneSession = (tally: Tally, when: string, outcomes: ReadonlyArray<Outcome>, { broker }: Setup) => {
  const newest = broker.issued().at(-1)
  const others = outcomes.filter((outcome) => outcome._tag !== "Session" || outcome.token !== newest)
  tally.equal(`programs without the newest session ${when}`, others.length, 0)
}

const askUntilAllHave = async (programs: ReadonlyArray<Program>, name: string): Promise<ReadonlyArray<Outcome>> => {
  let outcomes: ReadonlyArray<Outcome> = []
  await waitUntil(
    "the sessions of all programs",
    async () => {
      outcomes = await askAtOnce(programs, name)
      return failuresOf(outcomes).length === 0
    },
    longestPause
  )
  return outcomes
}

/** Sets the program's clock back before the read, because a program does not return an expired session. */
const storedBefore = async (program: Program, setup: Setup, ahead: number): Promise<Outcome> => {
  await openIn([program], setup)
  await program.tell({ do: "clock", name: setup.name, ahead })
  return program.tell({ do: "peek", name: setup.name })
}

const loseRedis = async (torture: Torture, programs: ReadonlyArray<Program>, keeps: "everything" | "nothing") => {
  const server = await torture.redis(keeps)
  const made = await torture.setups({ places: ["redis"], redis: server.url })
  const what = keeps === "everything" ? "with its data" : "without its data"
  const setups = made.map((setup) => ({
    ...setup,
    name: `${setup.name} ${keeps}`,
    title: `${setup.broker.id}, Redis restarts ${what}`
  }))
  await torture.each(setups, async (setup, tally) => {
    await openIn(programs, setup, brokenOf(torture))
    countOneSession(tally, "before Redis is killed", await askAtOnce(programs, setup.name), setup)
    tally.equal("logins and refreshes before Redis is killed", (await setup.broker.exchanges()).length, 1)
  })
  await server.kill()
  const before = new Map<string, number>()
  await torture.each(setups, async (setup, tally) => {
    const { broker, name } = setup
    countOneSession(tally, "while Redis is down", await askAtOnce(programs, name), setup)
    before.set(name, broker.ahead())
    await broker.advanceToCutOff()
    await follow(programs, setup)
    const outcomes = await askAtOnce(programs, name)
    const others = outcomes.filter((outcome) => !isVaultFailure(outcome))
    tally.equal("answers other than a VaultError during the renewal", others.length, 0)
    await tally.within(
      "longest time until an answer",
      Math.max(...outcomes.map(({ tookMillis }) => tookMillis)),
      patience
    )
    tally.equal("logins and refreshes while Redis is down", (await broker.exchanges()).length - 1, 0)
  })
  await server.restart()
  const [another] = await torture.programs(1)
  await torture.each(setups, async (setup, tally) => {
    const found = another && (await storedBefore(another, setup, before.get(setup.name) ?? 0))
    tally.equal("stored sessions after the restart", found?._tag === "Session" ? 1 : 0, keeps === "everything" ? 1 : 0)
    countOneSession(tally, "after the restart", await askUntilAllHave(programs, setup.name), setup)
    tally.equal("logins and refreshes after the restart", (await setup.broker.exchanges()).length - 1, 1)
  })
}

/** Milliseconds for which the holder is suspended: longer than a lease in Redis, and longer than `latency`. */
const stoppedFor = 4000
/** The broker delays the first login by this time. */
const latency = "2500 millis"

/**
 * Milliseconds from the first login to the end of the TOTP period. A second login waits for the next period, because a
 * TOTP code works only once. The wait is short, so that the case ends soon.
 */
const leftInPeriod = 5500

const stopHolder = async (torture: Torture) => {
  const [holder, next, later] = await torture.programs(3)
  if (holder === undefined || next === undefined || later === undefined) throw new Error("There is no program.")
  const setups = (await torture.setups()).map((setup) => ({
    ...setup,
    title: `${setup.title}, the holder is suspended`
  }))
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
      return tally.equal("logins while the holder is suspended", (await broker.exchanges()).length, 1)
    }
    const outcome = await taken.get(name)
    tally.equal(
      "sessions that the next program gets while the holder is suspended",
      outcome?._tag === "Session" ? 1 : 0,
      1
    )
  })
  await stopped
  holder.thaw()
  await torture.each(setups, async ({ broker, name, place }, tally) => {
    const outcomes = await Promise.all([held.get(name), taken.get(name), later.tell({ do: "session", name }, 60_000)])
    const again = await askAtOnce([holder, next, later], name)
    const all = [...outcomes.filter((outcome) => outcome !== undefined), ...again]
    // With SQLite, the operating system keeps the lock for the suspended holder. In Redis, the lease of the holder
    // expires, so the next program also logs in.
    tally.equal("all logins", (await broker.exchanges()).length, place.kind === "sqlite" ? 1 : 2)
    tally.equal("different sessions at the end", tokensOf(all).length, 1)
    tally.equal("answers other than a session", failuresOf(all).length, 0)
  })
}

export const scenario: Scenario = {
  summary:
    "Redis is killed and restarted, with or without its data; the holder of a lock is suspended for longer than a lease in Redis",
  breaks: "the lock never makes a caller wait",
  // If other scenarios use the CPU, a program can lose its short lease.
  alone: true,
  seconds: { quick: 90, full: 120 },
  run: async (torture) => {
    const programs = await torture.programs(torture.pick({ quick: 4, full: 8 }))
    await Promise.all([
      torture.attempt("Redis restarts with its data", () => loseRedis(torture, programs, "everything")),
      torture.attempt("Redis restarts without its data", () => loseRedis(torture, programs, "nothing")),
      torture.attempt("the holder is suspended", () => stopHolder(torture))
    ])
  }
}
