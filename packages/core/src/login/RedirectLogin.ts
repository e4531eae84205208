/**
 * Logs in on the broker's page in the browser. The broker then redirects the browser to a URL of your app. This URL,
 * with the parameters that the broker adds, is the callback.
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
import { bareToken, type Session, type Tokens } from "./Session.ts"

/**
 * The request of a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationRequest {
  /** The URL of the login page. Open it in the browser. It contains the API key, so do not log it. */
  readonly url: Redacted.Redacted<string>
  /** A random text. A callback that contains this text belongs to this request. */
  readonly state: Redacted.Redacted<string>
  /** Where the broker redirects the browser after the login. */
  readonly redirectUrl: string
}

/**
 * `begin` begins a browser login. `complete` completes it with the callback URL, and returns the session.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * // `browse` opens the URL in the user's browser, and returns the callback URL.
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
    /** Broker id. */
    readonly broker: string
    readonly begin: Effect.Effect<AuthorizationRequest, AuthError.AuthError>
    /**
     * Checks a callback as `complete` does, but sends nothing. Also accepts a request that was already completed. A
     * program that listens for the callback can use `check` to tell the callback from other HTTP requests.
     */
    readonly check: (
      request: AuthorizationRequest,
      callbackUrl: Redacted.Redacted<string>
    ) => Effect.Effect<void, AuthError.AuthError>
    /**
     * Completes the login. `callbackUrl` contains a code or a token from the broker. To remove this URL from the
     * browser's history, redirect the browser to another URL at once.
     */
    readonly complete: (
      request: AuthorizationRequest,
      callbackUrl: Redacted.Redacted<string>
    ) => Effect.Effect<Session, AuthError.AuthError>
  }
>()("@auth/broker-core/login/RedirectLogin") {}

const isSecretText = (value: unknown): boolean =>
  Redacted.isRedacted(value) && Predicate.isString(Redacted.value(value))

/**
 * What a callback contains.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received {
  /** The code or the token in the callback. */
  readonly code: Redacted.Redacted<string>
  /** All tokens in the callback. Absent if the callback contains a code. */
  readonly tokens?: Tokens | undefined
}

/**
 * The parts of a browser login that each broker defines.
 *
 * @category models
 * @since 0.1.0
 */
export interface Completion<Callback extends Received> {
  readonly begin: RedirectLogin["Service"]["begin"]
  /** Reads a callback, and sends nothing. */
  readonly receive: (
    request: AuthorizationRequest,
    callbackUrl: Redacted.Redacted<string>
  ) => Effect.Effect<Callback, AuthError.AuthError>
  /** Exchanges the callback for a session. */
  readonly exchange: (callback: Callback) => Effect.Effect<Session, AuthError.AuthError>
  /**
   * What the callback contains. If the exchange fails, a token may be sent again, but a code is never sent again.
   * Default: `code`.
   */
  readonly carries?: "code" | "token" | undefined
}

/**
 * Maximum number of states that a process remembers, and of codes that a layer remembers. A code expires before 10,000
 * more logins are completed.
 */
const maxCompletions = 10_000

type Secrets = Array<Redacted.Redacted<string>>

