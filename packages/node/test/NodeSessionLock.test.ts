import { assert, describe, it } from "@effect/vitest"
import { steady, steadyTimeout } from "../../../tools/stalls/stalls.ts"
import * as Account from "@auth/broker-core/login/Account"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as NodeSessionLock from "@auth/node/NodeSessionLock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { makeNewer } from "./newer.ts"
import { account, filesIn, freshFolder, modeOf, other, reasonOf, start } from "./support.ts"

type Lock = SessionLock["Service"]

/** Two locks of the same folder share files but no memory, like the locks of two programs. */
const make = (folder: string, options: NodeSessionLock.Options = {}) => NodeSessionLock.make({ folder, ...options })

const fenceOf = (lock: Lock) => lock.withLock(account, ({ fence }) => Effect.succeed(fence))

const occupy = Effect.fnUntraced(function* (lock: Lock) {
  const entered = yield* Deferred.make<void>()
  const leave = yield* Deferred.make<void>()
  const fiber = yield* Effect.forkChild(
    lock.withLock(account, () => Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave)))
  )
  yield* Deferred.await(entered)
  return Effect.andThen(Deferred.succeed(leave, undefined), Fiber.join(fiber))
})

const fileOf = (folder: string): string =>
  Path.join(folder, "locks", `${createHash("sha256").update(Account.toKey(account)).digest("hex")}.db`)

/** Damage that a power cut, a full disk or another program can do to a lock file. */
const damages: ReadonlyArray<readonly [what: string, damage: (path: string) => void]> = [
  ["is not a database", (path) => Fs.writeFileSync(path, "x".repeat(5000))],
  ["contains zeros only", (path) => Fs.writeFileSync(path, Buffer.alloc(Fs.statSync(path).size))],
  ["has only zeros in its first page", (path) => writeAt(path, 0, Buffer.alloc(4096))],
  ["has a half-written header", (path) => writeAt(path, 8, Buffer.alloc(504))],
  ["has only zeros in its second page", (path) => writeAt(path, 4096, Buffer.alloc(4096))],
  ["has an unknown SQLite format version", (path) => writeAt(path, 18, Buffer.from([9, 9]))],
  ...[1, 50, 100, 512, 4096, 5000].map(
    (size) =>
      [
        `is truncated to ${size} ${size === 1 ? "byte" : "bytes"}`,
        (path: string) => Fs.truncateSync(path, size)
      ] as const
  ),
  ["contains random bytes", (path) => Fs.writeFileSync(path, randomBytes(8192))],
  [
    "has a fence that does not match its checksum",
    (path) => {
      const database = new DatabaseSync(path)
      database.exec("UPDATE checked SET value = '7' WHERE name = 'fence'")
      database.close()
    }
  ],
  [
    "has no fence",
    (path) => {
      const database = new DatabaseSync(path)
      database.exec("DROP TABLE checked")
      database.close()
    }
  ]
]

const writeAt = (path: string, offset: number, content: Uint8Array): void => {
  const descriptor = Fs.openSync(path, "r+")
  Fs.writeSync(descriptor, content, 0, content.length, offset)
  Fs.closeSync(descriptor)
}

