import type { ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as readline from "node:readline"
import { start, stop } from "../../../tools/packages/process.ts"
import { steady, steadyTimeout } from "../../../tools/stalls/stalls.ts"
import * as Account from "@auth/broker-core/login/Account"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import type * as VaultError from "@auth/broker-core/session/VaultError"
import { VaultContract } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redis from "effect/persistence/Redis"
import { connect, dump, freshPrefix, runsRedis, server, sharedServer } from "./redis.ts"
import * as TestClock from "effect/testing/TestClock"
import { shown } from "./support.ts"

type Lock = SessionLock.SessionLock["Service"]

const account = Account.make({ broker: "tiny", id: "T1" })

const contract = (place: string, subject: VaultContract.Subject<Lock>) => {
  describe.runIf(runsRedis || place !== "in Redis")(`contract of a lock ${place}:`, () => {
    for (const { name, run } of VaultContract.lockCases(subject)) it.live(name, () => run)
  })
}

const makeRedis = (...args: Parameters<typeof SessionLock.makeRedis>) => Effect.runSync(SessionLock.makeRedis(...args))

const { url } = sharedServer()

/** A lease that does not expire during a test. */
const longLease = "10 seconds"

const countScripts = (redis: Redis.Redis["Service"]) => {
  let sent = 0
  const counting: Redis.Redis["Service"] = {
    ...redis,
    eval:
      (script) =>
      (...params) =>
        Effect.suspend(() => {
          sent += 1
          return redis.eval(script)(...params)
        })
  }
  return { counting, scriptsSent: () => sent }
}

const answering = (answer: (nth: number) => Effect.Effect<number, Redis.RedisError>) => {
  let asked = 0
  return { eval: () => () => Effect.suspend(() => answer((asked += 1))) } as unknown as Redis.Redis["Service"]
}

describe("vaults: a lock in a Redis that rejects commands", () => {
  const refusing = (word: string) =>
    answering(() => Effect.fail(new Redis.RedisError({ cause: new Error(`${word} something that was sent`) })))

  const ofRedis6 = (code: string) =>
    `ERR Error running script (call to f_0c54a14a56b1cbab4b2d3b3d5b2e3a8c6e1d8f01): @user_script:2: ${code}`

  it.live("fails at once with `Tampered` for WRONGTYPE, even inside a script error of Redis 6", () =>
    Effect.gen(function* () {
      for (const code of ["WRONGTYPE", ofRedis6("WRONGTYPE"), ofRedis6("-WRONGTYPE")]) {
        const failed = yield* Effect.flip(makeRedis(refusing(code)).withLock(account, () => Effect.void))
        assert.strictEqual(failed.reason._tag, "Tampered", code)
      }
    })
  )

  it.live("reports the error code that a script error of Redis 6 contains", () =>
    Effect.gen(function* () {
      const lock = makeRedis(refusing(ofRedis6("-OOM")), { acquireTimeout: "100 millis" })
      const failed = yield* Effect.flip(lock.withLock(account, () => Effect.void))
      assert.deepInclude(failed.reason, { _tag: "Io", systemCode: "OOM" })
    })
  )

  it.live.each(["NOPERM", "NOAUTH", "WRONGPASS"])("fails at once for the permanent error %s", (word) =>
    Effect.gen(function* () {
      const began = performance.now()
      const failed = yield* Effect.flip(makeRedis(refusing(word)).withLock(account, () => Effect.void))
      assert.deepInclude(failed.reason, { _tag: "Io", systemCode: word, isRetryable: false })
      assert.isBelow(performance.now() - began, 1000)
      assert.notInclude(shown(failed), "something that was sent")
    })
  )

  it.effect("fails after five seconds if Redis is a read-only replica", () =>
    Effect.gen(function* () {
      const lock = makeRedis(refusing("READONLY"))
      const waiting = yield* Effect.forkChild(Effect.flip(lock.withLock(account, () => Effect.void)))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Fiber.join(waiting)
      assert.include(failed.message, "This node is a replica")
    })
  )
})

describe("vaults: options of locks and stores", () => {
  const redis = answering(() => Effect.succeed(7))
  const make = (acquireTimeout: Duration.Input) =>
    SessionLock.make({
      describe: "a lock",
      acquireTimeout,
      acquire: () => Effect.succeed({ fence: 1, check: Effect.void })
    })

  const isInvalid = (option: string, effect: Effect.Effect<unknown, VaultError.VaultError>) =>
    Effect.map(Effect.flip(effect), ({ reason }) => assert.deepInclude(reason, { _tag: "InvalidOption", option }))

  it.effect.each([0, -5, NaN, "-1 second", "soon" as "1 second"] as const)(
    "SessionLock.make and SessionLock.makeRedis reject an acquireTimeout of %s",
    (acquireTimeout) =>
      Effect.gen(function* () {
        yield* isInvalid("acquireTimeout", make(acquireTimeout))
        yield* isInvalid("acquireTimeout", SessionLock.makeRedis(redis, { acquireTimeout }))
      })
  )

  it.effect.each([0, -5, 0.2, NaN, Infinity, "1 nano", "300 days", 1e300, "soon" as "1 second"] as const)(
    "SessionLock.makeRedis rejects a lease of %s",
    (lease) => isInvalid("lease", SessionLock.makeRedis(redis, { lease }))
  )

  it.effect.each([0, -5, NaN, "10 secs" as "1 second"] as const)(
    "SessionStore.makeRedis rejects a timeout of %s",
    (timeout) => isInvalid("timeout", SessionStore.makeRedis(redis, { timeout }))
  )

  it.live("SessionLock.make accepts an infinite acquireTimeout", () =>
    Effect.flatMap(make(Infinity), (lock) =>
      lock.withLock(account, ({ fence }) => Effect.sync(() => assert.strictEqual(fence, 1)))
    )
  )
})

contract("in memory", {
  make: Effect.map(Effect.sync(SessionLock.makeMemory), (lock) => ({ open: Effect.succeed(lock) }))
})
contract("in Redis", {
  make: Effect.map(freshPrefix, (prefix) => ({
    open: Effect.map(connect(url()), (redis) => makeRedis(redis, { prefix, lease: longLease }))
  }))
})

const keyOf = (prefix: string, what: string) => `${prefix}:{tiny/production/default/T1}:${what}`

const begin = Effect.gen(function* () {
  const prefix = yield* freshPrefix
  const redis = yield* connect(url())
  const lock = makeRedis(redis, { prefix, lease: longLease })
  return { prefix, redis, lock, key: keyOf(prefix, "lock") }
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    const exit = yield* Effect.exit(effect)
    return { exit, millis: Number((yield* Clock.monotonicTimeNanos) - began) / 1e6 }
  })

const reasonOf = <A, R>(effect: Effect.Effect<A, VaultError.VaultError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => (reason._tag === "LockUnavailable" ? reason.why : reason._tag))

const untilLost = ({ check }: SessionLock.Lease) =>
  timed(Effect.forever(Effect.andThen(check, Effect.sleep("5 millis"))).pipe(Effect.timeout("15 seconds"))).pipe(
    Effect.map(({ exit, millis }) => {
      assert.isTrue(Exit.isFailure(exit) && shown(exit).includes("no longer holds the lock"), shown(exit))
      return millis
    })
  )

const shownClock = (now: { monotonic: bigint; wall: number }, look: () => void = () => undefined) =>
  Effect.map(Clock.Clock, (live): Clock.Clock => {
    const monotonic = () => (look(), now.monotonic)
    return {
      sleep: (duration) => live.sleep(duration),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      currentTimeMillisUnsafe: () => now.wall,
      currentTimeMillis: Effect.sync(() => now.wall),
      currentTimeNanosUnsafe: () => BigInt(now.wall) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => BigInt(now.wall) * 1_000_000n)
    }
  })

