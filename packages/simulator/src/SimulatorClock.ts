/**
 * The simulator's clock, for programs that use the simulator.
 *
 * `POST /clock` advances only the simulator's clock. After this call, a program with another clock computes one-time
 * codes for the wrong period, and treats an expired session as valid.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { runAhead } from "./internal/clock.ts"
import { Simulator } from "./Simulator.ts"
import { SimulatorError } from "./SimulatorError.ts"

/**
 * Makes a clock whose time of day is ahead of the program's clock. `ahead` returns the difference in milliseconds.
 * Monotonic time and sleeps are those of the program's clock.
 *
 * @example
 * ```ts
 * import * as SimulatorClock from "@auth/simulator/SimulatorClock"
 * import * as Clock from "effect/Clock"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const tomorrow = yield* SimulatorClock.make(() => 86_400_000)
 *   return yield* Effect.provideService(Clock.currentTimeMillis, Clock.Clock, tomorrow)
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (ahead: () => number): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (base) => runAhead(base, ahead))

/**
 * Gives a program the clock of the simulator in the same process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never, never, Simulator> = Layer.effect(
  Clock.Clock,
  Effect.map(Simulator, ({ clock }) => clock)
)

/**
 * The clock of a simulator in another process.
 *
 * @category models
 * @since 0.1.0
 */
export interface Remote {
  /** A copy of the simulator's clock. If another program advances the simulator's clock, call `sync`. */
  readonly clock: Clock.Clock
  /** Advances the simulator's clock, and sets `clock` to the same time. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void, SimulatorError>
  /** Reads the simulator's clock, and sets `clock` to the same time. */
  readonly sync: Effect.Effect<void, SimulatorError>
}

const Answer = Schema.fromJsonString(Schema.Struct({ aheadMillis: Schema.Finite }))

/**
 * Connects to the simulator whose control port has the address `control`, such as `http://127.0.0.1:4010`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const connect = Effect.fnUntraced(function* (
  control: string
): Effect.fn.Return<Remote, SimulatorError, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const clockUrl = `${control.replace(/\/+$/, "")}/clock`
  let ahead = 0

  const ask = (request: HttpClientRequest.HttpClientRequest) =>
    client.execute(request).pipe(
      Effect.flatMap((response) => response.text),
      Effect.mapError(
        () => new SimulatorError({ message: `No simulator answers at ${control}: start it, or correct the address.` })
      ),
      Effect.flatMap((text) =>
        Effect.mapError(
          Schema.decodeUnknownEffect(Answer)(text),
          () =>
            new SimulatorError({
              message: `The simulator at ${control} refused the request: ${text.trim().slice(0, 200)}`
            })
        )
      ),
      Effect.map(({ aheadMillis }) => {
        ahead = aheadMillis
      })
    )

  const sync = ask(HttpClientRequest.get(clockUrl))
  yield* sync
  return {
    clock: yield* make(() => ahead),
    advance: (duration) =>
      ask(
        HttpClientRequest.post(clockUrl).pipe(
          HttpClientRequest.bodyJsonUnsafe({ advance: Duration.toMillis(duration) })
        )
      ),
    sync
  }
})
