/**
 * Logs in through the user's browser. The callback arrives at a loopback port of this machine (RFC 8252), or the user
 * pastes the address of the callback.
 *
 * | redirect URL                                                      | how the callback arrives                    |
 * | ----------------------------------------------------------------- | ------------------------------------------- |
 * | `http://127.0.0.1:5000/…`, `http://[::1]:…`, `http://localhost:…` | the program listens on the port of the URL  |
 * | any other, such as `https://app.example.com/callback`             | the user pastes the address at the terminal |
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { hostRefusal } from "./internal/callbackRequests.ts"
import { pages } from "./internal/listenerPages.ts"
import { answer, type Respond, serve } from "./internal/loopbackServer.ts"
import * as openBrowser from "./internal/openBrowser.ts"
import * as pastedCallback from "./internal/pastedCallback.ts"
import * as pendingCallback from "./internal/pendingCallback.ts"
import * as standardInput from "./internal/standardInput.ts"

/**
 * Opens an address in the user's browser, and returns whether a browser was started. Other programs can see the address
 * in the list of processes. So `login` passes `PendingLogin.startUrl`, which contains no secret.
 *
 * The default uses the optional package `open`. The default returns `false`:
 *
 * - if the package `open` is not installed
 * - if the program runs in an SSH session, in CI, or on Linux without a display
 * - if the command that opens the browser fails within 2 seconds
 *
 * @example
 * ```ts
 * import * as RedirectListener from "@auth/node/RedirectListener"
 * import * as Effect from "effect/Effect"
 *
 * // `login` opens no browser, and prints the address.
 * const login = RedirectListener.login().pipe(
 *   Effect.provideService(RedirectListener.Browser, { open: () => Effect.succeed(false) })
 * )
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const Browser: Context.Reference<{ readonly open: (url: string) => Effect.Effect<boolean> }> =
  Context.Reference<{ readonly open: (url: string) => Effect.Effect<boolean> }>("@auth/node/RedirectListener/Browser", {
    defaultValue: () => ({ open: openBrowser.open })
  })

/**
 * Shows texts to the user, and reads the text that the user pastes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terminal {
  /**
   * `true` if a person reads the texts and can paste an address. If `false`, `login` does not show the address of the
   * login page. This address contains the API key, and the texts may go to a log.
   */
  readonly isTerminal: Effect.Effect<boolean>
  readonly show: (text: string) => Effect.Effect<void>
  /**
   * Starts a reader, which stops when the scope closes. Each run of the returned effect gives the next line, or `None`
   * if the input has ended.
   */
  readonly lines: Effect.Effect<Effect.Effect<Option.Option<Redacted.Redacted<string>>>, never, Scope.Scope>
}

/**
 * Where a login shows its texts and reads a pasted address. Default: texts go to standard error through `Console`, and
 * lines come from standard input, without echo.
 *
 * @example
 * ```ts
 * import * as RedirectListener from "@auth/node/RedirectListener"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 * import * as Redacted from "effect/Redacted"
 *
 * // In a test: the user pastes one address.
 * const pasting = (address: string) => ({
 *   isTerminal: Effect.succeed(true),
 *   show: () => Effect.void,
 *   lines: Effect.succeed(Effect.succeed(Option.some(Redacted.make(address))))
 * })
 * const login = (address: string) =>
 *   RedirectListener.login().pipe(Effect.provideService(RedirectListener.UserTerminal, pasting(address)))
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const UserTerminal: Context.Reference<Terminal> = Context.Reference<Terminal>(
  "@auth/node/RedirectListener/UserTerminal",
  {
    defaultValue: () => ({
      isTerminal: standardInput.isTerminal,
      show: (text) => Console.error(text),
      lines: standardInput.lines
    })
  }
)

/**
 * Options of `login`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginOptions {
  /** Time-out for the user's login. Must be positive. Default: 5 minutes. */
  readonly timeout?: Duration.Input | undefined
  /** HTTP method of the callback. With `POST`, the callback is a form of at most 64 KiB. Default: `GET`. */
  readonly method?: "GET" | "POST" | undefined
}

/**
 * Options of `open`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends LoginOptions {
  /** Broker id, for errors. */
  readonly broker: string
  /** An `http` address with the host 127.0.0.1, [::1] or localhost. Port 0 selects a free port that browsers accept. */
  readonly redirectUrl: string
}

/**
 * An open port that can receive callbacks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listener {
  /** The redirect URL of the options. Port 0 is replaced with the selected port. */
  readonly redirectUrl: string
  /**
   * Makes the listener accept only the callback of `request`. Before the first call of `expect`, the listener answers
   * with the HTTP status 404.
   */
  readonly expect: (
    request: RedirectLogin.AuthorizationRequest
  ) => Effect.Effect<PendingLogin, never, RedirectLogin.RedirectLogin>
}

