/** A renewal that runs during a logout must not give the account a session afterwards. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LogoutReceipt } from "../../login/Logout.ts"
import * as Session from "../../login/Session.ts"
import * as Cached from "./cachedSession.ts"
import * as Ledger from "./ledger.ts"
import * as LoginLedger from "./loginLedger.ts"
import { loggedOut, overwrite, publish, type Self, whileOpen } from "./managerState.ts"
import { delegating } from "./readyEffect.ts"
import * as Record from "./record.ts"
import type { Failure } from "./sessionChange.ts"

const markLoggedOut = (self: Self) => {
  const mine = [self.state.unsaved, self.state.cached.session]
  const { pendingRenewal } = self.state
  self.state.logouts += 1
  self.state.pendingRenewal = undefined
  Cached.clearLoggedOut(self.state, "logged-out")
  // The callers that wait for the renewal get an error now. A session that the renewal gets later is revoked.
  if (pendingRenewal !== undefined) pendingRenewal.end(loggedOut(self))
  return mine
}

const storeLogout = (self: Self) =>
  Effect.gen(function* () {
    const record = yield* overwrite(self, Record.ofLogout(yield* Clock.currentTimeMillis))
    self.state.version = record.version + 1
    return record._tag === "Live" ? record.session : undefined
  })

/** The newest session is first. */
const toRevoke = (sessions: ReadonlyArray<Session.Session | undefined>, now: number): ReadonlyArray<Session.Session> =>
  sessions
    .filter((session) => session !== undefined)
    .filter((session, index, all) => all.findIndex((other) => Cached.sameToken(other, session)) === index)
    .filter((session) => !Session.isExpired(session, now))
    .toSorted((one, other) => other.issuedAt - one.issuedAt)

/** An unfinished login must not be continued after the logout. */
const clearProgress = ({ account, store }: Self) =>
  LoginLedger.make(store).remember(account, (ledger) => Ledger.clearProgress(ledger, account.app))

export const logoutOf = delegating((self: Self) => whileOpen(self, "logout", () => logoutOpen(self)))

const logoutOpen = (self: Self): Effect.Effect<LogoutReceipt, Failure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { account, revoke } = self
      const mine = markLoggedOut(self)
      const marked = yield* Effect.result(storeLogout(self))
      if (self.renewal.resume !== undefined) yield* Effect.ignore(clearProgress(self))
      yield* publish(self, { _tag: "LoggedOut", account: self.account })
      const stored = Result.getOrElse(marked, () => undefined)
      Cached.spendRefreshToken(self.state, stored)
      const sessions = toRevoke([stored, ...mine], yield* Clock.currentTimeMillis)
      // If the logout could not be stored, the session is still in the store, and must not be used again.
      self.state.rejected = stored ?? mine[1]
      const revoked = yield* Effect.forEach(sessions, (session) => Effect.result(restore(revoke(session))))
      const over: LogoutReceipt = { _tag: "LocalOnly", account, why: "already-over" }
      if (Result.isFailure(marked)) return yield* Effect.fail(marked.failure)
      const receipts = yield* Effect.forEach(revoked, Effect.fromResult)
      return receipts[0] ?? over
    })
  )
