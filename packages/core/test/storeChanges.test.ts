import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { cluster, connect, freshPrefix, runsRedis, server, sharedServer } from "./redis.ts"
import { account, makeTiny, morning, numberOf, pass, start, type Tiny } from "./sessions.ts"

type Service = Redis.Redis["Service"]

interface Program {
  readonly manager: SessionManager.SessionManager["Service"]
  readonly redis: Service
  /** The commands that the store and the lock of this program have sent, without those that read the list of changes. */
  readonly commands: ReadonlyArray<string>
  /** Whether the store reports changes now. */
  readonly isWatching: Effect.Effect<boolean>
}

/** Counts the commands of a client. */
const counting = (redis: Service, commands: Array<string>): Service => ({
  ...redis,
  send: (command, ...args) =>
    Effect.suspend(() => {
      commands.push(command)
      return redis.send(command, ...args)
    }),
  eval:
    (script) =>
    (...params) =>
      Effect.suspend(() => {
        commands.push("EVALSHA")
        return redis.eval(script)(...params)
      })
})

interface ProgramOptions {
  readonly prefix: string
  readonly tiny: Tiny
  readonly pollInterval?: Duration.Input
  /** Changes the client before it is used. */
  readonly client?: (redis: Service) => Service
}

/** Starts a program with a connection of its own. */
const program = Effect.fnUntraced(function* (
  url: string,
  { client = (redis) => redis, pollInterval, prefix, tiny }: ProgramOptions
): Effect.fn.Return<Program, never, Scope.Scope> {
  const redis = yield* connect(url)
  const commands: Array<string> = []
  const counted = client(counting(redis, commands))
  const store = yield* Effect.orDie(SessionStore.makeRedis(counted, { prefix }))
  const lock = yield* Effect.orDie(SessionLock.makeRedis(counted, { prefix }))
  const manager = yield* start(tiny, { store, lock }, { pollInterval })
  const isWatching = Effect.map(markOf(store), (mark) => mark !== undefined)
  return { manager, redis, commands, isWatching }
})

const value = Redacted.make(new TextEncoder().encode("a value"))

const markOf = ({ changes }: SessionStore.SessionStore["Service"]) => changes?.mark ?? Effect.undefined

const isListening = (store: SessionStore.SessionStore["Service"]) =>
  Effect.map(markOf(store), (mark) => mark !== undefined)

/** Waits until `isTrue` returns true, for at most `seconds`. */
const eventually = (isTrue: Effect.Effect<boolean, unknown>, seconds = 1) => {
  return Effect.repeat(Effect.andThen(Effect.sleep("10 millis"), Effect.orDie(isTrue)), { until: (is) => is }).pipe(
    Effect.timeoutOption(`${seconds} seconds`),
    Effect.map((result) => result._tag === "Some")
  )
}

const isLoggedOut = ({ manager }: Program) =>
  Effect.map(Effect.result(manager.session), (result) => result._tag === "Failure")

const has = ({ manager }: Program, number: string) =>
  Effect.map(manager.session, (session) => numberOf(session) === number)

/** Closes the connection on which the program waits for changes, as a broken network would. */
const breakWatch = Effect.fnUntraced(function* (redis: Service) {
  const list = yield* redis.send<string>("CLIENT", "LIST")
  const ids = list
    .split("\n")
    .filter((line) => line.includes("cmd=xread"))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] ?? "")
  yield* Effect.forEach(ids, (id) => redis.send("CLIENT", "KILL", "ID", id))
  return ids.length
}, Effect.orDie)