describe("vaults: NodeSessionLock", () => {
  it.effect("keeps the account's id out of the lock file and the file name", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* fenceOf(yield* make(folder))
      assert.deepStrictEqual(filesIn(folder), [Path.relative(folder, fileOf(folder))])
      assert.notInclude(Fs.readFileSync(fileOf(folder), "latin1"), account.id)
    })
  )

  for (const where of ["this program", "another program"]) {
    it.effect(`times out after 60 seconds if ${where} holds the lock`, () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const lock = yield* make(folder)
        const leave = yield* occupy(where === "this program" ? lock : yield* make(folder))
        const waiting = yield* Effect.forkChild(reasonOf(fenceOf(lock)))
        yield* TestClock.adjust("59 seconds")
        assert.isUndefined(waiting.pollUnsafe())
        yield* TestClock.adjust("1 second")
        const reason = yield* Fiber.join(waiting)
        assert.deepInclude(reason, { _tag: "LockUnavailable", why: "busy" })
        assert.match(reason.message, /for 60 seconds$/)
        yield* leave
        yield* fenceOf(lock)
      })
    )
  }

  it.effect('times out after 2 seconds if acquireTimeout is "2 seconds"', () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const leave = yield* occupy(yield* make(folder))
      const waiting = yield* Effect.forkChild(reasonOf(fenceOf(yield* make(folder, { acquireTimeout: "2 seconds" }))))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 milli")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "LockUnavailable")
      yield* leave
    })
  )

  for (const acquireTimeout of [0, -5, NaN]) {
    it.effect(`rejects acquireTimeout: ${acquireTimeout}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(make(yield* freshFolder, { acquireTimeout }))
        assert.deepInclude(error, { operation: "open", isRetryable: false })
        assert.match(error.message, /The option acquireTimeout must be a duration above zero, such as "60 seconds"/)
      })
    )
  }

  it.effect("does not limit how long a caller holds the lock", () =>
    Effect.gen(function* () {
      const lock = yield* make(yield* freshFolder)
      const using = yield* Effect.forkChild(lock.withLock(account, () => Effect.as(Effect.sleep("10 minutes"), "done")))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* Fiber.join(using), "done")
    })
  )

  it.effect("raises the fence number even if the clock was set back or the lock file was deleted", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const lock = yield* make(folder)
      yield* TestClock.setTime(1_800_000_000_000)
      const first = yield* fenceOf(lock)
      yield* TestClock.setTime(1_700_000_000_000)
      const second = yield* fenceOf(lock)
      yield* TestClock.setTime(1_800_000_001_000)
      Fs.rmSync(fileOf(folder))
      const third = yield* fenceOf(lock)
      assert.deepStrictEqual([first, second, third], [1_800_000_000_000, 1_800_000_000_001, 1_800_000_001_000])
    })
  )

  it.effect("makes the holder's `check` fail if the lock file was deleted", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const [one, two] = [yield* make(folder), yield* make(folder)]
      const reason = yield* one.withLock(account, ({ check }) =>
        Effect.gen(function* () {
          yield* check
          Fs.rmSync(fileOf(folder))
          const missing = yield* reasonOf(check)
          yield* fenceOf(two)
          assert.deepStrictEqual(yield* reasonOf(check), missing)
          return missing
        })
      )
      assert.deepInclude(reason, { _tag: "LockUnavailable", why: "lost" })
      assert.match(reason.message, /the lock was deleted, or has expired/)
      yield* fenceOf(one)
    })
  )

  for (const [what, damage] of damages) {
    it.effect(`recreates a lock file that ${what}, and raises the fence number`, () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const lock = yield* make(folder)
        yield* TestClock.setTime(1_800_000_000_000)
        const before = yield* fenceOf(lock)
        damage(fileOf(folder))
        yield* TestClock.setTime(1_800_000_001_000)
        assert.isAbove(yield* fenceOf(lock), before)
        assert.strictEqual(modeOf(fileOf(folder)), "600")
        yield* fenceOf(lock)
      })
    )
  }

  it.effect("does not recreate a damaged lock file while a program holds the lock", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const [one, two] = [yield* make(folder), yield* make(folder, { acquireTimeout: "2 seconds" })]
      const reason = yield* one.withLock(account, ({ check }) =>
        Effect.gen(function* () {
          // If this process opened and closed the file, the operating system would release the lock that this process
          // holds. So another process truncates the file.
          execFileSync("truncate", ["--size=100", fileOf(folder)])
          const waiting = yield* Effect.forkChild(reasonOf(fenceOf(two)))
          yield* TestClock.adjust("2 seconds")
          yield* check
          return yield* Fiber.join(waiting)
        })
      )
      assert.deepInclude(reason, { _tag: "LockUnavailable", why: "busy" })
      yield* fenceOf(two)
    })
  )

  it.effect("recreates a damaged lock file even if the lock file for the repair is damaged too", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const lock = yield* make(folder)
      yield* fenceOf(lock)
      for (let time = 0; time < 3; time += 1) {
        Fs.writeFileSync(fileOf(folder), Buffer.alloc(4096))
        for (const file of filesIn(folder).filter((name) => name.includes("repair")))
          Fs.writeFileSync(Path.join(folder, file), "x".repeat(5000))
        yield* fenceOf(lock)
      }
    })
  )
})

it.effect("NodeSessionLock fails with NewerVersion if a newer version wrote the lock file", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    const lock = yield* make(folder)
    yield* fenceOf(lock)
    makeNewer(fileOf(folder))
    const reason = yield* reasonOf(fenceOf(lock))
    assert.deepInclude(reason, { _tag: "NewerVersion", version: 2 })
  })
)

describe("vaults: NodeSessionLock among several processes", () => {
  it.live("lets one process at a time hold the lock, and raises the fence number each time", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const count = `${folder}-count`
      const running = yield* Effect.all(Array.from({ length: 4 }, () => start("counter.ts", [folder, count, "10"])))
      for (const { ended } of running) assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
      assert.strictEqual(Fs.readFileSync(count, "utf8"), "40")
      const fences = Fs.readFileSync(`${count}-fences`, "utf8").trim().split("\n").map(Number)
      assert.strictEqual(new Set(fences).size, 40)
      assert.deepStrictEqual(
        fences,
        fences.toSorted((left, right) => left - right)
      )
    })
  )

  it.live(
    "lets one process at a time hold the lock even if the lock file was damaged",
    () =>
      Effect.gen(function* () {
        for (const damage of [Buffer.alloc(8192), randomBytes(8192), Buffer.from("SQLite format 3\0")]) {
          const folder = yield* freshFolder
          const [count, gate] = [`${folder}-count`, `${folder}-gate`]
          yield* fenceOf(yield* make(folder))
          Fs.writeFileSync(fileOf(folder), damage)
          const running = yield* Effect.all(
            Array.from({ length: 16 }, () => start("counter.ts", [folder, count, "2", gate]))
          )
          for (const { says } of running) yield* says("ready")
          Fs.writeFileSync(gate, "")
          for (const { ended, printed } of running)
            assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, printed.stderr)
          assert.strictEqual(Fs.readFileSync(count, "utf8"), "32")
          const fences = running.flatMap(({ printed }) => printed.stdout.trim().split("\n").slice(1).map(Number))
          assert.strictEqual(new Set(fences).size, 32)
        }
      }).pipe(Effect.orDie),
    { tags: ["thorough"], timeout: 300_000 }
  )

  it.live(
    "lets one process at a time hold the lock even if the lock file is damaged every 20 milliseconds",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const count = `${folder}-count`
        yield* fenceOf(yield* make(folder))
        const running = yield* Effect.all(Array.from({ length: 4 }, () => start("counter.ts", [folder, count, "15"])))
        const over = yield* Deferred.make<void>()
        const damaging = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (!(yield* Deferred.isDone(over))) {
              writeAt(fileOf(folder), 0, randomBytes(4096))
              yield* Effect.sleep("20 millis")
            }
          })
        )
        for (const { ended, printed } of running)
          assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, printed.stderr)
        yield* Deferred.succeed(over, undefined)
        yield* Fiber.join(damaging)
        assert.strictEqual(Fs.readFileSync(count, "utf8"), "60")
      }).pipe(Effect.orDie),
    { tags: ["thorough"], timeout: 300_000 }
  )

  it.live(
    "releases the lock within a second after the holder is killed",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const lock = yield* make(folder)
        const { child, ended, printed, says } = yield* start("holder.ts", [folder])
        yield* says("holds")
        const waiting = yield* Effect.forkChild(
          lock.withLock(account, ({ fence }) => Effect.sync(() => [fence, performance.now()] as const))
        )
        yield* Effect.sleep("200 millis")
        assert.isUndefined(waiting.pollUnsafe())
        const killed = performance.now()
        child.kill("SIGKILL")
        const [fence, entered] = yield* Fiber.join(waiting)
        assert.isBelow(entered - killed, 1000)
        assert.isAbove(fence, Number(printed.stdout.split(" ")[1]))
        yield* ended
        assert.deepStrictEqual(filesIn(folder), [Path.relative(folder, fileOf(folder))])
      }).pipe(Effect.orDie, steady),
    steadyTimeout
  )

  it.live("does not release the lock of a suspended process", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const { child, ended, says } = yield* start("holder.ts", [folder])
      yield* says("holds")
      child.kill("SIGSTOP")
      const impatient = yield* make(folder, { acquireTimeout: "300 millis" })
      assert.deepInclude(yield* reasonOf(fenceOf(impatient)), { _tag: "LockUnavailable", why: "busy" })
      yield* impatient.withLock(other, () => Effect.void)
      child.kill("SIGCONT")
      child.stdin.end()
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
      yield* fenceOf(impatient)
    })
  )
})
