import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { SessionStore } from "../SessionStore.ts"
import * as StoreRoots from "./storeRoots.ts"
import * as VaultError from "../VaultError.ts"
import { timeText } from "../../login/internal/timeText.ts"

const limit = Duration.seconds(10)

const tooSlow = (operation: "get" | "put") =>
  VaultError.make(
    operation,
    new VaultError.Io({
      what: `${operation === "get" ? "read" : "write"} an entry within ${timeText(limit)}`,
      advice: "Check the session store: it does not answer. Nothing is lost. Try again when it answers."
    })
  )

/**
 * The call runs in its own fiber. So the time-out can interrupt the call even if the caller, such as a logout, is
 * uninterruptible.
 */
const inTime = <A>(
  operation: "get" | "put",
  call: Effect.Effect<A, VaultError.VaultError>
): Effect.Effect<A, VaultError.VaultError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(call, { startImmediately: true }), (running) => {
      const exit = running.pollUnsafe()
      if (exit !== undefined) return exit
      return Effect.flatMap(Effect.forkDetach(Effect.sleep(limit), { startImmediately: true }), (timer) =>
        restore(first(operation, running, timer))
      )
    })
  )

const first = <A>(
  operation: "get" | "put",
  running: Fiber.Fiber<A, VaultError.VaultError>,
  timer: Fiber.Fiber<void>
): Effect.Effect<A, VaultError.VaultError> =>
  Effect.callback((resume) => {
    running.addObserver((exit) => {
      resume(exit)
      timer.interruptUnsafe()
    })
    timer.addObserver(() => {
      resume(Effect.fail(tooSlow(operation)))
      running.interruptUnsafe()
    })
    return Effect.sync(() => {
      running.interruptUnsafe()
      timer.interruptUnsafe()
    })
  })

const known = new WeakMap<SessionStore["Service"], SessionStore["Service"]>()

export const bounded = (store: SessionStore["Service"]): SessionStore["Service"] => {
  const before = known.get(store)
  if (before !== undefined) return before
  const made = StoreRoots.wrap(store, {
    get: (...args) => inTime("get", store.get(...args)),
    put: (...args) => inTime("put", store.put(...args))
  })
  known.set(store, made)
  return made
}
