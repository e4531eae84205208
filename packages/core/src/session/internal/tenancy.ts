import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** State that `SessionManagers` shares with one of its session managers. */
export interface Tenancy {
  /**
   * Returns the latest possible time of the last use, in milliseconds since the epoch. The session manager sets this
   * function.
   */
  lastUsed: (now: number) => number
  /**
   * Why `SessionManagers` closes the session manager. `undefined` if the session manager closes because its scope ends.
   * `SessionManagers` sets this field.
   */
  closedBecause: Reason | undefined
}

/** `SessionManagers` provides this state to each session manager that it builds. */
export const Tenancy = Context.Reference<Tenancy | undefined>("@auth/broker-core/internal/Tenancy", {
  defaultValue: () => undefined
})
