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
import * as CallbackAddress from "./internal/callbackAddress.ts"
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

/** Completions that are remembered. Codes expire within minutes, so older ones need no memory. */
const rememberedCallbacks = 10_000

type Secrets = Array<Redacted.Redacted<string>>

/**
 * States of completed requests, of all layers of this process: a web app may build its layer for each request. A test
 * that plays another process provides an empty array.
 *
 * @category services
 * @since 0.1.0
 */
export const CompletedStates: Context.Reference<Array<Redacted.Redacted<string>>> = Context.Reference<Secrets>(
  "@auth/broker-core/RedirectLogin/CompletedStates",
  {
    defaultValue: () => []
  }
)

const knows = (known: Secrets, secret: Redacted.Redacted<string>): boolean =>
  known.some((other) => Equal.equals(other, secret))

const remember = (known: Secrets, secret: Redacted.Redacted<string>) => {
  known.push(secret)
  if (known.length > rememberedCallbacks) known.shift()
}

const forget = (known: Secrets, secret: Redacted.Redacted<string>) => {
  const index = known.indexOf(secret)
  if (index >= 0) known.splice(index, 1)
}

const replayed = (broker: string) =>
  AuthError.make(
    broker,
    "complete",
    new AuthError.InvalidStepUpCode({
      kind: "authorization-code",
      by: "client",
      hints: [{ id: "CodeReused", text: "This callback was completed before." }],
      advice: "Begin the browser login again. A callback is good once."
    })
  )

/**
 * Makes the service of a broker. A request is completed once, and a code is sent once: a second completion of the same
 * request or with the same code fails with `InvalidStepUpCode`, and nothing is sent. A callback that is rejected before
 * its code is sent does not count. Fails with `InvalidRequest` on values that are not a request or an address.
 *
 * Requests are remembered by the process, codes by the layer. Another process knows of neither: there the broker refuses
 * a code that was sent before, so clear a request that is kept in a cookie when its callback arrives.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Callback extends { readonly code: Redacted.Redacted<string> }>(
  broker: string,
  { begin, carries = "code", exchange, receive }: Completion<Callback>
): RedirectLogin["Service"] => {
  const codes: Secrets = []

  const completeOnce = (state: Redacted.Redacted<string>, callback: Callback) =>
    Effect.flatMap(CompletedStates, (states) => {
      const { code } = callback
      if (knows(states, state) || knows(codes, code)) return Effect.fail(replayed(broker))
      remember(states, state)
      remember(codes, code)
      if (carries === "code") return exchange(callback)
      return Effect.onExit(exchange(callback), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) return
          forget(states, state)
          forget(codes, code)
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
 * The parameters of a callback, of its query and its fragment, by name in lower case.
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
 * Reads a callback: it must be the registered address, say nothing of a denial, and bring the state back. Scheme, host,
 * port and path are compared, those of a custom scheme too; a path alone, as in `request.url` of `node:http`, is read as
 * one of the registered origin. A query or a code alone is refused, and so is a parameter that comes twice with different
 * values. Mended: `&amp;`, a second question mark, tokens in the fragment, a value that was encoded twice, line breaks
 * and quotes of a copy. A `+` in a value is kept.
 *
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
  const address = CallbackAddress.read(Redacted.value(options.callbackUrl), options.request.redirectUrl)
  if (Result.isFailure(address)) return yield* fail(new AuthError.RedirectRejected(address.failure))
  const { own, pairs } = address.success
  const parameters = new Map<string, Redacted.Redacted<string>>()
  let repeated = false
  for (const [name, value] of pairs) {
    const known = parameters.get(name)
    // Of two values nothing tells which one is the broker's, so neither is taken.
    const certain = known === undefined || Redacted.value(known) === value
    if (!certain && !own.has(name)) repeated = true
    parameters.set(name, Redacted.make(certain ? value : ""))
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
  if (repeated) return yield* rejected("repeated")
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
