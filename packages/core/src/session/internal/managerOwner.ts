import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** The state that `SessionManagers` or a connection shares with a session manager. */
export interface ManagerOwner {
  /** `undefined` if the manager is open, or was closed because its scope has ended. */
  closedBecause: Reason | undefined
}

/**
 * `Connection` and `Connections` provide this reference to their session managers. All accounts of `Connections` share
 * one `ManagerOwner`. When `SessionManagers` closes only one account, it gives the session manager of that account a
 * new `ManagerOwner`. So `closedBecause` of the other accounts stays `undefined`.
 */
export const ManagerOwner = Context.Reference<ManagerOwner | undefined>("@auth/broker-core/internal/ManagerOwner", {
  defaultValue: () => undefined
})
