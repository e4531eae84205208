import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { ReadLine } from "./standardInput.ts"

const maxRetries = 3

/** If the address is rejected with one of these reasons, the user is asked for another address. */
const problems: Partial<Record<AuthError.RedirectRejected["why"], (redirectUrl: string) => string>> = {
  "not-a-url": () => "This is not an address.",
  origin: (redirectUrl) => `This address is not at ${redirectUrl}: its host, port or path is different.`,
  "missing-token": () => "This address is incomplete: it contains no token.",
  repeated: () => "This address was changed: it contains a parameter twice.",
  state: () => "This address is incomplete, or belongs to another login."
}

const problemOf = ({ reason }: AuthError.AuthError, redirectUrl: string): string | undefined => {
  if (reason._tag === "RedirectRejected") return problems[reason.why]?.(redirectUrl)
  const found =
    reason._tag === "InvalidRequest" ? reason.problems.find(({ field }) => field === "callbackUrl") : undefined
  return found === undefined ? undefined : `This address ${found.problem}.`
}

const noInput = (broker: string) =>
  AuthError.make(
    broker,
    "login",
    new AuthError.ActionRequired({
      what: "Paste the address that the browser shows after the login",
      advice: "Standard input has ended: run the program in a terminal, and paste the address there."
    })
  )

/**
 * Reads lines, and returns the first line that is the callback of `request`. Fails after four wrong lines, or if the
 * input ends. Also returns the callback of a login that failed, for example because the user declined the login.
 */
export const read = Effect.fnUntraced(function* (
  redirect: RedirectLogin.RedirectLogin["Service"],
  request: RedirectLogin.AuthorizationRequest,
  readLine: ReadLine,
  show: (text: string) => Effect.Effect<void>
): Effect.fn.Return<Redacted.Redacted<string>, AuthError.AuthError> {
  for (let retries = 0; ; retries += 1) {
    const line = yield* readLine
    if (Option.isNone(line)) return yield* Effect.fail(noInput(redirect.broker))
    const checked = yield* Effect.result(redirect.check(request, line.value))
    if (Result.isSuccess(checked)) return line.value
    const problem = problemOf(checked.failure, request.redirectUrl)
    // Another line would not help, for example after a declined login. The caller passes the line to
    // `redirect.complete`, which fails with the reason.
    if (problem === undefined) return line.value
    if (retries === maxRetries) return yield* Effect.fail(checked.failure)
    yield* show(`${problem} Copy the whole address from the browser, and paste it here:`)
  }
})
