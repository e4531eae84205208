/** A lease on an account's lock in Redis: taken, renewed while its scope is open, given back. */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import type { Account } from "../../login/Account.ts"
import * as VaultError from "../VaultError.ts"
import { isFinal, keyOf, pause, refusal, toIo, toReason } from "./redis.ts"

export interface Settings {
  readonly prefix: string
  readonly lease: Duration.Duration
}

type Note = (trouble: VaultError.Reason | undefined) => void

/** A lock that was taken: its number, and whether it is still held. */
interface Taken {
  readonly fence: number
  readonly check: Effect.Effect<void, VaultError.VaultError>
}

export interface Leases {
  /** Tries until it has the lock, and notes when Redis cannot be reached. Fails at once where trying again is no use. */
  readonly take: (account: Account, note: Note) => Effect.Effect<Taken, VaultError.VaultError, Scope.Scope>
}

/**
 * The fence is the time of Redis in milliseconds, or one more than the last fence where that is larger: it grows although
 * a restart may have lost the last one, and although a clock may be set back. A reply that got lost is no harm, since who
 * asks again asks with the same token. A fence that no counting reaches is damage: a number as large would overflow.
 */
const takeLua = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call("GET", KEYS[2])) or 0
if last ~= last or last < 0 or last > 9007199254740000 then last = 0 end
local fence = math.max(last + 1, now)
redis.call("SET", KEYS[2], string.format("%.0f", fence))
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return fence`

/**
 * A lease that is over goes on if nobody has had the lock since: every holder has left a larger fence. While the lock is
 * there its token says whose it is, whatever became of the fence.
 */
const renewLua = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if not holder and redis.call("GET", KEYS[2]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[3])
return 1`

