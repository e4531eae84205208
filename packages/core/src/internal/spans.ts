import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/**
 * A span around the effect if somebody has installed a tracer. Effect's own tracer keeps spans that nobody can see;
 * they cost half a login.
 */
export const withSpanWhenTraced =
  (name: string, attributes: Readonly<Record<string, string>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) =>
      fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
        ? effect
        : (Effect.withSpan(effect, name, { attributes, kind: "client" }) as Effect.Effect<A, E, R>)
    )
