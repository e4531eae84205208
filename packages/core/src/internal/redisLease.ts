/** A lease on an account's lock in Redis: taken, renewed while its scope is open, given back. */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import type { Account } from "../Account.ts"
import type { Lease } from "../SessionLock.ts"
import * as VaultError from "../VaultError.ts"
import { keyOf, pause } from "./redis.ts"

export interface Settings {
  readonly prefix: string
  readonly lease: Duration.Duration
}

/** Whether the last thing that Redis did was to answer. */
export interface Contact {
  failure: Redis.RedisError | "silent" | undefined
}

export interface Leases {
  /** Tries until it has the lock. Its failures to reach Redis are noted in `contact`. */
  readonly take: (account: Account, contact: Contact) => Effect.Effect<Lease, never, Scope.Scope>
}

/**
 * The fence is the time of Redis in milliseconds, or one more than the last fence where that is larger: it grows although
 * a restart may have lost the last one, and although a clock may be set back. A reply that got lost is no harm, since who
 * asks again asks with the same token.
 */
const takeLua = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fence = math.max((tonumber(redis.call("GET", KEYS[2])) or 0) + 1, now)
redis.call("SET", KEYS[2], string.format("%.0f", fence))
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return fence`

const renewLua = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`

const giveBackLua = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`

const makeScripts = (lease: number) => ({
  take: Redis.script((lock: string, fence: string, token: string) => [lock, fence, token, lease], {
    lua: takeLua,
    numberOfKeys: 2
  }).withReturnType<number>(),
  renew: Redis.script((lock: string, token: string) => [lock, token, lease], {
    lua: renewLua,
    numberOfKeys: 1
  }).withReturnType<number>(),
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

/** What is known of a lease that was had: `from` is when the last request was sent that Redis said yes to. */
interface State {
  from: Instant
  isRefused: boolean
}

export const make = (redis: Redis.Redis["Service"], { lease, prefix }: Settings): Leases => {
  const scripts = makeScripts(Math.ceil(Duration.toMillis(lease)))
  const beat = Duration.millis(Duration.toMillis(lease) / 4)

  /** One try: the fence, or `undefined` if another holds the lock or Redis cannot be reached. */
  const attempt = (lock: string, fence: string, token: string, contact: Contact) =>
    redis
      .eval(scripts.take)(lock, fence, token)
      .pipe(
        Effect.timeoutOrElse({ duration: lease, orElse: () => Effect.succeed("silent" as const) }),
        Effect.match({
          onFailure: (failure) => {
            contact.failure = failure
            return undefined
          },
          onSuccess: (answer) => {
            contact.failure = answer === "silent" ? answer : undefined
            return answer === "silent" || answer === 0 ? undefined : answer
          }
        })
      )

  const takeBy = Effect.fnUntraced(function* (account: Account, token: string, contact: Contact) {
    const lock = keyOf(prefix, account, "lock")
    const fenceKey = keyOf(prefix, account, "fence")
    while (true) {
      const from = yield* instant
      const fence = yield* attempt(lock, fenceKey, token, contact)
      if (fence !== undefined && !isOver(lease, from, yield* instant)) return { fence, from }
      yield* pause
    }
  })

  /** Until Redis says that the lock is another's. One that does not answer is asked again at the next beat. */
  const renewing = Effect.fnUntraced(function* (lock: string, token: string, state: State) {
    while (!state.isRefused) {
      yield* Effect.sleep(beat)
      const from = yield* instant
      const answer = yield* Effect.timeoutOption(redis.eval(scripts.renew)(lock, token), lease).pipe(
        Effect.map(Option.getOrUndefined),
        Effect.orElseSucceed(() => undefined)
      )
      if (answer === 1) state.from = from
      if (answer === 0) state.isRefused = true
    }
  })

  return {
    take: Effect.fnUntraced(function* (account, contact) {
      const token = Hex.encode(SecureRandom.randomBytesUnsafe(16))
      const lock = keyOf(prefix, account, "lock")
      // Before the first try: one that is given up may have succeeded. What cannot be given back ends with its lease.
      yield* Effect.addFinalizer(() =>
        Effect.ignore(Effect.timeoutOption(redis.eval(scripts.giveBack)(lock, token), lease))
      )
      const { fence, from } = yield* takeBy(account, token, contact)
      const state: State = { from, isRefused: false }
      yield* Effect.forkScoped(renewing(lock, token, state))
      const check = Effect.flatMap(instant, (now) =>
        state.isRefused || isOver(lease, state.from, now) ? Effect.fail(lost) : Effect.void
      )
      return { fence, check }
    })
  }
}
