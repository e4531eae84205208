/**
 * The disk is full, fails, or is read-only. Each call must return a session or a typed failure. No stored session may
 * be lost. At most one login may be sent during the failure.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import {
  NotHere,
  oneOf,
  openIn,
  type Program,
  type Scenario,
  type Setup,
  type Tally,
  tellOpen,
  type Torture,
  wait,
  waitUntil
} from "../harness.ts"
import type { Outcome } from "../protocol.ts"
import { throughTrouble, troubles } from "../refusal.ts"

/** How many times a program requests a session during a failure. */
const asks = 3
/**
 * Milliseconds between two of these requests. After the first failed renewal, the program tries no renewal for 1 to 1.5
 * seconds. The second request is made during this pause. The third request is made after the pause.
 */
const between = 800

/**
 * Milliseconds. If no session is live, the pause after a failed renewal lasts at most 22.5 seconds. The rest is a
 * margin.
 */
const longestPause = 25_000

/** Id of the user `nobody`. A program that runs as root switches to this user, because root ignores file modes. */
const nobody = 65_534

const brokenOf = ({ broken }: Torture) => (broken ? ("hides-failures" as const) : undefined)

const sqliteSetups = (torture: Torture) => torture.setups({ places: ["sqlite"] })

/**
 * Returns the token of the stored session. This session expired at the broker's daily cut-off. So the function first
 * sets the program's clock back to `ahead`, the clock's offset before the cut-off.
 */
const storedBefore = async (program: Program, setup: Setup, ahead: number): Promise<string | undefined> => {
  await openIn([program], setup)
  await program.tell({ do: "clock", name: setup.name, ahead })
  const found = await program.tell({ do: "peek", name: setup.name })
  return found._tag === "Session" ? found.token : undefined
}

const askOften = async (program: Program, name: string): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  for (let ask = 0; ask < asks; ask++) {
    outcomes.push(await program.tell({ do: "session", name }, 60_000))
    await wait(between)
  }
  return outcomes
}

const failsWith = (outcome: Outcome, code: string): boolean =>
  outcome._tag === "Failed" && outcome.error === "VaultError" && outcome.reason === "Io" && outcome.systemCode === code

/** Linux refuses some system calls of the program `troubled`: see `refusal.ts`. */
const startInTrouble = async (
  torture: Torture,
  tally: Tally,
  setup: Setup,
  [healthy, troubled]: readonly [Program, Program],
  code: string
) => {
  const { broker, name } = setup
  const [good] = broker.issued()
  const before = broker.ahead()
  const opened = await tellOpen(troubled, setup, brokenOf(torture))
  const first = opened ?? (await troubled.tell({ do: "session", name }))
  tally.equal(
    "first answers that are the stored session or a typed failure",
    failsWith(first, code) || (first._tag === "Session" && first.token === good) ? 1 : 0,
    1
  )
  await broker.advanceToCutOff()
  await troubled.tell({ do: "clock", name, ahead: broker.ahead() })
  const outcomes = opened === undefined ? await askOften(troubled, name) : [opened]
  tally.equal(
    `answers other than the failure Io with ${code}`,
    outcomes.filter((outcome) => !failsWith(outcome, code)).length,
    0
  )
  tally.atMost("logins during the failure", (await broker.exchanges()).length - 1, 1)
  tally.equal("valid sessions lost", (await storedBefore(healthy, setup, before)) === good ? 0 : 1, 0)
  const logins = (await broker.exchanges()).length
  await healthy.tell({ do: "clock", name, ahead: broker.ahead() })
  const after = await healthy.tell({ do: "session", name }, 60_000)
  tally.equal("sessions that a healthy program got afterwards", after._tag === "Session" ? 1 : 0, 1)
  tally.atMost("logins of the healthy program", (await broker.exchanges()).length - logins, 1)
}

const prepare = async (torture: Torture) => {
  const healthy = await oneOf(torture.programs(1))
  const setups = await sqliteSetups(torture)
  await torture.each(setups, async (setup) => {
    await openIn([healthy], setup)
    await healthy.tell({ do: "session", name: setup.name })
  })
  return { healthy, setups }
}

const refuseCalls = async (torture: Torture, title: keyof typeof troubles) => {
  const { healthy, setups } = await prepare(torture)
  const troubled = await torture.special({ through: throughTrouble(title) }).catch((error: unknown) => {
    // `throughTrouble` starts Perl, which prints `seccomp: …` if the machine forbids seccomp filters.
    throw /seccomp: /.test(String(error)) ? new NotHere("this machine forbids seccomp filters") : error
  })
  await torture.each(retitled(setups, title), (setup, tally) =>
    startInTrouble(torture, tally, setup, [healthy, troubled], troubles[title].error)
  )
}

const retitled = (setups: ReadonlyArray<Setup>, title: string): ReadonlyArray<Setup> =>
  setups.map((setup) => ({ ...setup, title: `${title}, ${setup.broker.id}` }))

const makeReadOnly = (folder: string, owner: number | undefined): void => {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    fs.chmodSync(file, entry.isDirectory() ? 0o500 : 0o400)
    if (owner !== undefined) fs.chownSync(file, owner, owner)
  }
  fs.chmodSync(folder, 0o500)
  if (owner !== undefined) fs.chownSync(folder, owner, owner)
}

