/** A lease on an account's lock in Redis: acquired, renewed while its scope is open, then released. */
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

/** An acquired lock: its fence, and a check that it is still held. */
interface Taken {
  readonly fence: number
  readonly check: Effect.Effect<void, VaultError.VaultError>
}

export interface Leases {
  /** Retries until it has the lock, and notes if Redis is unreachable. Fails at once if a retry cannot succeed. */
  readonly take: (account: Account, note: Note) => Effect.Effect<Taken, VaultError.VaultError, Scope.Scope>
}

/**
 * The fence is the larger of the time of Redis in milliseconds and the last fence plus one. So it grows even if a
 * restart loses the last fence, or the clock is set back. A lost reply does no harm: the retry has the same token. A
 * stored fence that is negative, not a number, or too large to count up from is damaged and is ignored.
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
 * An expired lease is renewed if no other holder has had the lock since: each holder leaves a larger fence. While the
 * lock exists, its token identifies the holder, whatever the stored fence is.
 */
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

/** Checks two clocks: the monotonic clock may stop while the machine sleeps, and the wall clock may be set back. */
const isOver = (lease: Duration.Duration, from: Instant, now: Instant): boolean =>
  now.monotonic - from.monotonic >= BigInt(Math.floor(Duration.toMillis(lease))) * 1_000_000n ||
  now.wall - from.wall >= Duration.toMillis(lease)

const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))

/**
 * The reply of Redis, or `undefined` after the time of one lease. If this process was suspended for longer, the timer
 * fires before a reply that has arrived meanwhile is read. The extra 10 ms allow for that.
 */
const inTime = <A, E>(ask: Effect.Effect<A, E>, lease: Duration.Duration): Effect.Effect<A | undefined, E> =>
  Effect.raceFirst(ask, Effect.as(Effect.andThen(Effect.sleep(lease), Effect.sleep("10 millis")), undefined))

/** Maximum number of renewals in one check. More means that Redis is too slow for this lease. */
const maxRenewals = 5

const whatItDoes = "lock the account in Redis"

const unreachable = (failure: Redis.RedisError | undefined) => toIo(whatItDoes, failure)

/**
 * During a failover, a node is read-only for seconds. If it lasts longer than this, the node is a replica. In
 * milliseconds.
 */
const maxReadOnly = 5000

const readOnly = new VaultError.Io({
  what: whatItDoes,
  systemCode: "READONLY",
  advice: "Connect to the primary node of Redis. This one is a replica and accepts no writes."
})

interface Keys {
  readonly lock: string
  readonly fenceKey: string
}

/** An acquired lease. */
interface AcquiredLease {
  readonly token: string
  readonly fence: number
  /** When the last successful request was sent. The lease counts from then. */
  from: Instant
  /** The lease is lost to another holder, or was released. It is not renewed again. */
  isGone: boolean
}

export const make = (redis: Redis.Redis["Service"], { lease, prefix }: Settings): Leases => {
  const scripts = makeScripts(Math.ceil(Duration.toMillis(lease)))
  const renewInterval = Duration.millis(Duration.toMillis(lease) / 4)

  /** One try. Returns the fence, or `undefined` if another program holds the lock or Redis is unreachable. */
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
    // The reason until Redis replies for the first time.
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

  /** Renews the lease once. Returns whether it succeeded. */
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

  /** Renews the lease until it is gone. If Redis does not reply, the next renewal is after `renewInterval`. */
  const keepRenewing = (keys: Keys, held: AcquiredLease) =>
    Effect.whileLoop({
      while: () => !held.isGone,
      body: () => Effect.andThen(Effect.sleep(renewInterval), renew(keys, held)),
      step: () => undefined
    })

  /**
   * Fails if the lease is lost. If this process was suspended for longer than the lease, another program may have the
   * lock, so the lease is renewed first. A suspension can also happen within this check, hence the loop. An expired
   * lease alone is not a failure: only Redis decides.
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
      // Added before the first try: an abandoned try may have succeeded. If the release fails, the lock ends with its
      // lease.
      yield* Effect.addFinalizer(() => Effect.ignore(inTime(redis.eval(scripts.release)(keys.lock, token), lease)))
      const held: AcquiredLease = { ...(yield* takeBy(keys, token, note)), token, isGone: false }
      yield* Effect.addFinalizer(() => Effect.sync(() => void (held.isGone = true)))
      yield* Effect.forkScoped(keepRenewing(keys, held))
      return { fence: held.fence, check: check(keys, held) }
    })
  }
}
