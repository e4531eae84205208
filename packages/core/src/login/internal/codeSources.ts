/** Runs the sources of one-time codes. A source may be a function of the calling program. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type { Account } from "../Account.ts"
import * as AuthError from "../AuthError.ts"
import { LoginAttempt } from "./loginAttempt.ts"

/** Maximum time that a login waits for a code, if a session manager runs the login. */
export const codeTimeout = "5 minutes"

export const noCode = ({ broker, id }: Account, advice?: string): AuthError.AuthError =>
  AuthError.make(broker, "login", new AuthError.ActionRequired({ what: `Enter the one-time code of ${id}`, advice }))

/** The errors that sources made. They are not answers of the broker. */
const madeBySources = new WeakSet<AuthError.AuthError>()

export const isMadeBySource = (error: AuthError.AuthError): boolean => madeBySources.has(error)

/**
 * An error that contains the broker's error code or message is not marked. Such an error is the broker's answer to a
 * request that the source sent.
 */
const mark = (error: unknown) =>
  Effect.sync(() => {
    if (!AuthError.isAuthError(error)) return
    const { brokerMessage, code } = error.reason
    if (code === undefined && brokerMessage === undefined) madeBySources.add(error)
  })

/**
 * A defect of `source` becomes an `ActionRequired`. The text of the defect is not kept, because it may contain the
 * code. While a session manager waits for a code, other programs cannot log in. So `source` then has a time-out.
 */
export const codeFrom = <A, E, R>(
  account: Account,
  source: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E | AuthError.AuthError, R> => {
  const failed = (failure: unknown) => {
    const name = Predicate.isError(failure) ? failure.name : typeof failure
    return Effect.fail(noCode(account, `The source of the code failed with ${name}. Correct the source.`))
  }
  const orElse = () => Effect.fail(noCode(account, `The source of the code returned no code within ${codeTimeout}.`))
  const started = Effect.suspend((): Effect.Effect<A, E | AuthError.AuthError, R> => {
    const effect = source()
    // An `Exit` is a finished result, so it needs no time-out.
    if (Exit.isExit(effect)) return effect
    if (Effect.isEffect(effect)) {
      return Effect.flatMap(LoginAttempt, (attempt) =>
        attempt === undefined ? effect : Effect.timeoutOrElse(effect, { duration: codeTimeout, orElse })
      )
    }
    const advice = "The source of the code does not return an Effect. Return an Effect, and do not use async."
    // Without a handler, the rejection of a promise would end the program.
    Promise.resolve(effect).catch(() => undefined)
    return Effect.fail(noCode(account, advice))
  })
  return Effect.tapError(Effect.catchDefect(started, failed), mark)
}

interface Source {
  readonly code: (request: {
    readonly account: Account
    readonly kind: "totp"
  }) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
}

/** The `code` functions that need no time-out, such as the function of `CodeSource.totp`. */
const quick = new WeakSet<Source["code"]>()

export const markQuick = <F extends Source["code"]>(code: F): F => {
  quick.add(code)
  return code
}

export const totpCodeFrom = (
  account: Account,
  source: Source
): Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> => {
  const get = () => source.code({ account, kind: "totp" })
  return quick.has(source.code) ? Effect.suspend(get) : codeFrom(account, get)
}
