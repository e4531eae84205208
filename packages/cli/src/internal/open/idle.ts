/** Counts the open pages of `broker-auth open`. `ended` completes when the count has stayed 0 for `duration`. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

export interface Idle {
  readonly enter: () => void
  readonly leave: () => void
  readonly ended: Effect.Effect<void>
  readonly isEmpty: () => boolean
}

export const make = (duration: Duration.Input): Idle => {
  const [empty, occupied] = [Latch.makeUnsafe(true), Latch.makeUnsafe(false)]
  let count = 0
  const change = (by: number) => {
    count += by
    if (count === 0) {
      empty.openUnsafe()
      occupied.closeUnsafe()
    } else {
      empty.closeUnsafe()
      occupied.openUnsafe()
    }
  }
  const ended: Effect.Effect<void> = Effect.gen(function* () {
    yield* empty.await
    const isOver = yield* Effect.raceFirst(Effect.as(Effect.sleep(duration), true), Effect.as(occupied.await, false))
    if (!isOver) yield* ended
  })
  return { enter: () => change(1), leave: () => change(-1), ended, isEmpty: () => count === 0 }
}
