import { assert, describe, it } from "@effect/vitest"
import { steady, steadyTimeout } from "../../../tools/stalls/stalls.ts"
import * as Account from "@auth/broker-core/login/Account"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Exit from "effect/Exit"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { checksum } from "../src/internal/checked.ts"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import { makeNewer } from "./newer.ts"
import {
  account,
  bytes,
  contents,
  filesIn,
  freshFolder,
  layerKey,
  open,
  other,
  reasonOf,
  secret,
  start,
  textOf,
  using
} from "./support.ts"

/** A closed vault with two sessions. */
const written = Effect.gen(function* () {
  const folder = yield* freshFolder
  yield* using(folder, ({ store }) =>
    Effect.gen(function* () {
      yield* store.put(account, "session", bytes("old"), 0)
      yield* store.put(account, "session", bytes(secret), 1)
      yield* store.put(other, "session", bytes("other"), 0)
    })
  )
  return folder
})

const databaseIn = (folder: string): string => Path.join(folder, "sessions.db")

const changeWithSql = (folder: string, ...statements: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const database = new DatabaseSync(databaseIn(folder))
    for (const statement of statements) database.exec(statement)
    database.close()
  })

const openFiles = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync("/proc/self/fd").flatMap((descriptor) => {
    const path = Path.join("/proc/self/fd", descriptor)
    const target = Fs.existsSync(path) ? Fs.readlinkSync(path) : ""
    return target.startsWith(folder) ? [target] : []
  })

