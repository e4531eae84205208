/**
 * Rate limits that several programs share. A broker may count all calls of an app or of an IP address together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as RateLimiters from "effect/persistence/RateLimiter"
import * as EffectKeys from "../login/internal/effectKeys.ts"
import type { Limit } from "./Endpoint.ts"
import { askShared } from "./internal/askShared.ts"
import { Sharing } from "./internal/sharing.ts"

/**
 * Counts calls for all programs that share the limits.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedLimits {
  /**
   * If the limit allows the call now, `take` counts the call and returns zero. Otherwise, `take` returns how long the
   * client must wait before it calls `take` again. `key` contains no secret. `limit.per` is the broker's period plus 50
   * milliseconds, because calls may arrive closer together than they were sent.
   */
  readonly take: (key: string, limit: Limit) => Effect.Effect<Duration.Duration, unknown>
}

/**
 * Shares a broker's limits whose `scope` is `app` or `address`. Provide this layer to the broker's layer. If the shared
 * limits fail or do not answer within one second, `BrokerClient` counts only its own calls for 10 seconds.
 *
 * @example
 * ```ts
 * import * as SharedLimits from "@auth/broker-core/broker/SharedLimits"
 * import * as Duration from "effect/Duration"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const limits: SharedLimits.SharedLimits = { take: () => Effect.succeed(Duration.zero) }
 * Layer.isLayer(SharedLimits.layer(limits)) // => true
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (limits: SharedLimits): Layer.Layer<never> =>
  Layer.succeed(Sharing, (protocol) => askShared((key, limit) => limits.take(key, limit), protocol))

/**
 * Effect's `RateLimiter` allows `burst` calls in a window. Each call lengthens the window by `pause` milliseconds.
 *
 * So any period of the length `per` contains fewer than `requests + 1` calls:
 * - The last window in the period contains at most `burst` calls.
 * - Each earlier call in the period is followed by its own `pause` milliseconds of the period. So there are fewer than
 *   `per / pause` earlier calls.
 * - `burst + per / pause` is at most `requests + 1`.
 */
const paceOf = ({ per, requests }: Limit) => {
  const burst = Math.max(1, Math.floor(requests / 4))
  return { burst, pause: Math.ceil(Duration.toMillis(per) / (requests - burst + 1)) }
}

/**
 * Options of `makeRateLimiter` and `layerRateLimiter`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The IP address from which this program calls the broker, or a name for that IP address. Programs with the same
   * `address` share the limits whose `scope` is `address`. Programs that do not set `address` share these limits with
   * each other.
   */
  readonly address?: string | undefined
}

const make = (limiter: RateLimiters.RateLimiter, { address = "" }: Options): SharedLimits => ({
  take: (key, limit) => {
    const { burst, pause } = paceOf(limit)
    return limiter
      .consume({
        algorithm: "fixed-window",
        onExceeded: "fail",
        key: limit.scope === "address" ? `${key}:${address}` : key,
        limit: burst,
        window: burst * pause
      })
      .pipe(
        Effect.as(Duration.zero),
        Effect.catch((error) =>
          error.reason._tag === "RateLimitExceeded"
            ? // Zero would mean that the call was counted.
              Effect.succeed(Duration.max(error.reason.retryAfter, Duration.millis(1)))
            : Effect.fail(error)
        )
      )
  }
})

/**
 * Makes shared limits from Effect's `RateLimiter`: see `layerRateLimiter`.
 *
 * @example
 * ```ts
 * import * as SharedLimits from "@auth/broker-core/broker/SharedLimits"
 * import * as Duration from "effect/Duration"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 *
 * const inMemory = RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))
 * const program = Effect.gen(function* () {
 *   const limits = yield* SharedLimits.makeRateLimiter()
 *   const wait = yield* limits.take("key", { requests: 1, per: "1 second" })
 *   Duration.toMillis(wait) // => 0
 * }).pipe(Effect.provide(inMemory))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRateLimiter = (options: Options = {}): Effect.Effect<SharedLimits, never, RateLimiters.RateLimiter> =>
  Effect.map(EffectKeys.RateLimiter, (limiter) => make(limiter, options))

/**
 * Shares the limits through Effect's `RateLimiter`. With a store in Redis, programs on different machines can share the
 * limits.
 *
 * A quarter of a limit's calls (rounded down, at least one) may be sent without a pause. The other calls are spread
 * over the period.
 *
 * If Redis cannot be reached at the start, `NodeRedis.layer` fails. In the example, `Layer.catch` then lets the program
 * run without shared limits until it is restarted.
 *
 * @example
 * ```ts no-run
 * import * as SharedLimits from "@auth/broker-core/broker/SharedLimits"
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import * as Layer from "effect/Layer"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 *
 * // Provide this layer to the layer of the broker.
 * const Limits = SharedLimits.layerRateLimiter({ address: "203.0.113.7" }).pipe(
 *   Layer.provide(RateLimiter.layer),
 *   Layer.provide(RateLimiter.layerStoreRedis({ prefix: "broker-limits:" })),
 *   Layer.provide(NodeRedis.layer({ url: "redis://127.0.0.1:6379", disableOfflineQueue: true })),
 *   Layer.catch(() => Layer.empty)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRateLimiter = (options: Options = {}): Layer.Layer<never, never, RateLimiters.RateLimiter> =>
  Layer.unwrap(Effect.map(makeRateLimiter(options), layer))