const giveBackLua = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`

const makeScripts = (lease: number) => ({
  take: Redis.script((lock: string, fenceKey: string, token: string) => [lock, fenceKey, token, lease], {
    lua: takeLua,
    numberOfKeys: 2
  }).withReturnType<number>(),
  renew: Redis.script(
    (lock: string, fenceKey: string, token: string, fence: number) => [lock, fenceKey, token, fence, lease],
    {
      lua: renewLua,
      numberOfKeys: 2
    }
  ).withReturnType<number>(),
  giveBack: Redis.script((lock: string, token: string) => [lock, token], {
    lua: giveBackLua,
    numberOfKeys: 1
  }).withReturnType<number>()
})

interface Instant {
  readonly monotonic: bigint
  readonly wall: number
}

const instant: Effect.Effect<Instant> = Clock.clockWith((clock) =>
  Effect.sync(() => ({ monotonic: clock.monotonicTimeNanosUnsafe(), wall: clock.currentTimeMillisUnsafe() }))
)

/** By two clocks: the monotonic one may stand still while the machine sleeps, the wall clock may be set back. */
const isOver = (lease: Duration.Duration, from: Instant, now: Instant): boolean =>
  now.monotonic - from.monotonic >= BigInt(Math.floor(Duration.toMillis(lease))) * 1_000_000n ||
  now.wall - from.wall >= Duration.toMillis(lease)

const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))

/**
 * What Redis answers within a lease, or `undefined`. After a stop that was longer, the end of the wait is due at once, and
 * an answer that has come meanwhile is read only after it: it gets one more moment.
 */
const inTime = <A, E>(ask: Effect.Effect<A, E>, lease: Duration.Duration): Effect.Effect<A | undefined, E> =>
  Effect.raceFirst(ask, Effect.as(Effect.andThen(Effect.sleep(lease), Effect.sleep("10 millis")), undefined))

/** Who is stopped again each time that it asks is not told from a Redis that is too slow for this lease. */
const mostStops = 5

const whatItDoes = "lock the account in Redis"

const unreachable = (failure: Redis.RedisError | undefined) => toIo(whatItDoes, failure)

/** A node that is read-only while another takes over is writable again within seconds; a replica never is. */
const longestReadOnly = 5000

const readOnly = new VaultError.Io({
  what: whatItDoes,
  systemCode: "READONLY",
  advice: "Connect to the primary node of Redis: this one is a replica and takes no writes."
})

interface Keys {
  readonly lock: string
  readonly fenceKey: string
}

/** A lease that was had. */
interface HeldLease {
  readonly token: string
  readonly fence: number
  /** When the last request was sent that Redis said yes to. */
  from: Instant
  /** Redis said no, since another has or had the lock, or it was given back. It is not asked again. */
  isGone: boolean
}

export const make = (redis: Redis.Redis["Service"], { lease, prefix }: Settings): Leases => {
  const scripts = makeScripts(Math.ceil(Duration.toMillis(lease)))
  const beat = Duration.millis(Duration.toMillis(lease) / 4)

  /** One try: the fence, or `undefined` if another holds the lock or Redis cannot be reached. */
  const attempt = (lock: string, fenceKey: string, token: string, note: Note) =>
    inTime(redis.eval(scripts.take)(lock, fenceKey, token), lease).pipe(
      Effect.matchEffect({
        onFailure: (failure) => {
          const reason = toReason(whatItDoes, "lock of the account", failure)
          note(reason)
          const word = refusal(failure)
          return isFinal(word)
            ? Effect.fail(VaultError.make("lock", reason))
            : Effect.succeed(word === "READONLY" ? ("read-only" as const) : undefined)
        },
        onSuccess: (answer) => {
          note(answer === undefined ? unreachable(undefined) : undefined)
          return Effect.succeed(answer === 0 ? undefined : answer)
        }
      })
    )

  const takeBy = Effect.fnUntraced(function* ({ fenceKey, lock }: Keys, token: string, note: Note) {
    // Until it has answered for the first time.
    note(unreachable(undefined))
    let readOnlySince: number | undefined
    while (true) {
      const from = yield* instant
      const fence = yield* attempt(lock, fenceKey, token, note)
      if (fence === "read-only") {
        readOnlySince ??= from.wall
        if (from.wall - readOnlySince >= longestReadOnly) return yield* Effect.fail(VaultError.make("lock", readOnly))
        yield* pause
        continue
      }
      readOnlySince = undefined
      if (fence !== undefined && !isOver(lease, from, yield* instant)) return { fence, from }
      yield* pause
    }
  })

  /** Whether Redis said yes. */
  const renew = Effect.fnUntraced(function* ({ fenceKey, lock }: Keys, held: HeldLease) {
    const from = yield* instant
    const answer = yield* Effect.orElseSucceed(
      inTime(redis.eval(scripts.renew)(lock, fenceKey, held.token, held.fence), lease),
      () => undefined
    )
    if (answer === 1) held.from = from
    if (answer === 0) held.isGone = true
    return answer === 1
  })

  /** Until Redis says that the lock is another's. One that does not answer is asked again at the next beat. */
  const renewing = (keys: Keys, held: HeldLease) =>
    Effect.whileLoop({
      while: () => !held.isGone,
      body: () => Effect.andThen(Effect.sleep(beat), renew(keys, held)),
      step: () => undefined
    })

  /**
   * Who was stopped for longer than a lease asks whether another was faster. A stop may come between any two steps, also
   * of this: the end of a lease is a reason to ask, and never one to fail without having asked.
   */
  const check = Effect.fnUntraced(function* (keys: Keys, held: HeldLease) {
    for (let stops = 0; !held.isGone; stops += 1) {
      if (!isOver(lease, held.from, yield* instant)) return
      if (stops === mostStops || !(yield* renew(keys, held))) break
    }
    return yield* Effect.fail(lost)
  })

  return {
    take: Effect.fnUntraced(function* (account, note) {
      const token = Hex.encode(SecureRandom.randomBytesUnsafe(16))
      const keys: Keys = { lock: keyOf(prefix, account, "lock"), fenceKey: keyOf(prefix, account, "fence") }
      // Before the first try: one that is given up may have succeeded. What cannot be given back ends with its lease.
      yield* Effect.addFinalizer(() => Effect.ignore(inTime(redis.eval(scripts.giveBack)(keys.lock, token), lease)))
      const held: HeldLease = { ...(yield* takeBy(keys, token, note)), token, isGone: false }
      yield* Effect.addFinalizer(() => Effect.sync(() => void (held.isGone = true)))
      yield* Effect.forkScoped(renewing(keys, held))
      return { fence: held.fence, check: check(keys, held) }
    })
  }
}
