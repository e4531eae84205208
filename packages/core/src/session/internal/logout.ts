/** The end of a session, which no pending renewal may undo. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LogoutReceipt } from "../../login/Logout.ts"
import * as Session from "../../login/Session.ts"
import * as Cached from "./cachedSession.ts"
import * as Ledger from "./ledger.ts"
import * as LoginLedger from "./loginLedger.ts"
import { loggedOut, overwrite, publish, type Self, whileOpen } from "./managerState.ts"
import * as Record from "./record.ts"

/** Forgets at once, in memory; gives the sessions that were held. */
const forgetAtOnce = (self: Self) => {
  const mine = [self.state.unsaved, self.state.cached.session]
  const { pendingRenewal } = self.state
  self.state.logouts += 1
  self.state.pendingRenewal = undefined
  self.state.unsaved = undefined
  Cached.forget(self.state, "logged-out")
  // The renewal itself goes on, and ends what it gets.
  if (pendingRenewal !== undefined) Deferred.doneUnsafe(pendingRenewal.end, loggedOut(self))
  return mine
}

/** Leaves the mark of the logout, and gives the session that was stored until then. */
const markLogout = (self: Self) =>
  Effect.gen(function* () {
    const record = yield* overwrite(self, Record.ofLogout(yield* Clock.currentTimeMillis))
    self.state.version = record.version + 1
    return record._tag === "Live" ? record.session : undefined
  })

/** Those that live, each once, the newest first. */
const toRevoke = (sessions: ReadonlyArray<Session.Session | undefined>, now: number): ReadonlyArray<Session.Session> =>
  sessions
    .filter((session) => session !== undefined)
    .filter((session, index, all) => all.findIndex((other) => Cached.sameToken(other, session)) === index)
    .filter((session) => !Session.isExpired(session, now))
    .toSorted((one, other) => other.issuedAt - one.issuedAt)

/** A login that was accepted must not become a session after the logout. */
const forgetProgress = ({ account, store }: Self) =>
  LoginLedger.make(store).remember(account, (ledger) => Ledger.setProgress(ledger, undefined))

export const logout = (self: Self): Effect.Effect<LogoutReceipt, Cached.Failure> =>
  whileOpen(self, "logout", () => logoutOpen(self))

const logoutOpen = (self: Self): Effect.Effect<LogoutReceipt, Cached.Failure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { account, revoke } = self
      const mine = forgetAtOnce(self)
      const marked = yield* Effect.result(markLogout(self))
      if (self.renewal.resume !== undefined) yield* Effect.ignore(forgetProgress(self))
      yield* publish(self, { _tag: "LoggedOut", account: self.account })
      const stored = Result.getOrElse(marked, () => undefined)
      const sessions = toRevoke([stored, ...mine], yield* Clock.currentTimeMillis)
      // Without the mark it is still in the store.
      self.state.dead = stored ?? mine[1]
      // A failure to end one must not leave the others alive.
      const revoked = yield* Effect.forEach(sessions, (session) => Effect.result(restore(revoke(session))))
      const over: LogoutReceipt = { _tag: "LocalOnly", account, why: "already-over" }
      if (Result.isFailure(marked)) return yield* Effect.fail(marked.failure)
      const receipts = yield* Effect.forEach(revoked, Effect.fromResult)
      return receipts[0] ?? over
    })
  )
