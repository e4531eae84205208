import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** State that `SessionManagers` shares with one of its session managers. */
export interface Tenancy {
  /** Upper bound for the time of the last use. Milliseconds since the epoch. Set by the manager. */
  lastUsed: (now: number) => number
  /** Why the owner closes the manager. `undefined`: only the scope ends. Set by the owner. */
  closedBecause: Reason | undefined
}

/** The owner provides it to the manager that it builds. */
export const Tenancy = Context.Reference<Tenancy | undefined>("@auth/broker-core/internal/Tenancy", {
  defaultValue: () => undefined
})
