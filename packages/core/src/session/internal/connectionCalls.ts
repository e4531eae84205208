/** The functions of a connection, made from the services of its account. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Authorize } from "../../login/Authorize.ts"
import type { LogoutReceipt } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import { QrLogin, type QrCode } from "../../login/QrLogin.ts"
import { type AuthorizationRequest, RedirectLogin } from "../../login/RedirectLogin.ts"
import type { Session, UserProfile } from "../../login/Session.ts"
import * as AuthorizedClient from "../AuthorizedClient.ts"
import * as SealedRequest from "../SealedRequest.ts"
import * as SessionManager from "../SessionManager.ts"
import type { SessionStore } from "../SessionStore.ts"
import { VaultKey } from "../VaultKey.ts"
import * as fetches from "./fetch.ts"

/**
 * The services of a connection, for `run`.
 *
 * @category models
 * @since 0.1.0
 */
export type ConnectionServices<Services> =
  | Services
  | Authorize
  | SessionManager.SessionManager
  | SessionStore
  | VaultKey
  | HttpClient.HttpClient

/**
 * Names of events, and what their listeners get.
 *
 * `renewed`: there is a new session. `failed`: a renewal failed. `needs-person`: a renewal failed, and a retry does not
 * help: `remedy` of the error says what to do. `logged-out`: the session was logged out, here or in another program.
 *
 * @category models
 * @since 0.1.0
 */
export interface Events {
  readonly renewed: Session
  readonly failed: SessionManager.Failure
  readonly "needs-person": SessionManager.Failure
  readonly "logged-out": Account
}

/**
 * A browser login that was begun.
 *
 * @category models
 * @since 0.1.0
 */
export interface PendingLogin {
  /** The broker's login page. It contains the API key. Open it in the browser, or redirect the browser to it. */
  readonly url: Redacted.Redacted<string>
  /** Proves that a callback belongs to this login. */
  readonly state: Redacted.Redacted<string>
  /** Where the broker redirects the browser after the login. */
  readonly redirectUrl: string
  /**
   * Encrypts this login as text for a cookie or a cache, to continue it with `resumeLogin`. It expires after `lifetime`.
   * Default: 10 minutes.
   */
  readonly seal: (options?: { readonly lifetime?: Duration.Input | undefined }) => Promise<string>
  /** Completes the login with the address that the browser was redirected to, and stores the session. */
  readonly complete: (callbackUrl: string | URL | Redacted.Redacted<string>) => Promise<Session>
}

/**
 * Options of `loginByQr`.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrOptions {
  /** Shows the QR code to the user. Called again with a new QR code when the previous one has expired. */
  readonly show: (code: QrCode) => void | Promise<void>
  /** Ends the login when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The functions of every method. Failures are `AuthError` or `VaultError`: errors with `reason`, `message`, `remedy` and
 * `isRetryable`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Calls<Services> {
  readonly account: Account
  /** Returns a live session. While the session is live, no request is sent. Its tokens are `Redacted`: see `reveal`. */
  readonly session: () => Promise<Session>
  /**
   * A standard `fetch` that sends the session to the broker's hosts, and to no other host. If the broker refuses the
   * token, the session is renewed once, and a `GET`, `HEAD` or `OPTIONS` request is resent. A request with any other
   * method, such as an order, is never resent: it fails with `SessionExpired`. Redirects are not followed. A request
   * that gets no answer fails with `BrokerUnavailable`.
   */
  readonly fetch: (input: fetches.FetchInput, init?: fetches.FetchInit) => Promise<Response>
  /**
   * Runs typed calls of the broker with a live session: `call(AngelApi, (api, session) => api.getRMS(session))`. If the
   * broker refuses the token, the session is renewed once. The calls run again only if each request that they sent is
   * safe to repeat.
   */
  readonly call: <Id extends Services, Api, A, E>(
    api: Context.Key<Id, Api>,
    use: (api: Api, session: Session) => Effect.Effect<A, E>
  ) => Promise<A>
  /**
   * Returns a session other than `rejected`. Without `rejected`, it gets a new session in any case, also after a logout.
   */
  readonly renew: (rejected?: Session) => Promise<Session>
  /** Ends the session at the broker, and deletes it. */
  readonly logout: () => Promise<LogoutReceipt>
  /** The changes of the session, until the connection is closed: `for await (const change of connection.changes)`. */
  readonly changes: AsyncIterable<SessionManager.SessionChange>
  /** Runs an effect with the services of the connection. */
  readonly run: <A, E>(
    effect: Effect.Effect<A, E, ConnectionServices<Services>>,
    options?: { readonly signal?: AbortSignal | undefined }
  ) => Promise<A>
  /** Calls `listener` at each event. Returns a function that removes it. */
  readonly on: <Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void) => () => void
}

