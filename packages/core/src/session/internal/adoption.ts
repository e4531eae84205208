/** Stores sessions that the program passes to the session manager, such as the session of a browser login. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import * as Session from "../../login/Session.ts"
import { headerProblem, unsendable } from "../../login/internal/headerText.ts"
import * as Cached from "./cachedSession.ts"
import { closed, cacheSession, loggedOut, overwrite, type Self } from "./managerState.ts"
import * as Record from "./record.ts"
import type { Failure } from "./sessionChange.ts"

/**
 * `logouts` is the number of logouts at the call of `adopt` or `adoptFrom`. If a later logout comes before the session
 * is stored, `onLogout` runs.
 */
const adoptSince = Effect.fnUntraced(function* (
  self: Self,
  given: Session.Session,
  logouts: number,
  onLogout: Effect.Effect<void>
): Effect.fn.Return<void, Failure> {
  const { account } = self
  const now = yield* Clock.currentTimeMillis
  self.usedAt = now
  if (Cached.isEnded(given)) return yield* loggedOut(self)
  const problem = adoptionProblem(account, given, now)
  if (problem !== undefined) {
    return yield* Effect.fail(AuthError.invalidRequest(account.broker, "adopt", "session", problem))
  }
  let isOver = false
  const end = Effect.suspend(() => {
    isOver = true
    return Effect.andThen(onLogout, loggedOut(self))
  })
  const isWanted = Effect.suspend(() => {
    if (self.state.logouts !== logouts) return end
    return self.isClosed ? closed(self, "adopt") : Effect.void
  })
  const store = Effect.gen(function* () {
    const session = Cached.withoutSpentToken(self.state, given)
    const { version } = yield* overwrite(self, Record.ofSession(session), isWanted)
    isOver = true
    if (self.state.logouts === logouts) Cached.clear(self.state, "kept")
    return yield* cacheSession(self, session, { tag: "Adopted", version: version + 1, logouts })
  })
  const stored = Effect.andThen(
    isWanted,
    self.lock.withLock(account, () => Effect.uninterruptible(store))
  )
  yield* Effect.catch(stored, (error) => {
    if (self.state.logouts !== logouts) return isOver ? Effect.fail(error) : Effect.uninterruptible(end)
    if (!self.isClosed && !AuthError.isAuthError(error)) Cached.keepUnsaved(self.state, given, "Adopted")
    return Effect.fail(error)
  })
})

export const adopt = (self: Self, given: Session.Session): Effect.Effect<void, Failure> =>
  Effect.suspend(() => adoptSince(self, given, self.state.logouts, Effect.void))

export const adoptFrom = <E, R>(
  self: Self,
  login: Effect.Effect<Session.Session, E, R>
): Effect.Effect<Session.Session, E | Failure, R> =>
  Effect.suspend(() => {
    const { isClosed, state } = self
    const { logouts } = state
    if (isClosed) return closed(self, "adoptFrom")
    return Effect.tap(login, (session) => adoptSince(self, session, logouts, Effect.ignore(self.revoke(session))))
  })

const adoptionProblem = (account: Account, session: Session.Session, now: number): string | undefined => {
  if (!Session.isSession(session)) return "is not a session"
  const { app, broker, environment, id } = session.account
  if (broker !== account.broker) return `belongs to ${broker}, not to ${account.broker}`
  if (environment !== account.environment) return `belongs to ${environment}, not to ${account.environment}`
  if (app !== account.app) return `belongs to the app ${app}, not to ${account.app}`
  if (id !== account.id) return `belongs to ${id}, not to ${account.id}`
  if (Redacted.value(Session.bareToken(session.tokens.access)) === "") return "has no access token"
  const field = unsendable(session.tokens)
  if (field !== undefined) return `has a token (${field}) that ${headerProblem}`
  if (Session.isExpired(session, now)) return "has expired: log in again"
  return Cached.isLive(session, now)
    ? undefined
    : "was issued in the future, according to this machine's clock: set the clock by NTP"
}
