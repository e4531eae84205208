import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface ManagerOwner {
  /**
   * The reason why the owner (`SessionManagers` or a connection) has closed the session manager. `undefined` if the
   * manager is open, or was closed only because its scope has ended.
   */
  closedBecause: Reason | undefined
}

/**
 * `Connection` and `Connections` provide this reference. `SessionManagers` does not provide it. Instead, it sets the
 * field `owner` of each session manager that it closes.
 */
export const ManagerOwner = Context.Reference<ManagerOwner | undefined>("@auth/broker-core/internal/ManagerOwner", {
  defaultValue: () => undefined
})
