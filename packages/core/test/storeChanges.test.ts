import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { cluster, connect, freshPrefix, runsRedis, server, sharedServer } from "./redis.ts"
import { startProxy } from "../../../tools/redis/proxy.ts"
import * as redisChanges from "../src/session/internal/redisChanges.ts"
import { account, makeTiny, morning, numberOf, pass, start, type Tiny } from "./sessions.ts"

type Service = Redis.Redis["Service"]

interface Program {
  readonly manager: SessionManager.SessionManager["Service"]
  readonly redis: Service
  readonly sent: Sent
  readonly isWatching: Effect.Effect<boolean>
}

interface Sent {
  readonly commands: Array<string>
  /** Number of commands that Redis has not answered yet. */
  waiting: number
}

const counting = (redis: Service, sent: Sent): Service => {
  const count = <A, E>(name: string, command: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      sent.commands.push(name)
      sent.waiting += 1
      return Effect.ensuring(
        command,
        Effect.sync(() => void (sent.waiting -= 1))
      )
    })
  return {
    ...redis,
    send: (command, ...args) => count(command, redis.send(command, ...args)),
    eval:
      (script) =>
      (...params) =>
        count("EVALSHA", redis.eval(script)(...params))
  }
}

/** Blocking reads find nothing, and wait for their `BLOCK` time on the test clock. */
const quiet = (redis: Service, sent: Sent): Service => ({
  ...redis,
  reserve: Effect.map(redis.reserve, (connection) => ({
    ...connection,
    send: (command: string, ...args: ReadonlyArray<string>) => {
      if (command !== "XREAD") return connection.send(command, ...args)
      sent.commands.push(command)
      return Effect.as(Effect.sleep(Number(args[args.indexOf("BLOCK") + 1])), null)
    }
  })) as Service["reserve"]
})

interface ProgramOptions {
  readonly prefix: string
  readonly tiny: Tiny
  readonly pollInterval?: Duration.Input
  readonly client?: (redis: Service, sent: Sent) => Service
  readonly changes?: (redis: Service) => SessionStore.Changes
}

const program = Effect.fnUntraced(function* (
  url: string,
  { changes, client = (redis) => redis, pollInterval, prefix, tiny }: ProgramOptions
): Effect.fn.Return<Program, never, Scope.Scope> {
  const redis = yield* connect(url)
  const sent: Sent = { commands: [], waiting: 0 }
  const counted = client(counting(redis, sent), sent)
  const made = yield* Effect.orDie(SessionStore.makeRedis(counted, { prefix }))
  const store = changes === undefined ? made : { ...made, changes: changes(counted) }
  const lock = yield* Effect.orDie(SessionLock.makeRedis(counted, { prefix }))
  const manager = yield* start(tiny, { store, lock }, { pollInterval })
  const isWatching = Effect.map(markOf(store), (mark) => mark !== undefined)
  return { manager, redis, sent, isWatching }
})

const value = Redacted.make(new TextEncoder().encode("a value"))

const markOf = ({ changes }: SessionStore.SessionStore["Service"]) => changes?.mark ?? Effect.undefined

const isListening = (store: SessionStore.SessionStore["Service"]) =>
  Effect.map(markOf(store), (mark) => mark !== undefined)

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

/** Closes the connections that wait for changes, and returns their number. */
const breakWatch = Effect.fnUntraced(function* (redis: Service) {
  const list = yield* redis.send<string>("CLIENT", "LIST")
  const ids = list
    .split("\n")
    .filter((line) => line.includes("cmd=xread"))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] ?? "")
  yield* Effect.forEach(ids, (id) => redis.send("CLIENT", "KILL", "ID", id))
  return ids.length
}, Effect.orDie)

const proxyTo = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(() => startProxy(port)),
    ({ stop }) => Effect.promise(stop)
  )

/** Blocking reads end after 300 milliseconds instead of 20 seconds. */
const impatient = (prefix: string) => (redis: Service) =>
  redisChanges.make(redis, prefix, { block: Duration.millis(300), grace: Duration.millis(500) })

