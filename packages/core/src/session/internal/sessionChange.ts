import type { Account } from "../../login/Account.ts"
import type { Session } from "../../login/Session.ts"
import type { Failure } from "./cachedSession.ts"

/** A change of a session. */
export type SessionChange =
  | {
      /**
       * `LoggedIn` and `Refreshed`: the session came from the broker. `PickedUp`: the session came from the store,
       * where an earlier run or another program stored it. `Adopted`: the session was passed to `adopt`.
       */
      readonly _tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
      readonly account: Account
      readonly session: Session
    }
  | {
      readonly _tag: "RenewalFailed"
      readonly account: Account
      readonly error: Failure
      /** Whether the current session is still live. If it is live, it is returned until the next try. */
      readonly live: boolean
      /** Earliest time of the next renewal. Milliseconds since the epoch. */
      readonly retryAt: number
    }
  | { readonly _tag: "LoggedOut"; readonly account: Account }