/**
 * A login that waits for its callback.
 *
 * @category models
 * @since 0.1.0
 */
export interface PendingLogin {
  /**
   * An address of this listener, without a secret. Only the first visit is redirected to the login page. Start the
   * browser with `startUrl`, not with `request.url`. `request.url` contains the API key, and other programs can see the
   * command that starts the browser.
   */
  readonly startUrl: string
  /**
   * Waits for the callback of this login. Returns the address of the callback, for `RedirectLogin.complete`. Other HTTP
   * requests do not end the wait. Fails with `ActionRequired` after the time-out.
   */
  readonly callback: Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
  /**
   * Completes when the browser has opened the redirect URL without parameters. For example, the broker may put the
   * parameters after a `#`, and browsers do not send this part of an address. The listener then shows a page that asks
   * the user to paste the whole address into the program.
   */
  readonly withoutParameters: Effect.Effect<void>
  /**
   * Shows the outcome of the login in the browser. Waits at most 2 seconds until the browser has received the page.
   * Call `finish` within 10 seconds after the callback. Otherwise, the page says only that the program has received the
   * login.
   */
  readonly finish: (exit: Exit.Exit<unknown, AuthError.AuthError>) => Effect.Effect<void>
}

const loopbackHosts = ["127.0.0.1", "[::1]", "localhost"] as const

interface Place {
  readonly url: URL
  readonly host: (typeof loopbackHosts)[number]
  readonly port: number
}

const placeOf = (redirectUrl: string): Place | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(redirectUrl)))
  const host = loopbackHosts.find((name) => name === url?.hostname)
  if (url === undefined || host === undefined || url.protocol !== "http:") return undefined
  return { url, host, port: url.port === "" ? 80 : Number(url.port) }
}

const invalid = (broker: string, field: string, problem: string, advice?: string): AuthError.AuthError =>
  AuthError.make(broker, "login", new AuthError.InvalidRequest({ problems: [{ field, problem }], advice }))

const readTimeout = (
  broker: string,
  input: Duration.Input = "5 minutes"
): Effect.Effect<Duration.Duration, AuthError.AuthError> =>
  Option.match(Option.filter(Duration.fromInput(input), Duration.isGreaterThan(Duration.zero)), {
    onNone: () => Effect.fail(invalid(broker, "timeout", 'must be positive, such as "5 minutes"')),
    onSome: Effect.succeed
  })

const readMethod = (
  broker: string,
  method: LoginOptions["method"] = "GET"
): Effect.Effect<"GET" | "POST", AuthError.AuthError> =>
  method === "GET" || method === "POST"
    ? Effect.succeed(method)
    : Effect.fail(invalid(broker, "method", 'must be "GET" or "POST"'))

const listenFailure =
  (broker: string, port: number) =>
  ({ code = "unknown" }: NodeJS.ErrnoException): AuthError.AuthError => {
    if (code === "ERR_UNSAFE_PORT") {
      return invalid(
        broker,
        "redirectUrl",
        `has port ${port}, which browsers refuse to open`,
        "Register a redirect URL with another port, such as 5000, at the broker. See https://fetch.spec.whatwg.org/#port-blocking for the ports that browsers refuse."
      )
    }
    if (code === "EADDRINUSE") {
      return invalid(
        broker,
        "redirectUrl",
        `has port ${port}, which another program on this machine uses`,
        `End the program that uses port ${port}, such as another login. Or register a redirect URL with another port at the broker.`
      )
    }
    if (code === "EACCES") {
      return invalid(
        broker,
        "redirectUrl",
        `has port ${port}, which this user is not allowed to open`,
        "Register a redirect URL with a port above 1023 at the broker."
      )
    }
    return invalid(
      broker,
      "redirectUrl",
      `has port ${port}, which cannot be opened on this machine (${code})`,
      "Check that this machine has the loopback address of the redirect URL."
    )
  }

const timedOut = (broker: string, redirectUrl: string, timeout: Duration.Duration): AuthError.AuthError =>
  AuthError.make(
    broker,
    "login",
    new AuthError.ActionRequired({
      what: `Finish the login in the browser within ${Expiry.timeText(timeout)}`,
      advice: `Start the login again. If the browser showed an error page after the login, check that ${redirectUrl} is the redirect URL that is registered at the broker.`
    })
  )

interface Wait {
  readonly broker: string
  readonly redirectUrl: string
  readonly timeout: Duration.Duration
}