describe("vaults: a lease in Redis", { tags: ["thorough"] }, () => {
  it.live.each([
    ["the monotonic clock if the wall clock was set back", { monotonic: 799, wall: -3_600_000 }],
    ["the wall clock if the monotonic clock stopped", { monotonic: 0, wall: 799 }]
  ] as const)("expires according to %s", ([, passed]) =>
    Effect.gen(function* () {
      const now = { monotonic: 1_000_000n, wall: 1_795_147_201_000 }
      // This Redis grants the lock. It does not answer later scripts.
      const redis = answering((nth) => (nth === 1 ? Effect.succeed(7) : Effect.never))
      yield* makeRedis(redis)
        .withLock(
          account,
          Effect.fnUntraced(function* ({ check, fence }) {
            assert.strictEqual(fence, 7)
            now.monotonic += BigInt(passed.monotonic) * 1_000_000n
            now.wall += passed.wall
            yield* check
            now.monotonic += 1_000_000n
            now.wall += 1
            assert.strictEqual(yield* reasonOf(check), "lost")
          })
        )
        .pipe(Effect.provideService(Clock.Clock, yield* shownClock(now)))
    })
  )

  it.live.each([
    ["right before `check` reads the clock", [1]],
    ["right after `check` has read the clock", [2]],
    ["before `check`, and once during `check`", [1, 3]],
    ["before `check`, and twice during `check`", [1, 3, 5]]
  ] as const)("is still valid if its holder was suspended %s", ([, stops]) =>
    Effect.gen(function* () {
      const now = { monotonic: 1_000_000n, wall: 1_795_147_201_000 }
      let looks = 0
      let isChecking = false
      const clock = yield* shownClock(now, () => {
        if (!isChecking) return
        looks += 1
        if (!stops.some((stop) => stop === looks)) return
        now.monotonic += 3_600_000_000_000n
        now.wall += 3_600_000
      })
      yield* makeRedis(answering((nth) => Effect.succeed(nth === 1 ? 7 : 1)))
        .withLock(account, ({ check }) => {
          isChecking = true
          return Effect.andThen(check, check)
        })
        .pipe(Effect.provideService(Clock.Clock, clock))
    })
  )

  it.live("is still valid if its holder was suspended while Redis answered", () =>
    Effect.gen(function* () {
      const now = { monotonic: 1_000_000n, wall: 1_795_147_201_000 }
      const lease = 300
      let checks = 0
      const stopped = Effect.callback<number>((resume) => {
        checks += 1
        // When the process resumes, the answer has arrived, but the time-out of the request has passed.
        setImmediate(() => {
          fs.stat(".", () => resume(Effect.succeed(1)))
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * lease)
        })
      })
      const redis = answering((nth) => (nth === 1 ? Effect.succeed(7) : nth === 2 ? stopped : Effect.never))
      yield* makeRedis(redis, { lease })
        .withLock(account, ({ check }) => {
          now.wall += lease
          return check
        })
        .pipe(Effect.provideService(Clock.Clock, yield* shownClock(now)))
      assert.strictEqual(checks, 1)
    })
  )

  it.live("is lost if each answer of Redis takes as long as the lease", () =>
    Effect.gen(function* () {
      const now = { monotonic: 1_000_000n, wall: 1_795_147_201_000 }
      let isSlow = false
      const redis = answering((nth) =>
        Effect.sync(() => {
          if (isSlow) now.wall += 800
          return nth === 1 ? 7 : 1
        })
      )
      yield* makeRedis(redis)
        .withLock(account, ({ check }) => {
          isSlow = true
          now.wall += 800
          return Effect.map(reasonOf(check), (why) => assert.strictEqual(why, "lost"))
        })
        .pipe(Effect.provideService(Clock.Clock, yield* shownClock(now)))
    })
  )
})

