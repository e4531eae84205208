/** A clock whose time the bench sets. Sleeps and the monotonic time are real. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** `nowOf` converts the machine's time to the clock's time, both in milliseconds since the epoch. */
export const clockOf = (nowOf: (millis: number) => number): Clock.Clock => {
  const real = Context.get(Context.empty(), Clock.Clock)
  const now = () => nowOf(real.currentTimeMillisUnsafe())
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: () => BigInt(now()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
}
