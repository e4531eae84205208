import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as AuthError from "../../login/AuthError.ts"
import { isSignal, unreadable } from "./argumentChecks.ts"

export const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "connection", problem: "is closed" }],
  advice: "Open a new connection."
})

/** `closed` fails when the connection is closed. */
export interface Life {
  readonly isClosed: () => boolean
  readonly closed: Deferred.Deferred<never, AuthError.AuthError>
  /** The logouts that are running. */
  readonly unfinished: Set<Promise<unknown>>
}

export const make = <Services>(
  broker: string,
  { closed, isClosed, unfinished }: Life,
  services: Context.Context<Services>
) => {
  const closedError = (operation: string) => AuthError.make(broker, operation, closedReason)

  const awaitClosed = (operation: string) =>
    Effect.suspend(() =>
      isClosed()
        ? Effect.fail(closedError(operation))
        : Effect.mapError(Deferred.await(closed), () => closedError(operation))
    )

  const wrong = (operation: string, field: string, problem: string) =>
    AuthError.invalidRequest(broker, operation, field, problem)

  /** If `call` throws because an argument cannot be read, the returned promise rejects. */
  const attempt = <A>(operation: string, call: () => Promise<A>): Promise<A> => {
    if (isClosed()) return Promise.reject(closedError(operation))
    const started = Result.try({ try: call, catch: () => wrong(operation, "arguments", unreadable) })
    return Result.isSuccess(started) ? started.success : Promise.reject(started.failure)
  }

  const runExit = Effect.runPromiseExitWith(services)

  const run = <A, E>(operation: string, effect: Effect.Effect<A, E, Services>, signal?: AbortSignal): Promise<A> => {
    if (!isSignal(signal)) return Promise.reject(wrong(operation, "signal", "is not an AbortSignal"))
    // Effect starts an effect even if the signal is aborted already. The effect could then send a login.
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const untilClosed = Effect.raceFirst(
      Effect.suspend((): Effect.Effect<A, E | AuthError.AuthError, Services> =>
        isClosed() ? Effect.fail(closedError(operation)) : effect
      ),
      awaitClosed(operation)
    )
    return runExit(untilClosed, { signal }).then((exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      throw signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)
    })
  }

  /** The connection's `close` waits until the logout has ended. */
  const runLogout = <A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> => {
    if (isClosed()) return Promise.reject(closedError("logout"))
    const ended = runExit(effect)
    unfinished.add(ended)
    return ended.then((exit) => {
      unfinished.delete(ended)
      if (Exit.isSuccess(exit)) return exit.value
      throw Cause.squash(exit.cause)
    })
  }

  return {
    attempt,
    awaitClosed,
    reject: (operation: string, field: string, problem: string): Promise<never> =>
      Promise.reject(wrong(operation, field, problem)),
    run,
    runLogout,
    wrong
  }
}