describe.runIf(runsRedis)("sessions: a store in Redis", () => {
  const { url } = sharedServer()

  it.live("reports another program's renewal and logout within a second", () =>
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

  it.live("reports a change made while the connection was interrupted", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const { url } = yield* server
      const tiny = makeTiny()
      const one = yield* program(url, { prefix, tiny, pollInterval: "1 hour" })
      // A store without a manager never waits for changes, so `breakWatch` does not close the connection of `writer`.
      const writer = yield* SessionStore.makeRedis(yield* connect(url), { prefix })
      assert.isTrue(yield* eventually(one.isWatching))
      yield* one.manager.session
      yield* Effect.sleep("400 millis")
      assert.strictEqual(yield* breakWatch(one.redis), 1)
      assert.isTrue(yield* eventually(Effect.map(one.isWatching, (is) => !is)))
      const entry = yield* writer.get(account, "session")
      const mark = new TextEncoder().encode(JSON.stringify({ loggedOutAt: Date.now() }))
      assert.isTrue(yield* writer.put(account, "session", Redacted.make(mark), entry?.version ?? 0))
      assert.isTrue(yield* eventually(isLoggedOut(one), 3))
    })
  )

  it.live("reports a logout after the connection was silently lost", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const { port, url } = yield* server
      const proxy = yield* proxyTo(port)
      const tiny = makeTiny()
      const options = { prefix, tiny, pollInterval: "1 hour" } as const
      const one = yield* program(`redis://127.0.0.1:${proxy.port}`, { ...options, changes: impatient(prefix) })
      const other = yield* program(url, options)
      assert.isTrue(yield* eventually(one.isWatching))
      assert.strictEqual(numberOf(yield* one.manager.session), "1")
      yield* Effect.sleep("400 millis")
      assert.strictEqual(proxy.silence("XREAD"), 1)
      yield* other.manager.logout
      assert.isTrue(yield* eventually(isLoggedOut(one), 3))
      assert.isTrue(yield* eventually(one.isWatching))
      // A connection for commands, and a new connection for changes.
      assert.strictEqual(proxy.open(), 2)
    })
  )

  it.live("lets the manager poll while Redis does not answer new connections", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const { port, url } = yield* server
      const proxy = yield* proxyTo(port)
      const tiny = makeTiny()
      const options = { prefix, tiny, pollInterval: "500 millis" } as const
      const one = yield* program(`redis://127.0.0.1:${proxy.port}`, { ...options, changes: impatient(prefix) })
      const other = yield* program(url, options)
      assert.isTrue(yield* eventually(one.isWatching))
      assert.strictEqual(numberOf(yield* one.manager.session), "1")
      proxy.silenceNew()
      assert.strictEqual(proxy.silence("XREAD"), 1)
      assert.isTrue(
        yield* eventually(
          Effect.map(one.isWatching, (is) => !is),
          2
        )
      )
      yield* other.manager.logout
      assert.isTrue(yield* eventually(isLoggedOut(one), 2))
      assert.isFalse(yield* one.isWatching)
      proxy.recover()
      assert.isTrue(yield* eventually(one.isWatching, 10))
    })
  )

  it.live("closes its connection for changes when the last manager closes", () =>
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

  it.effect("sends at most two commands an hour per account, besides reads of changes", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const prefix = yield* freshPrefix
      const { isWatching, manager, sent } = yield* program(url(), { prefix, tiny: makeTiny(), client: quiet })
      assert.isTrue(yield* TestClock.withLive(eventually(isWatching, 5)))
      const answered = TestClock.withLive(eventually(Effect.sync(() => sent.waiting === 0)))
      const asked = yield* Effect.forkChild(manager.session)
      for (let tries = 0; tries < 200 && asked.pollUnsafe() === undefined; tries++) {
        yield* TestClock.withLive(Effect.sleep("5 millis"))
        yield* pass("1 milli")
      }
      const before = sent.commands.length
      const hours = 12
      for (let minute = 0; minute < hours * 60; minute++) {
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* manager.session), "1")
        yield* TestClock.withLive(Effect.sleep("1 milli"))
        if (sent.waiting > 0) assert.isTrue(yield* answered)
      }
      const after = sent.commands.slice(before)
      const reads = after.filter((command) => command === "XREAD").length
      assert.isAtMost(after.length - reads, 2 * hours)
      // About once an hour, the manager reads the store although no change was reported.
      assert.isAtLeast(after.length - reads, hours - 2)
      // The process reads the stream of changes every 20 seconds, for all accounts together.
      assert.isAtMost(reads, 180 * hours)
      assert.isAtLeast(reads, 170 * hours)
    })
  )

  it.live("changes its mark after an interruption only if a change was missed", () =>
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

  it.live("lets the manager poll in a cluster, or if the client cannot reserve connections", () =>
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