describe.runIf(runsRedis)("vaults: a lock in Redis", () => {
  it.live("ignores an invalid stored fence", () =>
    Effect.gen(function* () {
      const { lock, prefix, redis } = yield* begin
      for (const planted of ["99999999999999999999", "1e300", "inf", "nan", "-5", "x"]) {
        yield* redis.send("SET", keyOf(prefix, "fence"), planted)
        const fences = [yield* lock.withLock(account, ({ fence }) => Effect.succeed(fence))]
        fences.push(yield* lock.withLock(account, ({ fence }) => Effect.succeed(fence)))
        assert.isTrue(
          fences.every((fence) => Number.isSafeInteger(fence) && fence > 1.7e12),
          planted
        )
        assert.isAbove(fences[1] ?? 0, fences[0] ?? 0)
      }
    })
  )

  it.live("leaves only the fence in Redis after its release", () =>
    Effect.gen(function* () {
      const { key, lock, prefix, redis } = yield* begin
      const fence = yield* lock.withLock(account, (lease) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(Object.keys(yield* dump(redis, prefix)), [keyOf(prefix, "fence"), key])
          const left = yield* redis.send<number>("PTTL", key)
          assert.isTrue(left > 0 && left <= 10_000, `${left} ms`)
          return lease.fence
        })
      )
      assert.deepStrictEqual(yield* dump(redis, prefix), { [keyOf(prefix, "fence")]: String(fence) })
      assert.strictEqual(lock.describe, `Redis, keys ${prefix}:*:lock, shared by all programs that use it`)
    })
  )

  it.live("increases the fence even if data is lost or the clock is set back", () =>
    Effect.gen(function* () {
      const { lock, prefix, redis } = yield* begin
      const fence = lock.withLock(account, (lease) => Effect.succeed(lease.fence))
      const first = yield* fence
      yield* redis.send("DEL", keyOf(prefix, "fence"))
      yield* Effect.sleep("2 millis")
      const second = yield* fence
      assert.isAbove(second, first)
      const ahead = second + 86_400_000
      yield* redis.send("SET", keyOf(prefix, "fence"), String(ahead))
      assert.deepStrictEqual([yield* fence, yield* fence], [ahead + 1, ahead + 2])
    })
  )

  it.live("sends no request for a fiber that waits for another fiber", () =>
    Effect.gen(function* () {
      const { prefix, redis } = yield* begin
      const { counting, scriptsSent } = countScripts(redis)
      const lock = makeRedis(counting, { prefix, lease: "20 seconds" })
      const leave = yield* Deferred.make<void>()
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        Effect.forkChild(lock.withLock(account, () => Deferred.await(leave)))
      )
      yield* Effect.sleep("300 millis")
      assert.strictEqual(scriptsSent(), 1)
      yield* Deferred.succeed(leave, undefined)
      yield* Effect.forEach(fibers, Fiber.join)
      assert.strictEqual(scriptsSent(), 200)
    })
  )

  it.live("fails with `busy` after the acquireTimeout", () =>
    Effect.gen(function* () {
      const { prefix, redis } = yield* begin
      const options = { prefix, lease: longLease, acquireTimeout: "300 millis" } as const
      const one = makeRedis(redis, options)
      const two = makeRedis(redis, options)
      yield* one.withLock(
        account,
        Effect.fnUntraced(function* () {
          for (const lock of [one, two]) {
            const { exit, millis } = yield* timed(lock.withLock(account, () => Effect.void))
            assert.match(
              shown(exit),
              /Other programs, or other calls in this program, have held the lock of this account for 300 milliseconds/
            )
            assert.isTrue(millis >= 299 && millis < 10_000, `${millis} ms`)
          }
        })
      )
      yield* two.withLock(account, () => Effect.void)
    })
  )

  it.live(
    "is lost at the next renewal if another program took it",
    () =>
      Effect.gen(function* () {
        const { key, prefix, redis } = yield* begin
        const lock = makeRedis(redis, { prefix, lease: "8 seconds" })
        const answer = yield* lock.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            yield* lease.check
            yield* redis.send("SET", key, "another")
            assert.isBelow(
              yield* untilLost(lease),
              7000,
              "the loss must be reported at the next renewal, not at the end of the lease"
            )
            return "done"
          })
        )
        assert.strictEqual(answer, "done")
        assert.strictEqual(yield* redis.send("GET", key), "another")
      }),
    { tags: ["thorough"] }
  )

  it.live(
    "renews its expired key if no other program took the lock",
    () =>
      Effect.gen(function* () {
        const { key, lock, redis } = yield* begin
        yield* lock.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            const token = yield* redis.send("GET", key)
            yield* redis.send("DEL", key)
            while ((yield* redis.send("GET", key)) === null) yield* Effect.sleep("50 millis")
            assert.strictEqual(yield* redis.send("GET", key), token)
            yield* lease.check
          })
        )
        assert.isNull(yield* redis.send("GET", key))
      }),
    { tags: ["thorough"] }
  )

  it.live(
    "is still held if Redis evicts the fence",
    () =>
      Effect.gen(function* () {
        const { key, lock, prefix, redis } = yield* begin
        yield* lock.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            yield* redis.send("DEL", keyOf(prefix, "fence"))
            // The loop ends at the next renewal, which sets the expiry to 10 seconds.
            yield* redis.send("PEXPIRE", key, "6000")
            while ((yield* redis.send<number>("PTTL", key)) <= 6000) {
              assert.strictEqual(yield* redis.send("EXISTS", key), 1)
              yield* Effect.sleep("50 millis")
            }
            yield* lease.check
          })
        )
      }),
    { tags: ["thorough"] }
  )

  it.live(
    "is lost if its key and its fence are missing",
    () =>
      Effect.gen(function* () {
        const { key, lock, prefix, redis } = yield* begin
        yield* lock.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            yield* redis.send("DEL", key, keyOf(prefix, "fence"))
            yield* untilLost(lease)
            assert.isNull(yield* redis.send("GET", key))
          })
        )
      }),
    { tags: ["thorough"] }
  )

  it.live("is not acquired again by a check after the release", () =>
    Effect.gen(function* () {
      const { key, prefix, redis } = yield* begin
      const { counting, scriptsSent } = countScripts(redis)
      const lock = makeRedis(counting, { prefix, lease: "300 millis" })
      const early = yield* lock.withLock(account, Effect.succeed)
      const before = scriptsSent()
      assert.strictEqual(yield* reasonOf(early.check), "lost", "the reason right after the release")
      yield* Effect.sleep("400 millis")
      assert.strictEqual(yield* reasonOf(early.check), "lost", "the reason after the end of the lease")
      assert.strictEqual(scriptsSent(), before)
      assert.isNull(yield* redis.send("GET", key))
    })
  )

  it.live(
    "is lost if another program held it after its key expired",
    () =>
      Effect.gen(function* () {
        const { key, lock, prefix, redis } = yield* begin
        yield* lock.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            yield* redis.send("DEL", key)
            yield* makeRedis(redis, { prefix }).withLock(account, (other) =>
              Effect.sync(() => assert.isAbove(other.fence, lease.fence))
            )
            yield* untilLost(lease)
            assert.isNull(yield* redis.send("GET", key))
          })
        )
      }),
    { tags: ["thorough"] }
  )

  it.live(
    "is renewed until its release",
    () =>
      Effect.gen(function* () {
        const prefix = yield* freshPrefix
        const lock = makeRedis(yield* connect(url()), { prefix, lease: "2 seconds" })
        const other = makeRedis(yield* connect(url()), { prefix })
        const waiting = yield* lock.withLock(
          account,
          Effect.fnUntraced(function* () {
            const fiber = yield* Effect.forkChild(other.withLock(account, () => Effect.void))
            yield* Effect.sleep("3 seconds")
            assert.isUndefined(fiber.pollUnsafe())
            return fiber
          })
        )
        yield* Fiber.join(waiting)
      }).pipe(Effect.orDie, steady),
    { tags: ["thorough"], timeout: steadyTimeout }
  )

  it.live("is free after an acquiring fiber is interrupted", () =>
    Effect.gen(function* () {
      const { key, lock, prefix, redis } = yield* begin
      for (const delay of [0, 0, 0, 1, 1, 2, 3]) {
        const fiber = yield* Effect.forkChild(
          lock.withLock(account, () => Effect.never),
          { startImmediately: true }
        )
        yield* Effect.sleep(delay)
        yield* Fiber.interrupt(fiber)
        assert.isNull(yield* redis.send("GET", key))
      }
      yield* makeRedis(redis, { prefix, acquireTimeout: "10 seconds" }).withLock(account, () => Effect.void)
    })
  )
})