const withTimeout =
  ({ broker, redirectUrl, timeout }: Wait) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | AuthError.AuthError> =>
    Effect.timeoutOrElse(effect, {
      duration: timeout,
      orElse: () => Effect.fail(timedOut(broker, redirectUrl, timeout))
    })

/** Without `receives`, the listener serves only the start URL. */
const listen = Effect.fnUntraced(function* (
  { host, port, url }: Place,
  wait: Wait,
  receives: { readonly path: string; readonly method: pendingCallback.CallbackMethod } | undefined
): Effect.fn.Return<Listener, AuthError.AuthError, Scope.Scope> {
  let pending: pendingCallback.PendingCallback | undefined
  let chosen = port
  const respond: Respond = (message) =>
    Effect.suspend(() => {
      const refusal = hostRefusal(message, host, chosen)
      if (refusal !== undefined) return Effect.succeed(answer(refusal))
      const path = message.url?.split("?", 1)[0] ?? ""
      return pending?.respond(path, message) ?? Effect.succeed(answer(pages.notFound))
    })
  chosen = yield* Effect.mapError(serve(host, port, respond), listenFailure(wait.broker, port))
  const address = new URL(url)
  address.port = String(chosen)
  return {
    redirectUrl: address.href,
    expect: (request) =>
      Effect.map(RedirectLogin.RedirectLogin, (redirect) => {
        const made = pendingCallback.make(redirect, request, receives?.path, receives?.method ?? "GET")
        pending = made
        return {
          startUrl: `${address.origin}${made.startPath}`,
          callback: withTimeout(wait)(made.callback),
          withoutParameters: made.withoutParameters,
          finish: made.finish
        }
      })
  }
})

/**
 * Opens the port of a redirect URL, and closes the port when the scope closes. Use `open` instead of `login` in these
 * cases:
 *
 * - Your program must do something between the steps of a login.
 * - The listener should select a free port (port 0). Most brokers redirect only to the registered port.
 *
 * Fails with `InvalidRequest` if an option is invalid, or if the port cannot be opened. A port that browsers refuse is
 * invalid (see `BlockedPort` of `@auth/broker-core`).
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as RedirectListener from "@auth/node/RedirectListener"
 * import * as Effect from "effect/Effect"
 *
 * const login = (openInBrowser: (url: string) => Effect.Effect<void>) =>
 *   Effect.gen(function* () {
 *     const redirect = yield* RedirectLogin.RedirectLogin
 *     const request = yield* redirect.begin
 *     const { broker } = redirect
 *     const listener = yield* RedirectListener.open({ broker, redirectUrl: request.redirectUrl })
 *     const pending = yield* listener.expect(request)
 *     yield* openInBrowser(pending.startUrl)
 *     const callback = yield* pending.callback
 *     return yield* Effect.onExit(redirect.complete(request, callback), pending.finish)
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @category listening
 * @since 0.1.0
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Listener, AuthError.AuthError, Scope.Scope> {
  const { broker, redirectUrl } = options
  const timeout = yield* readTimeout(broker, options.timeout)
  const place = placeOf(redirectUrl)
  if (place === undefined) {
    return yield* Effect.fail(
      invalid(broker, "redirectUrl", "must be http with the host 127.0.0.1, [::1] or localhost")
    )
  }
  const receives = { path: place.url.pathname, method: yield* readMethod(broker, options.method) }
  return yield* listen(place, { broker, redirectUrl, timeout }, receives)
})

const indented = (address: string): string => `\n\n  ${address}\n`

const offerPage = Effect.fnUntraced(function* (request: RedirectLogin.AuthorizationRequest, startUrl: string) {
  const { isTerminal, show } = yield* UserTerminal
  const isOpened = yield* (yield* Browser).open(startUrl)
  if (isOpened) {
    yield* show(`Log in on the page in your browser. If no page opens, open this address:${indented(startUrl)}`)
  } else if (yield* isTerminal) {
    yield* show(`Open this address in a browser, and log in:${indented(Redacted.value(request.url))}`)
  } else {
    yield* show(`Open this address in a browser on this machine, and log in:${indented(startUrl)}`)
  }
  return isOpened
})

const paste = (
  redirect: RedirectLogin.RedirectLogin["Service"],
  request: RedirectLogin.AuthorizationRequest,
  instruction: string
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { lines, show } = yield* UserTerminal
      // The reader starts before the instruction is shown, because without a reader the terminal echoes the address.
      const readLine = yield* lines
      yield* show(
        `${instruction} Copy the whole address from the browser, paste it here, and press Enter. The input is not shown.`
      )
      return yield* pastedCallback.read(redirect, request, readLine, show)
    })
  )

const elsewhere = "If the browser is on another machine, it shows an error page after the login."

const inFragment = "The browser shows a page from this program."

const receiveOnLoopback = Effect.fnUntraced(function* (
  request: RedirectLogin.AuthorizationRequest,
  place: Place,
  wait: Wait,
  method: pendingCallback.CallbackMethod
) {
  const redirect = yield* RedirectLogin.RedirectLogin
  const listener = yield* listen(place, wait, { path: place.url.pathname, method })
  const pending = yield* listener.expect(request)
  const isOpened = yield* offerPage(request, pending.startUrl)
  const pasted = isOpened
    ? Effect.andThen(pending.withoutParameters, paste(redirect, request, inFragment))
    : paste(redirect, request, elsewhere)
  // The end of the input does not end the login, because the callback can still arrive at the listener.
  const unlessEnded = Effect.catchReason(pasted, "AuthError", "ActionRequired", () => Effect.never)
  const canPaste = yield* (yield* UserTerminal).isTerminal
  const callback = yield* canPaste ? Effect.raceFirst(pending.callback, unlessEnded) : pending.callback
  return yield* Effect.onExit(redirect.complete(request, callback), pending.finish)
})

/** Starts the browser with the start URL, so that the list of processes does not contain the API key. */
const receiveAtTerminal = Effect.fnUntraced(function* (request: RedirectLogin.AuthorizationRequest, wait: Wait) {
  const redirect = yield* RedirectLogin.RedirectLogin
  const place: Place = { url: new URL("http://127.0.0.1:0/"), host: "127.0.0.1", port: 0 }
  const listener = yield* listen(place, wait, undefined)
  const { startUrl } = yield* listener.expect(request)
  yield* offerPage(request, startUrl)
  const instruction = `After the login, the browser goes to ${wait.redirectUrl}.`
  return yield* redirect.complete(request, yield* withTimeout(wait)(paste(redirect, request, instruction)))
})

