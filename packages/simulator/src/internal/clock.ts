import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** The time of day is `ahead()` milliseconds ahead of `base`. The monotonic time is that of `base`. */
export const runAhead = (
  base: Clock.Clock,
  ahead: () => number,
  sleep: Clock.Clock["sleep"] = (duration) => base.sleep(duration)
): Clock.Clock => {
  const millis = () => base.currentTimeMillisUnsafe() + ahead()
  const nanos = () => base.currentTimeNanosUnsafe() + BigInt(Math.round(ahead() * 1_000_000))
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: base.monotonicTimeNanos,
    sleep
  }
}
