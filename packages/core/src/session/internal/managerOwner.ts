import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface ManagerOwner {
  /** `undefined` if the manager is open, or was closed because its scope has ended. */
  closedBecause: Reason | undefined
}

/**
 * `Connection` and `Connections` provide this reference to their session managers. All session managers of
 * `Connections` share one `ManagerOwner`. `SessionManagers` can also close the session manager of only one account.
 * The closed session manager then gets its own `ManagerOwner` with the reason. The other session managers keep the
 * shared `ManagerOwner`.
 */
export const ManagerOwner = Context.Reference<ManagerOwner | undefined>("@auth/broker-core/internal/ManagerOwner", {
  defaultValue: () => undefined
})
