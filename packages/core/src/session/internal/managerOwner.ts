import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface ManagerOwner {
  /**
   * The reason why the session manager is closed. Its owner (`SessionManagers` or a connection) sets this field.
   * `undefined` if the session manager closes because its scope ends.
   */
  closedBecause: Reason | undefined
}

/** A connection provides this state to the session manager that it builds. */
export const ManagerOwner = Context.Reference<ManagerOwner | undefined>("@auth/broker-core/internal/ManagerOwner", {
  defaultValue: () => undefined
})
