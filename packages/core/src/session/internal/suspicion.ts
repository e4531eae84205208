/** A new session that the broker refuses although it is new: something else is wrong, and more logins make it worse. */
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
  "The broker's profile call accepts this session, so it is not replaced: the refused call has another fault. SessionManager.renew gets another session all the same."

const notYet = (until: number) =>
  `The broker refuses the new session too, so the next is asked for at ${Expiry.toIst(until)}. Find out what else it objects to, or get another with SessionManager.renew.`

/** What is known of the session, or else what the profile call says: `undefined` where there is none. */
const probe = Effect.fnUntraced(function* (
  self: Self,
  refused: Session.Session,
  known: boolean | undefined
): Effect.fn.Return<boolean | undefined> {
  if (known !== undefined || self.profile === undefined) return known
  const exit = yield* Effect.exit(self.profile(refused))
  const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  // A profile call that does not work says nothing of the token.
  if (failure !== undefined && failure.reason._tag !== "SessionExpired") return undefined
  const lives = Exit.isSuccess(exit)
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(
    LoginLedger.make(self.store).remember(self.account, (ledger) => Ledger.probe(ledger, lives, now))
  )
  return lives
})

/**
 * Fails if the refused session is itself a replacement of a refused one, and no other may be asked for yet, in any
 * program that shares the store. Where there is a profile call, it decides once in each pause whether the session lives.
 * A session that lives, or of which that is not known, is handed out until the pause is over.
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
    Cached.pardon(self.state, refused)
    return yield* Effect.fail(complaint(self, accepted))
  }
  if (until === undefined) return
  // Without the profile's word it may live after all, and is better than none.
  if (lives === undefined) Cached.pardon(self.state, refused)
  return yield* Effect.fail(complaint(self, notYet(until)))
})

/** The next program that is refused this session knows why it is there. */
export const note = (self: Self, refused: Session.Session, got: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    LoginLedger.make(self.store).remember(self.account, (ledger) =>
      Ledger.replace(ledger, isProven(self, refused) ? undefined : refused.issuedAt, got.issuedAt, now)
    )
  )
