/** Effects that use a session, and what follows when the broker says that its token is dead. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as AuthError from "../../login/AuthError.ts"
import type * as Session from "../../login/Session.ts"
import { renew, sessionOf } from "./sessionRequests.ts"
import type * as Cached from "./cachedSession.ts"
import type { Self } from "./managerState.ts"
import { RequestsSent } from "../../login/internal/requestsSent.ts"

/** By what was sent: only requests that are safe to repeat, or others too. */
type Kind = "read" | "order"

/** How long after its issue a new token that is refused is not replaced, in milliseconds. */
const suspicion = 600_000

type DeadToken = AuthError.AuthError & { readonly reason: AuthError.SessionExpired }

/** The broker's word for a dead token. The manager's own failures, and those of other brokers, are something else. */
const isDeadToken =
  ({ account }: Self) =>
  (error: unknown): error is DeadToken => {
    if (!AuthError.isAuthError(error) || error.broker !== account.broker || error.operation === "session") return false
    const { reason } = error
    return reason._tag === "SessionExpired" && ["expired", "invalid", "unknown"].includes(reason.why)
  }

const withAdvice = ({ broker, operation, reason }: DeadToken, advice: string) =>
  AuthError.make(
    broker,
    operation,
    new AuthError.SessionExpired({ why: reason.why, code: reason.code, brokerMessage: reason.brokerMessage, advice })
  )

const notRunAgain =
  "There is a new session now, so the next call works. This one was not repeated, since it may have sent something that must not be sent twice: look at the broker what was done, then call again."

const notRenewedAgain =
  "The broker refuses the new session too, so no other is asked for within ten minutes. Find out what else it objects to, or get another session with SessionManager.renew."

const isSuspect = ({ trial }: Self, session: Session.Session, kind: Kind, now: number): boolean =>
  trial !== undefined && trial.session === session && !trial.accepted.has(kind) && now - session.issuedAt < suspicion

/** Runs the effect once. What it has sent is known also after it has failed. */
const runOnce = <A, E, R>(
  self: Self,
  session: Session.Session,
  use: (session: Session.Session) => Effect.Effect<A, E, R>
) =>
  Effect.map(RequestsSent, (parent) => {
    const sent: RequestsSent = { count: 0, unsafe: 0, parent }
    const kindOf = (): Kind => (sent.unsafe > 0 ? "order" : "read")
    const run = Effect.suspend(() => use(session)).pipe(
      Effect.provideService(RequestsSent, sent),
      Effect.tap(() =>
        Effect.sync(() => {
          if (sent.count > 0 && self.trial?.session === session) self.trial.accepted.add(kindOf())
          if (kindOf() === "order") self.state.proven = session
        })
      )
    )
    return { kindOf, run, sent }
  })

export const withSession = <A, E, R>(
  self: Self,
  use: (session: Session.Session) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | Cached.Failure, R> =>
  Effect.gen(function* () {
    const session = yield* sessionOf(self)
    const first = yield* runOnce(self, session, use)
    const isDead = isDeadToken(self)
    const afterRefusal = Effect.fnUntraced(function* (error: DeadToken): Effect.fn.Return<A, E | Cached.Failure, R> {
      const now = yield* Clock.currentTimeMillis
      if (isSuspect(self, session, first.kindOf(), now)) return yield* Effect.fail(withAdvice(error, notRenewedAgain))
      const renewed = yield* renew(self, session)
      if (self.trial?.session !== renewed) self.trial = { session: renewed, accepted: new Set() }
      // A request that this library did not send is unknown, and might be an order.
      if (first.sent.count === 0 || first.sent.unsafe > 0) return yield* Effect.fail(withAdvice(error, notRunAgain))
      const second = yield* runOnce(self, renewed, use)
      return yield* Effect.mapError(second.run, (again) => (isDead(again) ? withAdvice(again, notRenewedAgain) : again))
    })
    return yield* Effect.catch(first.run, (error): Effect.Effect<A, E | Cached.Failure, R> =>
      isDead(error) ? afterRefusal(error) : Effect.fail(error)
    )
  })