/**
 * The function of methods that have a profile.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProfileCalls {
  /** The user's profile at the broker. */
  readonly profile: () => Promise<UserProfile>
}

/**
 * The functions of methods that log in through the browser.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedirectCalls {
  /** Begins a browser login. */
  readonly beginLogin: () => Promise<PendingLogin>
  /** Continues a browser login from the text of `seal`. The text may come from another process with the same key. */
  readonly resumeLogin: (sealed: string | undefined) => Promise<PendingLogin>
}

/**
 * The function of methods that log in by a QR code.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrCalls {
  /**
   * Shows QR codes until one is scanned, and stores the session. Fails with `ChallengeExpired` after five minutes.
   */
  readonly loginByQr: (options: QrOptions) => Promise<Session>
}

/**
 * The functions of a method with these services.
 *
 * @category models
 * @since 0.1.0
 */
export type CallsOf<Services> = Calls<Services> &
  (Profile extends Services ? ProfileCalls : unknown) &
  (RedirectLogin extends Services ? RedirectCalls : unknown) &
  (QrLogin extends Services ? QrCalls : unknown)

export const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "connection", problem: "is closed" }],
  advice: "Open it again with Connection.open."
})

/** The state of the scope that a connection belongs to. */
export interface Life {
  readonly isClosed: () => boolean
  readonly closed: Deferred.Deferred<never, AuthError.AuthError>
}

/** How long a login by a QR code may take, in milliseconds. */
const qrLifetime = 300_000

const qrSession = ({ begin, poll }: QrLogin["Service"], broker: string, show: QrOptions["show"]) =>
  Effect.gen(function* () {
    const end = (yield* Clock.currentTimeMillis) + qrLifetime
    const expired = AuthError.make(broker, "poll", new AuthError.ChallengeExpired({ why: "timed-out" }))
    while ((yield* Clock.currentTimeMillis) < end) {
      const code = yield* begin
      yield* Effect.tryPromise({
        try: () => Promise.resolve(show(code)),
        // The text of the failure may contain the QR code.
        catch: () => AuthError.invalidRequest(broker, "loginByQr", "show", "failed")
      })
      while ((yield* Clock.currentTimeMillis) < Math.min(code.expiresAt, end)) {
        yield* Effect.sleep("1 second")
        const polled = yield* Effect.result(poll(code))
        if (polled._tag === "Success" && Option.isSome(polled.success)) return polled.success.value
        if (polled._tag === "Success") continue
        if (polled.failure.reason._tag === "ChallengeExpired") break
        if (!polled.failure.isRetryable) return yield* Effect.fail(polled.failure)
      }
    }
    return yield* Effect.fail(expired)
  })

const eventsOf = (change: SessionManager.SessionChange): Partial<Events> => {
  switch (change._tag) {
    case "LoggedOut":
      return { "logged-out": change.account }
    case "RenewalFailed":
      return change.error.isRetryable
        ? { failed: change.error }
        : { failed: change.error, "needs-person": change.error }
    default:
      return { renewed: change.session }
  }
}

/** Logs the failure of a listener: it must not reach the other listeners. */
const callListener = <A>(listener: (event: A) => void, event: A) =>
  Effect.catchCause(
    Effect.sync(() => listener(event)),
    (cause) => Effect.logError("A listener of the connection failed.", cause)
  )

