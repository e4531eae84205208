import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as checked from "../src/internal/checked.ts"
import * as sqlite from "../src/internal/sqlite.ts"
import * as vaultFile from "../src/internal/vaultFile.ts"
import { account, bytes, filesIn, freshFolder, start, textOf, using } from "./support.ts"

const places = [
  { account: "angel/production/default/A123456", slot: "session" },
  { account: "samco/production/default/DV99999", slot: "session" },
  { account: "samco/production/default/DV99999", slot: "guard" }
] as const

const [angel, samco, guard] = places

const filler = "x".repeat(3000)

const valueOf = (text: string): Uint8Array => new TextEncoder().encode(`${text}|${filler}`)

const newest = ["3 angel again", "1 samco", "1 guard"]
/** The content before the last write. */
const before = ["2 angel", "1 samco", "1 guard"]

type Files = Readonly<Record<string, Uint8Array>>

const filesOf = (folder: string): Files =>
  Object.fromEntries(filesIn(folder).map((file) => [file, Fs.readFileSync(Path.join(folder, file))]))

/** If `end` does nothing, the last write stays in the write-ahead log, as after a crash. */
const writtenFiles = (folder: string, end: (database: Parameters<typeof vaultFile.write>[0]) => void): Files => {
  Fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  return sqlite.opened(Path.join(folder, "sessions.db"), (database) => {
    vaultFile.prepare(database)
    vaultFile.write(database, angel, valueOf("angel first"), 0)
    vaultFile.write(database, samco, valueOf("samco"), 0)
    vaultFile.write(database, guard, valueOf("guard"), 0)
    vaultFile.write(database, angel, valueOf("angel"), 1)
    vaultFile.emptyLog(database)
    vaultFile.write(database, angel, valueOf("angel again"), 2)
    end(database)
    const files = filesOf(folder)
    sqlite.close(database)
    return files
  })
}

const look = (folder: string, files: Files): string => {
  for (const file of filesIn(folder)) Fs.rmSync(Path.join(folder, file))
  for (const [file, content] of Object.entries(files)) Fs.writeFileSync(Path.join(folder, file), content)
  const path = Path.join(folder, "sessions.db")
  const read = sqlite.run(path, () =>
    sqlite.opened(path, (database) => {
      const vault = vaultFile.prepare(database)
      const found = places.map((place) => {
        const { value, version } = vaultFile.read(vault, place) ?? { version: 0, value: valueOf("nothing") }
        const [text, rest] = new TextDecoder().decode(value).split("|")
        return `${version} ${rest === filler ? text : "garbage"}`
      })
      sqlite.close(database)
      return found.join()
    })
  )
  const result = Effect.runSync(Effect.result(read))
  return Result.isSuccess(result) ? result.success : result.failure._tag
}

const flips = function* (files: Files, file: string, offsets: Iterable<number>): Generator<readonly [number, Files]> {
  const content = files[file] ?? new Uint8Array(0)
  for (const offset of offsets) {
    const changed = Uint8Array.from(content)
    changed[offset] = (changed[offset] ?? 0) ^ (1 << ((offset * 5) % 8))
    yield [offset, { ...files, [file]: changed }]
  }
}

/** Offsets at the start of the file and of each page, and every `step`-th offset. */
const steps = (length: number, step: number): ReadonlyArray<number> =>
  Array.from({ length }, (_, offset) => offset).filter(
    (offset) => offset < 100 || offset % 4096 < 40 || offset % step === 0
  )

const tally = (folder: string, files: Files, file: string, step: number): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (const [, changed] of flips(files, file, steps(files[file]?.length ?? 0, step))) {
    const seen = look(folder, changed)
    found[seen] = (found[seen] ?? 0) + 1
  }
  return found
}

describe("vaults: a vault", { tags: ["thorough"] }, () => {
  const minutes = 600_000

  it.live(
    "returns no old or wrong session after a bit flip in the database file",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const files = writtenFiles(folder, vaultFile.emptyLog)
        assert.strictEqual(files["sessions.db-wal"]?.length, 0)
        assert.strictEqual(look(folder, files), newest.join())
        const found = tally(folder, files, "sessions.db", 1)
        assert.hasAllKeys(found, ["Damaged", newest.join()])
        assert.isAbove(found["Damaged"] ?? 0, 50)
      }),
    minutes
  )

  it.live(
    "returns its newest sessions after a bit flip in the shared-memory file",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const files = writtenFiles(folder, () => undefined)
        assert.hasAllKeys(tally(folder, files, "sessions.db-shm", 997), [newest.join()])
      }),
    minutes
  )

  it.live(
    "returns no wrong session after a bit flip in the write-ahead log",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const files = writtenFiles(folder, () => undefined)
        assert.isAbove(files["sessions.db-wal"]?.length ?? 0, 4096)
        const found = tally(folder, files, "sessions.db-wal", 1)
        assert.includeMembers(["Damaged", before.join(), newest.join()], Object.keys(found))
      }),
    minutes
  )
})

it.effect("two concurrent programs create a database only once", () =>
  Effect.gen(function* () {
    const path = yield* freshFolder
    Fs.writeFileSync(path, "")
    const design = { format: 1, tables: [] }
    const [slow, fast] = [sqlite.open(path), sqlite.open(path)]
    let looks = 0
    // `slow` checks twice whether the file has tables. `fast` creates the tables between the two checks.
    const watched = new Proxy(slow, {
      get: (target, name) => {
        if (name === "exec" && looks++ === 0) checked.createOnce(fast, design, () => ({ made: "fast" }))
        const member = Reflect.get(target, name) as unknown
        return typeof member === "function" ? (member.bind(target) as unknown) : member
      }
    })
    checked.createOnce(watched, design, () => ({ made: "slow" }))
    assert.deepStrictEqual([checked.read(slow, "made"), checked.read(fast, "made")], ["fast", "fast"])
    slow.close()
    fast.close()
  })
)