/**
 * The states of the requests that `complete` no longer accepts. All layers of this process share this array. To
 * simulate another process in a test, provide an empty array.
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

const contains = (known: Secrets, secret: Redacted.Redacted<string>): boolean =>
  known.some((other) => Equal.equals(other, secret))

const remember = (known: Secrets, secret: Redacted.Redacted<string>) => {
  known.push(secret)
  if (known.length > maxCompletions) known.shift()
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
      hints: [{ id: "CodeReused", text: "A callback of this login was used before." }],
      advice: "Begin the browser login again. A callback works only once."
    })
  )

const checkTokens = <Callback extends Received>(
  broker: string,
  callback: Callback
): Effect.Effect<Callback, AuthError.AuthError> => {
  if (Redacted.value(bareToken(callback.code)) === "") return noToken(broker)
  for (const token of [callback.code, ...Object.values({ ...callback.tokens })]) {
    const problem = CallbackAddress.tokenProblem(Redacted.value(token))
    if (problem === undefined) continue
    const reason = new AuthError.InvalidRequest({
      problems: [{ field: "callbackUrl", problem }],
      advice: "Nothing was sent. Copy the whole address from the browser again, and pass it unchanged."
    })
    return Effect.fail(AuthError.make(broker, "complete", reason))
  }
  return Effect.succeed(callback)
}

const noToken = (broker: string) =>
  Effect.fail(AuthError.make(broker, "complete", new AuthError.RedirectRejected({ why: "missing-token" })))

/**
 * Makes a broker's `RedirectLogin` service. A second call of `complete` with the same request or the same code sends
 * nothing and fails with `InvalidStepUpCode`. There are two exceptions:
 *
 * - A callback was rejected before its code was sent. Then call `complete` with another callback.
 * - `carries` is `token`, and the exchange failed. Then `complete` can be called again.
 *
 * `complete` sends nothing and fails with `InvalidRequest` in the following cases:
 *
 * - `request.state` is not `Redacted` text, or `request.redirectUrl` is not text.
 * - `callbackUrl` is not `Redacted` text.
 * - A code or token in `callbackUrl` ends with an ellipsis, or contains `"`, `<`, `>` or a character that is not a
 *   visible ASCII character.
 *
 * A process remembers its last 10,000 completed requests. A layer remembers its last 10,000 codes. If another process
 * sends a used code again, only the broker can refuse the code. If you keep a request in a cookie, clear the cookie
 * when the callback arrives. Then the request cannot be completed again in another process.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Callback extends Received>(
  broker: string,
  { begin, carries = "code", exchange, receive }: Completion<Callback>
): RedirectLogin["Service"] => {
  const codes: Secrets = []

  const completeOnce = (state: Redacted.Redacted<string>, callback: Callback) =>
    Effect.flatMap(CompletedStates, (states) => {
      const { code } = callback
      if (contains(states, state) || contains(codes, code)) return Effect.fail(replayed(broker))
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

  const received = (request: AuthorizationRequest, callbackUrl: Redacted.Redacted<string>) => {
    const { redirectUrl, state } = { ...request }
    if (!isSecretText(state) || !Predicate.isString(redirectUrl)) {
      return Effect.fail(
        AuthError.invalidRequest(broker, "complete", "request", "must be the request that `begin` returned")
      )
    }
    return isSecretText(callbackUrl)
      ? Effect.flatMap(receive(request, callbackUrl), (callback) => checkTokens(broker, callback))
      : Effect.fail(AuthError.invalidRequest(broker, "complete", "callbackUrl", "must be Redacted text"))
  }

  return {
    broker,
    begin,
    check: (request, callbackUrl) => Effect.asVoid(received(request, callbackUrl)),
    complete: (request, callbackUrl) =>
      Effect.flatMap(received(request, callbackUrl), (callback) => completeOnce(request.state, callback))
  }
}

/**
 * Makes a random state: 128 bits, in hexadecimal.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeState: Effect.Effect<Redacted.Redacted<string>> = Effect.sync(() =>
  Redacted.make(Hex.encode(SecureRandom.randomBytesUnsafe(16)))
)

/**
 * The parameters that the broker added to the redirect URL, in its query or its fragment. The keys are the parameters'
 * names in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export type CallbackParameters = ReadonlyMap<string, Redacted.Redacted<string>>

/**
 * The callback parameter that says whether the login succeeded, and the value of this parameter for success. Any other
 * value means that the login was denied. If the login was denied, the callback needs no state.
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
 * Parses a callback, and returns the parameters that the broker added to the redirect URL. A callback is rejected in
 * these cases:
 *
 * - It is not a URL, for example only a query or only a code.
 * - Its scheme, host, port or path differs from that of the registered redirect URL.
 * - Its state is wrong, or is missing although `state` is `required`.
 * - It says that the login was denied.
 * - It does not contain the parameter that `outcome` names.
 * - The broker added a parameter with two different values.
 *
 * The redirect URL may have a custom scheme. If the callback is only a path with a query, such as the `url` of a
 * `node:http` request, `parseCallback` adds the registered origin. It accepts `&amp;` instead of `&`, a second question
 * mark, tokens in the fragment, and a value that was encoded twice. It removes line breaks, quotes and invisible
 * characters that copying added. It keeps a `+` in a token. It does not check codes and tokens: `complete` checks them.
 *
 * The error contains no part of the URL, except for the values that `refusal` copies.
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
  /**
   * `required`: the callback must contain the state, unless the parameter of `outcome` says that the login was denied.
   * `optional` or `none`: the state may be missing. A callback with a wrong state is always rejected.
   */
  readonly state: "required" | "optional" | "none"
  /** The name of the parameter with the state. Default: `state`. */
  readonly stateParameter?: string | undefined
  /** The parameter that says whether the login succeeded. Default: no parameter. */
  readonly outcome?: Outcome | undefined
  /**
   * Returns the reason of the error if the callback says that the login failed or was denied. Default:
   * `RedirectRejected` (`denied`).
   */
  readonly refusal?: (parameters: CallbackParameters) => AuthError.Reason
}): Effect.fn.Return<CallbackParameters, AuthError.AuthError> {
  const fail = (reason: AuthError.Reason) => Effect.fail(AuthError.make(options.broker, "complete", reason))
  const rejected = (why: AuthError.RedirectRejected["why"]) => fail(new AuthError.RedirectRejected({ why }))
  const address = CallbackAddress.read(Redacted.value(options.callbackUrl), options.request.redirectUrl)
  if (Result.isFailure(address)) return yield* fail(new AuthError.RedirectRejected(address.failure))
  const parameters = new Map<string, Redacted.Redacted<string>>()
  let repeated = false
  for (const [name, value] of address.success) {
    const known = parameters.get(name)
    // Of two different values, it is unknown which one the broker sent. So the parameter gets an empty value.
    const certain = known === undefined || Redacted.value(known) === value
    if (!certain) repeated = true
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
 * Makes the URL of a login page from `base` and the parameters. Parameters that are `undefined` are left out.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Redacted from "effect/Redacted"
 *
 * const url = RedirectLogin.page("https://login.example.com/connect", {
 *   api_key: Redacted.make("key"),
 *   redirect_url: undefined
 * })
 * Redacted.value(url) // => "https://login.example.com/connect?api_key=key"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const page = (
  base: string,
  parameters: Readonly<Record<string, string | Redacted.Redacted<string> | undefined>>
): Redacted.Redacted<string> => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, Redacted.isRedacted(value) ? Redacted.value(value) : value)
  }
  return Redacted.make(query.size === 0 ? base : `${base}?${query}`)
}

