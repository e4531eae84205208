import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"

/**
 * Runs `use` in a span. With Effect's default tracer, there is no span, because no program would read the span.
 *
 * The span does not contain the result of `use`, because the result may contain unencrypted tokens. If `use` fails, the
 * span contains the failure.
 */
export const withSpanWhenTraced = <A, E, R>(
  name: () => string,
  attributes: Readonly<Record<string, string>>,
  use: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    if (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer) return use(fiber)
    let value: A
    const withoutValue = Effect.map(Effect.withFiber(use), (given) => void (value = given))
    const traced = Effect.withSpan(withoutValue, name(), { attributes, kind: "client" }) as Effect.Effect<void, E, R>
    return Effect.map(traced, () => value)
  })
