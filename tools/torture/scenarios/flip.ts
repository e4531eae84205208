/** One bit of the stored data is changed. A program must read the original data, or fail with `Tampered`. */
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { startPeer } from "../../interop/peer.ts"
import { entries } from "../flipped.ts"
import type { Findings, Flip, Request } from "../flipper.ts"
import type { Scenario, Torture } from "../harness.ts"

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "../flipper.ts")

const write = Effect.gen(function* () {
  const store = yield* SessionStore.SessionStore
  const lock = yield* SessionLock.SessionLock
  for (const { account, slot, value, version } of entries) {
    for (let written = 0; written < version; written++) {
      const last = written + 1 === version
      yield* store.put(account, slot, Redacted.make(last ? value : new TextEncoder().encode("an older one")), written)
    }
  }
  yield* lock.withLock(entries[0].account, () => Effect.void)
})

/** Writes a vault, copies it while it is open, and closes it. */
const makeVaults = async (torture: Torture) => {
  const closed = torture.folder()
  const open = path.join(torture.folder(), "vault")
  const copy = Effect.sync(() => fs.cpSync(closed, open, { recursive: true }))
  await Effect.andThen(write, copy).pipe(
    Effect.provide(
      NodeVault.layer({ folder: closed }).pipe(
        Layer.provide(VaultKey.layerConfig()),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BROKER_AUTH_KEY: torture.key })))
      )
    ),
    Effect.runPromise
  )
  return { closed, open }
}

const sizesOf = (folder: string): ReadonlyArray<readonly [file: string, size: number]> =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name)
      return [path.relative(folder, file), fs.statSync(file).size] as const
    })

const everyByte = ({ random }: Torture, folder: string): ReadonlyArray<Flip> =>
  sizesOf(folder).flatMap(([file, size]) =>
    Array.from({ length: size }, (_, offset): Flip => [file, offset, random.below(8)])
  )

/** Uses only the files that exist in an open vault, but not in a closed vault. */
const everyByteBeside = (torture: Torture, open: string, closed: string): ReadonlyArray<Flip> => {
  const atRest = new Set(sizesOf(closed).map(([file]) => file))
  return everyByte(torture, open).filter(([file]) => !atRest.has(file))
}

const sealedMagic = Buffer.from("BAV\u0001")

/** In bytes: 60 for sealing, 32 for the checksum of the row, and a margin of 20. */
const overhead = 112

/**
 * Returns every bit of the stored entries. Each entry starts with `sealedMagic`. The end of an entry is unknown, so
 * every entry is taken to be as long as the longest entry.
 */
const everyBit = (folder: string): ReadonlyArray<Flip> => {
  const file = "sessions.db"
  const bytes = fs.readFileSync(path.join(folder, file))
  const longest = Math.max(...entries.map(({ value }) => value.length)) + overhead
  const flips: Array<Flip> = []
  let end = 0
  for (let at = bytes.indexOf(sealedMagic); at !== -1; at = bytes.indexOf(sealedMagic, at + 1)) {
    for (let offset = Math.max(at, end); offset < Math.min(at + longest, bytes.length); offset++) {
      for (let bit = 0; bit < 8; bit++) flips.push([file, offset, bit])
    }
    end = Math.min(at + longest, bytes.length)
  }
  return flips
}

const sample = ({ random }: Torture, flips: ReadonlyArray<Flip>, count: number): ReadonlyArray<Flip> =>
  Array.from({ length: count }, () => flips[random.below(flips.length)]).filter((flip) => flip !== undefined)

/** Number of bits that a child process tests per request. */
const batch = 100

const flipAll = async (torture: Torture, pristine: string, flips: ReadonlyArray<Flip>): Promise<Findings> => {
  const all: Record<string, number> = {}
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    const env = { ...torture.env }
    const peer = await startPeer(script, { cwd: torture.folder(), env })
    torture.defer(peer.kill)
    const folder = path.join(torture.folder(), "vault")
    while (next < flips.length) {
      const some = flips.slice(next, next + batch)
      next += batch
      const request: Request = { pristine, folder, flips: some, isNaive: torture.broken }
      const findings = await peer.call<Findings>(request, 120_000)
      for (const [finding, count] of Object.entries(findings)) all[finding] = (all[finding] ?? 0) + count
      done += some.length
      torture.progress(`${done} of ${flips.length} bits`)
    }
    await peer.stop()
  }
  await Promise.all([work(), work()])
  return all
}

const count = (torture: Torture, title: string, folder: string, flips: ReadonlyArray<Flip>) =>
  torture.attempt(title, async (tally) => {
    const { intact = 0, Tampered = 0, ...others } = await flipAll(torture, folder, flips)
    const wrong = Object.entries(others)
    tally.equal("bits changed", intact + Tampered + wrong.reduce((sum, [, many]) => sum + many, 0), flips.length)
    tally.note("results with the original data", intact)
    tally.note("results with Tampered", Tampered)
    for (const [finding, many] of wrong) tally.equal(finding, many, 0)
    tally.equal("kinds of wrong results", wrong.length, 0)
  })

export const scenario: Scenario = {
  summary: "one bit in the files of a vault is changed; the scenario tests many bits",
  breaks: "the data is read without a check",
  seconds: { quick: 40, full: 1800 },
  run: async (torture) => {
    const { closed, open } = await makeVaults(torture)
    if (torture.size === "quick") {
      await count(torture, "a closed vault", closed, sample(torture, everyByte(torture, closed), 200))
      await count(torture, "entries of a closed vault", closed, sample(torture, everyBit(closed), 150))
      return count(
        torture,
        "files that exist only while a vault is open",
        open,
        sample(torture, everyByteBeside(torture, open, closed), 50)
      )
    }
    await count(torture, "every byte of a closed vault", closed, everyByte(torture, closed))
    await count(torture, "every bit of the entries of a closed vault", closed, everyBit(closed))
    await count(
      torture,
      "every byte of the files that exist only while a vault is open",
      open,
      everyByteBeside(torture, open, closed)
    )
  }
}
