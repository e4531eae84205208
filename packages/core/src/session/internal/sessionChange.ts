import type { Account } from "../../login/Account.ts"
import type { AuthError } from "../../login/AuthError.ts"
import type { Session } from "../../login/Session.ts"
import type { VaultError } from "../VaultError.ts"

export type Failure = AuthError | VaultError

export type SessionChange =
  | {
      /**
       * - `LoggedIn`: a login returned the session.
       * - `Refreshed`: a refresh returned the session.
       * - `PickedUp`: another program or an earlier run had stored the session.
       * - `Adopted`: the session was passed to `adopt`.
       */
      readonly _tag: "LoggedIn" | "Refreshed" | "PickedUp" | "Adopted"
      readonly account: Account
      readonly session: Session
    }
  | {
      readonly _tag: "RenewalFailed"
      readonly account: Account
      readonly error: Failure
      /** Whether the current session is live. If it is live, callers get it until the next try. */
      readonly live: boolean
      /**
       * The end of the pause after this failure, in milliseconds since the epoch. During the pause, only a call of
       * `renew` without an argument starts a renewal. If `live` is true, the pause ends early when the current session
       * expires or is refused.
       */
      readonly retryAt: number
    }
  | { readonly _tag: "LoggedOut"; readonly account: Account }