describe("vaults: NodeVault", () => {
  it.effect("keeps a stored session when closed and reopened", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const entry = yield* using(folder, ({ store }) => store.get(account, "session"))
      assert.deepStrictEqual([entry?.version, textOf(entry)], [2, secret])
    })
  )

  it.effect("describes its store and its lock", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const { lock, store } = yield* open({ folder })
      assert.strictEqual(store.describe, `${folder}/sessions.db, SQLite; encrypted with a test's key`)
      assert.strictEqual(lock.describe, `${folder}/locks, for all programs on this machine`)
    })
  )

  it.effect("uses the user's directory for application state by default", () =>
    Effect.gen(function* () {
      const home = yield* freshFolder
      const env = ConfigProvider.fromEnv({ env: { HOME: home, XDG_STATE_HOME: Path.join(home, "state") } })
      const { store } = yield* open({}).pipe(Effect.provideService(ConfigProvider.ConfigProvider, env))
      assert.match(store.describe, new RegExp(`^${home}/state/broker-auth/sessions.db,`))
      assert.isTrue(Fs.existsSync(Path.join(home, "state/broker-auth/sessions.db")))
    })
  )

  it.effect("fails if the user has no directory for application state", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(
        open({}).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} })))
      )
      assert.match(reason.remedy, /HOME.*folder/)
    })
  )

  it.live("keeps sessions encrypted in all its files", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const look = (key?: Layer.Layer<VaultKey.VaultKey>) =>
        using(
          folder,
          ({ lock, store }) =>
            lock.withLock(account, () =>
              Effect.gen(function* () {
                yield* store.put(account, "session", bytes(secret), 0)
                yield* store.put(account, "session", bytes(`${secret} again`), 1)
                return contents(folder).includes(secret)
              })
            ),
          key
        )
      assert.isFalse(yield* look())
      assert.isFalse(contents(folder).includes(secret))
      // Without encryption, the same search finds the session.
      yield* NodeVault.remove({ folder })
      assert.isTrue(yield* look(VaultKey.layerPlaintext))
    })
  )

  it.live("leaves no bytes of a replaced session in its files", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const replace = ({ store }: Effect.Success<ReturnType<typeof open>>) =>
        Effect.gen(function* () {
          yield* store.put(account, "session", bytes(secret.repeat(300)), 0)
          yield* store.put(account, "session", bytes("new"), 1)
        })
      yield* using(folder, replace, VaultKey.layerPlaintext)
      assert.isFalse(contents(folder).includes(secret))
    })
  )

  it.effect("closes its files and removes temporary files when its scope ends", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const scope = yield* Scope.make()
      const { lock, store } = yield* open({ folder }).pipe(Scope.provide(scope))
      yield* lock.withLock(account, () => store.put(account, "session", bytes("a"), 0))
      if (process.platform === "linux") assert.isNotEmpty(openFiles(folder))
      yield* Scope.close(scope, Exit.void)
      if (process.platform === "linux") assert.deepStrictEqual(openFiles(folder), [])
      const [lockName = "", ...more] = filesIn(folder).filter((file) => file !== "sessions.db")
      assert.match(lockName, /^locks.[0-9a-f]{64}\.db$/)
      assert.deepStrictEqual(more, [])
    })
  )

  it.effect("fails with EBADF after its scope has ended", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const store = yield* using(folder, ({ store }) => Effect.succeed(store))
      const reason = yield* reasonOf(store.get(account, "session"))
      assert.strictEqual(reason._tag === "Io" && reason.systemCode, "EBADF")
    })
  )

  it.effect("empties SQLite's log before `put` returns", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const { store } = yield* open({ folder })
      for (const version of [0, 1, 2]) {
        yield* store.put(account, "session", bytes(`${version}`), version)
        assert.strictEqual(Fs.statSync(`${databaseIn(folder)}-wal`).size, 0)
      }
    })
  )

  it.live("can write while another program reads", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const reader = new DatabaseSync(databaseIn(folder))
      reader.exec("BEGIN; SELECT * FROM entry")
      reader.prepare("SELECT * FROM entry").all()
      const { store } = yield* open({ folder })
      assert.isTrue(yield* store.put(account, "session", bytes("new"), 2))
      reader.close()
      assert.strictEqual(textOf(yield* store.get(account, "session")), "new")
    })
  )

  it.live(
    "does not block other fibers while another program writes",
    () =>
      Effect.gen(function* () {
        const folder = yield* written
        const { store } = yield* open({ folder })
        const writer = new DatabaseSync(databaseIn(folder))
        writer.exec("BEGIN IMMEDIATE")
        let longest = 0
        let last = performance.now()
        const watch = Effect.sync(() => {
          longest = Math.max(longest, performance.now() - last)
          last = performance.now()
        }).pipe(Effect.andThen(Effect.sleep("1 millis")), Effect.forever)
        const watching = yield* Effect.forkChild(watch)
        const put = yield* Effect.forkChild(store.put(account, "session", bytes("new"), 2))
        yield* Effect.sleep("400 millis")
        assert.isUndefined(put.pollUnsafe())
        writer.close()
        assert.isTrue(yield* Fiber.join(put))
        yield* Fiber.interrupt(watching)
        // SQLite's own busy handler would have blocked the other fibers for 400 milliseconds.
        assert.isBelow(longest, 200)
      }).pipe(Effect.orDie, steady),
    steadyTimeout
  )

  it.effect("fails with EBUSY if another program writes for longer than five seconds", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const { store } = yield* open({ folder })
      const writer = new DatabaseSync(databaseIn(folder))
      writer.exec("BEGIN IMMEDIATE")
      const put = yield* Effect.forkChild(reasonOf(store.put(account, "session", bytes("new"), 2)))
      let waited = 0
      while (put.pollUnsafe() === undefined) {
        // TestClock does not control encryption, so the test also waits in real time.
        yield* TestClock.withLive(Effect.sleep("5 millis"))
        yield* TestClock.adjust("100 millis")
        waited += 100
      }
      const reason = yield* Fiber.join(put)
      writer.close()
      assert.isAtLeast(waited, 4900)
      assert.isAtMost(waited, 6000)
      assert.strictEqual(reason._tag === "Io" && reason.systemCode, "EBUSY")
      assert.strictEqual(textOf(yield* store.get(account, "session")), secret)
    })
  )

  it.effect("fails with WrongKey if the key is different", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const get = using(folder, ({ store }) => store.get(account, "session"), layerKey(8))
      assert.strictEqual((yield* reasonOf(get))._tag, "WrongKey")
    })
  )

  it.effect("fails with NewerVersion if a newer version wrote the vault", () =>
    Effect.gen(function* () {
      const folder = yield* written
      makeNewer(databaseIn(folder))
      const reason = yield* reasonOf(open({ folder }))
      assert.deepStrictEqual([reason._tag, reason._tag === "NewerVersion" && reason.version], ["NewerVersion", 2])
    })
  )

  it.effect("fails with Tampered if sessions.db is another program's database", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      Fs.mkdirSync(folder, { mode: 0o700 })
      Fs.writeFileSync(databaseIn(folder), "", { mode: 0o600 })
      yield* changeWithSql(folder, "CREATE TABLE theirs (a)")
      assert.strictEqual((yield* reasonOf(open({ folder })))._tag, "Tampered")
    })
  )

  it.live("neither keeps a program running nor prints to standard error", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const { ended, printed } = yield* start("vault.ts", [folder])
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
      assert.deepStrictEqual(printed, { stdout: "found true\n", stderr: "" })
    })
  )
})

it.effect("NodeVault restores process.emitWarning after loading SQLite", () =>
  Effect.gen(function* () {
    const before = Object.getOwnPropertyDescriptor(process, "emitWarning")
    yield* open({ folder: yield* freshFolder })
    assert.deepStrictEqual(Object.getOwnPropertyDescriptor(process, "emitWarning"), before)
  })
)

