/**
 * Logging in through the browser.
 *
 * @since 0.1.0
 */
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as AuthError from "./AuthError.ts"
import type { Session } from "./Session.ts"

/**
 * Where to send the browser, and what must come back.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationRequest {
  /** Has the API key in it, so it is a secret: give it to the browser, not to a log. */
  readonly url: Redacted.Redacted<string>
  /** Proves that an answer belongs to this request. */
  readonly state: Redacted.Redacted<string>
  /** Where the broker sends the browser afterwards. */
  readonly redirectUrl: string
}

/**
 * Begins a browser login, and completes it with the address that the browser was sent to.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * // `browse` shows the address to the user, and gives the one that the browser came back with.
 * const login = (browse: (url: Redacted.Redacted<string>) => Effect.Effect<Redacted.Redacted<string>>) =>
 *   Effect.gen(function* () {
 *     const { begin, complete } = yield* RedirectLogin.RedirectLogin
 *     const request = yield* begin
 *     return yield* complete(request, yield* browse(request.url))
 *   })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class RedirectLogin extends Context.Service<
  RedirectLogin,
  {
    readonly begin: Effect.Effect<AuthorizationRequest, AuthError.AuthError>
    /** `callbackUrl` brings tokens in its query: replace it in the browser's history at once. */
    readonly complete: (
      request: AuthorizationRequest,
      callbackUrl: Redacted.Redacted<string>
    ) => Effect.Effect<Session, AuthError.AuthError>
  }
>()("@auth/broker-core/login/RedirectLogin") {}

const isSecretText = (value: unknown): boolean =>
  Redacted.isRedacted(value) && Predicate.isString(Redacted.value(value))

/**
 * How a broker completes a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface Completion<Callback extends { readonly code: Redacted.Redacted<string> }> {
  readonly begin: RedirectLogin["Service"]["begin"]
  /** Reads a callback. Sends nothing. `code` is the code or the token that the callback carries. */
  readonly receive: (
    request: AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) => Effect.Effect<Callback, AuthError.AuthError>
  /** Exchanges what was received for a session. */
  readonly exchange: (callback: Callback) => Effect.Effect<Session, AuthError.AuthError>
  /**
   * A `code` is sent once, whatever the answer. A `token` may be sent again until a completion has succeeded. Default:
   * `code`.
   */
  readonly carries?: "code" | "token" | undefined
}

/** Callbacks that a layer remembers. Codes expire within minutes, so older ones need no memory. */
const rememberedCallbacks = 100

const replayed = (broker: string) =>
  AuthError.make(
    broker,
    "complete",
    new AuthError.InvalidStepUpCode({
      kind: "authorization-code",
      hints: [{ id: "CodeReused", text: "This callback was completed before." }],
      advice: "Begin the browser login again. The code went out once already, and was not sent again."
    })
  )

