/**
 * Automatic renewals pause if the broker refuses a session and then also its replacement. More logins would not help,
 * and could lock the account.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as AuthError from "../../login/AuthError.ts"
import * as Expiry from "../../login/Expiry.ts"
import type * as Session from "../../login/Session.ts"
import * as Cached from "./cachedSession.ts"
import * as Ledger from "./ledger.ts"
import * as LoginLedger from "./loginLedger.ts"
import type { Self } from "./managerState.ts"
import type { Failure } from "./sessionChange.ts"

const toError = ({ account }: Self, advice: string) =>
  AuthError.make(account.broker, "session", new AuthError.SessionExpired({ why: "invalid", advice }))

const isProven = ({ state: { proven } }: Self, session: Session.Session): boolean =>
  proven !== undefined && Cached.sameToken(proven, session)

const accepted =
  "The broker refused a call with this session, but its profile call accepts the session. So the session was not replaced. Find out why the broker refused that call, or get another session with SessionManager.renew."

const notYet = (until: number) =>
  `The broker refused a session, and also the session that replaced it. The next automatic renewal is possible at ${Expiry.toIst(until)}. Find out why the broker refuses the sessions. SessionManager.renew without an argument gets another session at once.`

/** Whether a refused session is live. `undefined` if unknown. */
const probe = Effect.fnUntraced(function* (
  self: Self,
  refused: Session.Session,
  known: boolean | undefined
): Effect.fn.Return<boolean | undefined> {
  if (known !== undefined || self.profile === undefined) return known
  const exit = yield* Effect.exit(self.profile(refused))
  const lives = Exit.isSuccess(exit)
  const failure = lives ? undefined : Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  // Only `SessionExpired` shows that the session is not live.
  if (!lives && failure?.reason._tag !== "SessionExpired") return undefined
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(
    LoginLedger.make(self.store).remember(self.account, (ledger) => Ledger.probe(ledger, lives, now))
  )
  return lives
})

/**
 * Fails if a refused session must not be replaced now. The session is replaced without a pause in two cases:
 * - The session has not replaced another refused session in the last 30 minutes.
 * - The broker has accepted the session for an order, or for another call that must not be sent twice.
 *
 * In all other cases, a pause applies to all programs that share the store. The pause begins when the session replaces
 * another refused session. The broker's profile call shows whether the session is live:
 * - Live: `SessionManager.session` returns the session. The session is not replaced. The pause and the 30 minutes are
 *   then counted from the profile call.
 * - Not live: `SessionManager.session` fails. The session is replaced when the pause is over.
 * - Unknown: `SessionManager.session` returns the session. The session is replaced when the pause is over.
 *
 * During the pause, the profile call is not sent again after a result "live" or "not live".
 */
export const check = Effect.fnUntraced(function* (
  self: Self,
  refused: Session.Session
): Effect.fn.Return<void, Failure> {
  if (isProven(self, refused)) return
  const { ledger } = yield* LoginLedger.make(self.store).read(self.account)
  const now = yield* Clock.currentTimeMillis
  if (!Ledger.isRecentReplacement(ledger, refused.issuedAt, now)) return
  const until = Ledger.replaceableAt(ledger, now)
  const lives = yield* probe(self, refused, until === undefined ? undefined : ledger.replacement?.lives)
  if (lives === true) {
    Cached.clearRejected(self.state, refused)
    return yield* Effect.fail(toError(self, accepted))
  }
  if (until === undefined) return
  if (lives === undefined) Cached.clearRejected(self.state, refused)
  return yield* Effect.fail(toError(self, notYet(until)))
})

export const noteReplacement = (self: Self, refused: Session.Session, got: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    LoginLedger.make(self.store).remember(self.account, (ledger) =>
      Ledger.replace(ledger, isProven(self, refused) ? undefined : refused.issuedAt, got.issuedAt, now)
    )
  )
