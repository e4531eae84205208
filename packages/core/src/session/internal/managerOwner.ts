import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface ManagerOwner {
  /** `undefined` if the manager is open, or was closed because its scope has ended. */
  closedBecause: Reason | undefined
}

/**
 * `Connection` and `Connections` provide this reference to their session managers. When `SessionManagers` closes the
 * session manager of one account, it sets the field `owner` of that manager to a new object. `closedBecause` of this
 * object says why the manager was closed.
 */
export const ManagerOwner = Context.Reference<ManagerOwner | undefined>("@auth/broker-core/internal/ManagerOwner", {
  defaultValue: () => undefined
})
