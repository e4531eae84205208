import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/**
 * Runs the effect in a span if a tracer is installed. Effect's own tracer keeps spans that are never exported; they cost
 * half a login. A span keeps the exit of its effect, so the value, which may be a decoded answer with tokens, is passed
 * around it.
 */
export const withSpanWhenTraced =
  (name: string, attributes: Readonly<Record<string, string>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) =>
      fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer ? effect : around(effect, name, attributes)
    )

const around = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  name: string,
  attributes: Readonly<Record<string, string>>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let result: { readonly value: A } | undefined
    const run = Effect.map(effect, (value) => void (result = { value }))
    const inSpan = Effect.withSpan(run, name, { attributes, kind: "client" }) as Effect.Effect<void, E, R>
    return Effect.map(inSpan, () => (result as unknown as { readonly value: A }).value)
  })
