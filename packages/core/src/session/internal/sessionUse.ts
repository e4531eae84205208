/** Runs effects with a session, and renews the session if the broker refuses the token. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as AuthError from "../../login/AuthError.ts"
import type * as Session from "../../login/Session.ts"
import { renew, sessionOf } from "./sessionRequests.ts"
import type { Self } from "./managerState.ts"
import { RequestsSent } from "../../login/internal/requestsSent.ts"
import type { Failure } from "./sessionChange.ts"

/** `read`: all requests of the effect are safe to repeat. `order`: at least one request is not. */
type Kind = "read" | "order"

/**
 * In milliseconds. A replacement is a session that replaced a refused session. If the broker refuses a replacement, the
 * replacement is renewed in two cases:
 *
 * - The replacement has at least this age.
 * - An earlier effect of the same `Kind` sent requests with the replacement, and succeeded.
 */
const minReplacementAge = 600_000

type TokenRefused = AuthError.AuthError & { readonly reason: AuthError.SessionExpired }

/** The manager's own errors and other brokers' errors do not mean that the broker has refused the token. */
const isTokenRefused =
  ({ account }: Self) =>
  (error: unknown): error is TokenRefused => {
    if (!AuthError.isAuthError(error) || error.broker !== account.broker || error.operation === "session") return false
    const { reason } = error
    return reason._tag === "SessionExpired" && ["expired", "invalid", "unknown"].includes(reason.why)
  }

const withAdvice = ({ broker, operation, reason }: TokenRefused, advice: string) =>
  AuthError.make(
    broker,
    operation,
    new AuthError.SessionExpired({ why: reason.why, code: reason.code, brokerMessage: reason.brokerMessage, advice })
  )

const notRunAgain =
  "There is a new session now. This call was not repeated, because it may have sent a request that must not be sent twice. Before you call again, check at the broker what was done."

const notRenewedAgain =
  "The broker also refuses the new session, so the new session is not renewed until it is ten minutes old. Find out why the broker refuses it, or get another session with SessionManager.renew."

const isUntested = ({ trial }: Self, session: Session.Session, kind: Kind, now: number): boolean =>
  trial !== undefined &&
  trial.session === session &&
  !trial.accepted.has(kind) &&
  now - session.issuedAt < minReplacementAge

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
): Effect.Effect<A, E | Failure, R> =>
  Effect.gen(function* () {
    const session = yield* sessionOf(self)
    const first = yield* runOnce(self, session, use)
    const isRefusal = isTokenRefused(self)
    const afterRefusal = Effect.fnUntraced(function* (error: TokenRefused): Effect.fn.Return<A, E | Failure, R> {
      const now = yield* Clock.currentTimeMillis
      if (isUntested(self, session, first.kindOf(), now)) return yield* Effect.fail(withAdvice(error, notRenewedAgain))
      const renewed = yield* renew(self, session)
      if (self.trial?.session !== renewed) self.trial = { session: renewed, accepted: new Set() }
      // The broker refused the token, so the effect has sent a request. If `count` is 0, this request was not counted.
      // It may be an order.
      if (first.sent.count === 0 || first.sent.unsafe > 0) return yield* Effect.fail(withAdvice(error, notRunAgain))
      const second = yield* runOnce(self, renewed, use)
      return yield* Effect.mapError(second.run, (again) =>
        isRefusal(again) ? withAdvice(again, notRenewedAgain) : again
      )
    })
    return yield* Effect.catch(first.run, (error): Effect.Effect<A, E | Failure, R> =>
      isRefusal(error) ? afterRefusal(error) : Effect.fail(error)
    )
  })
