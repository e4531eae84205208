/** Helpers for a program that prints as much as possible: all log levels, and each result in several formats. */
import { inspect } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

/** Sends a secret to the test that started this program. The secret is not printed. */
export const tell = (secret: unknown): void => {
  if (typeof secret === "string" && secret !== "") process.send?.(secret)
}

export const show = Effect.fnUntraced(function* <A, E>(name: string, life: Effect.Effect<A, E>) {
  const exit = yield* life.pipe(
    Effect.withSpan(name),
    Effect.tapError((error) => Effect.logError("failed", error)),
    Effect.withLogSpan(name),
    Effect.exit
  )
  console.log(name, exit, inspect(exit, { depth: 20, showHidden: true }), JSON.stringify(exit))
  if (exit._tag === "Success") return
  console.error(Cause.pretty(exit.cause))
  for (const reason of exit.cause.reasons) if (reason._tag === "Fail") console.error(reason.error)
})

export const main = (attempts: Iterable<Effect.Effect<void, unknown>>): Promise<void> =>
  Effect.forEach(attempts, (attempt) => attempt, { discard: true })
    .pipe(
      Effect.provide(Logger.layer([Logger.consolePretty(), Logger.consoleJson, Logger.consoleLogFmt])),
      Effect.provideService(References.MinimumLogLevel, "Trace"),
      Effect.runPromise
    )
    .catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