describe.runIf(runsRedis)("sessions: changes in Redis", () => {
  const { url } = sharedServer()

  it.live("reports a logout and a renewal of another program within a second, without polling", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const tiny = makeTiny()
      const options = { prefix, tiny, pollInterval: "1 hour" } as const
      const one = yield* program(url(), options)
      const other = yield* program(url(), options)
      assert.isTrue(yield* eventually(Effect.zipWith(one.isWatching, other.isWatching, (a, b) => a && b)))
      assert.strictEqual(numberOf(yield* one.manager.session), "1")
      assert.strictEqual(numberOf(yield* other.manager.session), "1")
      yield* one.manager.renew()
      assert.isTrue(yield* eventually(has(other, "2")))
      yield* other.manager.logout
      assert.isTrue(yield* eventually(isLoggedOut(one)))
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "logout 2"])
    })
  )

  it.live("reports a change by another manager of the same program", () =>
    Effect.gen(function* () {
      const redis = yield* connect(url())
      const prefix = yield* freshPrefix
      const tiny = makeTiny()
      const store = yield* SessionStore.makeRedis(redis, { prefix })
      const lock = yield* SessionLock.makeRedis(redis, { prefix })
      const one = yield* start(tiny, { store, lock }, { pollInterval: "1 hour" })
      const other = yield* start(tiny, { store, lock }, { pollInterval: "1 hour" })
      assert.isTrue(yield* eventually(isListening(store)))
      yield* one.session
      yield* other.session
      yield* one.logout
      assert.isTrue(yield* eventually(Effect.map(Effect.result(other.session), ({ _tag }) => _tag === "Failure")))
    })
  )

  it.live("reports changes that were made while the connection was interrupted", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const { url } = yield* server
      const tiny = makeTiny()
      const one = yield* program(url, { prefix, tiny, pollInterval: "1 hour" })
      // This program never polls and never watches, so only the first program's connection is interrupted.
      const writer = yield* SessionStore.makeRedis(yield* connect(url), { prefix })
      assert.isTrue(yield* eventually(one.isWatching))
      yield* one.manager.session
      // A first change, so that the list of changes is not empty.
      yield* one.manager.renew()
      yield* Effect.sleep("400 millis")
      assert.strictEqual(yield* breakWatch(one.redis), 1)
      assert.isTrue(yield* eventually(Effect.map(one.isWatching, (is) => !is)))
      const entry = yield* writer.get(account, "session")
      const mark = new TextEncoder().encode(JSON.stringify({ loggedOutAt: Date.now() }))
      assert.isTrue(yield* writer.put(account, "session", Redacted.make(mark), entry?.version ?? 0))
      assert.isTrue(yield* eventually(isLoggedOut(one), 3))
    })
  )

  it.live("stops watching when the last manager closes, and leaves no connection", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const prefix = yield* freshPrefix
      const redis = yield* connect(url)
      const store = yield* SessionStore.makeRedis(redis, { prefix })
      const lock = yield* SessionLock.makeRedis(redis, { prefix })
      const scope = yield* Scope.make()
      yield* Scope.provide(start(makeTiny(), { store, lock }), scope)
      assert.isTrue(yield* eventually(isListening(store)))
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(yield* isListening(store))
      assert.isTrue(
        yield* eventually(Effect.map(redis.send<string>("CLIENT", "LIST"), (list) => !list.includes("cmd=xread")))
      )
    })
  )

  it.effect("needs at most two commands an hour, besides the login, for an account that is requested all day", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const prefix = yield* freshPrefix
      const { commands, isWatching, manager } = yield* program(url(), { prefix, tiny: makeTiny() })
      assert.isTrue(yield* TestClock.withLive(eventually(isWatching, 5)))
      const asked = yield* Effect.forkChild(manager.session)
      for (let tries = 0; tries < 200 && asked.pollUnsafe() === undefined; tries++) {
        yield* TestClock.withLive(Effect.sleep("5 millis"))
        yield* pass("1 milli")
      }
      const before = commands.length
      const hours = 12
      for (let minute = 0; minute < hours * 60; minute++) {
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* manager.session), "1")
        yield* TestClock.withLive(Effect.sleep("1 milli"))
      }
      assert.isAtMost(commands.length - before, 2 * hours)
      // About once an hour, it reads the store although no change was reported.
      assert.isAtLeast(commands.length - before, hours - 2)
    })
  )

  it.live("reads every account again only if the list of changes was lost during an interruption", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const prefix = yield* freshPrefix
      const redis = yield* connect(url)
      const store = yield* SessionStore.makeRedis(yield* connect(url), { prefix })
      const told: Array<number> = []
      const watch = store.changes?.watch(account, (version) => Effect.sync(() => void told.push(version)))
      const unwatch = yield* watch ?? Effect.die("The store reports no changes.")
      const mark = markOf(store)
      const interrupt = Effect.fnUntraced(function* (during: Effect.Effect<unknown, unknown>) {
        yield* breakWatch(redis)
        assert.isTrue(
          yield* eventually(
            Effect.map(isListening(store), (is) => !is),
            5
          )
        )
        yield* Effect.orDie(during)
        assert.isTrue(yield* eventually(isListening(store), 5))
      })
      assert.isTrue(yield* eventually(isListening(store), 5))
      yield* store.put(account, "session", value, 0)
      assert.isTrue(yield* eventually(Effect.sync(() => told.includes(1))))
      yield* Effect.sleep("400 millis")
      const first = yield* mark
      yield* interrupt(store.put(account, "session", value, 1))
      assert.strictEqual(yield* mark, first)
      assert.isTrue(yield* eventually(Effect.sync(() => told.includes(2))))
      yield* Effect.sleep("400 millis")
      yield* interrupt(Effect.andThen(store.put(account, "session", value, 2), redis.send("DEL", `${prefix}:changes`)))
      assert.notStrictEqual(yield* mark, first)
      assert.deepStrictEqual(told, [1, 2])
      yield* unwatch
    })
  )

  it.live("polls if the client cannot reserve a connection, and in a Redis cluster", () =>
    Effect.gen(function* () {
      const node = yield* cluster
      const withoutReserve = (redis: Service): Service => ({ ...redis, reserve: Effect.die("not implemented") })
      for (const { client, at } of [
        { at: url(), client: withoutReserve },
        { at: node.url, client: undefined }
      ]) {
        const prefix = yield* freshPrefix
        const tiny = makeTiny()
        const options = { prefix, tiny, pollInterval: "100 millis", ...(client && { client }) } as const
        const one = yield* program(at, options)
        const other = yield* program(at, options)
        yield* one.manager.session
        yield* other.manager.session
        yield* other.manager.logout
        assert.isTrue(yield* eventually(isLoggedOut(one)))
        assert.isFalse(yield* one.isWatching)
      }
    })
  )
})
