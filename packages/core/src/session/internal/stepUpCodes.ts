/** Answers the challenge of a login with one-time codes from the program's function `codes`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Challenge } from "../../login/Challenge.ts"
import type { CodeKind } from "../../login/CodeSource.ts"
import { Login } from "../../login/Login.ts"
import { codeTimeout, noCode, totpCodeFrom } from "../../login/internal/codeSources.ts"
import { asking, LoginAttempt } from "../../login/internal/loginAttempt.ts"
import type { Session } from "../../login/Session.ts"
import { StepUp } from "../../login/StepUp.ts"
import { Renewal } from "../../broker/Renewal.ts"

/** The argument of the function `codes`, which returns a one-time code. */
export interface CodeQuestion {
  readonly account: Account
  /** The kinds of code that the broker accepts. The preferred kind is first. */
  readonly kinds: ReadonlyArray<CodeKind>
  /** Where the broker sent the code, such as `xxxxxx1234`. Phone numbers and email addresses are masked. */
  readonly destinations: ReadonlyArray<string>
  /** Number of digits of a code. */
  readonly digits: number
  /** Number of attempts that are left. `undefined` if the broker does not say. */
  readonly attemptsLeft: number | undefined
  /** When the challenge expires, in milliseconds since the epoch. `undefined` if the broker does not say. */
  readonly expiresAt: number | undefined
  /** When `resend` is allowed, in milliseconds since the epoch. `undefined` if it is never allowed. */
  readonly resendAt: number | undefined
  /** Why the previous code of this login was not accepted. `undefined` if this is the first code. */
  readonly refused: AuthError.AuthError | undefined
  /**
   * Requests a new code from the broker, and updates the fields of this question. After the end of the login, `resend`
   * sends nothing, and rejects with `ChallengeExpired`.
   */
  readonly resend: () => Promise<void>
  /** A signal that is aborted when the code is no longer needed. */
  readonly signal: AbortSignal
}

export type Codes = (question: CodeQuestion) => string | Promise<string>

/** Omits the text of a failure that is not an `AuthError`, because the text may contain the code. */
const failedFunction = (account: Account, failure: unknown): AuthError.AuthError => {
  if (AuthError.isAuthError(failure) && failure.reason._tag === "ActionRequired") {
    return noCode(account, failure.remedy)
  }
  const name = Predicate.isError(failure) ? failure.name : typeof failure
  const text = AuthError.isAuthError(failure) ? `: ${failure.message}` : ` with ${name}.`
  return noCode(account, `The function "codes" failed${text} Catch errors in the function, and return the code.`)
}

/** Maximum number of calls of `codes` in one login. A call counts even if its code is not sent. */
const maxQuestions = 5

/** Whether `verify` rejected a malformed code without sending it. */
const isMistyped = ({ reason }: AuthError.AuthError): boolean =>
  reason._tag === "InvalidRequest" && reason.by !== "broker"

