/**
 * Challenges. A broker may answer a login with a challenge, which requests a one-time code. The broker issues a session
 * only after the right code.
 *
 * A challenge belongs to one account, and may expire. Only one answer can be sent at a time. After a wrong code or
 * `RateLimited`, the challenge can be answered again. The last allowed wrong code ends the challenge. Any other result
 * of a sent code also ends the challenge. The `Ledger` of a broker's layer enforces these rules.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Account from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import * as CodeSource from "./CodeSource.ts"
import { report } from "./internal/loginAttempt.ts"
import { maskDestination } from "./internal/maskDestination.ts"

/**
 * The broker's request for a one-time code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Challenge {
  /** Identifies the challenge within its layer. The id is not secret. */
  readonly id: string
  readonly account: Account.Account
  /** The kinds of code that the broker accepts. The preferred kind is first. */
  readonly kinds: readonly [CodeSource.CodeKind, ...ReadonlyArray<CodeSource.CodeKind>]
  /** Where the code was sent, such as `xxxxxx1234`. Phone numbers and email addresses are masked. */
  readonly destinations: ReadonlyArray<string>
  /** When a new code can be requested, in milliseconds since the epoch. `undefined` if no new code can be requested. */
  readonly resendAt: number | undefined
  readonly resendsLeft: number | undefined
  /** When the challenge expires, in milliseconds since the epoch. `undefined` if the broker does not say. */
  readonly expiresAt: number | undefined
  /** Number of digits of a code. Default: 6. */
  readonly digits?: number | undefined
  /** Number of codes that can still be tried. `undefined` if unknown. */
  readonly attemptsLeft?: number | undefined
  /** The token that the broker requires in the next step. */
  readonly stepToken: Redacted.Redacted<string>
}

/**
 * Keeps track of the challenges of a layer. A challenge is open while it waits for an answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ledger {
  /** Makes an open challenge for the layer's account. The challenge gets a new id. */
  readonly open: (fields: Omit<Challenge, "id" | "account">) => Effect.Effect<Challenge>
  /**
   * Closes an open challenge, so that no other caller can answer it. Fails with `ChallengeExpired` if the challenge is
   * not open, has expired, or belongs to another account.
   */
  readonly claim: (challenge: Challenge) => Effect.Effect<Challenge, AuthError.AuthError>
  /** Opens a challenge again after `claim`. Call `reopen` if the answer failed, but another answer is allowed. */
  readonly reopen: (challenge: Challenge) => Effect.Effect<void>
  /**
   * Answers a challenge. `send` sends the code, and runs at most once.
   *
   * - The code has the wrong length, or a character that is not a digit: the code is not sent, and the challenge stays
   *   open.
   * - The login guard, which limits failed logins, allows no further code: the code is not sent, and the challenge
   *   stays open.
   * - `send` fails with `RateLimited`: the challenge stays open.
   * - `send` fails with `InvalidStepUpCode`: the challenge stays open, unless no further wrong code is allowed.
   * - `send` has any other result: the challenge has ended.
   */
  readonly answer: <A, R>(
    challenge: Challenge,
    code: Redacted.Redacted<string>,
    options: {
      readonly digits: number
      readonly send: Effect.Effect<A, AuthError.AuthError, R>
    }
  ) => Effect.Effect<A, AuthError.AuthError, R>
  /**
   * Requests a new code. `send` sends the request, and runs at most once. In these cases, `send` does not run:
   *
   * - No new code can be requested: `resend` fails with `InvalidRequest`.
   * - `resendAt` is in the future: `resend` fails with `RateLimited`.
   * - The challenge is not open, has expired, or belongs to another account: `resend` fails with `ChallengeExpired`.
   *
   * Otherwise, `send` runs:
   *
   * - `send` succeeds: `resend` returns a new challenge, and the old challenge has ended.
   * - `send` fails with `ChallengeExpired`: the old challenge has ended.
   * - `send` fails in any other way: the old challenge stays open.
   */
  readonly resend: <R>(
    challenge: Challenge,
    send: Effect.Effect<Omit<Challenge, "id" | "account">, AuthError.AuthError, R>
  ) => Effect.Effect<Challenge, AuthError.AuthError, R>
}

const awaited = ({ kinds }: Challenge) => (kinds[0] === "totp" ? Effect.void : report(({ codeAwaited }) => codeAwaited))

const keepsOpen: ReadonlySet<AuthError.Reason["_tag"]> = new Set(["InvalidStepUpCode", "RateLimited"])