/**
 * Makes the service of a broker. A request is completed once, and a code is sent once: a second completion of the same
 * request or with the same code fails with `InvalidStepUpCode`, and nothing is sent. A callback that is rejected before
 * its code is sent does not count. Fails with `InvalidRequest` on values that are not a request or an address.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Callback extends { readonly code: Redacted.Redacted<string> }>(
  broker: string,
  { begin, carries = "code", exchange, receive }: Completion<Callback>
): RedirectLogin["Service"] => {
  const completed: Array<readonly [state: Redacted.Redacted<string>, code: Redacted.Redacted<string>]> = []

  const completeOnce = (state: Redacted.Redacted<string>, callback: Callback) =>
    Effect.suspend(() => {
      const { code } = callback
      if (completed.some((known) => Equal.equals(known[0], state) || Equal.equals(known[1], code))) {
        return Effect.fail(replayed(broker))
      }
      const entry = [state, code] as const
      completed.push(entry)
      if (completed.length > rememberedCallbacks) completed.shift()
      if (carries === "code") return exchange(callback)
      return Effect.onExit(exchange(callback), (exit) =>
        Effect.sync(() => {
          const index = completed.indexOf(entry)
          if (Exit.isFailure(exit) && index >= 0) completed.splice(index, 1)
        })
      )
    })

  return {
    begin,
    complete: (request, callbackUrl) => {
      const { redirectUrl, state } = { ...request }
      if (!isSecretText(state) || !Predicate.isString(redirectUrl)) {
        return Effect.fail(AuthError.invalidRequest(broker, "complete", "request", "is not what begin gave"))
      }
      return isSecretText(callbackUrl)
        ? Effect.flatMap(receive(request, callbackUrl), (callback) => completeOnce(request.state, callback))
        : Effect.fail(AuthError.invalidRequest(broker, "complete", "callbackUrl", "must be Redacted text"))
    }
  }
}

/**
 * A fresh state: 128 random bits, in hexadecimal.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeState: Effect.Effect<Redacted.Redacted<string>> = Effect.sync(() =>
  Redacted.make(Hex.encode(SecureRandom.randomBytesUnsafe(16)))
)

/**
 * The parameters of a callback, of its query and of a query inside its hash route, by name in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export type CallbackParameters = ReadonlyMap<string, Redacted.Redacted<string>>

/**
 * The parameter of a callback that tells how the login ended, and its value for success. Any other value means that the
 * login was denied, also where the callback does not bring the state back: brokers leave it out when a user cancels.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outcome {
  readonly parameter: string
  readonly success: string
}

const sameText = (left: string, right: string): boolean => {
  const encoder = new TextEncoder()
  return Mac.timingSafeEqual(encoder.encode(left), encoder.encode(right))
}

/**
 * Reads a callback: it must be the registered address, say nothing of a denial, and bring the state back. A parameter
 * that comes twice with different values is empty.
 * No part of the address is in the error, but for what `refusal` takes of it.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const redirectUrl = "https://app.example.com/callback"
 *
 * const program = Effect.gen(function* () {
 *   const state = yield* RedirectLogin.makeState
 *   const request = { url: Redacted.make("https://broker.example/login"), state, redirectUrl }
 *   const callbackUrl = Redacted.make(`${redirectUrl}?auth_token=eyJ…&state=${Redacted.value(state)}`)
 *   const parameters = yield* RedirectLogin.parseCallback({ broker: "tiny", request, callbackUrl, state: "required" })
 *   Array.from(parameters.keys()) // => ["auth_token", "state"]
 * })
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseCallback = Effect.fnUntraced(function* (options: {
  readonly broker: string
  readonly request: AuthorizationRequest
  readonly callbackUrl: Redacted.Redacted<string>
  /** `optional` is for brokers that do not document that they bring the state back. */
  readonly state: "required" | "optional"
  /** The parameter that brings the state back, where the broker has a name of its own for it. */
  readonly stateParameter?: string | undefined
  /** The parameter that tells how the login ended, where the broker has one. */
  readonly outcome?: Outcome | undefined
  /** What an `error` in the callback means at this broker, where it tells more than that the login was denied. */
  readonly refusal?: (parameters: CallbackParameters) => AuthError.Reason
}): Effect.fn.Return<CallbackParameters, AuthError.AuthError> {
  const fail = (reason: AuthError.Reason) => Effect.fail(AuthError.make(options.broker, "complete", reason))
  const rejected = (why: AuthError.RedirectRejected["why"]) => fail(new AuthError.RedirectRejected({ why }))
  const url = parseUrl(Redacted.value(options.callbackUrl))
  const registered = parseUrl(options.request.redirectUrl)
  if (url === undefined || registered === undefined) return yield* rejected("not-a-url")
  if (url.origin !== registered.origin || url.pathname !== registered.pathname) return yield* rejected("origin")
  const parameters = new Map<string, Redacted.Redacted<string>>()
  const inHash = url.hash.includes("?") ? url.hash.slice(url.hash.indexOf("?") + 1) : ""
  for (const [name, value] of [...new URLSearchParams(inHash), ...url.searchParams]) {
    const known = parameters.get(name.toLowerCase())
    // Of two values nobody can tell which one is the broker's, so neither is taken.
    const certain = known === undefined || Redacted.value(known) === value
    parameters.set(name.toLowerCase(), Redacted.make(certain ? value : ""))
  }
  const denied = Effect.suspend(() =>
    options.refusal === undefined ? rejected("denied") : fail(options.refusal(parameters))
  )
  const outcome = options.outcome && parameters.get(options.outcome.parameter.toLowerCase())
  const isDenied = outcome !== undefined && Redacted.value(outcome) !== options.outcome?.success
  const state = Option.fromUndefinedOr(parameters.get((options.stateParameter ?? "state").toLowerCase()))
  const expected = Redacted.value(options.request.state)
  if (
    Option.isSome(state) ? !sameText(Redacted.value(state.value), expected) : options.state === "required" && !isDenied
  ) {
    return yield* rejected("state")
  }
  if (isDenied || parameters.has("error")) return yield* denied
  if (options.outcome !== undefined && outcome === undefined) return yield* rejected("missing-token")
  return parameters
})

/**
 * A parameter that the callback must bring.
 *
 * @category parsing
 * @since 0.1.0
 */
export const requireParameter = (
  broker: string,
  parameters: CallbackParameters,
  name: string
): Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> => {
  const value = parameters.get(name.toLowerCase())
  return value === undefined || Redacted.value(value).trim() === ""
    ? Effect.fail(AuthError.make(broker, "complete", new AuthError.RedirectRejected({ why: "missing-token" })))
    : Effect.succeed(value)
}

const parseUrl = (text: string): URL | undefined => Result.getOrUndefined(Result.try(() => new URL(text)))
