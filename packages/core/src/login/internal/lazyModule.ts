import * as Effect from "effect/Effect"

/**
 * Returns an effect that loads a module at its first run. After a failure, the next run tries again. Use `lazyModule`
 * for a module that most logins do not need.
 */
export const lazyModule = <M>(load: () => Promise<M>): Effect.Effect<M, "not loaded"> => {
  let loaded: M | undefined
  const first = Effect.tryPromise({
    try: () => load().then((module) => (loaded = module)),
    catch: () => "not loaded" as const
  })
  return Effect.suspend(() => (loaded === undefined ? first : Effect.succeed(loaded)))
}
