import type { Broker } from "../broker.ts"
import { removeLeftLocks } from "../broken.ts"
import { follow, openIn, type Scenario, type Setup, type Tally, type Torture, wait, waitUntil } from "../harness.ts"
import type { Outcome } from "../protocol.ts"

/**
 * Milliseconds from the first login to the end of its TOTP period. Must be above 3000, because no login is sent in the
 * last 3 seconds of a period.
 */
const leftInPeriod = 6000

/**
 * The scenario kills the holder of the lock. The next program waits for the lock, and must get a session within
 * `leftInPeriod + patience` milliseconds after the kill.
 */
const patience = 6000

/** Length of a TOTP period, in milliseconds. */
const period = 30_000

const codesOf = (bodies: ReadonlyArray<string>): ReadonlyArray<string> =>
  bodies.flatMap((body) => /"totp":"(\d+)"/.exec(body)?.[1] ?? [])

const countAfter = async (tally: Tally, broker: Broker, killedAt: number, outcome: Outcome | undefined) => {
  const logins = await broker.exchanges()
  tally.equal("all logins", logins.length, 2)
  tally.equal("sessions that the next program got", outcome?._tag === "Session" ? 1 : 0, 1)
  const [first, second] = logins
  if (first === undefined || second === undefined) return
  if (!broker.hasTotp) return tally.within("time from the kill to the next login", second.at - killedAt, 1000)
  tally.equal("different codes in the two logins", new Set(codesOf([first.body, second.body])).size, 2)
  const from = Math.max(killedAt, (Math.floor(first.at / period) + 1) * period)
  return tally.within(
    "time from the kill to the second login, without the wait for the next TOTP period",
    second.at - from,
    1000
  )
}

const killOnce = async (torture: Torture, setups: ReadonlyArray<Setup>) => {
  const [holder, next] = await torture.programs(2)
  if (holder === undefined || next === undefined) throw new Error("There is no program.")
  const waiting = new Map<string, Promise<Outcome>>()
  await torture.each(setups, async (setup, tally) => {
    const { broker, name } = setup
    await openIn([holder, next], setup, torture.broken ? "lock-left-behind" : undefined)
    if (broker.hasTotp) await broker.advanceInPeriod(leftInPeriod)
    await follow([holder, next], setup)
    await broker.inject(broker.loginEndpoint, { kind: "latency", duration: "20 seconds" })
    void holder.tell({ do: "session", name })
    await waitUntil("the first login", async () => (await broker.exchanges()).length === 1)
    waiting.set(name, next.tell({ do: "session", name }))
    // In this time, the next program starts to wait for the lock.
    await wait(300)
    tally.equal("logins while the holder waits for the broker", (await broker.exchanges()).length, 1)
  })
  await holder.kill()
  const killedAt = Date.now()
  await torture.each(setups, async ({ broker, name }, tally) => {
    const outcome = await Promise.race([waiting.get(name), wait(leftInPeriod + patience).then(() => undefined)])
    await countAfter(tally, broker, killedAt + broker.ahead(), outcome)
  })
  // With the broken lock, the next program would wait forever.
  if (torture.broken) await next.kill()
}

export const scenario: Scenario = {
  summary: "the holder of the lock is killed during its login, and the next program gets the lock",
  breaks: "the lock is a file, which remains if its holder is killed",
  alone: true,
  seconds: { quick: 60, full: 240 },
  run: async (torture) => {
    torture.defer(removeLeftLocks)
    for (let time = 0; time < torture.pick({ quick: 1, full: 10 }); time++) {
      await killOnce(torture, await torture.setups())
    }
  }
}