// The tests run concurrently, because each test spends most of its time waiting.
describe.runIf(runsRedis)(
  "vaults: a lock in a Redis that becomes unavailable",
  { concurrent: true, tags: ["thorough"] },
  () => {
    it.live("is lost when its lease ends, but `withLock` succeeds", () =>
      Effect.gen(function* () {
        const { freeze, thaw, url } = yield* server
        const lock = makeRedis(yield* connect(url), { lease: "2 seconds" })
        const { exit, millis } = yield* timed(
          lock.withLock(
            account,
            Effect.fnUntraced(function* (lease) {
              freeze()
              yield* lease.check
              const lost = yield* untilLost(lease)
              assert.isTrue(lost < 5000, `lost after ${lost} ms`)
              return "a session"
            })
          )
        )
        thaw()
        assert.deepStrictEqual(exit, Exit.succeed("a session"))
        assert.isBelow(millis, 10_000, "milliseconds until the lock is released")
        yield* lock.withLock(account, ({ check }) => check)
      })
    )

    it.live("delays an interruption of its holder by less than ten seconds", () =>
      Effect.gen(function* () {
        const { freeze, thaw, url } = yield* server
        const lock = makeRedis(yield* connect(url))
        const entered = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          lock.withLock(account, () => Effect.andThen(Deferred.succeed(entered, undefined), Effect.never))
        )
        yield* Deferred.await(entered)
        freeze()
        const { millis } = yield* timed(Fiber.interrupt(fiber))
        thaw()
        assert.isBelow(millis, 10_000)
      })
    )

    it.live("is lost at the next renewal if Redis restarts without data", () =>
      Effect.gen(function* () {
        const { restart, url } = yield* server
        const one = makeRedis(yield* connect(url), { lease: "8 seconds" })
        const two = makeRedis(yield* connect(url), { lease: "8 seconds" })
        yield* one.withLock(
          account,
          Effect.fnUntraced(function* (lease) {
            yield* Effect.promise(restart)
            assert.isBelow(yield* untilLost(lease), 7000)
            yield* two.withLock(account, (next) => {
              assert.isAbove(next.fence, lease.fence)
              return next.check
            })
          })
        )
      })
    )

    it.live("is acquired as soon as Redis answers again", () =>
      Effect.gen(function* () {
        const { freeze, restart, thaw, url } = yield* server
        const lock = makeRedis(yield* connect(url), { lease: longLease, acquireTimeout: "20 seconds" })
        freeze()
        const waiting = yield* Effect.forkChild(lock.withLock(account, ({ check }) => check))
        yield* Effect.sleep("1200 millis")
        assert.isUndefined(waiting.pollUnsafe())
        thaw()
        const { millis } = yield* timed(Fiber.join(waiting))
        assert.isBelow(millis, 5000, "the pending try must acquire the lock, not the next try")
        yield* Effect.promise(restart)
        yield* lock.withLock(account, ({ check }) => check)
      })
    )

    it.live("fails with `Io` if Redis does not answer within the acquireTimeout", () =>
      Effect.gen(function* () {
        const { freeze, stop, url } = yield* server
        const redis = yield* connect(url)
        const lock = makeRedis(redis, { acquireTimeout: "900 millis" })
        freeze()
        const silent = yield* Effect.flip(lock.withLock(account, () => Effect.void))
        assert.strictEqual(silent.reason.message, "Could not lock the account in Redis")
        assert.match(silent.remedy, /Check that Redis is running/)
        yield* Effect.promise(stop)
        assert.strictEqual(yield* reasonOf(lock.withLock(account, () => Effect.void)), "Io")
      })
    )

    it.live("fails with the error code of the Redis client", () =>
      Effect.gen(function* () {
        const cause = Object.assign(new Error("connect ECONNREFUSED redis://user:hunter2@10.0.0.1"), {
          code: "ECONNREFUSED"
        })
        const refusing = Effect.fail(new Redis.RedisError({ cause }))
        const redis = { eval: () => () => refusing } as unknown as Redis.Redis["Service"]
        const lock = makeRedis(redis, { acquireTimeout: "100 millis" })
        const error = yield* Effect.flip(lock.withLock(account, () => Effect.void))
        assert.strictEqual(error.reason.message, "Could not lock the account in Redis (ECONNREFUSED)")
        assert.notInclude(shown(error), "hunter2")
      })
    )
  }
)