describe("vaults: a vault that another program changed", () => {
  const changes: Readonly<Record<string, ReadonlyArray<string>>> = {
    "an entry was deleted": [`DELETE FROM entry WHERE account LIKE 'angel/%'`],
    "an entry was deleted, and the counts of entries and writes were set to 1": [
      `DELETE FROM entry WHERE account LIKE 'angel/%'`,
      `UPDATE checked SET value = '1' WHERE name IN ('entries', 'writes')`
    ],
    "an entry was moved to another account": [
      `UPDATE entry SET account = 'angel/production/default/B' WHERE slot = 'session'
      AND account LIKE 'angel/%'`
    ],
    "an entry was moved to another slot": [`UPDATE entry SET slot = 'guard' WHERE account LIKE 'angel/%'`],
    "the version of an entry was changed": [`UPDATE entry SET version = 1 WHERE account LIKE 'angel/%'`],
    "the version of an entry is too large for JavaScript": [
      `UPDATE entry SET version = 9223372036854775807 WHERE version = 2`
    ],
    "a value was truncated": [`UPDATE entry SET value = substr(value, 1, 20) WHERE version = 2`],
    "the count of entries was deleted": [`DELETE FROM checked WHERE name = 'entries'`],
    "the format number was deleted": [`DELETE FROM checked WHERE name = 'format'`],
    "a table was added": [`CREATE TABLE theirs (a)`],
    "a trigger was added": [`CREATE TRIGGER theirs AFTER UPDATE ON entry BEGIN SELECT 1; END`],
    "a table was dropped": [`DROP TABLE checked`],
    "a column was added": [`ALTER TABLE entry ADD COLUMN more TEXT`]
  }
  for (const [what, statements] of Object.entries(changes)) {
    it.effect(`fails with Tampered if ${what}`, () =>
      Effect.gen(function* () {
        const folder = yield* written
        yield* changeWithSql(folder, ...statements)
        const reason = yield* reasonOf(open({ folder }))
        assert.strictEqual(reason._tag, "Tampered")
        assert.include(reason.message, databaseIn(folder))
      })
    )
  }

  it.effect("fails with Tampered if an entry was deleted while the vault was open", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const { store } = yield* open({ folder })
      yield* changeWithSql(folder, `DELETE FROM entry WHERE account LIKE 'angel/%'`)
      const reason = yield* reasonOf(store.get(account, "session"))
      assert.deepStrictEqual(
        [reason._tag, reason.message],
        [
          "Tampered",
          "The stored session of angel/production/default/A123456 was changed by something other than this library"
        ]
      )
    })
  )

  it.effect("fails with Tampered if a session was copied to another account with a correct checksum", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const database = new DatabaseSync(databaseIn(folder))
      const row = database.prepare("SELECT value, version FROM entry WHERE version = 2").get()
      const key = Account.toKey(other)
      const value = row?.["value"] as Uint8Array
      database
        .prepare("UPDATE entry SET value = ?, checksum = ? WHERE account = ?")
        .run(value, checksum("entry", key, "session", 1, value), key)
      database.close()
      const { store } = yield* open({ folder })
      assert.strictEqual((yield* reasonOf(store.get(other, "session")))._tag, "Tampered")
      assert.strictEqual(textOf(yield* store.get(account, "session")), secret)
    })
  )
})

describe("vaults: NodeVault.remove", () => {
  it.effect("removes a damaged vault", () =>
    Effect.gen(function* () {
      const folder = yield* written
      Fs.writeFileSync(databaseIn(folder), "not a database ".repeat(1000))
      assert.strictEqual((yield* reasonOf(open({ folder })))._tag, "Tampered")
      yield* NodeVault.remove({ folder })
      const { store } = yield* open({ folder })
      assert.isUndefined(yield* store.get(account, "session"))
      assert.isTrue(yield* store.put(account, "session", bytes("new"), 0))
    })
  )

  it.effect("lets programs that opened the vault continue with a new vault", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const [one, two] = yield* Effect.all([open({ folder }), open({ folder })])
      yield* NodeVault.remove({ folder })
      assert.isUndefined(yield* one.store.get(account, "session"))
      assert.isTrue(yield* one.store.put(account, "session", bytes("new"), 0))
      assert.strictEqual(textOf(yield* two.store.get(account, "session")), "new")
      assert.strictEqual(textOf(yield* using(folder, ({ store }) => store.get(account, "session"))), "new")
    })
  )

  it.effect("removes only the vault's files, and succeeds without a vault", () =>
    Effect.gen(function* () {
      const folder = yield* written
      Fs.writeFileSync(Path.join(folder, "notes"), "mine")
      yield* NodeVault.remove({ folder })
      yield* NodeVault.remove({ folder })
      assert.deepStrictEqual(filesIn(folder), ["notes"])
    })
  )

  it.effect("reports Node's error code if the removal fails", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      Fs.mkdirSync(databaseIn(folder), { recursive: true })
      const error = yield* Effect.flip(NodeVault.remove({ folder }))
      assert.isTrue(VaultError.isVaultError(error))
      assert.match(error.message, /^vault remove: Could not remove .*sessions\.db \(ERR_FS_EISDIR\)/)
    })
  )
})

it.effect("NodeVault.layerStore works without a lock, and creates no lock files", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    const store = yield* Effect.provide(SessionStore, NodeVault.layerStore({ folder }).pipe(Layer.provide(layerKey())))
    assert.match(store.describe, /sessions\.db/)
    assert.isFalse(Fs.existsSync(Path.join(folder, "locks")))
  })
)