/**
 * Logs in with the user's browser: opens the login page, waits for the callback, and completes the login. Provide a
 * broker's layer that has `RedirectLogin`.
 *
 * If the redirect URL is `http` on loopback, the program listens on the port of the URL during the login. After the
 * callback, the browser shows the outcome at an address without parameters.
 *
 * The program asks the user to paste the address that the browser shows after the login:
 *
 * - if the redirect URL is not `http` on loopback
 * - if the program runs at a terminal and no browser was started
 * - if the program runs at a terminal and the browser opened the redirect URL without parameters
 *
 * If the pasted address is wrong, the program asks again, at most three times.
 *
 * If no browser can be opened, the program shows an address:
 *
 * - at a terminal, the address of the login page, which contains the API key
 * - without a terminal, an address that redirects to the login page and can be opened only on this machine
 *
 * Errors:
 *
 * - `ActionRequired`: the user does not log in within the time-out.
 * - `ActionRequired`: the redirect URL is not `http` on loopback, and the input ends before the user pastes the
 *   right address.
 * - `InvalidRequest`: an option is invalid, or the port cannot be opened.
 * - `InvalidRequest`: the redirect URL has port 0 or a port that browsers refuse.
 * - `RedirectRejected`: the user declines the login at the broker.
 * - After four wrong addresses: the error of the fourth address.
 * - The other errors of `RedirectLogin.begin` and `RedirectLogin.complete`.
 *
 * @example
 * ```ts
 * import * as RedirectListener from "@auth/node/RedirectListener"
 * import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Samco = SamcoOAuth.layer({
 *   credentials: {
 *     userId: "DV99999",
 *     apiKey: Redacted.make("key"),
 *     redirectUrl: "http://127.0.0.1:5000/callback"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const session = RedirectListener.login({ timeout: "2 minutes" }).pipe(Effect.provide(Samco))
 * ```
 *
 * @category logging in
 * @since 0.1.0
 */
export const login: (
  options?: LoginOptions
) => Effect.Effect<Session, AuthError.AuthError, RedirectLogin.RedirectLogin> = Effect.fn("RedirectListener.login")(
  function* (options: LoginOptions = {}) {
    const { begin, broker } = yield* RedirectLogin.RedirectLogin
    const timeout = yield* readTimeout(broker, options.timeout)
    const method = yield* readMethod(broker, options.method)
    const request = yield* begin
    const { redirectUrl } = request
    const place = placeOf(redirectUrl)
    if (place === undefined) return yield* receiveAtTerminal(request, { broker, redirectUrl, timeout })
    if (place.port === 0) {
      return yield* Effect.fail(invalid(broker, "redirectUrl", "has port 0: a login needs the registered port"))
    }
    return yield* receiveOnLoopback(request, place, { broker, redirectUrl, timeout }, method)
  },
  Effect.scoped
)
