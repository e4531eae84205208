/** One login that waits for its callback, and the answers to the browser's requests for this login. */
import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { hasState, visitRefusal } from "./callbackRequests.ts"
import { type Page, pages } from "./listenerPages.ts"
import { type Answer, answer, readForm, redirectTo } from "./loopbackServer.ts"

/** How the callback arrives: in the query of a GET, or as the form of a POST. */
export type CallbackMethod = "GET" | "POST"

export interface PendingCallback {
  /** Path of the one-time redirect to the login page. */
  readonly startPath: string
  readonly callback: Effect.Effect<Redacted.Redacted<string>>
  /** Completes when the callback path was opened without parameters. */
  readonly withoutParameters: Effect.Effect<void>
  readonly finish: (exit: Exit.Exit<unknown, AuthError.AuthError>) => Effect.Effect<void>
  readonly respond: (path: string, message: IncomingMessage) => Effect.Effect<Answer> | undefined
}

/** Longest time that the browser waits for the outcome. After this time, the browser gets `pages.pending`. */
const outcomeWait = "10 seconds"
/** Longest time that a finished login waits for the browser to fetch the page with the outcome. */
const pageWait = "2 seconds"

const pageOf = (exit: Exit.Exit<unknown, AuthError.AuthError>): Page => {
  if (Exit.isSuccess(exit)) return pages.accepted
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error === undefined) return pages.pending
  const { reason } = error
  const isDeclined = reason._tag === "RedirectRejected" && reason.why === "denied"
  return (isDeclined ? pages.declined : pages.failed)(`${reason.message}.`, reason.remedy)
}

const notAllowed = (method: CallbackMethod): Answer => answer(pages.otherMethod, { headers: { allow: method } })

const visited = (
  message: IncomingMessage,
  method: CallbackMethod,
  respond: Effect.Effect<Answer>
): Effect.Effect<Answer> => {
  if (message.method !== method) return Effect.succeed(notAllowed(method))
  const refusal = visitRefusal(message)
  return refusal === undefined ? respond : Effect.succeed(answer(refusal))
}

const isDenial = ({ reason }: AuthError.AuthError): boolean =>
  reason._tag === "RedirectRejected" && reason.why === "denied"

/**
 * An address with the state is the callback. Without the state, `check` decides, because some brokers do not return the
 * state.
 */
const isCallback = (
  { check }: RedirectLogin.RedirectLogin["Service"],
  request: RedirectLogin.AuthorizationRequest,
  address: Redacted.Redacted<string>
): Effect.Effect<boolean> =>
  hasState(address, request.state)
    ? Effect.succeed(true)
    : Effect.match(check(request, address), { onSuccess: () => true, onFailure: isDenial })

const randomPath = (name: string): string => `/${name}/${randomBytes(16).toString("hex")}`

/** `callbackPath` is `undefined` if the callback does not arrive at this listener. */
export const make = (
  redirect: RedirectLogin.RedirectLogin["Service"],
  request: RedirectLogin.AuthorizationRequest,
  callbackPath: string | undefined,
  method: CallbackMethod
): PendingCallback => {
  const [startPath, donePath] = [randomPath("start"), randomPath("done")]
  const callback = Deferred.makeUnsafe<Redacted.Redacted<string>>()
  const outcome = Deferred.makeUnsafe<Page>()
  const shown = Deferred.makeUnsafe<void>()
  const bare = Deferred.makeUnsafe<void>()
  let isStarted = false
  let isReceived = false

  const start = Effect.sync(() => {
    if (isReceived) return answer(pages.completed)
    if (isStarted) return answer(pages.usedLink)
    isStarted = true
    return redirectTo(new URL(Redacted.value(request.url)).href)
  })

  const receive = (address: Redacted.Redacted<string>): Effect.Effect<Answer> =>
    Effect.map(isCallback(redirect, request, address), (accepted) => {
      // Another request may be accepted while `isCallback` runs.
      if (isReceived) return answer(pages.completed)
      if (!accepted && Redacted.value(address) === new URL(request.redirectUrl).href) {
        return answer(pages.noParameters, { sent: Effect.asVoid(Deferred.succeed(bare, undefined)) })
      }
      if (!accepted) return answer(pages.otherLogin)
      isReceived = true
      // The login continues after the browser has its answer.
      return redirectTo(donePath, Effect.asVoid(Deferred.succeed(callback, address)))
    })

  const origin = new URL(request.redirectUrl).origin
  const arrived = (message: IncomingMessage): Effect.Effect<Answer> =>
    Effect.suspend(() => {
      const url = `${origin}${message.url}`
      if (method === "GET") return receive(Redacted.make(url))
      return readForm(message).pipe(
        Effect.flatMap((form) => receive(RedirectLogin.fromForm(url, form))),
        Effect.catch((page) => Effect.succeed(answer(page)))
      )
    })

  const done = Deferred.await(outcome).pipe(
    Effect.timeoutOrElse({ duration: outcomeWait, orElse: () => Effect.succeed(pages.pending) }),
    Effect.map((page) => answer(page, { sent: Effect.asVoid(Deferred.succeed(shown, undefined)) }))
  )

  return {
    startPath,
    callback: Deferred.await(callback),
    withoutParameters: Deferred.await(bare),
    finish: Effect.fnUntraced(function* (exit) {
      yield* Deferred.succeed(outcome, pageOf(exit))
      if (!isReceived) return
      // If the login was interrupted, this wait ends at once.
      yield* Effect.interruptible(Effect.timeoutOption(Deferred.await(shown), pageWait))
    }),
    respond: (path, message) => {
      if (path === startPath) return visited(message, "GET", start)
      if (path === donePath) return visited(message, "GET", done)
      if (path === callbackPath) return visited(message, method, arrived(message))
      return undefined
    }
  }
}