/**
 * Makes the ledger for the account of a layer.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as Challenge from "@auth/broker-core/login/Challenge"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const ledger = yield* Challenge.makeLedger(Account.make({ broker: "tiny", id: "T1" }))
 *   const challenge = yield* ledger.open({
 *     kinds: ["otp"],
 *     destinations: ["xxxxxx1234"],
 *     resendAt: undefined,
 *     resendsLeft: undefined,
 *     expiresAt: undefined,
 *     stepToken: Redacted.make("…")
 *   })
 *   yield* ledger.claim(challenge)
 *   const error = yield* Effect.flip(ledger.claim(challenge))
 *   error.reason._tag // => "ChallengeExpired"
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLedger = (account: Account.Account): Effect.Effect<Ledger> =>
  Effect.sync(() => {
    const pending = new Set<string>()
    const missed = new Map<string, number>()
    const allowed = new Map<string, number>()
    /** Why a challenge ended, by its id. A challenge without an entry is open, used or replaced. */
    const ended = new Map<string, AuthError.ChallengeExpired["why"]>()
    const key = Account.toKey(account)
    let opened = 0
    const expired = (why: AuthError.ChallengeExpired["why"]) =>
      Effect.fail(AuthError.make(account.broker, "verify", new AuthError.ChallengeExpired({ why })))
    const fail = (operation: string, reason: AuthError.Reason) =>
      Effect.fail(AuthError.make(account.broker, operation, reason))

    const attemptsLeftOf = (id: string): number | undefined => {
      const count = allowed.get(id)
      return count === undefined ? undefined : Math.max(0, count - (missed.get(id) ?? 0))
    }

    const open: Ledger["open"] = (fields) =>
      Effect.sync(() => {
        opened += 1
        const id = `${key}#${opened}`
        const { attemptsLeft, ...others } = fields
        if (attemptsLeft !== undefined) allowed.set(id, attemptsLeft)
        const challenge: Challenge = {
          ...others,
          destinations: others.destinations.map(maskDestination),
          resendAt: others.resendsLeft === 0 ? undefined : others.resendAt,
          id,
          account,
          get attemptsLeft() {
            return attemptsLeftOf(id)
          }
        }
        pending.add(id)
        return challenge
      }).pipe(Effect.tap(awaited))

    const claim: Ledger["claim"] = Effect.fnUntraced(function* (challenge: Challenge) {
      if (Account.toKey(challenge.account) !== key) return yield* expired("other-account")
      const now = yield* Clock.currentTimeMillis
      if (!pending.delete(challenge.id)) return yield* expired(ended.get(challenge.id) ?? "used")
      if (challenge.expiresAt !== undefined && now >= challenge.expiresAt) {
        ended.set(challenge.id, "timed-out")
        return yield* expired("timed-out")
      }
      return challenge
    })

    const reopen: Ledger["reopen"] = (challenge) => Effect.sync(() => void pending.add(challenge.id))

    /** Counts a wrong code. Returns whether it was the last allowed wrong code. */
    const isLastMiss = ({ id }: Challenge): boolean => {
      const count = (missed.get(id) ?? 0) + 1
      missed.set(id, count)
      const isLast = count >= (allowed.get(id) ?? Infinity)
      if (isLast) ended.set(id, "attempts")
      return isLast
    }

    const reopenAfterResend = (challenge: Challenge, cause: Cause.Cause<AuthError.AuthError>) => {
      const error = Cause.findErrorOption(cause)
      if (Option.isNone(error) || error.value.reason._tag !== "ChallengeExpired") return reopen(challenge)
      const { why } = error.value.reason
      return Effect.sync(() => void ended.set(challenge.id, why))
    }

    /** If `beforeCode` fails or is interrupted, the code is not sent. So the challenge stays open. */
    const entered = (challenge: Challenge) =>
      Effect.onExit(
        report(({ beforeCode }) => beforeCode),
        (exit) => (Exit.isSuccess(exit) ? Effect.void : reopen(challenge))
      )

    const reopening =
      (challenge: Challenge) =>
      <A, R>(send: Effect.Effect<A, AuthError.AuthError, R>) =>
        Effect.tapError(send, ({ reason }) => {
          const isRefused = reason._tag === "InvalidStepUpCode"
          if (!keepsOpen.has(reason._tag)) return Effect.void
          const reported = isRefused ? report(({ codeRefused }) => codeRefused) : awaited(challenge)
          return isRefused && isLastMiss(challenge) ? reported : Effect.andThen(reported, reopen(challenge))
        })

    return {
      open,
      claim,
      reopen,
      answer: (challenge, code, { digits, send }) => {
        const problem = CodeSource.shapeProblem(code, digits)
        return problem === undefined
          ? Effect.andThen(claim(challenge), Effect.andThen(entered(challenge), reopening(challenge)(send)))
          : fail("verify", new AuthError.InvalidRequest({ problems: [{ field: "code", problem }] }))
      },
      resend: (challenge, send) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          if (challenge.resendAt === undefined) {
            const problem = "cannot be resent: log in again to get a new code"
            return fail("resend", new AuthError.InvalidRequest({ problems: [{ field: "code", problem }] }))
          }
          if (now < challenge.resendAt) {
            const retryAfter = Duration.millis(challenge.resendAt - now)
            return fail("resend", new AuthError.RateLimited({ retryAfter, by: "client" }))
          }
          // The broker counts wrong codes for each account, not for each challenge.
          const attemptsLeft = attemptsLeftOf(challenge.id)
          const reopenedBy = Effect.flatMap(send, (fields) =>
            open({ ...fields, ...(attemptsLeft !== undefined && { attemptsLeft }) })
          )
          const replace = Effect.onExit(reopenedBy, (exit) =>
            Exit.isSuccess(exit) ? Effect.void : reopenAfterResend(challenge, exit.cause)
          )
          return Effect.andThen(claim(challenge), replace)
        })
    }
  })