const makeWritable = (folder: string, owner: number | undefined): void => {
  for (const entry of [
    folder,
    ...fs.readdirSync(folder, { recursive: true }).map((name) => path.join(folder, String(name)))
  ]) {
    fs.chmodSync(entry, fs.statSync(entry).isDirectory() ? 0o700 : 0o600)
    if (owner !== undefined) fs.chownSync(entry, 0, 0)
  }
}

const readOnlyFolder = async (torture: Torture, title: string) => {
  const owner = process.getuid?.() === 0 ? nobody : undefined
  const setups = retitled(await sqliteSetups(torture), title)
  const [first, second] = [await torture.special({}), await oneOf(torture.programs(1))]
  await torture.each(setups, async (setup) => {
    await openIn([second], setup)
    await second.tell({ do: "session", name: setup.name })
  })
  await second.tell({ do: "close" })
  await torture.each(setups, async (setup) => {
    if (setup.place.kind !== "sqlite") return
    // The user `nobody` needs access to the parent folder.
    if (owner !== undefined) fs.chmodSync(path.dirname(setup.place.folder), 0o711)
    makeReadOnly(setup.place.folder, owner)
  })
  if (owner !== undefined) await first.tell({ do: "become", user: owner })
  await torture.each(setups, async (setup, tally) => {
    const { broker, name, place } = setup
    const [good] = broker.issued()
    const before = broker.ahead()
    const opened = await tellOpen(first, setup, brokenOf(torture))
    await broker.advanceToCutOff()
    await first.tell({ do: "clock", name, ahead: broker.ahead() })
    const outcomes = opened === undefined ? await askOften(first, name) : [opened]
    tally.equal(
      "answers other than the failure Io with EACCES",
      outcomes.filter((outcome) => !failsWith(outcome, "EACCES")).length,
      0
    )
    tally.atMost("logins during the failure", (await broker.exchanges()).length - 1, 1)
    if (place.kind === "sqlite") makeWritable(place.folder, owner)
    tally.equal("valid sessions lost", (await storedBefore(second, setup, before)) === good ? 0 : 1, 0)
  })
}

const limitFiles = (program: Program, bytes: number | "unlimited"): void => {
  execFileSync("prlimit", ["--pid", String(program.pid), `--fsize=${bytes}:unlimited`])
}

/** A running program temporarily cannot write to files. */
const forAWhile = async (torture: Torture, title: string) => {
  if (process.platform !== "linux") throw new NotHere("this case needs Linux, because it uses prlimit")
  const setups = retitled(await sqliteSetups(torture), title)
  const [program, other] = await torture.programs(2)
  if (program === undefined || other === undefined) throw new Error("There is no program.")
  await torture.each(setups, async (setup) => {
    await openIn([program], setup, brokenOf(torture))
    const { broker, name } = setup
    await program.tell({ do: "session", name })
    await broker.advanceToCutOff()
    await program.tell({ do: "clock", name, ahead: broker.ahead() })
    await broker.inject(broker.loginEndpoint, { kind: "latency", duration: "1 second" })
    void program.tell({ do: "session", name })
    await waitUntil("the login", async () => (await broker.exchanges()).length === 2)
  })
  // The limit begins while the login is pending, so the program cannot store the new session.
  limitFiles(program, 1)
  await torture.each(setups, async ({ broker, name }, tally) => {
    const outcomes = await askOften(program, name)
    tally.equal(
      "answers other than the failure Io with EIO",
      outcomes.filter((outcome) => !failsWith(outcome, "EIO")).length,
      0
    )
    tally.equal("logins during the failure", (await broker.exchanges()).length - 1, 1)
  })
  limitFiles(program, "unlimited")
  await torture.each(setups, async (setup, tally) => {
    const { broker, name } = setup
    const isBack = async () => (await program.tell({ do: "session", name }, 60_000))._tag === "Session"
    const took = await waitUntil("a session", isBack, 30_000)
    await tally.within("time from the end of the limit until the program has a session", took, longestPause)
    tally.equal("logins after the cut-off", (await broker.exchanges()).length - 1, 1)
    await openIn([other], setup)
    const found = await other.tell({ do: "peek", name })
    tally.equal(
      "other programs that find the new session",
      found._tag === "Session" && found.token === broker.issued().at(-1) ? 1 : 0,
      1
    )
  })
}

export const scenario: Scenario = {
  summary: "the disk is full, fails, or is read-only",
  breaks: "the store and the lock hide their failures",
  seconds: { quick: 60, full: 90 },
  run: async (torture) => {
    const refused = Object.keys(troubles) as ReadonlyArray<keyof typeof troubles>
    await Promise.all([
      ...refused.map((title) => torture.attempt(title, () => refuseCalls(torture, title))),
      torture.attempt("a read-only folder", () => readOnlyFolder(torture, "a read-only folder")),
      torture.attempt("a temporary limit on file size", () => forAWhile(torture, "a temporary limit on file size"))
    ])
  }
}
