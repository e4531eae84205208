import * as Effect from "effect/Effect"

/**
 * Returns a module that a login does not need, and loads it when it is first used. Later uses do not wait. If it cannot
 * be loaded, the effect fails, and the next use tries again.
 */
export const lazyModule = <M>(load: () => Promise<M>): Effect.Effect<M, "not loaded"> => {
  let loaded: M | undefined
  const first = Effect.tryPromise({
    try: () => load().then((module) => (loaded = module)),
    catch: () => "not loaded" as const
  })
  return Effect.suspend(() => (loaded === undefined ? first : Effect.succeed(loaded)))
}
