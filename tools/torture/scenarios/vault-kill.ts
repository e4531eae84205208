/**
 * A program is killed while it writes. The vault must be intact. It must contain the last session that was reported as
 * written, or a newer session.
 */
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { adopt } from "../../interop/peer.ts"
import { type Scenario, type Torture, wait, waitUntil } from "../harness.ts"
import { makeRandom, type Random } from "../random.ts"
import { account, isValueOf } from "../rotating.ts"

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "../writer.ts")

/** Maximum of the random time before a kill, in milliseconds. */
const longestLife = 40

/** Whether the kill may come before the first reported write. */
const isEarly = (random: Random): boolean => random.below(5) === 0

interface Writer {
  readonly child: ChildProcess
  /** Resolves when the writer has loaded its modules. */
  readonly isReady: Promise<void>
  /** Returns the last version that the writer reported as written, or 0. */
  readonly acknowledged: () => number
}

const startWriter = (torture: Torture): Writer => {
  const args = ["--conditions=@auth/source", script, torture.broken ? "before" : "after"]
  const env = { ...process.env, ...torture.env }
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "inherit"] })
  adopt(child)
  let said = ""
  const isReady = new Promise<void>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", () => reject(new Error("A writer exited unexpectedly.")))
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (said.startsWith("ready\n")) resolve()
    })
  })
  // Prevents an unhandled rejection if the writer is killed before it is ready.
  isReady.catch(() => undefined)
  return {
    child,
    isReady,
    // The kill can make the last line incomplete, so the text after the last line break is ignored.
    acknowledged: () => Number(said.split("\n").slice(1, -1).at(-1) ?? 0)
  }
}

const kill = async ({ child }: Writer): Promise<void> => {
  const end = child.exitCode ?? child.signalCode
  if (end !== null) throw new Error(`A writer ended unexpectedly with ${end}.`)
  const closed = new Promise((resolve) => child.once("close", resolve))
  child.kill("SIGKILL")
  await closed
}

const readVault = (torture: Torture, folder: string) =>
  SessionStore.SessionStore.pipe(
    Effect.flatMap((store) => store.get(account, "session")),
    Effect.provide(
      NodeVault.layerStore({ folder }).pipe(
        Layer.provide(VaultKey.layerConfig()),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BROKER_AUTH_KEY: torture.key })))
      )
    ),
    Effect.result,
    Effect.runPromise
  )

interface Found {
  kills: number
  /** Kills after which the vault was unreadable or contained a damaged session. */
  corrupt: number
  /** Kills after which the vault's session was older than the last reported session. */
  lost: number
  /** Kills between a write and its report. */
  unsaid: number
  /** Kills before the writer's first report. */
  early: number
  /** Files that other users can access. */
  open: number
}

const isOpenToOthers = (file: string): boolean => (fs.statSync(file).mode & 0o077) !== 0

const judge = async (torture: Torture, folder: string, acknowledged: number, found: Found): Promise<number> => {
  found.kills += 1
  const read = await readVault(torture, folder)
  found.open += fs.readdirSync(folder).filter((name) => isOpenToOthers(path.join(folder, name))).length
  if (Result.isFailure(read)) {
    found.corrupt += 1
    return acknowledged
  }
  const version = read.success?.version ?? 0
  if (read.success !== undefined && !isValueOf(version, read.success.value)) found.corrupt += 1
  if (version < acknowledged) found.lost += 1
  if (version > acknowledged) found.unsaid += 1
  return version
}

const runLane = async (torture: Torture, kills: number, found: Found): Promise<void> => {
  const folder = torture.folder()
  const random = makeRandom(torture.random.below(2 ** 32))
  let version = 0
  let next = startWriter(torture)
  for (let number = 1; number <= kills; number++) {
    const writer = next
    await writer.isReady
    // The next writer loads its modules while the current writer writes.
    next = startWriter(torture)
    writer.child.stdin?.write(`${folder}\n`)
    if (!isEarly(random)) await waitUntil("the first write", () => writer.acknowledged() > 0)
    await wait(random.next() * longestLife)
    await kill(writer)
    if (writer.acknowledged() === 0) found.early += 1
    version = await judge(torture, folder, Math.max(version, writer.acknowledged()), found)
    torture.progress(`${found.kills} kills`)
  }
  await kill(next)
}

export const scenario: Scenario = {
  summary: "a program is killed while it writes one session after another",
  breaks: "the program reports each session before it writes the session",
  seconds: { quick: 60, full: 1200 },
  run: async (torture) => {
    const [lanes, kills] = torture.pick({ quick: [2, 16], full: [2, 500] } as const)
    await torture.attempt(`${lanes} vaults`, async (tally) => {
      const found: Found = { kills: 0, corrupt: 0, lost: 0, unsaid: 0, early: 0, open: 0 }
      await Promise.all(Array.from({ length: lanes }, () => runLane(torture, kills, found)))
      tally.equal("kills", found.kills, lanes * kills)
      tally.equal("kills that left the vault unreadable or damaged", found.corrupt, 0)
      tally.equal("lost sessions that were reported as written", found.lost, 0)
      tally.equal("files that other users can access", found.open, 0)
      // A kill before the writer's first report tests little, because this writer has not reported a session that the
      // vault could lose. So at least a quarter of the kills must come after the first report.
      tally.atLeast("kills after the writer's first report", found.kills - found.early, Math.floor(found.kills / 4))
      tally.note("kills between a write and its report", found.unsaid)
    })
  }
}