/** Makes the functions of an account from its services. */
export const fromServices = <Services>(
  services: Context.Context<ConnectionServices<Services>>,
  { closed, isClosed }: Life
): Effect.Effect<CallsOf<Services>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const all = services as Context.Context<unknown>
    const manager = Context.getUnsafe(all, SessionManager.SessionManager)
    const key = Context.getUnsafe(all, VaultKey)
    const { account } = manager
    const { broker } = account
    const client = yield* Effect.provideContext(AuthorizedClient.make, services)
    const getSession = yield* Effect.provideContext(SessionManager.sessionPromise, services)
    const scope = yield* Effect.scope

    const closedError = (operation: string) => AuthError.make(broker, operation, closedReason)
    const untilClosed = <A, E>(
      operation: string,
      effect: Effect.Effect<A, E>
    ): Effect.Effect<A, E | AuthError.AuthError> =>
      Effect.raceFirst(
        Effect.suspend((): Effect.Effect<A, E | AuthError.AuthError> =>
          isClosed() ? Effect.fail(closedError(operation)) : effect
        ),
        Effect.mapError(Deferred.await(closed), () => closedError(operation))
      )
    const runExit = Effect.runPromiseExitWith(all)
    const run = <A, E>(operation: string, effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
      runExit(untilClosed(operation, effect), { signal }).then((exit) => {
        if (Exit.isSuccess(exit)) return exit.value
        throw signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)
      })

    const pendingLogin = (redirect: RedirectLogin["Service"], request: AuthorizationRequest): PendingLogin => {
      // If the store fails after the broker has accepted the callback, the next call stores the session.
      let completed: Session | undefined
      const complete = (callbackUrl: Redacted.Redacted<string>) =>
        Effect.gen(function* () {
          completed ??= yield* redirect.complete(request, callbackUrl)
          yield* manager.adopt(completed)
          return completed
        })
      return {
        ...request,
        seal: (options) => run("seal", SealedRequest.seal(request, key, { account, ...options })),
        complete: (callbackUrl) =>
          run("complete", complete(Redacted.isRedacted(callbackUrl) ? callbackUrl : Redacted.make(String(callbackUrl))))
      }
    }

    const profileCalls = (profile: Profile["Service"]): ProfileCalls => ({
      profile: () =>
        run(
          "profile",
          manager.withSession((session) => profile.profile(session))
        )
    })
    const redirectCalls = (redirect: RedirectLogin["Service"]): RedirectCalls => ({
      beginLogin: () =>
        run(
          "begin",
          Effect.map(redirect.begin, (request) => pendingLogin(redirect, request))
        ),
      resumeLogin: (sealed) =>
        run(
          "resume",
          Effect.map(SealedRequest.open(sealed, key, { account }), (request) => pendingLogin(redirect, request))
        )
    })
    const qrCalls = (qr: QrLogin["Service"]): QrCalls => ({
      loginByQr: ({ show, signal }) => {
        const login = Effect.tap(qrSession(qr, broker, show), (session) => manager.adopt(session))
        return run("loginByQr", login, signal)
      }
    })

    const listeners = new Map<keyof Events, Set<(event: never) => void>>()
    let isListening = false
    const listen = () => {
      if (isListening) return
      isListening = true
      const forward = Stream.runForEach(manager.changes, (change) =>
        Effect.forEach(Object.entries(eventsOf(change)), ([name, event]) =>
          Effect.forEach(Array.from(listeners.get(name as keyof Events) ?? []), (listener) =>
            callListener(listener, event as never)
          )
        )
      )
      Effect.runForkWith(all as Context.Context<never>)(Effect.forkIn(forward, scope, { startImmediately: true }))
    }

    const calls: Calls<Services> = {
      account,
      session: () => (isClosed() ? Promise.reject(closedError("session")) : getSession()),
      fetch: fetches.make(broker, client, (effect, signal) => runExit(untilClosed("fetch", effect), { signal })),
      call: (api, use) =>
        run(
          "call",
          manager.withSession((session) => use(Context.getUnsafe(all, api), session))
        ),
      renew: (rejected) => run("renew", manager.renew(rejected)),
      logout: () => run("logout", manager.logout),
      changes: Stream.toAsyncIterableWith(manager.changes, all as Context.Context<never>),
      run: (effect, options) => run("run", Effect.provideContext(effect, services), options?.signal),
      on: (name, listener) => {
        // Each registration is removed by its own function, also if the same listener is registered twice.
        const registered = (event: never) => listener(event)
        const known = listeners.get(name) ?? new Set()
        listeners.set(name, known.add(registered))
        listen()
        return () => void known.delete(registered)
      }
    }
    const [profile, redirect, qr] = [
      Context.getOrUndefined(all, Profile),
      Context.getOrUndefined(all, RedirectLogin),
      Context.getOrUndefined(all, QrLogin)
    ]
    return {
      ...calls,
      ...(profile !== undefined && profileCalls(profile)),
      ...(redirect !== undefined && redirectCalls(redirect)),
      ...(qr !== undefined && qrCalls(qr))
    } as CallsOf<Services>
  })