/**
 * Adds the fields of a form to the query of `url`. Use this function if the broker sends the callback as a form (`POST`
 * with `application/x-www-form-urlencoded`). Pass the result to `complete`.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Redacted from "effect/Redacted"
 *
 * const url = RedirectLogin.fromForm("https://app.example.com/callback", Redacted.make("API_Session=1234"))
 * Redacted.value(url) // => "https://app.example.com/callback?API_Session=1234"
 * ```
 *
 * @category callbacks
 * @since 0.1.0
 */
export const fromForm = (url: string, body: Redacted.Redacted<string>): Redacted.Redacted<string> => {
  // Plain JavaScript may pass other types. `complete` then rejects the result.
  if (!Predicate.isString(url) || !isSecretText(body)) return Redacted.make(url)
  const fields = Array.from(new URLSearchParams(Redacted.value(body)))
  const query = fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")
  const separator = url.includes("?") ? "&" : "?"
  return Redacted.make(query === "" ? url : `${url}${separator}${query}`)
}

/**
 * Parses a parameter that contains JSON. The JSON may also be inside a JSON string, or be percent-encoded a second
 * time. Fails with `RedirectRejected` (`missing-token`) if the parameter is missing or contains no JSON.
 *
 * @category callbacks
 * @since 0.1.0
 */
export const jsonParameter = (
  broker: string,
  parameters: CallbackParameters,
  names: string | ReadonlyArray<string>
): Effect.Effect<unknown, AuthError.AuthError> =>
  Effect.flatMap(requireParameter(broker, parameters, names), (value) => {
    const parsed = readJson(Redacted.value(value), 3)
    return parsed === undefined ? noToken(broker) : Effect.succeed(parsed)
  })

const readJson = (text: string, depth: number): unknown => {
  if (depth === 0) return undefined
  const parsed = Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))
  if (Predicate.isString(parsed)) return readJson(parsed, depth - 1)
  if (parsed !== undefined) return parsed
  const decoded = Result.getOrUndefined(Result.try(() => decodeURIComponent(text)))
  return decoded === undefined || decoded === text ? undefined : readJson(decoded, depth - 1)
}

/**
 * Returns the value of a callback's parameter. The parameter may have any of the given names, in upper or lower case.
 * Fails with `RedirectRejected` (`missing-token`) if the parameter is missing or blank.
 *
 * @category callbacks
 * @since 0.1.0
 */
export const requireParameter = (
  broker: string,
  parameters: CallbackParameters,
  names: string | ReadonlyArray<string>
): Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> => {
  const values = [names].flat().map((name) => parameters.get(name.toLowerCase()))
  const value = values.find((found) => found !== undefined && Redacted.value(found).trim() !== "")
  return value === undefined ? noToken(broker) : Effect.succeed(value)
}