it.live("a vault whose entries are in the wrong order is reported as damaged", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    const files = writtenFiles(folder, vaultFile.emptyLog)
    const database = Buffer.from(files["sessions.db"] ?? [])
    // Swaps the offsets of two entries in a page. Page format: https://sqlite.org/fileformat2.html, section 1.6.
    const pages = Array.from({ length: database.length / 4096 }, (_, index) => index * 4096)
    const leaf = pages.find((at) => database[at] === 0x0a && database.readUInt16BE(at + 3) === places.length) ?? 0
    const [first, second] = [database.readUInt16BE(leaf + 8), database.readUInt16BE(leaf + 10)]
    database.writeUInt16BE(second, leaf + 8)
    database.writeUInt16BE(first, leaf + 10)
    assert.isAbove(leaf, 0)
    const path = Path.join(folder, "sessions.db")
    Fs.writeFileSync(path, database)
    const opening = sqlite.run(path, () => sqlite.opened(path, vaultFile.prepare))
    assert.strictEqual((yield* Effect.flip(opening))._tag, "Damaged")
  })
)

it.live("a truncated vault that has lost a session is reported as damaged", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    const files = writtenFiles(folder, vaultFile.emptyLog)
    const whole = files["sessions.db"] ?? new Uint8Array(0)
    for (const length of [1, 99, 100, 512, 4095, 4096, 4097, 8192, whole.length - 4096]) {
      assert.strictEqual(look(folder, { "sessions.db": whole.subarray(0, length) }), "Damaged", `${length} bytes`)
    }
    assert.include(["Damaged", newest.join()], look(folder, { "sessions.db": whole.subarray(0, whole.length - 1) }))
  })
)

it.live(
  "a program killed during a write loses no stored session",
  () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      let stored = 0
      for (const delay of [0, 3, 7, 12, 18, 25]) {
        const { child, ended, printed, says } = yield* start("writer.ts", [folder, "20000"])
        yield* says(`stored ${stored + 3}\n`)
        yield* Effect.sleep(delay)
        child.kill("SIGKILL")
        assert.strictEqual((yield* ended).signal, "SIGKILL")
        const acknowledged = Number(/stored (\d+)\n[^\n]*$/.exec(printed.stdout)?.[1])
        const entry = yield* using(folder, ({ store }) => store.get(account, "session"))
        stored = entry?.version ?? 0
        // The program may be killed after it stores a version, but before it prints the version.
        assert.include([acknowledged, acknowledged + 1], stored)
        assert.strictEqual(textOf(entry), `${stored} ${"x".repeat(20_000)}`)
        assert.deepStrictEqual(filesIn(folder), ["sessions.db"])
      }
    }),
  { tags: ["thorough"] }
)

it.live("a failed write does not change the stored session", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    yield* using(folder, ({ store }) => store.put(account, "session", bytes("last good"), 0))
    const limited = ["sh", "-c", 'ulimit -f 400; exec "$@"', "sh"]
    const { ended, printed } = yield* start("writer.ts", [folder, "500000"], { before: limited })
    yield* ended
    const [, failed = "{}"] = printed.stdout.split("failed ")
    const error = JSON.parse(failed) as Readonly<Record<string, unknown>>
    assert.deepInclude(error, { operation: "put", reason: "Io", isRetryable: true })
    assert.match(String(error["message"]), /^Could not write the session in .* \(EIO\)$/)
    const entry = yield* using(folder, ({ store }) => store.get(account, "session"))
    assert.strictEqual(textOf(entry), "last good")
  })
)

describe("vaults: sqlite.failureOf", () => {
  const codes: ReadonlyArray<readonly [errcode: number, failure: string]> = [
    [1, "Damaged"],
    [5, "Busy"],
    [261, "Busy"],
    [517, "Busy"],
    [6, "Busy"],
    [7, "Failed ENOMEM"],
    [10, "Failed EIO"],
    [778, "Failed EIO"],
    [522, "Damaged"],
    [2826, "Busy"],
    [3850, "Failed ENOLCK"],
    [8458, "Damaged"],
    [11, "Damaged"],
    [779, "Damaged"],
    [13, "Failed ENOSPC"],
    [15, "Busy"],
    [1032, "Failed ESTALE"],
    [26, "Damaged"]
  ]
  for (const [errcode, expected] of codes) {
    it(`maps SQLite's result code ${errcode} to ${expected}`, () => {
      const failure = sqlite.failureOf({ code: "ERR_SQLITE_ERROR", errcode }, Path.join(import.meta.dirname, "x.db"))
      assert.strictEqual(failure._tag === "Failed" ? `Failed ${failure.systemCode}` : failure._tag, expected)
    })
  }

  it.effect("returns the system's error code if the file cannot be opened", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const path = Path.join(folder, "none", "x.db")
      for (const errcode of [8, 14, 526]) {
        assert.deepInclude(sqlite.failureOf({ code: "ERR_SQLITE_ERROR", errcode }, path), { systemCode: "ENOENT" })
      }
    })
  )

  it("rethrows an error that SQLite did not throw", () => {
    const bug = new TypeError("a bug")
    assert.throws(() => sqlite.failureOf(bug, "/x"), bug)
  })
})
