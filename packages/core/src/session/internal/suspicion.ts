/**
 * Stops renewals if the broker refuses a new session as well. The cause is then not the session, and more logins could
 * lock the account.
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

const complaint = ({ account }: Self, advice: string) =>
  AuthError.make(account.broker, "session", new AuthError.SessionExpired({ why: "invalid", advice }))

const isProven = ({ state: { proven } }: Self, session: Session.Session): boolean =>
  proven !== undefined && Cached.sameToken(proven, session)

const accepted =
  "The broker's profile call accepts this session, so it was not replaced. Find the fault in the refused call, or get another session with SessionManager.renew."

const notYet = (until: number) =>
  `The broker also refuses the new session. The next renewal is at ${Expiry.toIst(until)}. Find out why the broker refuses it, or get another session with SessionManager.renew.`

/**
 * Whether the session is live. Returns `known` if it is given, and otherwise sends the profile call. Returns
 * `undefined` if the state is unknown.
 */
const probe = Effect.fnUntraced(function* (
  self: Self,
  refused: Session.Session,
  known: boolean | undefined
): Effect.fn.Return<boolean | undefined> {
  if (known !== undefined || self.profile === undefined) return known
  const exit = yield* Effect.exit(self.profile(refused))
  const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  // A profile call that fails for another reason does not show whether the token is live.
  if (failure !== undefined && failure.reason._tag !== "SessionExpired") return undefined
  const lives = Exit.isSuccess(exit)
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(
    LoginLedger.make(self.store).remember(self.account, (ledger) => Ledger.probe(ledger, lives, now))
  )
  return lives
})

/**
 * Fails if the refused session itself replaced a refused session, and the pause before the next replacement has not
 * passed. The pause applies to all programs that share the store. If there is a profile call, that call decides once
 * per pause whether the session is live. A session that is live, or whose state is unknown, is returned until the pause
 * has passed.
 */
export const check = Effect.fnUntraced(function* (
  self: Self,
  refused: Session.Session
): Effect.fn.Return<void, Cached.Failure> {
  if (isProven(self, refused)) return
  const { ledger } = yield* LoginLedger.make(self.store).read(self.account)
  const now = yield* Clock.currentTimeMillis
  if (!Ledger.isSuspect(ledger, refused.issuedAt, now)) return
  const until = Ledger.replaceableAt(ledger, now)
  const lives = yield* probe(self, refused, until === undefined ? undefined : ledger.replacement?.lives)
  if (lives === true) {
    Cached.clearRejected(self.state, refused)
    return yield* Effect.fail(complaint(self, accepted))
  }
  if (until === undefined) return
  // If the state is unknown, the session may still be live.
  if (lives === undefined) Cached.clearRejected(self.state, refused)
  return yield* Effect.fail(complaint(self, notYet(until)))
})

/** Records that the new session replaces a refused session, for all programs that share the store. */
export const noteReplacement = (self: Self, refused: Session.Session, got: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    LoginLedger.make(self.store).remember(self.account, (ledger) =>
      Ledger.replace(ledger, isProven(self, refused) ? undefined : refused.issuedAt, got.issuedAt, now)
    )
  )
