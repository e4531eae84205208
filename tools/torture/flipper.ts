/** Changes single bits in copies of a vault, reads each copy, and counts the results. */
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { servePeer } from "../interop/peer.ts"
import { entries, keyOf, type Place } from "./flipped.ts"

export type Flip = readonly [file: string, offset: number, bit: number]

export interface Request {
  /** Folder of the original vault, which is not changed. */
  readonly pristine: string
  /** Folder for the copy with one changed bit. */
  readonly folder: string
  readonly flips: ReadonlyArray<Flip>
  /** Whether to read the database with `node:sqlite` alone, without the checks of `NodeVault`. */
  readonly isNaive: boolean
}

/** How often each result occurred. `intact` and `Tampered` are correct results. Any other result is a defect. */
export type Findings = Readonly<Record<string, number>>

const bytesEqual = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

const readVault = (folder: string) =>
  Effect.gen(function* () {
    const store = yield* SessionStore.SessionStore
    const lock = yield* SessionLock.SessionLock
    for (const entry of entries) {
      const found = yield* store.get(entry.account, entry.slot)
      if (found === undefined) return "a missing entry"
      if (!bytesEqual(Redacted.value(found.value), entry.value)) return "another session"
      if (found.version !== entry.version) return "another version"
    }
    yield* lock.withLock(entries[0].account, ({ check }) => check)
    return "intact"
  }).pipe(
    Effect.provide(NodeVault.layer({ folder, acquireTimeout: "1 second" }).pipe(Layer.provide(VaultKey.layerConfig()))),
    Effect.catch((error) => Effect.succeed(error.reason._tag))
  )

const readNaively = (folder: string, wanted: ReadonlyMap<Place, Uint8Array>): string => {
  const database = new DatabaseSync(path.join(folder, "sessions.db"))
  const query = database.prepare("SELECT value FROM entry WHERE account = ? AND slot = ?")
  const isIntact = entries.every((entry) => {
    const value = query.get(...keyOf(entry))?.["value"]
    return value instanceof Uint8Array && bytesEqual(value, wanted.get(entry) ?? new Uint8Array())
  })
  database.close()
  return isIntact ? "intact" : "another session"
}

const attempt = (read: () => string): string => {
  try {
    return read()
  } catch {
    return "a crash"
  }
}

const flipped = (bytes: Buffer, offset: number, bit: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[offset] = (copy[offset] ?? 0) ^ (1 << bit)
  return copy
}

const load = (folder: string): ReadonlyMap<string, Buffer> =>
  new Map(
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name)
        return [path.relative(folder, file), fs.readFileSync(file)] as const
      })
  )

const put = (folder: string, files: ReadonlyMap<string, Buffer>): void => {
  fs.rmSync(folder, { recursive: true, force: true })
  for (const [name, bytes] of files) {
    const file = path.join(folder, name)
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    fs.writeFileSync(file, bytes, { mode: 0o600 })
  }
}

const valuesOf = (folder: string): ReadonlyMap<Place, Uint8Array> => {
  const database = new DatabaseSync(path.join(folder, "sessions.db"))
  const query = database.prepare("SELECT value FROM entry WHERE account = ? AND slot = ?")
  const values = entries.map((entry) => [entry, query.get(...keyOf(entry))?.["value"] as Uint8Array] as const)
  database.close()
  return new Map(values)
}

const describeDefect = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return VaultError.isVaultError(error) ? error.reason._tag : `a crash: ${String(error).split("\n")[0]}`
}

servePeer(async ({ flips, folder, isNaive, pristine }: Request): Promise<Findings> => {
  const files = load(pristine)
  put(folder, files)
  const wanted = isNaive ? valuesOf(folder) : new Map<Place, Uint8Array>()
  const findings: Record<string, number> = {}
  for (const [file, offset, bit] of flips) {
    const bytes = files.get(file)
    if (bytes === undefined) throw new Error(`The vault has no file ${file}.`)
    put(folder, new Map([...files, [file, flipped(bytes, offset, bit)]]))
    const finding = isNaive
      ? attempt(() => readNaively(folder, wanted))
      : await Effect.runPromiseExit(readVault(folder)).then(
          Exit.match({ onFailure: describeDefect, onSuccess: (found) => found })
        )
    findings[finding] = (findings[finding] ?? 0) + 1
  }
  return findings
})
