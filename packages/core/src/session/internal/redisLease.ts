/**
 * Locks an account in Redis with a lease. The lease is renewed as long as its scope is open, and is released when the
 * scope closes.
 */
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

interface Taken {
  /** A number that is larger each time the lock is acquired. */
  readonly fence: number
  readonly check: Effect.Effect<void, VaultError.VaultError>
}

export interface Leases {
  /**
   * Retries until the lock is acquired. Fails if a retry cannot succeed. `note` receives the trouble of each try, or
   * `undefined` if Redis replied without an error.
   */
  readonly take: (account: Account, note: Note) => Effect.Effect<Taken, VaultError.VaultError, Scope.Scope>
}

/**
 * Each fence is larger than the previous fence, even if Redis has lost the previous fence, or if the clock of Redis was
 * set back. After a lost reply, a retry with the same token succeeds.
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

/** An expired lease is renewed only if no other holder has stored a larger fence. */
const renewLua = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if not holder and redis.call("GET", KEYS[2]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[3])
return 1`

const releaseLua = `
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
  release: Redis.script((lock: string, token: string) => [lock, token], {
    lua: releaseLua,
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

/** The monotonic clock may stop while the machine sleeps. The time of day may be set back. */
const isOver = (lease: Duration.Duration, from: Instant, now: Instant): boolean =>
  now.monotonic - from.monotonic >= BigInt(Math.floor(Duration.toMillis(lease))) * 1_000_000n ||
  now.wall - from.wall >= Duration.toMillis(lease)

const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))

/**
 * Returns `undefined` if no reply comes in time. If the process was suspended, the first sleep may end before the
 * process reads a reply that has arrived. The second sleep gives time to read this reply.
 */
const inTime = <A, E>(ask: Effect.Effect<A, E>, lease: Duration.Duration): Effect.Effect<A | undefined, E> =>
  Effect.raceFirst(ask, Effect.as(Effect.andThen(Effect.sleep(lease), Effect.sleep("10 millis")), undefined))

/**
 * Maximum number of renewals in one call of `check`. If the lease has expired after each of these renewals, Redis is
 * too slow for the lease.
 */
const maxRenewals = 5

const whatItDoes = "lock the account in Redis"

const unreachable = (failure: Redis.RedisError | undefined) => toIo(whatItDoes, failure)

/** In milliseconds. A node that is read-only for this time is probably a replica. */
const maxReadOnly = 5000

const readOnly = new VaultError.Io({
  what: whatItDoes,
  systemCode: "READONLY",
  advice: "Connect to the primary node of Redis. This node is a replica and accepts no writes."
})

interface Keys {
  readonly lock: string
  readonly fenceKey: string
}

interface AcquiredLease {
  readonly token: string
  readonly fence: number
  /** The time when this process sent the last request that acquired or renewed the lease. */
  from: Instant
  /** Whether this lease is lost or released. */
  isGone: boolean
}

export const make = (redis: Redis.Redis["Service"], { lease, prefix }: Settings): Leases => {
  const scripts = makeScripts(Math.ceil(Duration.toMillis(lease)))
  const renewInterval = Duration.millis(Duration.toMillis(lease) / 4)

  /**
   * Returns `"read-only"` after the error `READONLY`. Returns `undefined` if another program holds the lock, or if Redis
   * sends no reply or another temporary error.
   */
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
    // If Redis does not reply before the caller's time-out, the caller fails with this reason.
    note(unreachable(undefined))
    let readOnlySince: number | undefined
    while (true) {
      const from = yield* instant
      const fence = yield* attempt(lock, fenceKey, token, note)
      if (fence === "read-only") {
        readOnlySince ??= from.wall
        if (from.wall - readOnlySince >= maxReadOnly) return yield* Effect.fail(VaultError.make("lock", readOnly))
        yield* pause
        continue
      }
      readOnlySince = undefined
      if (fence !== undefined && !isOver(lease, from, yield* instant)) return { fence, from }
      yield* pause
    }
  })

  const renew = Effect.fnUntraced(function* ({ fenceKey, lock }: Keys, held: AcquiredLease) {
    const from = yield* instant
    const answer = yield* Effect.orElseSucceed(
      inTime(redis.eval(scripts.renew)(lock, fenceKey, held.token, held.fence), lease),
      () => undefined
    )
    if (answer === 1) held.from = from
    if (answer === 0) held.isGone = true
    return answer === 1
  })

  const keepRenewing = (keys: Keys, held: AcquiredLease) =>
    Effect.whileLoop({
      while: () => !held.isGone,
      body: () => Effect.andThen(Effect.sleep(renewInterval), renew(keys, held)),
      step: () => undefined
    })

  /**
   * Renews an expired lease. Then checks the lease again, because the process may have been suspended during the
   * renewal.
   */
  const check = Effect.fnUntraced(function* (keys: Keys, held: AcquiredLease) {
    for (let renewals = 0; !held.isGone; renewals += 1) {
      if (!isOver(lease, held.from, yield* instant)) return
      if (renewals === maxRenewals || !(yield* renew(keys, held))) break
    }
    return yield* Effect.fail(lost)
  })

  return {
    take: Effect.fnUntraced(function* (account, note) {
      const token = Hex.encode(SecureRandom.randomBytesUnsafe(16))
      const keys: Keys = { lock: keyOf(prefix, account, "lock"), fenceKey: keyOf(prefix, account, "fence") }
      // The finalizer is added before the first try, because an interrupted try may have acquired the lock.
      yield* Effect.addFinalizer(() => Effect.ignore(inTime(redis.eval(scripts.release)(keys.lock, token), lease)))
      const held: AcquiredLease = { ...(yield* takeBy(keys, token, note)), token, isGone: false }
      yield* Effect.addFinalizer(() => Effect.sync(() => void (held.isGone = true)))
      yield* Effect.forkScoped(keepRenewing(keys, held))
      return { fence: held.fence, check: check(keys, held) }
    })
  }
}