const holder = (prefix: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const script = path.join(import.meta.dirname, "lockHolder.ts")
      const child: ChildProcess = start(process.execPath, ["--conditions=@auth/source", script, url(), prefix], {
        cwd: import.meta.dirname
      })
      const lines = readline.createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
      const line = async () => (await lines.next()).value as string
      assert.match(await line(), /^fence \d+$/)
      return { child, line }
    }),
    ({ child }) => Effect.promise(() => (child.kill("SIGCONT"), stop(child)))
  )

describe.runIf(runsRedis)("vaults: a process that holds a lock in Redis", { tags: ["thorough"] }, () => {
  it.live(
    "loses the lock within one second after SIGKILL",
    () =>
      Effect.gen(function* () {
        const { lock, prefix } = yield* begin
        const { child } = yield* holder(prefix)
        const next = yield* Effect.forkChild(timed(lock.withLock(account, () => Effect.void)))
        yield* Effect.sleep("1 second")
        assert.isUndefined(next.pollUnsafe(), "the next holder must wait while the first holder runs")
        const { millis } = yield* timed(
          Effect.andThen(
            Effect.sync(() => child.kill("SIGKILL")),
            Fiber.join(next)
          )
        )
        console.log(`lock in Redis: the next holder acquired it ${Math.round(millis)} ms after the holder was killed`)
        assert.isBelow(millis, 1000)
      }).pipe(Effect.orDie, steady),
    steadyTimeout
  )

  it.live(
    "keeps the lock if no program took it during a long suspension",
    () =>
      Effect.gen(function* () {
        const { key, prefix, redis } = yield* begin
        const { child } = yield* holder(prefix)
        const until = (isExpected: (found: unknown) => boolean) =>
          Effect.sleep("20 millis").pipe(
            Effect.andThen(redis.send("GET", key)),
            Effect.repeat({ until: isExpected }),
            Effect.timeout("3 seconds")
          )
        const token = yield* redis.send("GET", key)
        child.kill("SIGSTOP")
        yield* until((found) => found === null)
        child.kill("SIGCONT")
        assert.strictEqual(yield* until((found) => found !== null), token)
      }).pipe(Effect.orDie, steady),
    steadyTimeout
  )

  it.live("gets `lost` if another program took the lock during a suspension", () =>
    Effect.gen(function* () {
      const { lock, prefix } = yield* begin
      const { child, line } = yield* holder(prefix)
      child.kill("SIGSTOP")
      const taken = yield* lock.withLock(account, () => Clock.currentTimeMillis)
      child.kill("SIGCONT")
      const [why, held] = (yield* Effect.promise(line)).split(" ")
      assert.strictEqual(why, "lost")
      assert.isBelow(Number(held), taken)
    })
  )
})