/** `codes` is not called if the broker prefers a TOTP code and the credentials contain a source of TOTP codes. */
const answering = (
  own: Renewal["Service"],
  { login }: Login["Service"],
  stepUp: StepUp["Service"],
  codes: Codes
): Effect.Effect<Session, AuthError.AuthError> => {
  const questionsOf = (first: Challenge) => {
    const { account } = first
    let current = first
    let isOver = false
    const requests = new Set<Promise<unknown>>()
    /** The errors of `resend`. If `codes` throws one of these errors, the login fails with the same error. */
    const refusals = new Set<unknown>()
    const refuse = (error: unknown) => Effect.sync(() => void refusals.add(error))
    const request = Effect.suspend(() =>
      isOver
        ? Effect.fail(AuthError.make(account.broker, "resend", new AuthError.ChallengeExpired({ why: "used" })))
        : Effect.map(stepUp.resend(current), (replaced) => void (current = replaced))
    )
    const resend = () => {
      const sent = Effect.runPromise(Effect.tapError(request, refuse))
      const remove = () => void requests.delete(ended)
      const ended: Promise<void> = sent.then(remove, remove)
      requests.add(ended)
      return sent
    }
    const question = (refused: AuthError.AuthError | undefined, signal: AbortSignal): CodeQuestion => ({
      account,
      get kinds() {
        return current.kinds
      },
      get destinations() {
        return current.destinations
      },
      get digits() {
        return current.digits ?? 6
      },
      get attemptsLeft() {
        return current.attemptsLeft
      },
      get expiresAt() {
        return current.expiresAt
      },
      get resendAt() {
        return current.resendAt
      },
      refused,
      resend,
      signal
    })
    const ask = (refused: AuthError.AuthError | undefined) => {
      const asked = Effect.tryPromise({
        try: (signal) => Promise.resolve(codes(question(refused, signal))),
        catch: (failure) =>
          AuthError.isAuthError(failure) && (failure === refused || refusals.has(failure))
            ? failure
            : failedFunction(account, failure)
      })
      return asking(asked).pipe(
        Effect.timeoutOrElse({
          duration: codeTimeout,
          orElse: () => Effect.fail(noCode(account))
        }),
        Effect.map((code) => Redacted.make(Predicate.isString(code) ? code.trim() : ""))
      )
    }
    /** Waits until no call of `resend` is running. Meanwhile, the program may call `resend` again. */
    const allEnded: Effect.Effect<void> = Effect.suspend(() =>
      requests.size === 0
        ? Effect.void
        : Effect.andThen(
            Effect.promise(() => Promise.all(requests)),
            allEnded
          )
    )
    /**
     * Waits for running calls of `resend`, and returns the current challenge. Fails if the broker has sent a new code
     * during the wait, because the code from `codes` is then outdated.
     */
    const challengeOf = Effect.suspend(() => {
      const before = current
      if (requests.size === 0) return Effect.succeed(current)
      const advice = "The broker has sent a newer code, so your code was not checked. Enter the newest code."
      const replaced = new AuthError.ChallengeExpired({ why: "used", advice })
      return Effect.flatMap(allEnded, () =>
        current === before ? Effect.succeed(current) : Effect.fail(AuthError.make(account.broker, "verify", replaced))
      )
    })
    const end = Effect.sync(() => void (isOver = true))
    return { ask, challengeOf, end }
  }

  type Questions = ReturnType<typeof questionsOf>

  const answer = (
    questions: Questions,
    refused: AuthError.AuthError | undefined,
    left: number
  ): Effect.Effect<Session, AuthError.AuthError> => {
    const again = (error: AuthError.AuthError) => (left > 1 ? answer(questions, error, left - 1) : Effect.fail(error))
    return Effect.flatMap(questions.ask(refused), (code) =>
      Effect.matchEffect(questions.challengeOf, {
        onFailure: again,
        onSuccess: (current) =>
          Effect.catch(stepUp.verify(current, code), (error) =>
            Effect.flatMap(LoginAttempt, (attempt) => {
              const isRefused = error.reason._tag === "InvalidStepUpCode"
              const mayAnswer = isRefused && current.attemptsLeft !== 0 && attempt?.failuresLeft() !== 0
              return mayAnswer || isMistyped(error) ? again(error) : Effect.fail(error)
            })
          )
      })
    )
  }

  return Effect.flatMap(login, (outcome) => {
    if (outcome._tag === "Authenticated") return Effect.succeed(outcome.session)
    const { challenge } = outcome
    if (own.codes !== undefined && challenge.kinds[0] === "totp") {
      return Effect.flatMap(totpCodeFrom(own.account, own.codes), (code) => stepUp.verify(challenge, code))
    }
    const questions = questionsOf(challenge)
    return Effect.ensuring(answer(questions, undefined, maxQuestions), questions.end)
  })
}

const noStepUp = ({ broker }: Account) =>
  AuthError.make(
    broker,
    "configuration",
    new AuthError.InvalidRequest({
      problems: [{ field: "codes", problem: "cannot be used: this login method has no second step" }],
      advice: 'Remove the option "codes".'
    })
  )

/**
 * Changes a layer so that its logins get their codes from `codes`. Sessions are then renewed only by logins, even if
 * the broker can refresh sessions.
 */
const replaceLogin = <Services, E, R>(
  layer: Layer.Layer<Services, E, R>,
  codes: Codes,
  otherwise: (
    own: Renewal["Service"],
    services: Context.Context<Services>
  ) => Effect.Effect<Context.Context<Services>, AuthError.AuthError>
): Layer.Layer<Services, E | AuthError.AuthError, R> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const services = yield* Layer.buildWithScope(layer, yield* Effect.scope)
      const all = services as Context.Context<unknown>
      const own = Context.getUnsafe(all, Renewal)
      const login = Context.getOrUndefined(all, Login)
      const stepUp = Context.getOrUndefined(all, StepUp)
      if (login === undefined || stepUp === undefined) return yield* otherwise(own, services)
      return Context.add(services, Renewal, {
        ...own,
        refresh: undefined,
        login: answering(own, login, stepUp, codes)
      }) as Context.Context<Services>
    })
  )

export const withCodes = <Services, E, R>(
  layer: Layer.Layer<Services, E, R>,
  codes: Codes | undefined
): Layer.Layer<Services, E | AuthError.AuthError, R> =>
  codes === undefined ? layer : replaceLogin(layer, codes, ({ account }) => Effect.fail(noStepUp(account)))

export const withCodesIfNeeded = <Services, E, R>(
  layer: Layer.Layer<Services, E, R>,
  codes: Codes | undefined
): Layer.Layer<Services, E | AuthError.AuthError, R> =>
  codes === undefined ? layer : replaceLogin(layer, codes, (_, services) => Effect.succeed(services))
