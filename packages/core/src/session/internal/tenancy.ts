import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface Tenancy {
  /**
   * Returns the latest time at which the session may have been used, in milliseconds since the epoch. The session
   * manager sets this function.
   */
  lastUsed: (now: number) => number
  /**
   * The reason why the session manager is closed. Its owner (`SessionManagers` or a connection) sets this field.
   * `undefined` if the session manager closes because its scope ends.
   */
  closedBecause: Reason | undefined
}

/** The owner provides this state to each session manager that it builds. */
export const Tenancy = Context.Reference<Tenancy | undefined>("@auth/broker-core/internal/Tenancy", {
  defaultValue: () => undefined
})
