import * as Account from "@auth/broker-core/login/Account"
import { Logout } from "@auth/broker-core/login/Logout"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import { SessionLock, makeMemory } from "@auth/broker-core/session/SessionLock"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { DatabaseSync } from "node:sqlite"
import * as Path from "node:path"
import { bytes, freshFolder, open } from "./support.ts"

const accountOf = (id: string) => Account.make({ broker: "tiny", id })

const mine = accountOf("T1")

/** 2026-11-21 10:00 IST. */
const morning = Date.UTC(2026, 10, 21, 4, 30)

interface Program {
  readonly manager: SessionManager.SessionManager["Service"]
  readonly store: SessionStore["Service"]
  readonly reads: () => number
}

const program = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<Program, never, Scope.Scope> {
  const { store } = yield* Effect.orDie(open({ folder }))
  let reads = 0
  const counted: SessionStore["Service"] = {
    ...store,
    get: (account, slot) =>
      Effect.suspend(() => {
        if (slot === "session") reads += 1
        return store.get(account, slot)
      })
  }
  const login = Session.issue(
    { account: mine, method: "totp", expiry: Expiry.dailyAt("00:00") },
    Effect.succeed({ tokens: { access: Redacted.make("token") } })
  )
  const services = Context.make(Renewal.Renewal, yield* Effect.orDie(Renewal.make({ account: mine, login }))).pipe(
    Context.add(Logout, {
      logout: ({ account }) => Effect.succeed({ _tag: "LocalOnly", account, why: "no-such-call" } as const)
    }),
    Context.add(SessionStore, counted),
    Context.add(SessionLock, makeMemory())
  )
  const built = yield* Effect.orDie(
    Layer.build(SessionManager.layer().pipe(Layer.provide(Layer.succeedContext(services)), Layer.fresh))
  )
  return { manager: Context.get(built, SessionManager.SessionManager), store, reads: () => reads }
})

const start = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const folder = yield* freshFolder
  const one = yield* program(folder)
  const other = yield* program(folder)
  yield* one.manager.session
  return { folder, one, other }
})

/** A background read decrypts data, which takes real time. */
const settle = TestClock.withLive(Effect.sleep("30 millis"))

const askAllDay = Effect.fnUntraced(function* (one: Program, other: Program, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) {
    yield* TestClock.adjust("1 minute")
    yield* other.store.put(accountOf(`T${minute + 2}`), "session", bytes("a session"), 0)
    yield* one.manager.session
    if (minute % 60 < 2) yield* settle
  }
})

describe("vaults: a SessionManager with a NodeVault", () => {
  it.effect("reads the session at most twice an hour if only other accounts change", () =>
    Effect.gen(function* () {
      const { one, other } = yield* start
      const before = one.reads()
      yield* askAllDay(one, other, 6 * 60)
      assert.isAtMost(one.reads() - before, 12)
      assert.isAtLeast(one.reads() - before, 5)
    })
  )

  it.effect("notices a logout by another program at the next poll", () =>
    Effect.gen(function* () {
      const { one, other } = yield* start
      yield* askAllDay(one, other, 10)
      yield* other.manager.logout
      yield* TestClock.adjust("31 seconds")
      yield* Effect.exit(one.manager.session)
      yield* settle
      const failed = yield* Effect.flip(one.manager.session)
      assert.include(failed.message, "logged out")
    })
  )

  it.effect("notices a write to the store by its own program", () =>
    Effect.gen(function* () {
      const { one } = yield* start
      const entry = yield* one.store.get(mine, "session")
      yield* one.store.put(mine, "session", bytes(`{"loggedOutAt":${morning}}`), entry?.version ?? 0)
      yield* TestClock.adjust("1 second")
      assert.include((yield* Effect.flip(one.manager.session)).message, "logged out")
    })
  )

  it.effect("reads the session again if the list of changes is incomplete", () =>
    Effect.gen(function* () {
      const { folder, one, other } = yield* start
      const asked = Effect.gen(function* () {
        const before = one.reads()
        yield* TestClock.adjust("31 seconds")
        yield* one.manager.session
        yield* settle
        return one.reads() - before
      })
      yield* asked
      assert.strictEqual(yield* asked, 0)
      // The list keeps the last 100 writes, so it loses the first of these 101 writes.
      for (let count = 0; count < 101; count++) {
        yield* other.store.put(accountOf("T2"), "session", bytes(`session ${count}`), count)
      }
      assert.strictEqual(yield* asked, 1)
      assert.strictEqual(yield* asked, 0)
      // A missing list counts as incomplete, until the next write makes a new list.
      const database = new DatabaseSync(Path.join(folder, "sessions.db"))
      database.exec("DELETE FROM checked WHERE name = 'changes'")
      database.close()
      assert.strictEqual(yield* asked, 1)
      yield* other.store.put(accountOf("T2"), "session", bytes("a session"), 101)
      assert.strictEqual(yield* asked, 0)
    })
  )
})
