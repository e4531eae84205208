import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/**
 * Adds a span if a tracer is installed. Effect's own tracer stores spans that no program reads. Those spans would take
 * half the time of a login.
 *
 * The span ends without the effect's value, because exporters and `inspect(span)` show that value, and the answer of a
 * login has tokens in the clear. If the effect fails, the failure is recorded.
 */
export const withSpanWhenTraced =
  (name: string, attributes: Readonly<Record<string, string>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => {
      if (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer) return effect
      let value: A
      const withoutValue = Effect.map(effect, (given) => void (value = given))
      const traced = Effect.withSpan(withoutValue, name, { attributes, kind: "client" }) as Effect.Effect<void, E, R>
      return Effect.map(traced, () => value)
    })
