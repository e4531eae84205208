import type { Account } from "../../login/Account.ts"
import type { Session } from "../../login/Session.ts"
import type { Failure } from "./cachedSession.ts"

/** What happened to a session. */
export type SessionChange =
  | {
      /**
       * `LoggedIn` and `Refreshed`: this program asked the broker. `PickedUp`: it was in the store, from an earlier
       * run or another program. `Adopted`: it was given to `adopt`.
       */
      readonly _tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
      readonly account: Account
      readonly session: Session
    }
  | {
      readonly _tag: "RenewalFailed"
      readonly account: Account
      readonly error: Failure
      /** Whether the token still lives, and is handed out until then. */
      readonly live: boolean
      /** When the next renewal may be tried, milliseconds since the epoch. */
      readonly retryAt: number
    }
  | { readonly _tag: "LoggedOut"; readonly account: Account }
